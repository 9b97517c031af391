"""PUT of a new VM: with interfaces that exist; its disks are created with it."""

from local.simulator import checks, ids, latencies, operations, regions
from local.simulator.arm import bodies, capacity, tags
from local.simulator.errors import ArmError, invalid_parameter
from local.simulator.ids import ResourceId
from local.simulator.store import Resource, VirtualMachine
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

TYPE = "Microsoft.Compute/virtualMachines"


def create(world: World, call: Call) -> Answer:
    """201 with the VM in Creating; the write event is raised when it has Succeeded."""
    body = checks.body(call)
    location = regions.check(checks.get(body, "location", str, required=True), TYPE)
    size = checks.get(body, "properties.hardwareProfile.vmSize", str, required=True)
    given = checks.strings(body, "tags")
    tags.check(given or {})
    parsed = bodies.child(call.path, "")
    zones = checks.get(body, "zones", list) or []
    if not set(zones) <= set(regions.zones(location)):
        message = f"The zone(s) '{','.join(map(str, zones))}' for resource '{call.path}' is not supported."
        raise ArmError(400, "InvalidAvailabilityZone", message)
    capacity.check(world, parsed.text, location, size, zones)
    nics = _nics(world, body, location)
    os, disks = _disks(world, parsed, body, location)
    data = [bodies.data_disk(disk, lun, "Empty") for lun, disk in enumerate(disks[1:])]
    storage = {"imageReference": bodies.image(os), "osDisk": bodies.os_disk(disks[0], os), "dataDisks": data}
    vm = bodies.virtual_machine(parsed, location, size, given, storage, nics, world.clock.stamp())
    vm.properties.update(osProfile=bodies.os_profile(parsed.name, os), provisioningState="Creating")
    if zones:
        vm.body["zones"] = zones
    _place(world, vm, body)
    for resource in (*disks, vm):
        world.store.add(resource)

    def done(_moment: float) -> None:
        vm.properties["provisioningState"] = "Succeeded"
        world.raise_event(vm, "write", call.claims)

    operation = operations.begin(world, call, "Microsoft.Compute", latencies.VIRTUAL_MACHINE_CREATE, done=done)
    if call.doomed is not None:
        vm.properties["provisioningState"] = "Failed"
    return Answer(201, vm.body, operations.async_headers(world, call, operation, location))


def _nics(world: World, body: Json, location: str) -> list[str]:
    found = []
    networks = set()
    for reference in checks.get(body, "properties.networkProfile.networkInterfaces", list, required=True):
        nic_id = checks.get(reference, "id", str, required=True)
        nic = world.store.get(nic_id)
        if nic is None or nic.location != location:
            raise invalid_parameter("networkInterfaces", f"The network interface '{nic_id}' could not be found.")
        found.append(nic.id)
        subnet: str = nic.properties["ipConfigurations"][0]["properties"]["subnet"]["id"]
        networks.add(ids.key(subnet.rsplit("/subnets/", 1)[0]))
    if not found:
        raise invalid_parameter("networkInterfaces", "A virtual machine needs a network interface.")
    if len(networks) > 1:
        # The message is invented.
        message = "The network interfaces of a virtual machine must be in one virtual network."
        raise ArmError(400, "SubnetsNotInSameVnet", message)
    return found


def _disks(world: World, vm: ResourceId, body: Json, location: str) -> tuple[str, list[Resource]]:
    """The OS and the disks, the OS disk first."""
    storage = checks.get(body, "properties.storageProfile", dict, required=True)
    os_disk = checks.get(storage, "osDisk", dict, required=True)
    os = checks.get(os_disk, "osType", str) or "Linux"
    if os not in ("Linux", "Windows"):
        raise invalid_parameter("osType", f"The OS type '{os}' is not known.")
    wanted = [(os_disk, f"{vm.name}_OsDisk_1", 64)]
    for raw in checks.get(storage, "dataDisks", list) or []:
        lun = checks.get(raw, "lun", int, required=True)
        wanted.append((raw, f"{vm.name}_DataDisk_{lun}", 32))
    made = []
    for index, (raw, name, size) in enumerate(wanted):
        name = checks.get(raw, "name", str) or name
        parsed = bodies.child(ids.group_id(vm.subscription, vm.group), f"/providers/Microsoft.Compute/disks/{name}")
        if world.store.get(parsed.text) is not None:
            raise ArmError(409, "ConflictingUserInput", f"The disk '{name}' exists already.")
        made.append(
            bodies.disk(
                parsed,
                location,
                checks.get(raw, "diskSizeGB", int) or size,
                checks.get(raw, "managedDisk.storageAccountType", str) or "Premium_LRS",
                world.clock.stamp(),
                os=None if index else os,
                managed_by=vm.text,
                create_option="Empty" if index else "FromImage",
            )
        )
    return os, made


def _place(world: World, vm: VirtualMachine, body: Json) -> None:
    set_id = checks.get(body, "properties.availabilitySet.id", str)
    if set_id is None:
        return
    found = world.store.get(set_id)
    if found is None or found.location != vm.location:
        raise invalid_parameter("availabilitySet", f"The availability set '{set_id}' could not be found.")
    vm.properties["availabilitySet"] = {"id": found.id}
