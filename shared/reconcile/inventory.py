"""The inventory of the estate, as the lists of Azure show it, and the compliance report made from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from shared.model.base import Record
from shared.model.capacity import Need, QuotaLoad
from shared.model.decision import Action, State
from shared.model.drill import Drill
from shared.model.failover import Failover
from shared.model.findings import Finding, Severity
from shared.model.policy import Policy
from shared.model.replicated_item import Job, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.unread_row import UnreadRow
from shared.model.vm import SourceVm
from shared.planning.catalog import LEFT_OPEN, PLACEHOLDERS
from shared.reconcile.orphans import ReferencedResources
from shared.reconcile.readiness import Targets

RPO_UNKNOWN, HEALTH_UNKNOWN = "RpoUnknown", "HealthUnknown"
_HEALTHS = {"normal", "warning", "critical"}
_ON_HOLD, _MANAGED = "OnHold", "ManagedResourceGroup"


class Recovery(StrEnum):
    """Whether a VM would come up, with all its disks, after a failover now."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Prospect(NamedTuple):
    """`why` it would not, or why it is not known: the code of a finding, a state, `RpoUnknown`, or `HealthUnknown`."""

    recovery: Recovery
    why: str


@dataclass(frozen=True)
class Group:
    """A resource group of source VMs. `managed_by` is the ID of the resource that owns the group, or ""."""

    tags: Mapping[str, str]
    managed_by: str = ""


