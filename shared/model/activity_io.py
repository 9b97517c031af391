"""Requests and responses of the activities."""

from datetime import datetime

from shared.model.base import Model
from shared.model.changes import Changes, DiskFailure, Refusal
from shared.model.decision import Decision
from shared.model.failover import Failover
from shared.model.replicated_item import ProtectedItem
from shared.model.replication import Replication
from shared.model.resource_id import ResourceId
from shared.model.target_resources import TargetResource
from shared.model.vm import SourceVm


class VmRequest(Model):
    """`as_if_tagged` treats the VM as tagged; `confirmed` is whether a caller has confirmed that its protection is to
    be disabled."""

    vm_id: ResourceId
    as_if_tagged: bool = False
    confirmed: bool = False


class DeriveRequest(Model):
    """`item` is the replicated item of the VM, if there is one; `failed_disks` are those that it could not be given,
    `refusals` the changes that Azure refused.

    With `retry_disks` only these count, and not the failed jobs of the vault: somebody asks to try again.
    """

    vm: SourceVm
    item: ProtectedItem | None = None
    failed_disks: tuple[DiskFailure, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    retry_disks: bool = False


class ChangeRequest(Model):
    """`origins` are the layers that requested a setting, for the audit log."""

    vm_id: ResourceId
    changes: Changes
    origins: tuple[str, ...] = ()


class ResourceRequest(Model):
    resource: TargetResource


class EnableRequest(Model):
    """`origins` as in a `ChangeRequest`."""

    vm_id: ResourceId
    replication: Replication
    origins: tuple[str, ...] = ()


class JobRequest(Model):
    """`vault` is the one that holds the job."""

    vm_id: ResourceId
    job: str = ""
    vault: ResourceId | None = None


class PurgeRequest(Model):
    """Purges completed instances created `before` that time, in UTC."""

    before: datetime


class Observation(Model):
    """What `resolve_source` returns: the VM, if it exists, the item that protects it, if it was read, and the decision.

    An untagged VM that may not be disabled costs one read: its item is not read then. `failover` is as in the `Facts`.
    """

    decision: Decision
    vm: SourceVm | None = None
    item: ProtectedItem | None = None
    failover: Failover | None = None
