"""The VM that a failover or a test failover creates from the replica disks, and why it cannot."""

import ipaddress

from local.simulator import ids
from local.simulator.arm import addresses, bodies, capacity
from local.simulator.arm.locks import locks_over
from local.simulator.arm.network import takes_vms
from local.simulator.errors import ArmError
from local.simulator.ids import key
from local.simulator.recovery import target_checks
from local.simulator.store import Resource, VirtualMachine
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.test_failover import TestFailover
from local.simulator.wire import Json
from local.simulator.world import World


def obstacle(world: World, item: ProtectedItem, *, test: TestFailover | None = None) -> Failure | None:
    """What is missing of the target, and what the network provider refuses of the VM's interfaces. Site Recovery's
    codes for it are invented."""
    if failure := _missing(world, item, test):
        return failure
    for nic in item.nics:
        configuration = nic["ipConfigs"][0]
        subnet = subnet_of(world, nic, test)
        if test and subnet is None:
            return Failure("159117", f"The network '{test.network}' has no subnet for the test virtual machine.")
        if subnet and not takes_vms(subnet):
            return Failure("159101", f"The target subnet '{subnet['name']}' is kept for a service: it holds no VM.")
        address = world.store.get(configuration[f"{_prefix(test)}PublicIPAddressId"] or "")
        if address and address.properties.get("ipConfiguration"):
            return Failure("159102", f"The public IP address '{address.name}' is attached to another resource.")
        if subnet and not _next_free(world, subnet):
            return Failure("28092", f"The subnet '{subnet['id']}' has no free address.")
    return None


def _missing(world: World, item: ProtectedItem, test: TestFailover | None) -> Failure | None:
    """A target resource that was deleted after the item was enabled."""
    location, needed = item.recovery_container.fabric.location, list[tuple[target_checks.Kind, str | None]]()
    needed += [(target_checks.ENCRYPTION_SET, disk.encryption_set) for disk in item.disks]
    for nic in item.nics:
        needed.append((target_checks.TARGET_NETWORK, test.network if test else nic["recoveryVMNetworkId"]))
        needed.append((target_checks.SECURITY_GROUP, nic["recoveryNetworkSecurityGroupId"] if test is None else None))
    checks = (target_checks.resource(world, kind, each, location) for kind, each in needed if each)
    return (
        target_checks.groups(world, "", location, {item.recovery_group, *(disk.recovery_group for disk in item.disks)})
        or target_checks.place(world, location, item.settings)
        or next(filter(None, checks), None)
    )


def test_obstacle(world: World, item: ProtectedItem, test: TestFailover) -> Failure | None:
    """Why the test VM cannot be created now: in the first task of its job, or in the one that creates it.

    Microsoft documents 28031 (a VM not created: quota, policy) and 28092 (an interface not created) for VMware, not for
    Azure VMs; that they are these here is inferred.
    """
    if failure := obstacle(world, item, test=test):
        return failure
    vm_id = _vm_id(item, test)
    if any(lock.properties["level"] == "ReadOnly" for lock in locks_over(world, vm_id)):
        return Failure("28031", f"The scope of '{vm_id}' is locked (ReadOnly): no resource can be created.", task=1)
    if world.store.vm(vm_id):
        return Failure("28031", f"A virtual machine '{vm_id}' exists already.", task=1)
    for nic in item.nics:
        subnet, wanted = subnet_of(world, nic, test), nic["ipConfigs"][0]["tfoStaticIPAddress"]
        if subnet and wanted and _free_static(world, wanted, subnet) is None:
            message = "One or more replica IP addresses for the network adapter of virtual machine is invalid."
            return Failure("28092", message, f"The address {wanted} is not free in '{subnet['id']}'.", task=1)
    return None


def refused_by_compute(world: World, item: ProtectedItem, test: TestFailover) -> Failure | None:
    """Why the VM itself is refused in the target region now: a policy, the size, the quota."""
    vm_id, location, zones = _vm_id(item, test), item.recovery_container.fabric.location, _zones(item)
    try:
        world.limits.check_policy(vm_id)
        capacity.check(world, vm_id, location, item.settings["recoveryAzureVMSize"], zones)
    except ArmError as error:
        return Failure("28031", f"The virtual machine could not be created. {error.code}: {error.message}", task=1)
    return None


