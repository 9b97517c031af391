"""Requests and responses of the activities."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.changes import Changes, DiskFailure, Refusal
from shared.model.decision import Decision
from shared.model.drill import DrillOrder
from shared.model.failover import Failover
from shared.model.findings import Finding
from shared.model.replicated_item import ProtectedItem
from shared.model.replication import Replication
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending, StepResult
from shared.model.target_resources import TargetResource
from shared.model.vm import SourceVm


class VmRequest(Model):
    """`as_if_tagged` treats the VM as tagged; `confirmed` is whether a caller has confirmed that its protection is to
    be disabled."""

    vm_id: ResourceId
    as_if_tagged: bool = False
    confirmed: bool = False


class Failures(Model):
    """What failed in earlier changes: `failed_disks` could not be added to the item, `refusals` were refused by Azure.

    With `retry_disks` only these count, and not the failed jobs of the vault: somebody asks to try again.
    """

    failed_disks: tuple[DiskFailure, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    retry_disks: bool = False


class ObserveRequest(VmRequest):
    """`plans` is whether a plan is wanted if the decision leads to one; `may_settle` whether the run waits for a VM
    that is still being provisioned, so that it needs none yet."""

    plans: bool = False
    may_settle: bool = False
    failures: Failures = Failures()


class ChangeRequest(Model):
    """`origins` are the layers that requested a setting, for the audit log."""

    vm_id: ResourceId
    changes: Changes
    origins: tuple[str, ...] = ()


class ResourcesRequest(Model):
    waves: tuple[tuple[TargetResource, ...], ...]


class Remaining(Model):
    """The target resources that do not exist yet, by wave, and why: the first failure, else the longest wait."""

    waves: tuple[tuple[TargetResource, ...], ...]
    obstacle: Pending | Failed


class EnableRequest(Model):
    """`origins` as in a `ChangeRequest`."""

    vm_id: ResourceId
    replication: Replication
    origins: tuple[str, ...] = ()


class JobRequest(Model):
    """`vault` is the one that holds the job, which was requested `elapsed` seconds ago. 0 if that is not known, or the
    job is none that enables."""

    vm_id: ResourceId
    job: str = ""
    vault: ResourceId | None = None
    elapsed: float = 0


class PurgeRequest(Model):
    """Purges completed instances created `before` that time, in UTC."""

    before: datetime


class Observation(Model):
    """What `resolve_source` returns: the VM, if it exists, the item that protects it, if it was read, and the decision.

    An untagged VM that may not be disabled costs one read: its item is not read then. `failover` is as in the `Facts`.
    `planning` is there if a plan was requested and the decision leads to one: Ready holds the `Plan`.
    """

    decision: Decision
    vm: SourceVm | None = None
    item: ProtectedItem | None = None
    failover: Failover | None = None
    planning: Annotated[StepResult, Field(discriminator="status")] | None = None


class DrillRequest(Model):
    """To begin a drill: `token` identifies it, however often it is tried."""

    vm_id: ResourceId
    token: str
    order: DrillOrder


class Refused(Model):
    """Why a drill is not begun; empty if it may begin."""

    findings: tuple[Finding, ...] = ()


class DrillStep(Model):
    """A further step of the drill that the record of the VM is about. `token` is what identifies it, `error` is what
    went wrong before, `ended_by` who ended it; with `last` what this attempt finds counts, and no later one follows.
    """

    vm_id: ResourceId
    token: str = ""
    error: Error | None = None
    ended_by: tuple[Caller, ...] = ()
    last: bool = False
