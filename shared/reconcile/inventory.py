"""The estate at one time, and how each VM in it stands: what the lists of Azure told, and what is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.model.base import Model
from shared.model.findings import Finding, Severity
from shared.model.replicated_item import Job, ProtectedItem
from shared.model.replication import Policy
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.reconcile.orphans import ReferencedResources


@dataclass(frozen=True)
class Group:
    """A resource group of source VMs. `managed_by` is the ID of the resource that owns it, or ""."""

    tags: Mapping[str, str]
    managed_by: str = ""


@dataclass(frozen=True)
class Inventory:
    """`vms` are those in the source scope, tagged or not, `items` all of our vaults; `elsewhere` is which item of
    another vault protects a VM. `groups` go by the lower-cased ID, `policies` by their ID, `regions` by the vault's ID.

    `gaps` say what could not be read. What is not there may be there all the same: a VM, with `vms_unread`; what
    protects one, with `items_unread`.
    """

    vms: tuple[SourceVm, ...]
    items: tuple[ProtectedItem, ...]
    read_at: datetime
    elsewhere: Mapping[ResourceId, ResourceId]
    policies: Mapping[ResourceId, Policy]
    groups: Mapping[str, Group]
    regions: Mapping[ResourceId, str]
    jobs: tuple[Job, ...] = ()
    gaps: tuple[str, ...] = ()
    vms_unread: bool = False
    items_unread: bool = False


class State(StrEnum):
    """How a VM stands. The states from `Frozen` on are those that the tags alone do not account for."""

    PROTECTED = "Protected"
    PROTECTING = "Protecting"
    UNPROTECTED = "Unprotected"
    FAILED = "Failed"
    NOT_ELIGIBLE = "NotEligible"
    FROZEN = "Frozen"
    DISABLING = "Disabling"
    UNTAGGED = "Untagged"
    SOURCE_GONE = "SourceGone"
    COPY = "Copy"
    NOT_TAGGED = "NotTagged"
    UNKNOWN = "Unknown"


class Action(StrEnum):
    """What the VM's own run would do about it now, in a mode that allows it."""

    NONE = "none"
    ENABLE = "enable"
    CHANGE = "change in place"
    DISABLE = "disable"


class VmStatus(Model):
    """How one VM stands. `location` is its own region, or that of its item's source if it is gone; `vault` is the one
    that protects it, or would; `tags` are the app's own. `fingerprint` digests all that makes the action needed: it is
    another one as soon as any of that changes."""

    vm_id: ResourceId
    state: State
    action: Action = Action.NONE
    location: str = ""
    target_location: str = ""
    tags: dict[str, str] = {}
    vault: ResourceId | None = None
    item_id: ResourceId | None = None
    made_by_app: bool = False
    replication_health: str = ""
    rpo_seconds: int | None = None
    percent: int | None = None
    findings: tuple[Finding, ...] = ()
    fingerprint: str = Field("", exclude=True)

    @property
    def compliant(self) -> bool:
        """Protected in substance: replicating, healthy, with the right settings and all disks."""
        return self.state is State.PROTECTED and all(each.severity is Severity.NOTE for each in self.findings)

    @property
    def counts(self) -> bool:
        """Whether the VM is one that has to be compliant: it is tagged, and no copy."""
        return self.state not in {State.NOT_TAGGED, State.COPY, State.UNTAGGED, State.SOURCE_GONE}


@dataclass(frozen=True)
class ComplianceReport:
    """The standings of an estate, by VM, and what its VMs need of the target; `gaps` as the estate had them."""

    vm_statuses: tuple[VmStatus, ...]
    read_at: datetime
    gaps: tuple[str, ...] = ()
    referenced: ReferencedResources = field(default_factory=ReferencedResources)
