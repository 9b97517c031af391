"""Response bodies for the whole estate: the status of every VM, and the jobs of the vaults."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator

from shared.model.base import Model
from shared.model.decision import Action, State
from shared.model.findings import Finding
from shared.model.replicated_item import Job, JobError
from shared.model.resource_id import ResourceId
from shared.planning.run_errors import with_action
from shared.reconcile.inventory import VmStatus
from shared.reconcile.reason import Reason
from shared.reconcile.sweep import Summary
from triggers.views import View


class StandingView(Model):
    """The status of one VM. `region` is its own, `vault` the one that protects it or would, `action` what its run would
    do now; `tags` are the app's own. `reason` is why it is not as it should be: what its last run met with, or the
    finding that weighs most."""

    vm_id: ResourceId
    state: State
    compliant: bool
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

    @classmethod
    def of(cls, vm_status: VmStatus, reason: Reason | None) -> Self:
        other = {"region", "target_region", "reason"}
        same = {name: getattr(vm_status, name) for name in cls.model_fields if name not in other}
        return cls(region=vm_status.location, target_region=vm_status.target_location, reason=reason, **same)


class ComplianceView(View):
    """A page of VMs. `summary` counts all VMs that match the filters; `readAt` is when the inventory was read, and
    `gaps` what could not be read. `subscriptions` are those of the source scope, with those that its management groups
    have now, but for `leftOut`, which are subscriptions of targets. `nextLink` is the next page, as a relative
    reference, if there is one."""

    read_at: datetime
    gaps: tuple[str, ...]
    subscriptions: tuple[str, ...]
    left_out: tuple[str, ...]
    summary: Summary
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
