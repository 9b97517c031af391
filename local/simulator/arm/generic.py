"""Resources without a provider of their own here: kept as they were written."""

from local.simulator import checks, errors, ids, regions
from local.simulator.arm import tags
from local.simulator.errors import ArmError
from local.simulator.routing import Routes
from local.simulator.store import Resource
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("any")
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{kind}"
_KINDS = {
    kind.lower(): kind
    for kind in (
        "Microsoft.Automation/automationAccounts",
        "Microsoft.Compute/capacityReservationGroups",
        "Microsoft.Compute/diskEncryptionSets",
        "Microsoft.Compute/proximityPlacementGroups",
        "Microsoft.Network/publicIPAddresses",
        "Microsoft.Network/loadBalancers",
    )
}


@routes.route("GET", _GROUP)
def list_resources(world: World, call: Call) -> Answer:
    found = world.store.under(ids.group_id(call["subscription"], call["group"]), _kind(call))
    return Answer(200, world.page(call, [each.body for each in found]))


@routes.route("GET", _GROUP + "/{name}")
def get_resource(world: World, call: Call) -> Answer:
    found = world.store.get(call.path)
    if found is None:
        raise errors.resource_not_found(_kind(call), call["name"], call["group"])
    return Answer(200, found.body)


@routes.route("PUT", _GROUP + "/{name}")
def put_resource(world: World, call: Call) -> Answer:
    kind = _kind(call)
    body = checks.body(call)
    location = regions.check(checks.get(body, "location", str, required=True), kind)
    given = checks.strings(body, "tags")
    tags.check(given or {})
    old = world.store.get(call.path)
    made: Json = {**body, "id": old.id if old else call.path, "name": call["name"], "type": kind, "location": location}
    made["properties"] = {**body.get("properties", {}), "provisioningState": "Succeeded"}
    world.store.add(Resource(made["id"], kind, made))
    return Answer(200 if old else 201, made)


@routes.route("DELETE", _GROUP + "/{name}")
def delete_resource(world: World, call: Call) -> Answer:
    if world.store.get(call.path) is None:
        return Answer(204)
    world.store.remove(call.path)
    return Answer(200)


def _kind(call: Call) -> str:
    asked = f"{call['namespace']}/{call['kind']}"
    known = _KINDS.get(asked.lower())
    if known is None:
        message = f"The resource type '{call['kind']}' could not be found in the namespace '{call['namespace']}'."
        raise ArmError(404, "InvalidResourceType", message)
    return known