@dataclass(frozen=True)
class Inventory:
    """The VMs, replicated items, jobs and policies of the estate at `read_at`.

    `vms` are all VMs in the source scope, tagged or not; `items` are all items of the configured vaults; `elsewhere`
    maps a VM to the item of another vault that protects it. The keys of `groups` are lower-cased IDs.

    `job_errors` are the errors of failed jobs, by name, and `disk_errors` those of disks that could not be added, as
    far as they were read: of the newest, since a list of jobs names no error.

    `absent` are protected VMs that are proven not to exist; `namesakes` are VMs anywhere with the name of one of them;
    `target_vms` are those in target groups outside the source scope that VMs without an item go to.
    `targets` is what is known of the target resources of protected VMs.
    `failovers` are those that left a VM which is to be enabled; `failovers_unread` is whether they are not known.
    `drills` are the open records of drills, by their VMs.

    `protected_since` is when VMs were protected, or were first seen to be, as far as the app's own records tell.

    `removed_disks` are attached, and somebody removed their replication, with the reason that they are left out.

    `gaps` say what could not be read. With `vms_unread` a VM may exist without being listed; with `items_unread` the
    same holds for the item of a VM. `missing_vaults` do not exist. `unread_vms` and `unread_items` are single rows:
    they concern some VMs only.
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
    missing_vaults: frozenset[ResourceId] = frozenset()
    protected_since: Mapping[ResourceId, datetime] = field(default_factory=dict)
    removed_disks: Mapping[ResourceId, str] = field(default_factory=dict)
    unread_vms: tuple[UnreadRow, ...] = ()
    unread_items: tuple[UnreadRow, ...] = ()
    acknowledged_items: tuple[UnreadRow, ...] = ()
    only_rows: bool = False
    job_errors: Mapping[str, Error] = field(default_factory=dict)
    disk_errors: Mapping[ResourceId, Error] = field(default_factory=dict)
    absent: frozenset[ResourceId] = frozenset()
    namesakes: tuple[SourceVm, ...] = ()
    target_vms: frozenset[ResourceId] = frozenset()
    targets: Targets = field(default_factory=Targets)
    failovers: Mapping[ResourceId, Failover] = field(default_factory=dict)
    failovers_unread: bool = False
    drills: Mapping[ResourceId, Drill] = field(default_factory=dict)

    def vm_unread(self, vm: ResourceId) -> bool:
        """Whether the VM may exist, although it is not listed."""
        return vm not in self.absent or self.vms_unread or any(row.concerns(vm) for row in self.unread_vms)

    def item_unread(self, vm: ResourceId, location: str) -> str:
        """Why it is not known what protects the VM, in a region, or ""."""
        if self.items_unread:
            return "A list of items could not be read."
        if self.failovers_unread:
            return "The records of failovers could not be read."
        return next((f"{row}." for row in self.unread_items if row.concerns(vm, location)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class VmStatus(Record):
    """The status of one VM.

    `location` is the region of the VM, or of the item's source if the VM is gone; `vault` is the vault that protects it
    or would; `tags` are the app's own. `need` is what a failover needs, None unless an item is in the state Protected;
    `failed_over` is whether a failover was done, and not undone. `drilled_by` is the profile whose schedule drills it,
    or ""; `tested_at` is when a test failover last succeeded. `fingerprint` digests everything that makes the action
    necessary: it changes as soon as any of that changes.
    """

    vm_id: ResourceId
    state: State
    action: Action = Action.NONE
    location: str = ""
    target_location: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    vault: ResourceId | None = None
    item_id: ResourceId | None = None
    policy_id: ResourceId | None = None
    made_by_app: bool = False
    replication_health: str = ""
    rpo_seconds: int | None = None
    percent: int | None = None
    findings: tuple[Finding, ...] = ()
    fingerprint: str = ""
    need: Need | None = None
    failed_over: bool = False
    drilled_by: str = ""
    tested_at: datetime | None = None

    @property
    def compliant(self) -> bool:
        """Whether the VM replicates, is healthy, and has the right settings and all disks."""
        return self.state in {State.PROTECTED, State.DRILLING} and all(
            each.severity is Severity.NOTE for each in self.findings
        )

    @property
    def on_hold(self) -> bool:
        """Whether its hold tag holds."""
        return any(each.code == _ON_HOLD for each in self.findings)

    @property
    def is_others(self) -> bool:
        """Whether another service owns the VM, as AKS does its nodes: no one has to do anything about it here."""
        return any(each.code == _MANAGED for each in self.findings)

    @property
    def is_silent(self) -> bool:
        """Whether no one is to be alerted of it."""
        return self.on_hold or self.is_others

    @property
    def prospect(self) -> Prospect | None:
        """Whether the VM would come up after a failover now; None for one that no tag asks to protect, that is gone, or
        that a failover created."""
        if not self.counts and self.need is None:
            return None
        if self.state is State.UNKNOWN or self.failed_over:
            return Prospect(Recovery.UNKNOWN, self.findings[0].code if self.findings else self.state)
        if hindrance := self._hindrance:
            return Prospect(Recovery.NO, hindrance)
        if self.need is None:
            return Prospect(Recovery.NO, self.state)
        if unknown := next((each.code for each in self.findings if each.code in LEFT_OPEN), ""):
            return Prospect(Recovery.UNKNOWN, unknown)
        if self.rpo_seconds is None:
            return Prospect(Recovery.UNKNOWN, RPO_UNKNOWN)
        is_known = self.replication_health.lower() in _HEALTHS
        return Prospect(Recovery.YES, "") if is_known else Prospect(Recovery.UNKNOWN, HEALTH_UNKNOWN)

    @property
    def _hindrance(self) -> str:
        """The code of the finding for which it would not come up, or "": that behind a placeholder, if it is known."""
        codes = [each.code for each in self.findings if each.recoverable is False]
        if codes and codes[0] in PLACEHOLDERS:
            codes += [each.code for each in self.findings if each.severity is Severity.BLOCKER]
        return min(codes, key=PLACEHOLDERS.__contains__, default="")

    @property
    def recovery(self) -> Recovery | None:
        return self.prospect.recovery if self.prospect else None

    @property
    def counts(self) -> bool:
        """Whether the VM has to be compliant: it is tagged, and not a failover VM."""
        return self.state not in {State.NOT_TAGGED, State.FAILOVER_VM, State.UNTAGGED, State.SOURCE_GONE}


@dataclass(frozen=True)
class Loss:
    """VMs as if all of them were to fail over now, and no others: their statuses, and the load of the quotas."""

    vm_statuses: tuple[VmStatus, ...]
    cores: tuple[QuotaLoad, ...] = ()


@dataclass(frozen=True)
class ComplianceReport:
    """The statuses of all VMs, in the order of their IDs, the target resources they need, and the gaps of the
    inventory: `only_rows` if every list was read, and the gaps are rows, which hold up the VMs that they concern.
    `acknowledged_items` could not be read, either, and hold up nothing: what they name is in use all the same.
    The findings about quotas are those of a failover of all VMs at once; `losses` is what that of each source region
    alone would mean."""

    vm_statuses: tuple[VmStatus, ...]
    read_at: datetime
    gaps: tuple[str, ...] = ()
    only_rows: bool = False
    referenced: ReferencedResources = field(default_factory=ReferencedResources)
    acknowledged_items: tuple[UnreadRow, ...] = ()
    losses: Mapping[str, Loss] = field(default_factory=dict)
