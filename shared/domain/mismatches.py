"""Where what is asked for is not what an item has, as far as both can be compared without reading anything.

A default asks for nothing (`differences.py`). What cannot be told here (a name that stands for whatever lies in the
target group) is compared by its last name; the VM's own run, which reads the rest, has the last word.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from shared.domain.choices import CHOICES
from shared.domain.differences import FIXED_FIELDS, ITEM_FIELDS
from shared.domain.layers import Wishes
from shared.domain.protected_item import ItemDisk, ItemNic, ProtectedItem
from shared.domain.resource_id import ResourceId
from shared.domain.values import NONE, parts

_Value = ResourceId | str | bool | None

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
    """`in_place` is whether Azure can change it on a protected item."""

    code: str
    setting: str
    current: str
    wanted: str
    in_place: bool

    def __str__(self) -> str:
        return f"{self.setting}: {self.current or 'none'}, asked for {self.wanted}"


def mismatches(wishes: Wishes, item: ProtectedItem) -> tuple[Mismatch, ...]:
    """In the order in which they were asked for."""
    return tuple(found for choice, asked in wishes.asked.items() for found in _of_choice(choice, asked.value, item))


def _of_choice(choice: str, wanted: str, item: ProtectedItem) -> Iterator[Mismatch]:
    for name, current in _values(choice, item):
        asked = _asked_for(choice, wanted, name, len(item.nics))
        if asked and not any(_same(asked, value) for value in current):
            setting = CHOICES[choice].setting + (f"/{name}" if name else "")
            yield Mismatch(_code(choice), setting, _text(current[0]), asked, _in_place(choice, asked, current[0]))


def _values(choice: str, item: ProtectedItem) -> Iterator[tuple[str, tuple[_Value, ...]]]:
    """What the item has, by the name of an interface or a disk where it is theirs."""
    if choice == "target-vnet":
        yield "", ((item.nics[0].network if item.nics else None) or item.settings.network,)
    elif choice == "churn":
        yield "", ("high" if item.settings.high_churn else "normal",)
    elif choice in ITEM_FIELDS:
        yield "", (getattr(item.settings, ITEM_FIELDS[choice]),)
    elif choice in _OF_NIC:
        for nic in item.nics:
            yield nic.source.name, _OF_NIC[choice](nic)
    elif choice in _OF_DISK:
        for disk in item.disks:
            yield disk.id.name, (_OF_DISK[choice](disk),)


def _asked_for(choice: str, wanted: str, name: str, nics: int) -> str:
    """What is asked for the thing of that name, or "". One address is no address for all."""
    if not name:
        return wanted
    given = parts(wanted)
    for_all = "" if choice == "target-ip" and nics > 1 else given.get("", "")
    return given.get(name.lower(), for_all)


def _same(asked: str, current: _Value) -> bool:
    if asked.lower() == NONE:
        return not current
    if isinstance(current, ResourceId):
        return asked.lower() in {current.key, current.name.lower()}
    return asked.lower() == _text(current).lower()


def _in_place(choice: str, asked: str, current: _Value) -> bool:
    if choice in _FIXED or asked.lower() == NONE:
        return False
    return choice != "target-availability-set" or bool(current)


def _code(choice: str) -> str:
    if choice in _NETWORK:
        return "NetworkMismatch"
    return "ConsistencyGroupMismatch" if choice == "consistency-group" else "TargetMismatch"


def _text(value: _Value) -> str:
    return str(value or "")
