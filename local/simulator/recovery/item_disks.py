"""Adds disks to a protected item, and removes disks from it."""

from local.simulator import checks, ids, latencies
from local.simulator.ids import key
from local.simulator.recovery import disk_checks, enable_input, errors, replication, scope
from local.simulator.recovery.item_update import not_protected, start_change
from local.simulator.routing import Routes
from local.simulator.store import VirtualMachine
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")


@routes.route("POST", scope.ITEM + "/addDisks")
def add_disks(world: World, call: Call) -> Answer:
    item, details = _of_disks(world, call, "vmManagedDisks")
    given: list[Json] = details["vmManagedDisks"]
    for each in given:
        enable_input.parse_disk(each, call.api_version)
    vm = world.store.vm(item.vm_id)
    if vm is None:
        raise errors.conflict(f"The virtual machine of '{item.name}' could not be found.")
    failure = _added_failure(world, item, vm, given)
    added = [] if failure else [enable_input.disk(world, vm, each) for each in given]

    def done(moment: float) -> None:
        for disk in added:
            disk.replicating_until = moment + latencies.PROTECTED * world.pace("initial replication", disk.name)
        item.disks += added
        replication.make_replicas(world, item)

    return start_change(world, call, item, "AddDisks", latencies.ADD_DISKS, done, failure)


@routes.route("POST", scope.ITEM + "/removeDisks")
def remove_disks(world: World, call: Call) -> Answer:
    """The disks stay on the VM, their replicas are deleted."""
    item, details = _of_disks(world, call, "vmManagedDisksIds")
    given: list[str] = details["vmManagedDisksIds"]
    found = [item.disk(each) for each in given]
    failure = None
    for disk_id, disk in zip(given, found, strict=True):
        if disk is None:
            failure = not_protected(item, disk_id)
        elif disk.os_disk:
            failure = Failure("159063", f"The operating system disk of '{item.vm_name}' cannot be left out.")

    def done(_moment: float) -> None:
        item.disks = [disk for disk in item.disks if disk not in found]
        for disk in filter(None, found):
            world.store.remove(disk.replica_id)

    return start_change(world, call, item, "RemoveDisks", latencies.REMOVE_DISKS, done, failure)


def _of_disks(world: World, call: Call, name: str) -> tuple[ProtectedItem, Json]:
    """The item, and the provider's details, which have a list of this name. Raises ArmError."""
    item = scope.item(world, call)
    details: Json = checks.get(checks.body(call), "properties.providerSpecificDetails", dict, required=True)
    scope.a2a(checks.get(details, "instanceType", str, required=True))
    checks.get(details, name, list, required=True)
    scope.only(details, ("instanceType", name))
    if item.phase is not Phase.PROTECTED or item.test:
        raise errors.conflict(f"The disks of '{item.name}' can be changed only while it is protected.")
    return item, details


def _added_failure(world: World, item: ProtectedItem, vm: VirtualMachine, given: list[Json]) -> Failure | None:
    own = {key(disk["managedDisk"]["id"]) for disk in vm.properties["storageProfile"]["dataDisks"]}
    for each in given:
        name = ids.last_segment(each["diskId"])
        if item.disk(each["diskId"]):
            return Failure("159026", f"The disk '{name}' is already protected.")
        if key(each["diskId"]) not in own:
            return Failure("159015", f"The disk '{name}' does not belong to the virtual machine '{vm.name}'.")
    if failure := disk_checks.find(world, item.vault, vm, disk_checks.place_of(item), given):
        return failure
    for each in given:
        high = disk_checks.premium(world.store.get(each["primaryStagingAzureStorageAccountId"]))
        if high != (item.settings["churnOptionSelected"] == "High"):
            return Failure(
                "159064", f"The churn option of '{item.vm_name}' cannot be changed by another cache account."
            )
    return None
