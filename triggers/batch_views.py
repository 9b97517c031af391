"""Response bodies for many VMs: a batch, and a plan for all of them."""

from typing import Self

from shared.model.base import Model
from shared.model.capacity import QuotaLoad
from shared.model.changes import Difference
from shared.model.cost import Cost
from shared.model.findings import Finding
from shared.model.plan import ResourcePreview
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.planning.run_errors import FinalError
from shared.reconcile.batch import RUNNING, WAITING, Batch
from triggers.views import View


class BatchAccepted(View):
    """The request was accepted, for so many VMs."""

    batch: str
    total: int


class BatchVm(Model):
    """`outcome` is that of its run, or `Waiting` or `Running`. Findings are shortened: GET .../protection of the VM
    shows all."""

    vm_id: ResourceId
    outcome: str
    findings: tuple[Finding, ...] = ()
    error: Error | None = None


class BatchView(View):
    """The progress of a batch. `counts` are VMs by outcome, and add up to `total`; `percent` are those that have ended.

    `lastError` is the most recent error; with `BatchFailed`, the batch is over, and those VMs that had not ended go on
    by their own runs, or were not requested.
    """

    batch: str
    running: bool
    total: int
    percent: int
    counts: dict[str, int]
    last_error: Error | None
    virtual_machines: tuple[BatchVm, ...]

    @classmethod
    def of(cls, name: str, batch: Batch, *, running: bool, broke: Error | None = None) -> Self:
        vms = (
            *(
                BatchVm(vm_id=end.vm_id, outcome=end.outcome, findings=end.findings, error=end.error)
                for end in batch.ended
            ),
            *(BatchVm(vm_id=vm, outcome=RUNNING) for vm in batch.running),
            *(BatchVm(vm_id=vm, outcome=WAITING) for vm in batch.waiting),
        )
        return cls(
            batch=name,
            running=running,
            total=batch.total,
            percent=batch.percent,
            counts=batch.counts,
            last_error=broke or batch.last_error,
            virtual_machines=tuple(sorted(vms, key=lambda vm: vm.vm_id.key)),
        )


class PlanSummary(Model):
    """What PUT of one VM would do, in short: `resources` are those to be created or changed. `error` is set if Azure
    could not be read."""

    vm_id: ResourceId
    exists: bool
    tagged: bool = False
    blocked: bool
    findings: tuple[Finding, ...] = ()
    resources: tuple[ResourcePreview, ...] = ()
    changes: tuple[Difference, ...] = ()
    cost: Cost | None = None
    error: FinalError | None = None


class PlannedLoad(QuotaLoad):
    """`planned` are the `needed` cores that the batch adds to those of the VMs that are protected already."""

    planned: int


class PlansView(View):
    """What a batch would do. `cost` is that of the VMs without blockers; `cores` what failovers of them and of all VMs
    that are protected already would need of each quota of their target regions, and `gaps` what of that could not be
    read; `resources` what would be created or changed
    for any of them, each once."""

    total: int
    blocked: int
    findings: dict[str, int]
    resources: tuple[ResourcePreview, ...]
    cost: Cost
    cores: tuple[PlannedLoad, ...]
    gaps: tuple[str, ...]
    writes_disabled: str
    value: tuple[PlanSummary, ...]
