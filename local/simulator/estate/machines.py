"""The VMs of an estate, with their disks and interfaces."""

import ipaddress
from collections.abc import Callable
from typing import Any

from local.simulator import ids
from local.simulator.arm import bodies
from local.simulator.estate.fields import Fields, each
from local.simulator.ids import ResourceId
from local.simulator.store import Resource, Store, VirtualMachine
from local.simulator.wire import Json

Add = Callable[[ResourceId, Resource, Fields], None]
_ERROR = "code message possibleCauses recommendedAction status"


class Machines:
    KEYS = (
        "id location size os tags power provisioningState zone availabilitySet disks nics eligibilityErrors failEnable "
        "expect demo"
    )

    def __init__(self, store: Store, time: str) -> None:
        self._store = store
        self._time = time
        self._next_address: dict[str, int] = {}

    def build(self, fields: Fields, add: Add) -> VirtualMachine:
        """Adds a VM and its parts to the store. Raises ValueError."""
        parsed = fields.id("id", "Microsoft.Compute/virtualMachines")
        location = fields.location()
        os = fields.choice("os", ("Linux", "Windows"))
        zone = fields.get("zone", str)
        nics = [self._nic(parsed, location, nic, index, add) for index, nic in enumerate(self._nics(fields))]
        storage = self._storage(parsed, location, os, zone, fields, add)
        size = fields.get("size", str, "Standard_D2s_v5")
        vm = bodies.virtual_machine(parsed, location, size, fields.tags(), storage, nics, self._time)
        vm.properties["osProfile"] = bodies.os_profile(parsed.name, os)
        vm.properties["provisioningState"] = fields.choice(
            "provisioningState", ("Succeeded", "Creating", "Updating", "Failed", "Deleting")
        )
        if zone:
            vm.body["zones"] = [zone]
        self._place(vm, fields)
        vm.power = fields.choice("power", ("running", "deallocated", "stopped"))
        vm.eligibility_errors = [_error(error) for error in each(fields.raw, "eligibilityErrors", _ERROR)]
        vm.fail_enable = self._fail_enable(fields)
        add(parsed, vm, fields)
        return vm

    def _place(self, vm: VirtualMachine, fields: Fields) -> None:
        if fields.get("availabilitySet", str) is None:
            return
        set_id = fields.id("availabilitySet", "Microsoft.Compute/availabilitySets").text
        found = self._store.get(set_id)
        if found is None or found.location != vm.location:
            raise ValueError(f"{fields.where}: availabilitySet is not in the estate, or not in the VM's region")
        vm.properties["availabilitySet"] = {"id": found.id}
        found.properties["virtualMachines"].append({"id": vm.id})

    def _nics(self, fields: Fields) -> list[Fields]:
        found = each(fields.raw, "nics", "name subnet privateIp")
        if not found:
            raise ValueError(f"{fields.where}: a VM has at least one of nics")
        return found

    def _nic(self, vm: ResourceId, location: str, nic: Fields, index: int, add: Add) -> str:
        group = ids.group_id(vm.subscription, vm.group)
        name = nic.get("name", str, f"{vm.name}-nic{index or ''}")
        parsed = bodies.child(group, f"/providers/Microsoft.Network/networkInterfaces/{name}")
        subnet = self._subnet(nic, location)
        address = nic.get("privateIp", str)
        made = bodies.interface(
            parsed,
            location,
            subnet["id"],
            address or self._free_address(subnet),
            static=address is not None,
            primary=index == 0,
        )
        made.properties["virtualMachine"] = {"id": vm.text}
        add(parsed, made, nic)
        return parsed.text

    def _subnet(self, nic: Fields, location: str) -> Json:
        parsed = nic.id("subnet", "Microsoft.Network/virtualNetworks/subnets")
        network = self._store.get(parsed.parent)
        if network is None or network.location != location:
            raise ValueError(f"{nic.where}: the network of subnet is not in the estate, or not in the VM's region")
        for subnet in network.properties["subnets"]:
            if subnet["name"].lower() == parsed.name.lower():
                found: Json = subnet
                return found
        raise ValueError(f"{nic.where}: the network has no subnet {parsed.name!r}")

    def _free_address(self, subnet: Json) -> str:
        """Azure keeps the first four addresses of a subnet for itself."""
        taken = self._next_address.get(subnet["id"], 4)
        self._next_address[subnet["id"]] = taken + 1
        return str(ipaddress.ip_network(subnet["properties"]["addressPrefix"]).network_address + taken)

    def _storage(self, vm: ResourceId, location: str, os: str, zone: Any, fields: Fields, add: Add) -> Json:
        disks = each(fields.raw, "disks", "name sizeGB sku")
        if not disks:
            raise ValueError(f"{fields.where}: a VM has at least one of disks, the first is the OS disk")
        group = ids.group_id(vm.subscription, vm.group)
        made = []
        for index, disk in enumerate(disks):
            parsed = bodies.child(group, f"/providers/Microsoft.Compute/disks/{disk.need('name', str)}")
            resource = bodies.disk(
                parsed,
                location,
                disk.get("sizeGB", int, 64),
                disk.get("sku", str, "Premium_LRS"),
                self._time,
                os=None if index else os,
                managed_by=vm.text,
                zone=zone,
                create_option="Empty" if index else "FromImage",
            )
            add(parsed, resource, disk)
            made.append(resource)
        data = [bodies.data_disk(disk, lun, "Empty") for lun, disk in enumerate(made[1:])]
        return {"imageReference": bodies.image(os), "osDisk": bodies.os_disk(made[0], os), "dataDisks": data}

    def _fail_enable(self, fields: Fields) -> Json | None:
        raw = fields.get("failEnable", dict)
        if raw is None:
            return None
        order = Fields(raw, f"{fields.where}: failEnable", "times code message possibleCauses recommendedAction")
        return {
            "times": order.get("times", int, 1),
            "code": order.need("code", str),
            "message": order.need("message", str),
            "possibleCauses": order.get("possibleCauses", str, ""),
            "recommendedAction": order.get("recommendedAction", str, ""),
        }


def _error(fields: Fields) -> Json:
    return {
        "code": fields.need("code", str),
        "message": fields.need("message", str),
        "possibleCauses": fields.get("possibleCauses", str, ""),
        "recommendedAction": fields.get("recommendedAction", str, ""),
        "status": fields.get("status", str, "Error"),
    }
