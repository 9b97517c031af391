"""What the orchestrators ask of the activities, and what a look at a VM answers."""

from enum import StrEnum

from shared.domain.findings import Finding
from shared.domain.model import Model
from shared.domain.protected_item import ProtectedItem
from shared.domain.resource_id import ResourceId
from shared.domain.target import Replication, TargetResource
from shared.domain.vm import SourceVm


class VmRequest(Model):
    vm_id: ResourceId


class DeriveRequest(Model):
    vm: SourceVm


class ResourceRequest(Model):
    resource: TargetResource


class EnableRequest(Model):
    vm_id: ResourceId
    replication: Replication


class JobRequest(Model):
    vm_id: ResourceId
    job: str = ""


class Verdict(StrEnum):
    """What a look at the VM says is to be done."""

    PROTECT = "protect"
    NOT_TAGGED = "not tagged"
    NOT_ELIGIBLE = "not eligible"
    GONE = "gone"


class Source(Model):
    """What `resolve_source` found. With the verdict PROTECT, `vm` is there, and `item` if something protects it."""

    verdict: Verdict
    vm: SourceVm | None = None
    item: ProtectedItem | None = None
    findings: tuple[Finding, ...] = ()
