"""Virtual machines: read, tag, attach a disk, start, stop, delete. Sets and disks are in compute_parts.py."""

from collections.abc import Callable

from local.simulator import checks, errors, ids, latencies, operations
from local.simulator.arm import bodies, compute_create, tags
from local.simulator.errors import ArmError, invalid_parameter
from local.simulator.paging import listed, page
from local.simulator.routing import Routes
from local.simulator.store import Resource, VirtualMachine
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("virtual-machines")
TYPE = "Microsoft.Compute/virtualMachines"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"
_VM = _GROUP + "/providers/Microsoft.Compute/virtualMachines/{name}"
POWER_STATES = {
    "running": "VM running",
    "deallocated": "VM deallocated",
    "stopped": "VM stopped",
    "starting": "VM starting",
}
_NO_AGENT = {
    "code": "ProvisioningState/Unavailable",
    "level": "Warning",
    "displayStatus": "Not Ready",
    "message": "VM status blob is found but not yet populated.",
}
_ACTIONS = {"start": "running", "deallocate": "deallocated", "poweroff": "stopped", "restart": "running"}


@routes.route(
    "GET",
    "/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines",
    _GROUP + "/providers/Microsoft.Compute/virtualMachines",
)
def list_vms(world: World, call: Call) -> Answer:
    found = listed(world, call, TYPE)
    if "$expand" in call.query and "$filter" not in call.query:
        # As its description says; the error is invented.
        raise invalid_parameter("$expand", "$expand can only be specified with a valid $filter.")
    if call.query.get("statusOnly") == "true" and "group" not in call.params:
        return Answer(200, page(world, call, found, lambda vm: _status(world, vm)))
    return Answer(200, page(world, call, found, lambda vm: render(world, vm, expanded=False)))


def _status(world: World, vm: Resource) -> Json:
    """The row of a list of statuses: the "run time status" of a VM. What else is in it is not documented; public
    clients use no more of it."""
    view = instance_view(world, vm) if isinstance(vm, VirtualMachine) else {}
    return {"id": vm.id, "name": vm.name, "location": vm.location, "properties": {"instanceView": view}}


@routes.route("GET", _VM)
def get_vm(world: World, call: Call) -> Answer:
    expanded = "instanceview" in call.query.get("$expand", "").lower()
    left = "Microsoft.Compute/LowCostGet3Min;3996,Microsoft.Compute/LowCostGet30Min;31943"
    headers = {"x-ms-ratelimit-remaining-resource": left}
    return Answer(200, render(world, find(world, call), expanded=expanded), headers)


@routes.route("GET", _VM + "/instanceView")
def get_instance_view(world: World, call: Call) -> Answer:
    return Answer(200, instance_view(world, find(world, call)))


@routes.route("GET", _VM + "/extensions")
def list_extensions(world: World, call: Call) -> Answer:
    found = world.store.under(find(world, call).id, TYPE + "/extensions")
    return Answer(200, {"value": [extension.body for extension in found]})


@routes.route("PUT PATCH", _VM)
def write_vm(world: World, call: Call) -> Answer:
    """Changes tags, size and disks; the response has the body at once, still Updating. PUT also creates a VM."""
    if call.method == "PUT" and world.store.vm(call.path) is None:
        return compute_create.create(world, call)
    vm = find(world, call)
    body = checks.body(call)
    if call.method == "PUT" and checks.get(body, "location", str, required=True).lower() != vm.location.lower():
        raise ArmError(409, "PropertyChangeNotAllowed", "Changing property 'location' is not allowed.")
    given_tags = checks.strings(body, "tags")
    if given_tags is not None:
        tags.check(given_tags)
    attach, swap = _disk_changes(world, vm, body), _os_disk_change(world, vm, body)
    size = checks.get(body, "properties.hardwareProfile.vmSize", str)
    if call.method == "PUT" or given_tags is not None:
        vm.body["tags"] = given_tags or {}
    if size:
        vm.properties["hardwareProfile"]["vmSize"] = size
    for change in filter(None, (attach, swap)):
        change()
    vm.properties["provisioningState"] = "Updating"

    def done(_moment: float) -> None:
        vm.properties["provisioningState"] = "Succeeded"
        world.raise_event(vm, "write", call.claims)

    operation = operations.begin(
        world, call, "Microsoft.Compute", latencies.VIRTUAL_MACHINE_WRITE, done=done, retry_after=10
    )
    return Answer(200, render(world, vm, expanded=False), operations.async_headers(world, call, operation, vm.location))


