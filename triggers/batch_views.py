"""What is answered of many VMs at once: a batch that is followed, and a plan for all of them."""

from typing import Self

from shared.model.base import Model
from shared.model.changes import Difference
from shared.model.cost import Cost
from shared.model.findings import Finding
from shared.model.plan import ResourcePreview
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reconcile.batch import RUNNING, WAITING, Batch
from triggers.views import View


class BatchAccepted(View):
    """What was asked for is under way, for so many VMs."""

    batch: str
    total: int


class BatchVm(Model):
    """`outcome` is that of its run, or `Waiting` or `Running`. Of what there is to say only the beginning: all of it is
    at GET .../protection of the VM."""

    vm_id: ResourceId
    outcome: str
    findings: tuple[Finding, ...] = ()
    error: Error | None = None


class BatchView(View):
    """Where a batch stands. `counts` are VMs by outcome, and add up to `total`; `percent` are those that have ended.

    `lastError` is what it met with last; with `BatchFailed`, the batch is over, and those VMs that had not ended go on
    by their own runs, or were not asked for.
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
    """What PUT would do about one VM, in short: `resources` are those to be made or changed. `error` is why Azure did
    not tell."""

    vm_id: ResourceId
    exists: bool
    tagged: bool = False
    blocked: bool
    findings: tuple[Finding, ...] = ()
    resources: tuple[ResourcePreview, ...] = ()
    changes: tuple[Difference, ...] = ()
    cost: Cost | None = None
    error: Error | None = None


class PlansView(View):
    """What a batch would come to. `cost` is that of the VMs that nothing blocks, `resources` what would be made or
    changed for any of them, each once."""

    total: int
    blocked: int
    findings: dict[str, int]
    resources: tuple[ResourcePreview, ...]
    cost: Cost
    writes_disabled: str
    value: tuple[PlanSummary, ...]