def make(world: World, item: ProtectedItem, test: TestFailover | None = None) -> VirtualMachine:
    """A VM from the replica disks (CLI-A2A #92): no OS profile, the source's tags.

    That of a test is in Creating and still starts. It is in the item's availability set and placement group, as
    recorded (PS-CL, 2025-03); whether it uses the item's capacity reservation is not known: here it does not.
    """
    location = item.recovery_container.fabric.location
    vm_id = _vm_id(item, test)
    time = world.clock.stamp()
    profile: Json = {"osDisk": {}, "dataDisks": []}
    made: list[Resource] = []
    for disk in item.disks:
        disk_name = (disk.test_name or f"{disk.name}-ASRtest") if test else (disk.failover_name or disk.name)
        parsed = bodies.child(disk.recovery_group, f"/providers/Microsoft.Compute/disks/{disk_name}")
        copy = bodies.disk(
            parsed, location, disk.size, disk.target_sku, time, os=item.os if disk.os_disk else None, managed_by=vm_id
        )
        copy.properties.update(disk.access)
        made.append(copy)
        if disk.os_disk:
            profile["osDisk"] = bodies.os_disk(copy, item.os, "Attach")
        else:
            profile["dataDisks"].append(bodies.data_disk(copy, len(profile["dataDisks"])))
    nics = [_nic(world, item, nic, location, test) for nic in item.nics]
    size = item.settings["recoveryAzureVMSize"]
    tags = item.tags
    vm = bodies.virtual_machine(bodies.child(vm_id, ""), location, size, tags, profile, [nic.id for nic in nics], time)
    for index, reference in enumerate(vm.properties["networkProfile"]["networkInterfaces"]):
        reference["properties"] = {"primary": index == 0}
    _place(item, vm, test)
    _copy_identity(world, item, vm)
    if account := world.store.get(item.settings.get("recoveryBootDiagStorageAccountId") or ""):
        blobs = account.properties["primaryEndpoints"]["blob"]
        vm.properties["diagnosticsProfile"] = {"bootDiagnostics": {"enabled": True, "storageUri": blobs}}
    if test:
        vm.power, vm.properties["provisioningState"] = "starting", "Creating"
        vm.diagnostics = item.test_outcome.diagnostics
        test.vm = vm.id
        test.made += [vm.id, *(each.id for each in made)]
    for each in (*made, vm):
        world.store.add(each)
    if test is None:
        world.raise_event(vm, "write")
    return vm


def remove_test_vm(world: World, test: TestFailover, *, disks: bool = True) -> None:
    """Deletes what a test failover has created: the VM, its interfaces and its disks."""
    vm = world.store.vm(test.vm or "")
    for made in test.made:
        if "/disks/" in made and not disks:
            if disk := world.store.get(made):
                disk.body.pop("managedBy", None)
                disk.properties["diskState"] = "Unattached"
            continue
        for configuration in _configurations(world, made):
            public = configuration["properties"].get("publicIPAddress", {}).get("id")
            if address := world.store.get(public or ""):
                address.properties.pop("ipConfiguration", None)
        world.store.remove(made)
    if vm is not None:
        world.raise_event(vm, "delete")


def subnet_of(world: World, nic: Json, test: TestFailover | None = None) -> Json | None:
    """The subnet of an interface, of a test in the network of the test."""
    network = world.store.get((test.network if test else nic["recoveryVMNetworkId"]) or "")
    return _subnet(network, nic, (nic["ipConfigs"][0]["tfoSubnetName"] or "") if test else "")


def test_subnet_id(world: World, nic: Json, network_id: str) -> str | None:
    """The subnet that a test in this network would use."""
    found = _subnet(world.store.get(network_id), nic, nic["ipConfigs"][0]["tfoSubnetName"] or "")
    return str(found["id"]) if found else None


def _subnet(network: Resource | None, nic: Json, chosen: str) -> Json | None:
    """The chosen subnet of a network, else the one of the same name, else the first in alphabetical order."""
    subnets: list[Json] = sorted(network.properties["subnets"], key=lambda each: key(each["name"])) if network else []
    configuration = nic["ipConfigs"][0]
    for name in filter(None, (chosen, configuration["recoverySubnetName"])):
        if found := next((each for each in subnets if key(each["name"]) == key(ids.last_segment(name))), None):
            return found
    return subnets[0] if subnets else None


def _vm_id(item: ProtectedItem, test: TestFailover | None) -> str:
    name = item.settings["tfoAzureVMName" if test else "recoveryAzureVMName"]
    return f"{item.recovery_group}/providers/Microsoft.Compute/virtualMachines/{name}"


