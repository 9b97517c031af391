"""The network interfaces of an estate's VMs, and their IP addresses."""

from local.simulator import ids
from local.simulator.arm import addresses, bodies
from local.simulator.errors import ArmError
from local.simulator.estate.disks import Add
from local.simulator.estate.fields import Fields
from local.simulator.ids import ResourceId
from local.simulator.store import Store
from local.simulator.wire import Json

_KEYS = "name subnet privateIp"


class Interfaces:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._taken: dict[str, dict[str, str]] = {}
        self._next: dict[str, int] = {}

    def keep_addresses(self, machines: list[Fields]) -> None:
        """Reserves the static addresses of all VMs before any dynamic one is assigned."""
        for machine in machines:
            for nic in machine.parts("nics", _KEYS):
                if address := nic.get("privateIp", str):
                    subnet = self._subnet(nic)
                    taken = self._taken.setdefault(subnet["id"], {})
                    try:
                        addresses.check(address, subnet, taken, nic.where)
                    except ArmError as error:
                        raise ValueError(f"{nic.where}: {error.message}") from None
                    taken[address] = nic.where

    def build(self, vm: ResourceId, location: str, machine: Fields, add: Add) -> list[str]:
        """Adds the interfaces of a VM to the store, and returns their IDs. Raises ValueError."""
        nics = machine.parts("nics", _KEYS)
        if not nics:
            raise ValueError(f"{machine.where}: a VM has at least one of nics")
        subnets = [self._subnet(nic, location) for nic in nics]
        if len({ids.key(subnet["id"].rsplit("/", 2)[0]) for subnet in subnets}) > 1:
            raise ValueError(f"{machine.where}: all nics of a VM are in one virtual network")
        group = ids.group_id(vm.subscription, vm.group)
        made = []
        for index, (nic, subnet) in enumerate(zip(nics, subnets, strict=True)):
            name = nic.get("name", str, f"{vm.name}-nic{index or ''}")
            parsed = bodies.child(group, f"/providers/Microsoft.Network/networkInterfaces/{name}")
            address = nic.get("privateIp", str)
            interface = bodies.interface(
                parsed,
                location,
                subnet["id"],
                address or self._free_address(nic, subnet),
                static=address is not None,
                primary=index == 0,
            )
            interface.properties["virtualMachine"] = {"id": vm.text}
            add(parsed, interface, nic)
            made.append(parsed.text)
        return made

    def _subnet(self, nic: Fields, location: str = "") -> Json:
        parsed = nic.id("subnet", "Microsoft.Network/virtualNetworks/subnets")
        network = self._store.get(parsed.parent)
        if network is None or network.location != (location or network.location):
            raise ValueError(f"{nic.where}: the network of subnet is not in the estate, or not in the VM's region")
        for subnet in network.properties["subnets"]:
            if subnet["name"].lower() == parsed.name.lower():
                found: Json = subnet
                return found
        raise ValueError(f"{nic.where}: the network has no subnet {parsed.name!r}")

    def _free_address(self, nic: Fields, subnet: Json) -> str:
        """The next free address of a subnet."""
        inside, taken = addresses.range_of(subnet), self._taken.get(subnet["id"], {})
        place = self._next.get(subnet["id"], addresses.KEPT_AT_START)
        while str(inside[place]) in taken:
            place += 1
        if place >= inside.num_addresses - 1:
            raise ValueError(f"{nic.where}: {subnet['id']} is full")
        self._next[subnet["id"]] = place + 1
        return str(inside[place])
