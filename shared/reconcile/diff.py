"""The differences between a replicated item and the overrides of its VM, and which of them Azure changes in place.

Defaults apply to creation only: a setting of an item changes only if an override requests another value, so that the
app never reverts what an operator has set in the portal. Replication is never disabled and enabled to change a setting.
Nothing is read here, so a sweep compares thousands of VMs. Whether an override can be fulfilled is for the plan to say.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any, NamedTuple

from shared.config.override_options import CHOICES, FIXED_FIELDS, ITEM_FIELDS, OF_SOURCE, UPDATED_FIELDS
from shared.config.profiles import Profile
from shared.model.changes import Changes, Difference, ItemUpdate, Refusal, agent_attempt, zone_attempt
from shared.model.findings import Finding
from shared.model.plan import Plan
from shared.model.replicated_item import ItemDisk, ItemNic, ProtectedItem
from shared.model.replication import Replication
from shared.model.resource_id import ResourceId, folded
from shared.model.step_result import Error
from shared.model.values import NONE, parts
from shared.model.vm import Disk, SourceVm
from shared.planning.catalog import IN_PLACE, NOT_UPDATED, REFUSED, RESIZED, finding_of
from shared.planning.overrides import Overrides
from shared.planning.references import referred

_Value = ResourceId | str | None

_OF_NIC: dict[str, Callable[[ItemNic], tuple[_Value, ...]]] = {
    "target-subnet": lambda nic: (nic.target_subnet,),
    "target-ip": lambda nic: (nic.target_address,),
    "target-nsg": lambda nic: (nic.security_group,),
    "target-public-ip": lambda nic: (nic.public_ip,),
    "target-backend-pool": lambda nic: nic.backend_pools or (None,),
}
_OF_DISK: dict[str, Callable[[ItemDisk], _Value]] = {
    "target-disk-type": lambda disk: disk.target_sku,
    "replica-disk-type": lambda disk: disk.replica_sku,
    "target-disk-encryption-set": lambda disk: disk.encryption_set,
    "cache-storage": lambda disk: disk.cache_account,
}
_NETWORK = {"target-vnet", *_OF_NIC}
_FIXED = {*FIXED_FIELDS, "target-disk-encryption-set", "cache-storage"}


class Mismatch(NamedTuple):
    """A difference of the setting that the override `choice` sets, of the interface or disk `part` if it is one of
    those. `in_place` is whether Azure can change it on a protected item, `resized` whether nothing requests it: the VM
    has another size now than its item."""

    choice: str
    part: ResourceId | None
    difference: Difference
    in_place: bool
    resized: bool = False

    @property
    def code(self) -> str:
        if self.choice in _NETWORK:
            return "NetworkMismatch"
        return "ConsistencyGroupMismatch" if self.choice == "consistency-group" else "TargetMismatch"

    def finding(self, vm: SourceVm, refused: Error | None = None) -> Finding:
        """The finding; `refused` is the error if Azure refused to change it in place."""
        setting, current, wanted = self.difference.setting, self.difference.current, self.difference.wanted
        if self.resized:
            text = f"{vm.id.name} is a {wanted} now, and its {setting} is {current}, which a failover gives it."
            return finding_of(self.code, text, case=RESIZED)
        text = f"{setting} of {vm.id.name} is {current or NONE}, and {wanted or NONE} is requested."
        if refused:
            return finding_of(self.code, f"{text} Site Recovery refused to change it: {refused}", case=REFUSED)
        return finding_of(self.code, text, case=IN_PLACE if self.in_place else "")


def mismatches(vm: SourceVm, overrides: Overrides, item: ProtectedItem) -> tuple[Mismatch, ...]:
    """The differences, in the order of the overrides."""
    found = (found for choice in overrides.requested for found in _of_choice(choice, vm, overrides, item))
    return (*found, *_resized(vm, overrides, item))


def _resized(vm: SourceVm, overrides: Overrides, item: ProtectedItem) -> Iterator[Mismatch]:
    """A VM that was resized after it was enabled: the item keeps the size, which the app does not change by itself."""
    has = item.settings.size
    if "target-size" not in overrides.requested and has and vm.size and has.lower() != vm.size.lower():
        difference = Difference(setting=CHOICES["target-size"].setting, current=has, wanted=vm.size)
        yield Mismatch("target-size", None, difference, in_place=False, resized=True)


def late_disks(vm: SourceVm, item: ProtectedItem) -> tuple[Disk, ...]:
    """The disks of the VM that the item does not replicate: they were attached later, or left out."""
    known = {disk.id for disk in item.disks}
    return tuple(disk for disk in vm.disks if disk.id not in known)


def disks_to_add(vm: SourceVm, item: ProtectedItem, left_out: Container[ResourceId] = ()) -> tuple[Disk, ...]:
    """The late data disks of an item that this app created, but those that are left out: the owner of another item may
    have left one out on purpose."""
    late = (disk for disk in late_disks(vm, item) if not disk.holds_os and disk.id not in left_out)
    return tuple(late) if item.is_ours else ()


def with_changes(
    plan: Plan,
    overrides: Overrides,
    item: ProtectedItem,
    failed: Iterable[ResourceId] = (),
    left_out: Container[ResourceId] = (),
    refusals: Iterable[Refusal] = (),
) -> Plan:
    """The plan for a VM that `item` protects, with the changes to make in place and findings about the others.

    The values to write are those that the plan derived; `failed` are disks that could not be added, `left_out` those
    that are not to be; `refusals` are changes that Azure refused lately.
    """
    if plan.replication is None:
        return plan
    found = mismatches(plan.vm, overrides, item)
    derived = {disk.id for disk in plan.replication.disks} | {nic.id for nic in plan.replication.nics}
    refused = {refusal.attempt: refusal.error for refusal in refusals}
    errors = {each: refused[attempt] for each in found if (attempt := _attempt(each)) in refused}
    in_place = [
        each for each in found if each.in_place and each not in errors and (each.part is None or each.part in derived)
    ]
    old_agent = agent_to_update(plan.vm, item, overrides.profile)
    agent_error = refused.get(agent_attempt(old_agent))
    to_add = {disk.id for disk in disks_to_add(plan.vm, item, left_out)} - {*plan.unfit_disks, *failed}
    changes = Changes(
        differences=tuple(each.difference for each in in_place),
        update=_update(plan.replication, item, in_place),
        added_disks=tuple(disk for disk in plan.replication.disks if disk.id in to_add),
        old_agent="" if agent_error else old_agent,
    )
    others = (each.finding(plan.vm, errors.get(each)) for each in found if not each.in_place or each in errors)
    findings = (*plan.findings, *others, *(not_updated(plan.vm, agent_error) if agent_error else ()))
    return plan.model_copy(update={"findings": findings, "changes": changes})


def _attempt(mismatch: Mismatch) -> str:
    """What a change of this is remembered by if Azure refuses it, or ""."""
    return zone_attempt(mismatch.difference.wanted) if mismatch.choice == "target-zone" else ""


def not_updated(vm: SourceVm, error: Error) -> tuple[Finding, ...]:
    text = f"The mobility agent of {vm.id.name} could not be updated: {error}"
    return (finding_of("AgentOutdated", text, case=NOT_UPDATED),)


def agent_to_update(vm: SourceVm, item: ProtectedItem, profile: Profile) -> str:
    """The version of the VM's agent if it is to be updated, else "": the VM has to run."""
    runs = vm.power_state in {"running", "unknown"}
    wanted = profile.update_agents and item.agent.outdated and runs
    return (item.agent.version or "unknown") if wanted else ""


