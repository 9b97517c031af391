"""Requests and responses of the activities."""

from datetime import datetime
from enum import StrEnum

from shared.model.base import Model
from shared.model.changes import Changes, DiskFailure
from shared.model.findings import Finding
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
    """`item` is the replicated item of the VM, if there is one; `failed_disks` are those that it could not be given.

    With `retry_disks` only these count, and not the failed jobs of the vault: somebody asks to try again.
    """

    vm: SourceVm
    item: ProtectedItem | None = None
    failed_disks: tuple[DiskFailure, ...] = ()
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


class Decision(StrEnum):
    """The decision after observing a VM."""

    PROTECT = "protect"
    NOT_TAGGED = "not tagged"
    NOT_ELIGIBLE = "not eligible"
    GONE = "gone"


class Observation(Model):
    """What `resolve_source` returns. With the decision PROTECT, `vm` is set, and `item` if the VM is protected.

    With NOT_TAGGED and GONE, `item` is what may be disabled, `grace_seconds` after that was first seen. `not_before` is
    when the VM is old enough to be enabled.
    """

    decision: Decision
    vm: SourceVm | None = None
    item: ProtectedItem | None = None
    findings: tuple[Finding, ...] = ()
    grace_seconds: float = 0
    not_before: datetime | None = None