@routes.route("DELETE", _VM)
def delete_vm(world: World, call: Call) -> Answer:
    vm = world.store.vm(call.path)
    if vm is None:
        return Answer(204)
    vm.properties["provisioningState"] = "Deleting"

    def done(_moment: float) -> None:
        world.store.remove(vm.id)
        world.raise_event(vm, "delete", call.claims)

    operation = operations.begin(world, call, "Microsoft.Compute", latencies.VIRTUAL_MACHINE_DELETE, done=done)
    return Answer(202, None, operations.async_headers(world, call, operation, vm.location))


@routes.route("POST", _VM + "/{action}")
def act(world: World, call: Call) -> Answer:
    vm = find(world, call)
    action = call["action"].lower()
    if action not in _ACTIONS:
        raise ArmError(404, "InvalidResourceType", f"The action '{call['action']}' is not known.")
    vm.properties["provisioningState"] = "Updating"

    def done(_moment: float) -> None:
        vm.power = _ACTIONS[action]
        vm.properties["provisioningState"] = "Succeeded"
        world.raise_event(vm, f"{call['action']}/action", call.claims)

    operation = operations.begin(world, call, "Microsoft.Compute", latencies.VIRTUAL_MACHINE_POWER, done=done)
    headers = operations.async_headers(world, call, operation, vm.location)
    return Answer(202, None, headers | {"Location": headers["Azure-AsyncOperation"]})


def find(world: World, call: Call) -> VirtualMachine:
    vm = world.store.vm(
        f"{ids.group_id(call['subscription'], call['group'])}/providers/{TYPE}/{call['name']}",
    )
    if vm is None:
        raise errors.resource_not_found(TYPE, call["name"], call["group"])
    return vm


def render(world: World, vm: Resource, *, expanded: bool) -> Json:
    extensions = [extension.body for extension in world.store.under(vm.id, TYPE + "/extensions")]
    body = dict(vm.body)
    if extensions:
        body["resources"] = extensions
    if expanded and isinstance(vm, VirtualMachine):
        body["properties"] = {**vm.properties, "instanceView": instance_view(world, vm)}
    return body


