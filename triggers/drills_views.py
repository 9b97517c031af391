"""Response bodies for drills of many VMs."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from shared.config.settings import Settings
from shared.instance_status import RUNNING as RUNS
from shared.model.base import Model
from shared.model.cost import DrillCost
from shared.model.findings import Finding
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.observe.drill import Preflight
from shared.planning.costs import sum_of_drills
from shared.reconcile.batch import RUNNING, WAITING
from shared.reconcile.drill_batch import DrillBatch
from triggers.views import DrillPlan, View


class DrillBatchAccepted(View):
    """The request was accepted, for so many VMs."""

    batch: str
    total: int


class DrillOfVm(Model):
    """`outcome` is that of its drill, or `Waiting` or `Running`. GET .../drill of the VM shows the evidence."""

    vm_id: ResourceId
    outcome: str
    rto_seconds: float | None = None
    findings: tuple[Finding, ...] = ()
    error: Error | None = None


class DrillBatchView(View):
    """The progress of a batch of drills. `counts` are VMs by outcome, and add up to `total`; `percent` are those that
    have ended. `lastError` is the most recent error; with `BatchFailed`, the batch is over, and the drills under way
    end by themselves."""

    batch: str
    running: bool
    cancelled: bool
    total: int
    percent: int
    at_once: int
    counts: dict[str, int]
    last_error: Error | None
    virtual_machines: tuple[DrillOfVm, ...]

    @classmethod
    def of(cls, name: str, batch: DrillBatch, *, running: bool, broke: Error | None = None) -> Self:
        vms = (
            *(DrillOfVm.load(end.dump()) for end in batch.ended),
            *(DrillOfVm(vm_id=vm, outcome=RUNNING) for vm in batch.running),
            *(DrillOfVm(vm_id=vm, outcome=WAITING) for vm in batch.waiting),
        )
        return cls(
            batch=name,
            running=running,
            cancelled=batch.cancelled,
            total=batch.total,
            percent=batch.percent,
            at_once=batch.at_once,
            counts=batch.counts,
            last_error=broke or batch.last_error,
            virtual_machines=tuple(sorted(vms, key=lambda vm: vm.vm_id.key)),
        )


class DrillBatchRow(Model):
    """A batch in a list: its own GET shows its VMs."""

    batch: str
    running: bool
    since: datetime | None = None
    total: int | None = None
    percent: int | None = None
    counts: dict[str, int] = {}

    @classmethod
    def of(cls, status: Any) -> Self:
        """As Durable Functions show it; a status of another version is left out."""
        known = {"batch": status.instance_id, "running": status.runtime_status in RUNS, "since": status.created_time}
        try:
            return cls.load({**(status.custom_status or {}), **known})
        except (TypeError, ValueError):
            return cls.load(known)


class DrillBatchesView(View):
    """A page of batches. `nextLink` is the next page, as a relative reference, if there is one."""

    gaps: tuple[str, ...]
    value: tuple[DrillBatchRow, ...]
    next_link: str | None


class DrillPlansView(View):
    """What a batch would begin. `cores` and `cost` are those of all drills that would, `coresAtOnce` the most at a
    time."""

    total: int
    refused: int
    findings: dict[str, int]
    cores: int
    cores_at_once: int
    cost: DrillCost
    writes_disabled: str
    value: tuple[DrillPlan, ...]

    @classmethod
    def of(cls, found: Sequence[Preflight], at_once: int, settings: Settings) -> Self:
        plans = tuple(map(DrillPlan.of, found))
        # A consistency group counts once.
        begun = {frozenset((plan.vm_id, *plan.others)): plan for plan in plans if not plan.refused}.values()
        cores = sorted((plan.cores for plan in begun), reverse=True)
        codes = (code for plan in plans for code in {finding.code for finding in plan.findings})
        return cls(
            total=len(plans),
            refused=sum(plan.refused for plan in plans),
            findings=dict(sorted(Counter(codes).items())),
            cores=sum(cores),
            cores_at_once=sum(cores[:at_once]),
            cost=sum_of_drills((plan.cost for plan in begun if plan.cost), settings.prices),
            writes_disabled=settings.writes_disabled,
            value=plans,
        )
