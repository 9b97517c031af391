"""The VM that a failover or a test failover creates from the replica disks."""

from local.simulator import ids
from local.simulator.arm import bodies
from local.simulator.arm.network import takes_vms
from local.simulator.ids import key
from local.simulator.store import VirtualMachine
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem
from local.simulator.wire import Json
from local.simulator.world import World


def obstacle(world: World, item: ProtectedItem, *, test: bool, network_id: str | None = None) -> Failure | None:
    """What the network provider refuses of the VM's interfaces. Site Recovery's codes for it are invented."""
    for nic in item.nics:
        subnet = _subnet(world, nic, network_id)
        if subnet and not takes_vms(subnet):
            return Failure("159101", f"The target subnet '{subnet['name']}' is kept for a service: it holds no VM.")
        address = world.store.get(nic["ipConfigs"][0]["recoveryPublicIPAddressId"] or "")
        if address and not test and address.properties.get("ipConfiguration"):
            return Failure("159102", f"The public IP address '{address.name}' is attached to another resource.")
    return None


def make(world: World, item: ProtectedItem, name: str, *, test: bool, network_id: str | None = None) -> str:
    """A VM from the replica disks (CLI-A2A #92): no OS profile, the source's tags."""
    location = item.recovery_container.fabric.location
    vm_id = f"{item.recovery_group}/providers/Microsoft.Compute/virtualMachines/{name}"
    time = world.clock.stamp()
    profile: Json = {"osDisk": {}, "dataDisks": []}
    for disk in item.disks:
        disk_name = (disk.test_name or f"{disk.name}-ASRtest") if test else (disk.failover_name or disk.name)
        parsed = bodies.child(disk.recovery_group, f"/providers/Microsoft.Compute/disks/{disk_name}")
        made = bodies.disk(
            parsed, location, disk.size, disk.target_sku, time, os=item.os if disk.os_disk else None, managed_by=vm_id
        )
        made.properties.update(disk.access)
        world.store.add(made)
        if disk.os_disk:
            profile["osDisk"] = bodies.os_disk(made, item.os, "Attach")
        else:
            profile["dataDisks"].append(bodies.data_disk(made, len(profile["dataDisks"])))
    nics = [_make_nic(world, item, nic, location, test=test, network_id=network_id) for nic in item.nics]
    size = item.settings["recoveryAzureVMSize"]
    vm = bodies.virtual_machine(bodies.child(vm_id, ""), location, size, item.tags, profile, nics, time)
    for index, reference in enumerate(vm.properties["networkProfile"]["networkInterfaces"]):
        reference["properties"] = {"primary": index == 0}
    if not test:
        _place(item, vm)
    world.store.add(vm)
    world.raise_event(vm, "write")
    return vm.id


def _place(item: ProtectedItem, vm: VirtualMachine) -> None:
    settings = item.settings
    if settings.get("recoveryAvailabilityZone"):
        vm.body["zones"] = [settings["recoveryAvailabilityZone"]]
    if settings.get("recoveryAvailabilitySetId"):
        vm.properties["availabilitySet"] = {"id": settings["recoveryAvailabilitySetId"]}
    if settings.get("recoveryVirtualMachineScaleSetId"):
        vm.properties["virtualMachineScaleSet"] = {"id": settings["recoveryVirtualMachineScaleSetId"]}
    if settings.get("recoveryProximityPlacementGroupId"):
        vm.properties["proximityPlacementGroup"] = {"id": settings["recoveryProximityPlacementGroupId"]}
    if settings.get("recoveryCapacityReservationGroupId"):
        group = {"id": settings["recoveryCapacityReservationGroupId"]}
        vm.properties["capacityReservation"] = {"capacityReservationGroup": group}


def _make_nic(
    world: World, item: ProtectedItem, nic: Json, location: str, *, test: bool, network_id: str | None
) -> str:
    name = ids.last_segment(nic["sourceNicArmId"]) + ("-test" if test else "")
    parsed = bodies.child(item.recovery_group, f"/providers/Microsoft.Network/networkInterfaces/{name}")
    subnet = _subnet(world, nic, network_id) or {"id": ""}
    address = nic["ipConfigs"][0]["recoveryStaticIPAddress"] or "10.0.0.4"
    world.store.add(bodies.interface(parsed, location, subnet["id"], address, static=False, primary=True))
    return parsed.text


def _subnet(world: World, nic: Json, network_id: str | None) -> Json | None:
    network = world.store.get(network_id or nic["recoveryVMNetworkId"] or "")
    subnets = sorted(network.properties["subnets"], key=lambda each: key(each["name"])) if network else []
    wanted = key(nic["ipConfigs"][0]["recoverySubnetName"] or "")
    return next((each for each in subnets if key(each["name"]) == wanted), subnets[0] if subnets else None)