def instance_view(world: World, vm: VirtualMachine) -> Json:
    state = str(vm.properties["provisioningState"])
    statuses = [
        {
            "code": f"ProvisioningState/{state.lower()}",
            "level": "Info",
            "displayStatus": f"Provisioning {state.lower()}",
            "time": world.clock.stamp(),
        },
        {"code": f"PowerState/{vm.power}", "level": "Info", "displayStatus": POWER_STATES[vm.power]},
    ]
    profile = vm.properties["storageProfile"]
    disks = [_disk_view(world, disk, statuses[0]) for disk in (profile["osDisk"], *profile["dataDisks"])]
    view: Json = {"hyperVGeneration": vm.generation, "disks": disks, "statuses": statuses}
    if vm.power == "running" and vm.agent_ready is not None and vm.agent_ready <= world.clock.now():
        ready = {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready"}
        view |= {"computerName": vm.name, "vmAgent": {"vmAgentVersion": "2.9.1.1", "statuses": [ready]}}
    elif vm.power == "running":
        view["vmAgent"] = {"vmAgentVersion": "Unknown", "statuses": [_NO_AGENT]}
    diagnostics = vm.properties.get("diagnosticsProfile", {}).get("bootDiagnostics", {})
    if diagnostics.get("enabled"):
        view["bootDiagnostics"] = _boot_diagnostics(vm, diagnostics.get("storageUri"))
    return view


def _boot_diagnostics(vm: VirtualMachine, account: str | None) -> Json:
    """The two blobs in the account. In storage that Azure manages they are shown by another call only. A status is set
    "only if there are errors encountered in enabling boot diagnostics" (its description); its texts are invented."""
    if not vm.diagnostics:
        return {
            "status": {
                "code": "BootDiagnosticsStorageNotAccessible",
                "level": "Error",
                "displayStatus": "Boot diagnostics failed",
                "message": f"{account or 'Managed storage'}?sv=2025-01-05&sig=c2VjcmV0 cannot be written.",
            }
        }
    if account is None:
        return {}
    start = f"{account}bootdiagnostics-{vm.name[:10].lower()}-{vm.properties['vmId']}/{vm.name}"
    return {
        "consoleScreenshotBlobUri": f"{start}.screenshot.bmp",
        "serialConsoleLogBlobUri": f"{start}.serialconsole.log",
    }


def _disk_view(world: World, entry: Json, status: Json) -> Json:
    """Azure Disk Encryption shows here, and on the disk itself, but not in the model of the VM."""
    disk = world.store.get(entry["managedDisk"]["id"]) if "managedDisk" in entry else None
    settings = disk.properties.get("encryptionSettingsCollection") if disk else None
    view: Json = {"name": entry["name"], "statuses": [status]}
    if settings:
        view["encryptionSettings"] = [
            {**each, "enabled": settings["enabled"]} for each in settings["encryptionSettings"]
        ]
    return view


def _disk_changes(world: World, vm: VirtualMachine, body: Json) -> Callable[[], None] | None:
    """Checks a list of data disks now, and returns the function that applies it."""
    wanted = checks.get(body, "properties.storageProfile.dataDisks", list)
    if wanted is None:
        return None
    if not bodies.has_managed_disks(vm):
        raise invalid_parameter("dataDisks", "The simulator does not attach or detach unmanaged disks.")
    planned = [_data_disk(world, vm, index, disk) for index, disk in enumerate(wanted)]
    if len({entry["lun"] for entry, _ in planned}) != len(planned):
        raise invalid_parameter("dataDisks", "Two data disks have the same logical unit number.")

    def change() -> None:
        kept = {ids.key(entry["managedDisk"]["id"]) for entry, _ in planned}
        for entry in vm.properties["storageProfile"]["dataDisks"]:
            if ids.key(entry["managedDisk"]["id"]) not in kept and (old := world.store.get(entry["managedDisk"]["id"])):
                old.body.pop("managedBy", None)
                old.properties["diskState"] = "Unattached"
        for _, disk in planned:
            disk.body["managedBy"] = vm.id
            disk.properties["diskState"] = "Attached"
            world.store.add(disk)
        vm.properties["storageProfile"]["dataDisks"] = [entry for entry, _ in planned]

    return change


def _os_disk_change(world: World, vm: VirtualMachine, body: Json) -> Callable[[], None] | None:
    """Another OS disk in place of the VM's."""
    wanted = checks.get(body, "properties.storageProfile.osDisk.managedDisk.id", str)
    has: Json = vm.properties["storageProfile"]["osDisk"]
    if wanted is None or not bodies.has_managed_disks(vm) or ids.key(has["managedDisk"]["id"]) == ids.key(wanted):
        return None
    disk = world.store.get(wanted)
    if disk is None or world.store.vm(disk.body.get("managedBy") or ""):
        raise invalid_parameter("osDisk", f"The disk '{wanted}' could not be found, or a VM has it.")

    def change() -> None:
        if old := world.store.get(has["managedDisk"]["id"]):
            old.body.pop("managedBy", None)
        disk.body["managedBy"] = vm.id
        vm.properties["storageProfile"]["osDisk"] = {**has, **bodies.os_disk(disk, has["osType"])}

    return change


def _data_disk(world: World, vm: VirtualMachine, index: int, raw: Json) -> tuple[Json, Resource]:
    lun = checks.get(raw, "lun", int, required=True)
    target = f"dataDisks[{index}]"
    disk_id = checks.get(raw, "managedDisk.id", str)
    if disk_id is None:
        name = checks.get(raw, "name", str) or f"{vm.name}_DataDisk_{lun}"
        parsed = bodies.child(vm.id.rsplit("/", 2)[0], f"/disks/{name}")
        existing = world.store.get(parsed.text)
        size = checks.get(raw, "diskSizeGB", int, required=existing is None)
        sku = checks.get(raw, "managedDisk.storageAccountType", str) or "Premium_LRS"
        disk = existing or bodies.disk(parsed, vm.location, size, sku, world.clock.stamp())
    else:
        found = world.store.get(disk_id)
        if found is None:
            raise invalid_parameter(target, f"The disk '{disk_id}' could not be found.")
        disk = found
    owner = disk.body.get("managedBy")
    if owner and ids.key(owner) != ids.key(vm.id):
        message = f"Disk {disk.name} is already owned by VM {owner}."
        raise ArmError(409, "ConflictingUserInput", message)
    entry = bodies.data_disk(disk, lun, checks.get(raw, "createOption", str, required=True), raw.get("caching", "None"))
    return entry, disk