def _prefix(test: TestFailover | None) -> str:
    """How the fields of an interface begin that are for this kind of failover."""
    return "tfo" if test else "recovery"


def _zones(item: ProtectedItem) -> list[str]:
    return [item.settings["recoveryAvailabilityZone"]] if item.settings.get("recoveryAvailabilityZone") else []


def _place(item: ProtectedItem, vm: VirtualMachine, test: TestFailover | None) -> None:
    settings = item.settings
    if zones := _zones(item):
        vm.body["zones"] = zones
    if settings.get("recoveryAvailabilitySetId"):
        vm.properties["availabilitySet"] = {"id": settings["recoveryAvailabilitySetId"]}
    if settings.get("recoveryVirtualMachineScaleSetId"):
        vm.properties["virtualMachineScaleSet"] = {"id": settings["recoveryVirtualMachineScaleSetId"]}
    if settings.get("recoveryProximityPlacementGroupId"):
        vm.properties["proximityPlacementGroup"] = {"id": settings["recoveryProximityPlacementGroupId"]}
    if settings.get("recoveryCapacityReservationGroupId") and test is None:
        group = {"id": settings["recoveryCapacityReservationGroupId"]}
        vm.properties["capacityReservation"] = {"capacityReservationGroup": group}


def _copy_identity(world: World, item: ProtectedItem, vm: VirtualMachine) -> None:
    """A test VM had a system-assigned and a user-assigned identity (PS-CL); that they are the source's is inferred."""
    source = world.store.vm(item.vm_id)
    if source and source.body.get("identity"):
        vm.body["identity"] = dict(source.body["identity"])


def _nic(world: World, item: ProtectedItem, nic: Json, location: str, test: TestFailover | None) -> Resource:
    prefix, group = _prefix(test), item.recovery_group
    name = ids.last_segment(nic["sourceNicArmId"]) + ("-test" if test else "")
    if test:
        name = nic["tfoRecoveryNicName"] or name
        if nic["tfoRecoveryNicResourceGroupName"]:
            group = f"{group.rpartition('/')[0]}/{nic['tfoRecoveryNicResourceGroupName']}"
    parsed = bodies.child(group, f"/providers/Microsoft.Network/networkInterfaces/{name}")
    if test and nic["tfoReuseExistingNic"] and (existing := world.store.get(parsed.text)):
        return existing
    configuration = nic["ipConfigs"][0]
    subnet = subnet_of(world, nic, test)
    wanted = (configuration["tfoStaticIPAddress"] if test else None) or configuration["recoveryStaticIPAddress"]
    static = _free_static(world, wanted, subnet) if subnet else None
    address = static or (_next_free(world, subnet) if subnet else None) or "10.0.0.4"
    subnet_id = subnet["id"] if subnet else ""
    made = bodies.interface(parsed, location, subnet_id, address, static=static is not None, primary=True)
    if group_id := nic[f"{prefix}NetworkSecurityGroupId"]:
        made.properties["networkSecurityGroup"] = {"id": group_id}
    [shown] = made.properties["ipConfigurations"]
    if pools := configuration[f"{prefix}LBBackendAddressPoolIds"]:
        shown["properties"]["loadBalancerBackendAddressPools"] = [{"id": pool} for pool in pools]
    if public := world.store.get(configuration[f"{prefix}PublicIPAddressId"] or ""):
        shown["properties"]["publicIPAddress"] = {"id": public.id}
        public.properties["ipConfiguration"] = {"id": shown["id"]}
    # At once, so that the next interface takes another address.
    world.store.add(made)
    if test:
        test.made.append(made.id)
    return made


def _configurations(world: World, resource_id: str) -> list[Json]:
    found = world.store.get(resource_id)
    return found.properties.get("ipConfigurations", []) if found else []


def _free_static(world: World, wanted: str | None, subnet: Json) -> str | None:
    """The address if it is free in the subnet."""
    if not wanted or ipaddress.ip_address(wanted) not in addresses.range_of(subnet):
        return None
    try:
        addresses.check(wanted, subnet, _taken(world, subnet), "")
    except ArmError:
        return None
    return wanted


def _next_free(world: World, subnet: Json) -> str | None:
    try:
        return addresses.free(subnet, _taken(world, subnet), 1)[0]
    except ArmError:
        return None


def _taken(world: World, subnet: Json) -> dict[str, str]:
    network = world.store.get(subnet["id"].rpartition("/subnets/")[0])
    return addresses.taken(world.store, network) if network else {}