def _update(replication: Replication, item: ProtectedItem, found: Iterable[Mismatch]) -> ItemUpdate | None:
    names = [UPDATED_FIELDS[each.choice] for each in found if each.part is None]
    fields: dict[str, Any] = {name: getattr(replication, name) for name in names}
    changed = {each.part for each in found}
    if "network" in fields:
        # In another network an interface cannot keep a subnet that is not there.
        subnets = {nic.id: nic.subnet.lower() for nic in replication.nics}
        changed |= {nic.source for nic in item.nics if subnets.get(nic.source) not in {None, nic.target_subnet.lower()}}
    fields["disks"] = tuple(disk for disk in replication.disks if disk.id in changed)
    fields["nics"] = tuple(nic for nic in replication.nics if nic.id in changed)
    return ItemUpdate(**fields) if any(fields.values()) else None


def _of_choice(choice: str, vm: SourceVm, overrides: Overrides, item: ProtectedItem) -> Iterator[Mismatch]:
    for part, current in _values(choice, vm, item):
        name = f"/{part.name}" if part else ""
        requested = _requested_value(choice, overrides.requested[choice].value, part, len(vm.nic_ids))
        requested = vm.size if (choice, requested.lower()) == ("target-size", OF_SOURCE) else requested
        wanted = _meant(choice, requested, vm, overrides, item.settings.target_location)
        if requested and not any(folded(_text(wanted)) == folded(_text(value)) for value in current):
            difference = Difference(
                setting=CHOICES[choice].setting + name, current=_text(current[0]), wanted=_text(wanted)
            )
            yield Mismatch(choice, part, difference, _in_place(choice, wanted, current[0], item))


def _values(choice: str, vm: SourceVm, item: ProtectedItem) -> Iterator[tuple[ResourceId | None, tuple[_Value, ...]]]:
    """The settings of the item, by the interface or disk that the VM still has, or None."""
    if choice == "target-vnet":
        yield None, (item.target_network,)
    elif choice == "churn":
        yield None, ("high" if item.settings.high_churn else "normal",)
    elif choice in ITEM_FIELDS:
        yield None, (getattr(item.settings, ITEM_FIELDS[choice]),)
    elif choice in _OF_NIC:
        for nic in item.nics:
            if nic.source in vm.nic_ids:
                yield nic.source, _OF_NIC[choice](nic)
    elif choice in _OF_DISK:
        attached = {disk.id for disk in vm.disks}
        for disk in item.disks:
            if disk.id in attached:
                yield disk.id, (_OF_DISK[choice](disk),)


def _requested_value(choice: str, value: str, part: ResourceId | None, nics: int) -> str:
    """The value requested for the interface or disk, or "". One address does not apply to several interfaces."""
    if part is None:
        return value
    given = parts(value)
    for_all = "" if choice == "target-ip" and nics > 1 else given.get("", "")
    return given.get(part.name.lower(), for_all)


def _meant(choice: str, requested: str, vm: SourceVm, overrides: Overrides, target: str) -> _Value:
    if not requested:
        return None
    if CHOICES[choice].resource_type is not None:
        return referred(choice, requested, vm, overrides, target)
    return "" if requested.lower() == NONE and choice in ITEM_FIELDS else requested


def _in_place(choice: str, wanted: _Value, current: _Value, item: ProtectedItem) -> bool:
    """Whether an update can make the change: it clears no setting, and replaces a set only by another. A
    zone is tried, although the how-to forbids to change the availability type: the API takes it (recorded 2025-12)."""
    if choice in _FIXED or not wanted or (choice == "target-zone" and item.settings.availability_set):
        return False
    return choice not in {"target-availability-set", "target-scale-set"} or bool(current)


def _text(value: _Value) -> str:
    return str(value or "")
