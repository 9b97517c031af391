"""DELETE of target resources: networks, availability sets, storage accounts and whole resource groups.

Azure rejects the deletion of a resource that it knows to be in use. It does not know the configuration of Site
Recovery: a network, a set or a cache account that only an item names is deleted.
"""

from local.simulator import errors, ids, latencies, operations
from local.simulator.arm import usage
from local.simulator.arm.compute_parts import SET
from local.simulator.arm.locks import locks_inside
from local.simulator.arm.network import NETWORK
from local.simulator.arm.storage import TYPE as ACCOUNT
from local.simulator.errors import ArmError
from local.simulator.routing import Routes
from local.simulator.store import Resource, ResourceGroup
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("resources")
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}"


def _of(kind: str) -> str:
    return f"{_GROUP}/providers/{kind}/{{name}}"


@routes.route("DELETE", _of(NETWORK), api="network")
def delete_network(world: World, call: Call) -> Answer:
    network = world.store.get(call.path)
    if network is None:
        return Answer(204)
    if users := _interfaces(world, network):
        subnet, configuration = users[0]
        # hashicorp/terraform#16093 and others; `details` is always there and empty.
        message = (
            f"Subnet {subnet} is in use by {configuration} and cannot be deleted. In order to delete the subnet, "
            "delete all the resources within the subnet. See aka.ms/deletesubnet."
        )
        raise ArmError(400, "InUseSubnetCannotBeDeleted", message, details=[])
    network.properties["provisioningState"] = "Deleting"
    operation = operations.begin(
        world,
        call,
        "Microsoft.Network",
        latencies.VIRTUAL_NETWORK_DELETE,
        done=lambda _moment: world.store.remove(network.id),
        retry_after=latencies.NETWORK_RETRY_AFTER,
    )
    location = network.location
    headers = operations.async_headers(world, call, operation, location)
    return Answer(202, None, headers | operations.location_headers(world, call, operation, location))


@routes.route("DELETE", _of(SET), api="virtual-machines")
def delete_set(world: World, call: Call) -> Answer:
    found = world.store.get(call.path)
    if found is None:
        return Answer(204)
    if usage.availability_sets(world.store, [found])[0]["properties"]["virtualMachines"]:
        # The message is from Microsoft's list of errors of virtual machines.
        message = (
            f"Availability Set {found.name} cannot be deleted. Before deleting an Availability Set please ensure that "
            "it does not contain any VM."
        )
        raise ArmError(409, "OperationNotAllowed", message)
    world.store.remove(found.id)
    return Answer(200)


@routes.route("DELETE", _of(ACCOUNT), api="storage")
def delete_account(world: World, call: Call) -> Answer:
    """Deletes the account with its content."""
    found = world.store.get(call.path)
    if found is None:
        return Answer(204)
    world.store.remove(found.id)
    return Answer(200)


@routes.route("DELETE", _GROUP)
def delete_group(world: World, call: Call) -> Answer:
    """Deletes the group with everything in it. If a resource in it is used from outside, or is a vault with items, the
    operation fails and nothing is deleted."""
    group = world.store.group(call.path)
    if group is None:
        raise errors.group_not_found(call["group"])
    if locked := locks_inside(world, group.id):
        raise errors.scope_locked(group.id, "delete", [lock.id.rsplit("/providers/", 1)[0] for lock in locked])
    group.state = "Deleting"
    blocked = _blocking(world, group)
    operation = operations.begin(
        world,
        call,
        "Microsoft.Resources",
        latencies.RESOURCE_GROUP_DELETE,
        done=lambda _moment: _empty(world, group),
        error=_deletion_blocked(group, blocked) if blocked else None,
    )
    if operation.error:
        world.clock.at(operation.ends, lambda _moment: setattr(group, "state", "Succeeded"))
    return Answer(202, None, operations.location_headers(world, call, operation, group.location))


def _empty(world: World, group: ResourceGroup) -> None:
    for resource in list(world.store.in_group(group.id)):
        world.store.remove(resource.id)
        world.recovery.pop(ids.key(resource.id), None)
        world.changed(resource.id)
    subscription = world.store.subscription(group.id.split("/")[2])
    if subscription:
        subscription.groups.pop(ids.key(group.name), None)


def _blocking(world: World, group: ResourceGroup) -> list[str]:
    inside = list(world.store.in_group(group.id))
    own = {ids.key(resource.id) for resource in inside}
    found = []
    for resource in inside:
        vault = world.recovery.get(ids.key(resource.id))
        used = [each for _, each in _interfaces(world, resource)] if resource.type == NETWORK else []
        outside = [each for each in used if ids.key(each.rsplit("/ipConfigurations/", 1)[0]) not in own]
        if outside or (vault and next(vault.items(), None)):
            found.append(resource.id)
    return found


def _deletion_blocked(group: ResourceGroup, blocking: list[str]) -> Json:
    message = f"Deletion of resource group '{group.name}' did not finish within the allowed time as resources with "
    message += f"identifiers '{','.join(blocking)}' could not be deleted."
    return {"code": "ResourceGroupDeletionBlocked", "message": message}


def _interfaces(world: World, network: Resource) -> list[tuple[str, str]]:
    """Subnet name and IP configuration ID for each configuration in the network."""
    inside = usage.configurations(world.store)
    return [
        (subnet["name"], configuration)
        for subnet in network.properties["subnets"]
        for configuration in inside.get(ids.key(subnet["id"]), ())
    ]
