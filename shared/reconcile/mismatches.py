"""Differences between the overrides of a VM and its item, without any read: for a sweep over thousands of VMs.

Defaults request nothing (`diff.py`). Whether an override can be fulfilled is not known here: the run of the VM, which
reads the rest, decides.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from shared.config.override_options import CHOICES, FIXED_FIELDS, ITEM_FIELDS
from shared.model.replicated_item import ItemDisk, ItemNic, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.values import NONE, parts
from shared.model.vm import SourceVm
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
    """A difference of one setting. `in_place` is whether Azure can change it on a protected item."""

    code: str
    setting: str
    current: str
    wanted: str
    in_place: bool

    def __str__(self) -> str:
        return f"{self.setting}: {self.current or 'none'}, requested {self.wanted or 'none'}"


def mismatches(vm: SourceVm, overrides: Overrides, item: ProtectedItem) -> tuple[Mismatch, ...]:
    """The differences, in the order of the overrides."""
    return tuple(found for choice in overrides.requested for found in _of_choice(choice, vm, overrides, item))


def _of_choice(choice: str, vm: SourceVm, overrides: Overrides, item: ProtectedItem) -> Iterator[Mismatch]:
    for name, current in _values(choice, vm, item):
        requested = _requested_value(choice, overrides.requested[choice].value, name, len(vm.nic_ids))
        wanted = _meant(choice, requested, vm, overrides)
        if requested and not any(_text(wanted).lower() == _text(value).lower() for value in current):
            setting = CHOICES[choice].setting + (f"/{name}" if name else "")
            in_place = _in_place(choice, wanted, current[0])
            yield Mismatch(_code(choice), setting, _text(current[0]), _text(wanted), in_place)


def _values(choice: str, vm: SourceVm, item: ProtectedItem) -> Iterator[tuple[str, tuple[_Value, ...]]]:
    """The settings of the item, by the name of an interface or a disk that the VM still has, or ""."""
    if choice == "target-vnet":
        yield "", ((item.nics[0].network if item.nics else None) or item.settings.network,)
    elif choice == "churn":
        yield "", ("high" if item.settings.high_churn else "normal",)
    elif choice in ITEM_FIELDS:
        yield "", (getattr(item.settings, ITEM_FIELDS[choice]),)
    elif choice in _OF_NIC:
        for nic in item.nics:
            if nic.source in vm.nic_ids:
                yield nic.source.name, _OF_NIC[choice](nic)
    elif choice in _OF_DISK:
        attached = {disk.id for disk in vm.disks}
        for disk in item.disks:
            if disk.id in attached:
                yield disk.id.name, (_OF_DISK[choice](disk),)


def _requested_value(choice: str, value: str, name: str, nics: int) -> str:
    """The value requested for the interface or disk `name`, or "". One address does not apply to several interfaces."""
    if not name:
        return value
    given = parts(value)
    for_all = "" if choice == "target-ip" and nics > 1 else given.get("", "")
    return given.get(name.lower(), for_all)


def _meant(choice: str, requested: str, vm: SourceVm, overrides: Overrides) -> _Value:
    if not requested:
        return None
    if CHOICES[choice].resource_type is not None:
        return referred(choice, requested, vm, overrides)
    return "" if requested.lower() == NONE and choice in ITEM_FIELDS else requested


def _in_place(choice: str, wanted: _Value, current: _Value) -> bool:
    """Whether an update can make the change: it clears no setting, and replaces an availability set only by another."""
    if choice in _FIXED or not wanted:
        return False
    return choice != "target-availability-set" or bool(current)


def _code(choice: str) -> str:
    if choice in _NETWORK:
        return "NetworkMismatch"
    return "ConsistencyGroupMismatch" if choice == "consistency-group" else "TargetMismatch"


def _text(value: _Value) -> str:
    return str(value or "")
