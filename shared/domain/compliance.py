"""The drift engine: what is asked for and what is there, compared. Pure: an estate in, standings and findings out.

Compliance means substance: replicating, healthy, with the right settings and all disks; not that an item exists.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from shared.domain import preflight
from shared.domain.drift import adopted, frozen
from shared.domain.drift_findings import DRIFT, drift
from shared.domain.estate import Action, Estate, Standing, State
from shared.domain.findings import Finding, Severity, as_warning
from shared.domain.health import of_attempts, of_protected, of_replicating
from shared.domain.layers import Wishes, wishes_of
from shared.domain.mismatches import mismatches
from shared.domain.protected_item import ENABLE, Job, ProtectedItem, Stage
from shared.domain.resource_id import ResourceId
from shared.domain.settings import Settings
from shared.domain.vm import SourceVm, Surroundings

_STATES = {
    Stage.ENABLING: State.PROTECTING,
    Stage.REPLICATING: State.PROTECTING,
    Stage.PROTECTED: State.PROTECTED,
    Stage.FAILED: State.FAILED,
    Stage.DISABLING: State.DISABLING,
    Stage.FROZEN: State.FROZEN,
}
MAY_BE_DISABLED = frozenset({Stage.PROTECTED, Stage.REPLICATING, Stage.ENABLING, Stage.FAILED})
"""Freeze beats fix: an item in any other stage is reported."""

CODES = frozenset(DRIFT) | {
    "ConfidentialVm",
    "DiskEncryptionNeedsKeys",
    "EncryptionAtHostNotKept",
    "ManagedResourceGroup",
    "RegionNotMapped",
    "ScaleSetInstance",
    "TooManyDisks",
    "TrustedLaunchLinux",
    "UnmanagedDisks",
    "UnsupportedDisk",
    "VmNotReady",
    "VmNotRunning",
}
"""Every finding that a standing may have: those of the engine, and what hinders a VM as far as a list of VMs tells."""


def assess(estate: Estate, settings: Settings) -> tuple[Standing, ...]:
    """How every VM and every item of the estate stands, by the VM's ID."""
    engine = _Engine(estate, settings)
    standings = [*map(engine.of_vm, estate.vms), *engine.of_missing()]
    return tuple(sorted(standings, key=lambda standing: standing.vm_id.key))


