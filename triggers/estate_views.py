"""Response bodies for the whole estate: the status of every VM, and the jobs of the vaults."""

from collections import Counter
from collections.abc import Container, Iterable
from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator

from shared.model.acknowledgement import Acknowledgement
from shared.model.base import Model
from shared.model.capacity import QuotaLoad
from shared.model.decision import Action, State
from shared.model.findings import Finding
from shared.model.replicated_item import Job, JobError
from shared.model.resource_id import ResourceId
from shared.planning.run_errors import with_action
from shared.reconcile.inventory import Loss, Recovery, VmStatus
from shared.reconcile.reason import Reason
from shared.reconcile.sweep import Summary
from triggers.views import View


class AcknowledgedCause(Model):
    """`cause` is the code of a finding of which no message is published: `until` then, or until it is resolved."""

    cause: str
    until: datetime | None = None
    reason: str
    at: datetime

    @classmethod
    def of(cls, known: Acknowledgement) -> Self:
        return cls(**{name: getattr(known, name) for name in cls.model_fields})


class StandingView(Model):
    """The status of one VM. `region` is its own, `vault` the one that protects it or would, `action` what its run would
    do now; `tags` are the app's own. `recoverable` is whether it would come up after a failover now, None for one that
    no tag asks to protect, that is gone, or that a failover created. `reason` is why it is not as it should be: the
    error, blocker or step of its last run, or the weightiest finding; `acknowledged` are causes that somebody knows of.
    """

    vm_id: ResourceId
    state: State
    compliant: bool
    recoverable: Recovery | None = None
    action: Action
    region: str
    target_region: str
    vault: ResourceId | None = None
    item_id: ResourceId | None = None
    made_by_app: bool
    replication_health: str
    rpo_seconds: int | None = None
    percent: int | None = None
    tags: dict[str, str]
    findings: tuple[Finding, ...]
    reason: Reason | None = None
    acknowledged: tuple[AcknowledgedCause, ...] = ()

    @classmethod
    def of(cls, vm_status: VmStatus, reason: Reason | None, acknowledged: Iterable[Acknowledgement] = ()) -> Self:
        other = {"region", "target_region", "recoverable", "reason", "acknowledged"}
        same = {name: getattr(vm_status, name) for name in cls.model_fields if name not in other}
        return cls(
            region=vm_status.location,
            target_region=vm_status.target_location,
            recoverable=vm_status.recovery,
            reason=reason,
            acknowledged=tuple(map(AcknowledgedCause.of, acknowledged)),
            **same,
        )


class RegionView(Model):
    """What would become of the VMs of a source region if it were lost now, and no other.

    Of `total` VMs that are tagged or protected, how many are `recoverable`; how many would not come up, and of how many
    it is not known, by the reason: the code of a finding, a state, `RpoUnknown` or `HealthUnknown`. Each counts once.
    `worstRpoSeconds` is the oldest recovery point of those that would come up. `cores` are those that a failover of the
    whole region needs of each quota.
    """

    region: str
    total: int
    recoverable: int
    not_recoverable: dict[str, int]
    unknown: dict[str, int]
    worst_rpo_seconds: int | None = None
    cores: tuple[QuotaLoad, ...]

    @classmethod
    def of(cls, region: str, loss: Loss, shown: Container[ResourceId]) -> Self:
        """Of the VMs that are `shown`; the quotas are judged by all of the region."""
        vms = [(each, each.prospect) for each in loss.vm_statuses if each.vm_id in shown]
        counts = {kind: Counter(found.why for _, found in vms if found and found.recovery is kind) for kind in Recovery}
        rpos = (each.rpo_seconds for each, found in vms if found and found.recovery is Recovery.YES)
        return cls(
            region=region,
            total=sum(count.total() for count in counts.values()),
            recoverable=counts[Recovery.YES].total(),
            not_recoverable=dict(sorted(counts[Recovery.NO].items())),
            unknown=dict(sorted(counts[Recovery.UNKNOWN].items())),
            worst_rpo_seconds=max((rpo for rpo in rpos if rpo is not None), default=None),
            cores=loss.cores,
        )


class ComplianceView(View):
    """A page of VMs. `summary` counts all VMs that match the filters; `recoverable` says for each source region of
    theirs what its loss would mean; `readAt` is when the inventory was read, and `gaps` what could not be read.
    `subscriptions` are those of the source scope, with those that its management groups have now, but for `leftOut`,
    which are subscriptions of targets. `nextLink` is the next page, as a relative reference, if there is one."""

    read_at: datetime
    gaps: tuple[str, ...]
    subscriptions: tuple[str, ...]
    left_out: tuple[str, ...]
    summary: Summary
    recoverable: tuple[RegionView, ...]
    value: tuple[StandingView, ...]
    next_link: str | None


class JobView(Model):
    """A Site Recovery job. `vm` is the name of its VM, for the list of jobs holds no ID, and "" if the job is about
    something else, as a network; `target` is the name of that, or of the VM. `error` is why it failed, of the newest
    100 failed jobs of a page."""

    name: str
    vault: ResourceId
    scenario: str
    title: str
    state: str
    vm: str
    target: str
    started: datetime | None = None
    ended: datetime | None = None
    error: Annotated[JobError, AfterValidator(with_action)] | None = None

    @classmethod
    def of(cls, vault: ResourceId, job: Job, error: JobError | None = None) -> Self:
        same = ("name", "scenario", "title", "state", "target", "started", "ended")
        fields = {name: getattr(job, name) for name in same}
        return cls(vault=vault, vm=vm_of_job(job), error=error, **fields)


def vm_of_job(job: Job) -> str:
    return job.target if job.of_vm else ""


class JobsView(View):
    """A page of jobs, newest first. `nextLink` is the page of older jobs, as a relative reference, if there are
    any."""

    value: tuple[JobView, ...]
    next_link: str | None
