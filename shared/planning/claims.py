"""What a failover of a VM is to create or to use alone, and which other replicated items are to have the same."""

from collections.abc import Iterable, Iterator

from shared.config.settings import Settings
from shared.model import naming
from shared.model.findings import Finding
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId, folded
from shared.model.vm import Claim, SourceVm
from shared.planning import placement
from shared.planning.catalog import ADDRESS, DISK, INTERFACE, PUBLIC_ADDRESS, finding_of
from shared.planning.exclusion import without_excluded
from shared.planning.overrides import Overrides

Wanted = tuple[str, ResourceId, str]
"""A kind of thing, where it is to be, and its name there."""

_VM, _REPLICA, _ADDRESS, _PUBLIC_IP = "VM", "replica disk", "address", "public IP address"
_DISK, _NIC = "disk", "interface"
CASES = {_VM: "", _REPLICA: DISK, _DISK: DISK, _NIC: INTERFACE, _ADDRESS: ADDRESS, _PUBLIC_IP: PUBLIC_ADDRESS}
"""The case of `TargetConflict` for each kind of thing."""


class Claims:
    """What the items are to have: VMs, replica disks, addresses of target networks, public IP addresses."""

    def __init__(self, items: Iterable[ProtectedItem]) -> None:
        self._holders: dict[Wanted, tuple[ResourceId, ...]] = {}
        self.led_to: dict[ResourceId, set[ResourceId]] = {}
        """By target network, the source networks whose VMs a failover puts there."""
        for item in items:
            for nic in item.nics:
                if nic.network and nic.source_network:
                    self.led_to.setdefault(nic.network, set()).add(nic.source_network)
            for each in _of_item(item):
                key = key_of(each)
                self._holders[key] = (*self._holders.get(key, ()), item.source)

    def of_others(self, vm: ResourceId, wanted: Iterable[Wanted]) -> tuple[Claim, ...]:
        """Which of these the items of other VMs are to have."""
        return tuple(
            Claim(kind=kind, place=place, name=name, by=others[0])
            for kind, place, name in dict.fromkeys(wanted)
            if (others := [source for source in self._holders.get(key_of((kind, place, name)), ()) if source != vm])
        )


def key_of(wanted: Wanted) -> Wanted:
    """The same for all casings of the name."""
    kind, place, name = wanted
    return kind, place, folded(name)


def _of_item(item: ProtectedItem) -> Iterator[Wanted]:
    if group := item.settings.target_group:
        yield virtual_machine(group, item.settings.name or item.source.name)
        yield from ((_REPLICA, group, naming.replica_disk(disk.id.name)) for disk in item.disks)
    yield from of_interfaces(item)


def of_interfaces(item: ProtectedItem) -> Iterator[Wanted]:
    """The addresses that the item is to have, as it shows them: not what is requested in their place."""
    for nic in item.nics:
        if nic.network and nic.target_address:
            yield address_in(nic.network, nic.target_address)
        if nic.public_ip:
            yield public_ip(nic.public_ip)


def wanted(vm: SourceVm, overrides: Overrides, target: str, item: ProtectedItem | None = None) -> Iterator[Wanted]:
    """The VM and the replica disks that the VM is to have in that region."""
    group, name = placement.target_place(vm, overrides, target, item)
    yield _VM, group, name
    yield from ((_REPLICA, group, naming.replica_disk(disk.id.name)) for disk in without_excluded(vm, overrides).disks)


def created_by(item: ProtectedItem) -> Iterator[Wanted]:
    """What a failover of the item creates, under the names that it has for it, and the addresses in its networks."""
    if group := item.settings.target_group:
        yield virtual_machine(group, item.settings.name or item.source.name)
        yield from (failover_disk(group, disk.id.name) for disk in item.disks)
        yield from (interface(group, nic.source.name) for nic in item.nics)
    yield from (each for each in of_interfaces(item) if each[0] == _ADDRESS)


def virtual_machine(group: ResourceId, name: str) -> Wanted:
    return _VM, group, name


def failover_disk(group: ResourceId, name: str) -> Wanted:
    return _DISK, group, name


def interface(group: ResourceId, name: str) -> Wanted:
    return _NIC, group, name


def address_in(network: ResourceId, address: str) -> Wanted:
    return _ADDRESS, network, address


def public_ip(resource: ResourceId) -> Wanted:
    return _PUBLIC_IP, resource.group_id, resource.name


def findings(vm: SourceVm, claims: Iterable[Claim], settings: Settings) -> Iterator[Finding]:
    for each in claims:
        text = f"The {each.kind} {each.name} in {each.place} is to be that of {vm.id.name}, and of {each.by} as well."
        yield finding_of("TargetConflict", text, case=CASES[each.kind], tag=settings.tag_name)