class _Engine:
    def __init__(self, estate: Estate, settings: Settings) -> None:
        self.estate = estate
        self.settings = settings
        self.vms = {vm.id: vm for vm in estate.vms}
        # Of two items of one VM, one that failed does not hide the other.
        ordered = sorted(estate.items, key=lambda item: (item.stage is not Stage.FAILED, item.id.key))
        self.items = {item.source: item for item in ordered}
        self.copies = {copy: item.source for item in ordered for copy in item.copies}
        self.by_name: defaultdict[str, list[SourceVm]] = defaultdict(list)
        for vm in estate.vms:
            self.by_name[vm.id.name.lower()].append(vm)
        self.enables: defaultdict[str, list[Job]] = defaultdict(list)
        for job in estate.jobs:
            if job.scenario == ENABLE:
                self.enables[job.target.lower()].append(job)

    def of_vm(self, vm: SourceVm) -> Standing:
        standing = Standing(vm_id=vm.id, state=State.NOT_TAGGED, location=vm.location, tags=vm.tags)
        asks = self.settings.asks_for_protection(vm.tags)
        original, item = self.copies.get(vm.id), self.items.get(vm.id)
        if original:
            told = preflight.copy_of(vm.id, original).model_copy(update={"severity": Severity.NOTE})
            return _with(standing, state=State.COPY, findings=(told,) if asks else ())
        if item and asks:
            return self._of_item(standing, vm, item)
        if item:
            return self._untagged(standing, vm, item)
        if asks:
            return self._unprotected(standing, vm)
        told = drift("NotTagged", f"{vm.id.name} is not tagged: nothing protects it.")
        return _with(standing, findings=(told,))

    def of_missing(self) -> Iterator[Standing]:
        """Items whose VM the estate does not hold."""
        for source, item in self.items.items():
            if source not in self.vms and source in self.settings.source and source not in self.copies:
                yield self._gone(self._with_item(Standing(vm_id=source, state=State.SOURCE_GONE), item), item)

    def _wishes(self, vm: SourceVm) -> Wishes:
        group = self.estate.groups.get(vm.id.group_id.key)
        return wishes_of(vm, group.tags if group else {}, self.settings)

    def _with_item(self, standing: Standing, item: ProtectedItem) -> Standing:
        return _with(
            standing,
            location=standing.location or item.settings.source_location,
            target_location=item.settings.target_location,
            vault=item.vault,
            item_id=item.id,
            made_by_app=item.is_ours,
            replication_health=item.replication_health,
            rpo_seconds=item.rpo_seconds,
            percent=item.percent if item.stage is Stage.REPLICATING else None,
        )

    def _unprotected(self, standing: Standing, vm: SourceVm) -> Standing:
        wishes = self._wishes(vm)
        vault = self.settings.vault_for(vm.location, wishes.profile)
        region = self.settings.region_map.get(vm.location)
        standing = _with(standing, vault=vault, target_location=(region.target_location if region else "") or "")
        findings = tuple(self._preflight(vm, wishes, vault))
        attempts = tuple(of_attempts(vm.id.name, self.enables[vm.id.name.lower()]))
        if any(finding.severity is Severity.BLOCKER for finding in findings):
            codes = ", ".join(dict.fromkeys(each.code for each in findings if each.severity is Severity.BLOCKER))
            told = drift("NotEligible", f"{vm.id.name} is tagged, and cannot be protected: {codes}.")
            return _with(standing, state=State.NOT_ELIGIBLE, findings=(told, *findings))
        told = drift("MissingProtection", f"{vm.id.name} is tagged, and nothing protects it.")
        return _with(standing, state=State.UNPROTECTED, action=Action.ENABLE, findings=(told, *attempts, *findings))

    def _preflight(self, vm: SourceVm, wishes: Wishes, vault: ResourceId | None) -> Iterator[Finding]:
        """What can be said without reading anything more. What passes by itself is no obstacle."""
        if self.settings.on_hold(vm.tags):
            yield preflight.on_hold(vm, self.settings)
        if vm.id in self.estate.elsewhere:
            yield preflight.protected_elsewhere(vm.id, str(self.estate.elsewhere[vm.id]))
        # Resource Graph may not know the power state yet, and Azure may be busy with the VM: its own run waits.
        known = {"power_state": "running"} if vm.power_state == "unknown" else {}
        settling = {"provisioning_state": "Succeeded"} if vm.is_settling else {}
        yield from preflight.of_vm(vm.model_copy(update=known | settling))
        yield from wishes.findings
        if vault is None:
            yield preflight.region_not_mapped(vm)
        group = self.estate.groups.get(vm.id.group_id.key)
        if group and group.managed_by:
            yield from preflight.of_surroundings(vm, Surroundings(vault_location="", group_managed_by=group.managed_by))

    def _of_item(self, standing: Standing, vm: SourceVm, item: ProtectedItem) -> Standing:
        standing = _with(self._with_item(standing, item), state=_STATES[item.stage])
        if item.stage in {Stage.FROZEN, Stage.DISABLING}:
            return _with(standing, findings=(frozen(item),) if item.stage is Stage.FROZEN else ())
        held = self.settings.on_hold(vm.tags)
        on_hold = (as_warning(preflight.on_hold(vm, self.settings)),) if held else ()
        free = not (held or item.job)
        if _is_another(vm, item):
            told = drift("SourceReplaced", f"{vm.id.name} is another VM than the one that {item.id.name} protects.")
            return _with(standing, findings=(told, *on_hold))
        attempts = self.enables[vm.id.name.lower()]
        if item.stage is Stage.FAILED:
            action = Action.ENABLE if item.is_ours and free else Action.NONE
            failed = of_attempts(vm.id.name, attempts, item)
            return _with(standing, action=action, findings=(*failed, *adopted(item), *on_hold))
        if item.stage is not Stage.PROTECTED:
            stalled = of_replicating(vm.id.name, attempts, item, self.estate.read_at)
            return _with(standing, findings=(*stalled, *adopted(item), *on_hold))
        return self._protected(standing, vm, item, on_hold, free=free)

    def _protected(
        self, standing: Standing, vm: SourceVm, item: ProtectedItem, on_hold: tuple[Finding, ...], *, free: bool
    ) -> Standing:
        wishes = self._wishes(vm)
        policy = self.estate.policies.get(item.policy_id) if item.policy_id else None
        asked = tuple(map(as_warning, wishes.findings))
        found = of_protected(vm, item, wishes.profile, policy, wishes.policy, self.estate.read_at)
        # While something cannot be read as it is meant, nothing else is changed either (`look.plan_for`).
        differing = mismatches(wishes, item) if not wishes.findings else ()
        told = tuple(drift(each.code, f"{vm.id.name}: {each}.") for each in differing)
        late = item.is_ours and any(finding.code == "DiskNotProtected" for finding in found)
        change = free and not wishes.findings and (late or any(each.in_place for each in differing))
        return _with(
            standing,
            action=Action.CHANGE if change else Action.NONE,
            findings=(*on_hold, *asked, *found, *told, *adopted(item)),
        )

    def _untagged(self, standing: Standing, vm: SourceVm, item: ProtectedItem) -> Standing:
        standing = _with(self._with_item(standing, item), state=State.UNTAGGED)
        if item.stage is Stage.FROZEN:
            return _with(standing, state=State.FROZEN, findings=(frozen(item),))
        says_no = self.settings.refuses_protection(vm.tags)
        why = "its tag says no" if says_no else "it is not tagged"
        told = drift("UntaggedButProtected", f"{vm.id.name} is protected by {item.id.name}, and {why}.")
        return _with(standing, action=self._disabling(vm.tags, item), findings=(told, *adopted(item)))

    def _gone(self, standing: Standing, item: ProtectedItem) -> Standing:
        """What is not in an estate that was not read in full may be there all the same."""
        name = item.source.name
        if self.estate.gaps:
            told = drift("SourceNotRead", f"{name} was not among the VMs that could be read.")
            return _with(standing, state=_STATES[item.stage], findings=(told,))
        if item.stage is Stage.FROZEN:
            return _with(standing, state=State.FROZEN, findings=(frozen(item),))
        moved = self._moved_to(item)
        if moved:
            told = drift("SourceMoved", f"{name} is no longer {item.source}, but {moved.id}.")
            return _with(standing, findings=(told, *adopted(item)))
        told = drift("SourceDeleted", f"{name} is gone, and {item.id.name} still protects it.", item.rpo_at)
        return _with(standing, action=self._disabling({}, item), findings=(told, *adopted(item)))

    def _moved_to(self, item: ProtectedItem) -> SourceVm | None:
        """A VM of that name and region elsewhere, to which disks of the same names are attached."""
        names = {disk.id.name.lower() for disk in item.disks}
        for vm in self.by_name[item.source.name.lower()]:
            attached = {disk.id.name.lower() for disk in vm.disks}
            if names and names <= attached and vm.location == item.settings.source_location:
                return vm
        return None

    def _disabling(self, tags: Mapping[str, str], item: ProtectedItem) -> Action:
        may_be = item.is_ours and item.stage in MAY_BE_DISABLED and not item.job
        return Action.DISABLE if may_be and self.settings.may_disable(tags) else Action.NONE


def _is_another(vm: SourceVm, item: ProtectedItem) -> bool:
    """Whether the VM of that name was made after the last recovery point, or has none of the disks."""
    if vm.created_at and item.rpo_at and vm.created_at > item.rpo_at:
        return True
    attached = {disk.id for disk in vm.disks}
    return bool(item.disks) and bool(attached) and not any(disk.id in attached for disk in item.disks)


def _with(standing: Standing, **changes: object) -> Standing:
    return standing.model_copy(update=changes)
