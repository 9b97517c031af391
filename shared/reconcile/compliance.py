"""The drift engine: compares the requested state with the actual state. Pure: an inventory in, VM statuses out.

A VM is compliant if it replicates, is healthy, and has the right settings and all disks; an item alone is not enough.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256

from shared.config.settings import Settings
from shared.model.findings import Finding, Severity, as_warning
from shared.model.replicated_item import ENABLE, Job, JobStage, ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.vm import PlanningContext, SourceVm
from shared.planning import placement, preflight
from shared.planning.overrides import Overrides, overrides_of
from shared.reconcile.catalog import DRIFT, drift
from shared.reconcile.drift import adopted, frozen, replaced
from shared.reconcile.health import of_attempts, of_protected, of_replicating
from shared.reconcile.inventory import Action, Group, Inventory, State, VmStatus
from shared.reconcile.mismatches import mismatches

_STATES = {
    Stage.ENABLING: State.PROTECTING,
    Stage.REPLICATING: State.PROTECTING,
    Stage.PROTECTED: State.PROTECTED,
    Stage.FAILED: State.FAILED,
    Stage.DISABLING: State.DISABLING,
    Stage.FROZEN: State.FROZEN,
}

CODES = frozenset(DRIFT) | {
    "ConfidentialVm",
    "DiskEncryptionNeedsKeys",
    "EncryptionAtHostNotKept",
    "ManagedResourceGroup",
    "RegionNotMapped",
    "ScaleSetInstance",
    "TargetInSourceRegion",
    "TargetNotVaultRegion",
    "TooManyDisks",
    "TrustedLaunchLinux",
    "UnmanagedDisks",
    "VaultInSourceRegion",
    "VmNotReady",
    "VmNotRunning",
}
"""Every finding that a `VmStatus` may have: those of the engine, and the preflight checks that need only the lists."""


def assess(estate: Inventory, settings: Settings) -> tuple[VmStatus, ...]:
    """The status of every VM and every item of the inventory, in the order of the VM IDs."""
    engine = _Engine(estate, settings)
    vm_statuses = [*map(engine.of_vm, estate.vms), *engine.of_missing()]
    return tuple(sorted(vm_statuses, key=lambda vm_status: vm_status.vm_id.key))


class _Engine:
    def __init__(self, estate: Inventory, settings: Settings) -> None:
        self.estate = estate
        self.settings = settings
        self.vms = {vm.id: vm for vm in estate.vms}
        # Of two items of one VM, one that failed does not hide the other.
        ordered = sorted(estate.items, key=lambda item: (item.stage is not Stage.FAILED, item.id.key))
        self.items = {item.source: item for item in ordered}
        self.failover_vms = {copy: item.source for item in ordered for copy in item.failover_vms}
        self.by_name: defaultdict[str, list[SourceVm]] = defaultdict(list)
        for vm in estate.vms:
            self.by_name[vm.id.name.lower()].append(vm)
        self.enables: defaultdict[str, list[Job]] = defaultdict(list)
        for job in estate.jobs:
            if job.scenario == ENABLE:
                self.enables[job.target.lower()].append(job)
        self.ended = {job.name for job in estate.jobs if job.stage is not JobStage.RUNNING}

    def of_vm(self, vm: SourceVm) -> VmStatus:
        vm_status = VmStatus(vm_id=vm.id, state=State.NOT_TAGGED, location=vm.location, tags=vm.tags)
        tagged = self.settings.requests_protection(vm.tags)
        original, item = self.failover_vms.get(vm.id), self.items.get(vm.id)
        if original:
            finding = preflight.copy_of(vm.id, original).model_copy(update={"severity": Severity.NOTE})
            return _with(vm_status, state=State.COPY, findings=(finding,) if tagged else ())
        if item and tagged:
            return self._of_item(vm_status, vm, item)
        if item:
            return self._untagged(vm_status, vm, item)
        if tagged:
            return self._unprotected(vm_status, vm)
        return _with(vm_status, findings=(self._candidate(vm),))

    def of_missing(self) -> Iterator[VmStatus]:
        """Items whose VM is not in the inventory."""
        for source, item in self.items.items():
            if source not in self.vms and source in self.settings.source and source not in self.failover_vms:
                yield self._gone(self._with_item(VmStatus(vm_id=source, state=State.SOURCE_GONE), item), item)

    def _candidate(self, vm: SourceVm) -> Finding:
        item = self.estate.elsewhere.get(vm.id)
        by = f"{item} protects it, in a vault that is not among DR_VAULT_IDS" if item else "nothing protects it"
        return drift("NotTagged", f"{vm.id.name} is not tagged: {by}.")

    def _group(self, vm: SourceVm) -> Group:
        return self.estate.groups.get(vm.id.group_id.key) or Group(tags={})

    def _with_item(self, vm_status: VmStatus, item: ProtectedItem) -> VmStatus:
        return _with(
            vm_status,
            location=vm_status.location or item.settings.source_location,
            target_location=item.settings.target_location,
            vault=item.vault,
            item_id=item.id,
            made_by_app=item.is_ours,
            replication_health=item.replication_health,
            rpo_seconds=item.rpo_seconds,
            percent=item.percent if item.stage is Stage.REPLICATING else None,
        )

    def _to(self, vm_status: VmStatus, action: Action, vm: SourceVm | None, *why: object) -> VmStatus:
        """The status of a VM that needs `action`, with the fingerprint of the reasons."""
        about = (vm.model_dump_json(), sorted(self._group(vm).tags.items())) if vm else (vm_status.item_id,)
        fingerprint = sha256("|".join(map(str, (action, *about, *why))).encode()).hexdigest()[:16]
        return _with(vm_status, action=action, fingerprint=fingerprint)

    def _unprotected(self, vm_status: VmStatus, vm: SourceVm) -> VmStatus:
        if unread := self.estate.item_unread(vm.id, vm.location):
            finding = drift("ProtectionNotRead", f"Whether anything protects {vm.id.name} is not known. {unread}")
            return _with(vm_status, state=State.UNKNOWN, findings=(finding,))
        group = self._group(vm)
        overrides = overrides_of(vm, group.tags, self.settings)
        vault = self.settings.vault_for(vm.location, overrides.profile)
        region = self.estate.regions.get(vault, "") if vault else ""
        target = placement.location(vm, overrides, self.settings, region).value
        vm_status = _with(vm_status, vault=vault, target_location=target)
        findings = tuple(self._preflight(vm, group, overrides))
        if vault is None:
            findings = (*findings, preflight.region_not_mapped(vm))
        elif region:
            findings = (*findings, *placement.of_regions(vm, target, vault, region))
        attempts = tuple(of_attempts(vm.id.name, self._attempts(vm)))
        if any(finding.severity is Severity.BLOCKER for finding in findings):
            codes = ", ".join(dict.fromkeys(each.code for each in findings if each.severity is Severity.BLOCKER))
            finding = drift("NotEligible", f"{vm.id.name} is tagged, and cannot be protected: {codes}.")
            return _with(vm_status, state=State.NOT_ELIGIBLE, findings=(finding, *findings))
        finding = drift("MissingProtection", f"{vm.id.name} is tagged, and nothing protects it.")
        vm_status = _with(vm_status, state=State.UNPROTECTED, findings=(finding, *attempts, *findings))
        old_enough_at = preflight.old_enough_at(vm, self.settings)
        if old_enough_at and self.estate.read_at < old_enough_at:
            return vm_status
        return self._to(vm_status, Action.ENABLE, vm)

    def _preflight(self, vm: SourceVm, group: Group, overrides: Overrides) -> Iterator[Finding]:
        """The preflight findings that need no further reads. Transient obstacles are left out."""
        if self.settings.on_hold(vm.tags):
            yield preflight.on_hold(vm, self.settings)
        if vm.id in self.estate.elsewhere:
            yield preflight.protected_elsewhere(vm.id, str(self.estate.elsewhere[vm.id]))
        # Resource Graph may not know the power state yet, and Azure may be busy with the VM: its own run waits.
        known = {"power_state": "running"} if vm.power_state == "unknown" else {}
        settling = {"provisioning_state": "Succeeded"} if vm.is_settling else {}
        yield from preflight.of_vm(vm.model_copy(update=known | settling))
        yield from overrides.findings
        if group.managed_by:
            yield from preflight.of_context(vm, PlanningContext(vault_location="", group_managed_by=group.managed_by))

    def _attempts(self, vm: SourceVm) -> list[Job]:
        """The enable jobs of the VM. A job names only the VM: with two VMs of one name, no job can be attributed."""
        name = vm.id.name.lower()
        return self.enables[name] if len(self.by_name[name]) == 1 else []

    def _of_item(self, vm_status: VmStatus, vm: SourceVm, item: ProtectedItem) -> VmStatus:
        vm_status = _with(self._with_item(vm_status, item), state=_STATES[item.stage])
        if item.stage in {Stage.FROZEN, Stage.DISABLING}:
            return _with(vm_status, findings=(frozen(item),) if item.stage is Stage.FROZEN else ())
        held = self.settings.on_hold(vm.tags)
        on_hold = (as_warning(preflight.on_hold(vm, self.settings)),) if held else ()
        free = not (held or self._is_busy(item))
        another = replaced(vm, item)
        if another:
            return _with(vm_status, state=State.NOT_ELIGIBLE, findings=(*another, *on_hold))
        attempts, more = self._attempts(vm), (*adopted(item), *on_hold)
        if item.stage is Stage.FAILED:
            vm_status = _with(vm_status, findings=(*of_attempts(vm.id.name, attempts, item), *more))
            return self._to(vm_status, Action.ENABLE, vm) if item.is_ours and free else vm_status
        if item.stage is not Stage.PROTECTED:
            stalled = of_replicating(vm.id.name, attempts, item, self.estate.read_at)
            return _with(vm_status, findings=(*stalled, *more))
        return self._protected(vm_status, vm, item, more, free=free)

    def _protected(
        self, vm_status: VmStatus, vm: SourceVm, item: ProtectedItem, more: tuple[Finding, ...], *, free: bool
    ) -> VmStatus:
        overrides = overrides_of(vm, self._group(vm).tags, self.settings)
        policy = self.estate.policies.get(item.policy_id) if item.policy_id else None
        requested = tuple(map(as_warning, overrides.findings))
        found = of_protected(vm, item, overrides.profile, policy, overrides.policy, self.estate.read_at)
        # An invalid override blocks all changes, as in the VM's own run (`observe.vm.plan_for`).
        differing = mismatches(vm, overrides, item) if not requested else ()
        differences = tuple(drift(each.code, f"{vm.id.name}: {each}.") for each in differing)
        vm_status = _with(vm_status, findings=(*requested, *found, *differences, *more))
        late = _to_be_added(vm, item) if item.is_ours else ()
        changes = (*(each for each in differing if each.in_place), *late)
        return self._to(vm_status, Action.CHANGE, vm, *changes) if free and not requested and changes else vm_status

    def _untagged(self, vm_status: VmStatus, vm: SourceVm, item: ProtectedItem) -> VmStatus:
        vm_status = _with(self._with_item(vm_status, item), state=State.UNTAGGED)
        if item.stage is Stage.FROZEN:
            return _with(vm_status, state=State.FROZEN, findings=(frozen(item),))
        says_no = self.settings.refuses_protection(vm.tags)
        why = "its tag says no" if says_no else "it is not tagged"
        finding = drift("UntaggedButProtected", f"{vm.id.name} is protected by {item.id.name}, and {why}.")
        return self._disabled(_with(vm_status, findings=(finding, *adopted(item))), vm, item)

    def _gone(self, vm_status: VmStatus, item: ProtectedItem) -> VmStatus:
        """The status of an item whose VM was not listed. If the list is incomplete, the VM may still exist."""
        name = item.source.name
        if item.stage is Stage.FROZEN:
            return _with(vm_status, state=State.FROZEN, findings=(frozen(item),))
        if self.estate.vm_unread(item.source):
            finding = drift("SourceNotRead", f"{name} was not among the VMs that could be read.")
            return _with(vm_status, state=State.UNKNOWN, findings=(finding,))
        moved = self._moved_to(item)
        if moved:
            finding = drift("SourceMoved", f"{name} is no longer {item.source}, but {moved.id}.")
            return _with(vm_status, findings=(finding, *adopted(item)))
        finding = drift("SourceDeleted", f"{name} is gone, and {item.id.name} still protects it.", item.rpo_at)
        return self._disabled(_with(vm_status, findings=(finding, *adopted(item))), None, item)

    def _moved_to(self, item: ProtectedItem) -> SourceVm | None:
        """The VM that was moved: one with the same name and region, and disks of the same names, under another ID."""
        names = {disk.id.name.lower() for disk in item.disks}
        for vm in self.by_name[item.source.name.lower()]:
            attached = {disk.id.name.lower() for disk in vm.disks}
            if names and names <= attached and vm.location == item.settings.source_location:
                return vm
        return None

    def _disabled(self, vm_status: VmStatus, vm: SourceVm | None, item: ProtectedItem) -> VmStatus:
        """The status with the action DISABLE, if the settings and the item allow it."""
        if unread := self.estate.item_unread(item.source, item.settings.source_location):
            finding = drift("ProtectionNotRead", f"What else protects {item.source.name} is not known. {unread}")
            return _with(vm_status, findings=(*vm_status.findings, finding))
        tags: Mapping[str, str] = vm.tags if vm else {}
        may_be = item.may_be_disabled and not self._is_busy(item) and self.settings.may_disable(tags)
        return self._to(vm_status, Action.DISABLE, vm) if may_be else vm_status

    def _is_busy(self, item: ProtectedItem) -> bool:
        """Whether a job on the item is in progress. A job that the list does not hold may be too new for it."""
        return bool(item.job) and item.job not in self.ended


def _to_be_added(vm: SourceVm, item: ProtectedItem) -> tuple[ResourceId, ...]:
    """The disks that were attached later and can be replicated, as far as the disks themselves show."""
    known = {disk.id for disk in item.disks}
    return tuple(disk.id for disk in vm.disks if disk.id not in known and not preflight.disk_obstacle(disk))


def _with(vm_status: VmStatus, **changes: object) -> VmStatus:
    return vm_status.model_copy(update=changes)
