"""The network interfaces of an estate's VMs, and their IP addresses."""

from local.simulator import ids
from local.simulator.arm import addresses, bodies, network
from local.simulator.errors import ArmError
from local.simulator.estate.disks import Add
from local.simulator.estate.fields import Fields
from local.simulator.ids import ResourceId
from local.simulator.store import Resource, Store
from local.simulator.wire import Json

_KEYS = "name subnet privateIp secondaryIps applicationSecurityGroups"
_APPLICATION_GROUP = "Microsoft.Network/applicationSecurityGroups"


class Interfaces:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._taken: dict[str, dict[str, str]] = {}
        self._next: dict[str, int] = {}

    def keep_addresses(self, machines: list[Fields]) -> None:
        """Reserves the static addresses of all VMs before any dynamic one is assigned."""
        for machine in machines:
            for nic in machine.parts("nics", _KEYS):
                for address in (*filter(None, [nic.get("privateIp", str)]), *nic.get("secondaryIps", list, [])):
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
            self._complete(interface, nic, location)
            add(parsed, interface, nic)
            made.append(parsed.text)
        return made

    def _complete(self, interface: Resource, nic: Fields, location: str) -> None:
        """Adds the secondary addresses, and the application security groups of all configurations."""
        (first,) = interface.properties["ipConfigurations"]
        for group in nic.get("applicationSecurityGroups", list, []):
            named = Fields({"group": group}, f"{nic.where}: applicationSecurityGroups", "group")
            if found := named.reference("group", _APPLICATION_GROUP, self._store, location):
                first["properties"].setdefault("applicationSecurityGroups", []).append({"id": found.id})
        for number, address in enumerate(nic.get("secondaryIps", list, []), start=2):
            name = f"ipconfig{number}"
            own = {"privateIPAddress": address, "privateIPAllocationMethod": "Static", "primary": False}
            properties = {**first["properties"], **own}
            made = {"name": name, "id": first["id"].replace("ipconfig1", name), "properties": properties}
            interface.properties["ipConfigurations"].append({**first, **made})

    def _subnet(self, nic: Fields, location: str = "") -> Json:
        parsed = nic.id("subnet", "Microsoft.Network/virtualNetworks/subnets")
        holder = self._store.get(parsed.parent)
        if holder is None or holder.location != (location or holder.location):
            raise ValueError(f"{nic.where}: the network of subnet is not in the estate, or not in the VM's region")
        for subnet in holder.properties["subnets"]:
            if subnet["name"].lower() == parsed.name.lower():
                found: Json = subnet
                if not network.takes_vms(found):
                    raise ValueError(f"{nic.where}: the subnet {parsed.name!r} is kept for a service")
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
