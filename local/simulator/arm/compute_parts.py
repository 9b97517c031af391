"""Availability sets and managed disks."""

from local.simulator import checks, errors, ids, regions
from local.simulator.arm import bodies, names, tags, usage
from local.simulator.errors import ArmError, invalid_parameter
from local.simulator.ids import ResourceId
from local.simulator.paging import listed, page
from local.simulator.routing import Routes
from local.simulator.store import Resource
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("virtual-machines")
SET = "Microsoft.Compute/availabilitySets"
DISK = "Microsoft.Compute/disks"
PLACEMENT_GROUP = "Microsoft.Compute/proximityPlacementGroups"
_SUBSCRIPTION = "/subscriptions/{subscription}/providers/Microsoft.Compute/"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/"


def _get(world: World, call: Call, kind: str) -> Resource:
    found = world.store.get(call.path)
    if found is None:
        raise errors.resource_not_found(kind, call["name"], call["group"])
    return found


@routes.route("GET", _SUBSCRIPTION + "availabilitySets", _GROUP + "availabilitySets")
def list_sets(world: World, call: Call) -> Answer:
    return Answer(200, page(world, call, usage.availability_sets(world.store, listed(world, call, SET))))


@routes.route("GET", _GROUP + "availabilitySets/{name}")
def get_set(world: World, call: Call) -> Answer:
    return Answer(200, usage.availability_sets(world.store, [_get(world, call, SET)])[0])


@routes.route("PUT", _GROUP + "availabilitySets/{name}")
def put_set(world: World, call: Call) -> Answer:
    names.check(SET, call["name"])
    body = checks.body(call)
    location = regions.check(checks.get(body, "location", str, required=True), SET)
    most = regions.fault_domains(location)
    faults = checks.get(body, "properties.platformFaultDomainCount", int)
    updates = checks.get(body, "properties.platformUpdateDomainCount", int)
    faults = most if faults is None else faults
    updates = 5 if updates is None else updates
    if not 1 <= faults <= most:
        message = f"The specified fault domain count {faults} must fall in the range 1 to {most}."
        raise invalid_parameter("platformFaultDomainCount", message)
    if not 1 <= updates <= 20:
        message = f"The specified update domain count {updates} must fall in the range 1 to 20."
        raise invalid_parameter("platformUpdateDomainCount", message)
    group = _placement_group(world, body, location)
    given = checks.strings(body, "tags")
    tags.check(given or {})
    sku = checks.get(body, "sku.name", str) or "Classic"
    old = world.store.get(call.path)
    parsed = bodies.child(call.path, "")
    if old is not None:
        counts = (old.properties["platformFaultDomainCount"], old.properties["platformUpdateDomainCount"])
        if old.location != location or counts != (faults, updates):
            message = "Changing property 'location' or a domain count of an availability set is not allowed."
            raise ArmError(409, "PropertyChangeNotAllowed", message)
        parsed = bodies.child(old.id, "")
    made = availability_set(parsed, location, faults, updates, sku, given)
    if group:
        made.properties["proximityPlacementGroup"] = {"id": group}
    world.store.add(made)
    return Answer(200, usage.availability_sets(world.store, [made])[0])


@routes.route("GET", _SUBSCRIPTION + "disks", _GROUP + "disks", api="disks")
def list_disks(world: World, call: Call) -> Answer:
    return Answer(200, page(world, call, [each.body for each in listed(world, call, DISK)]))


@routes.route("GET", _GROUP + "disks/{name}", api="disks")
def get_disk(world: World, call: Call) -> Answer:
    return Answer(200, _get(world, call, DISK).body)


def availability_set(
    parsed: ResourceId, location: str, faults: int, updates: int, sku: str, tags: dict[str, str] | None
) -> Resource:
    properties: Json = {
        "platformUpdateDomainCount": updates,
        "platformFaultDomainCount": faults,
    }
    made = bodies.resource(parsed, location, tags, properties)
    made.body["sku"] = {"name": sku}
    return made


def _placement_group(world: World, body: Json, location: str) -> str | None:
    """The ID of the proximity placement group that a body names. Raises ArmError."""
    group_id = checks.get(body, "properties.proximityPlacementGroup.id", str)
    if group_id is None:
        return None
    parsed, found = ids.parse(group_id), world.store.get(group_id)
    if parsed is None or parsed.type.lower() != PLACEMENT_GROUP.lower():
        raise invalid_parameter("proximityPlacementGroup", f"'{group_id}' is no ID of a proximity placement group.")
    if found is None:
        raise errors.resource_not_found(PLACEMENT_GROUP, parsed.name, parsed.group)
    if found.location != location:
        # The message is invented.
        message = f"The proximity placement group '{found.name}' is in '{found.location}', not in '{location}'."
        raise invalid_parameter("proximityPlacementGroup.id", message)
    return found.id
