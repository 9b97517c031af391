"""Resource types that the simulator stores as they are written, without rules of their own."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from local.simulator import checks, errors, ids, regions, versions
from local.simulator.arm import names, sizes, tags, usage
from local.simulator.errors import ArmError
from local.simulator.paging import listed, page
from local.simulator.routing import Routes
from local.simulator.store import Resource, Store
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("any")
_SUBSCRIPTION = "/subscriptions/{subscription}/providers/{namespace}/{kind}"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{kind}"


def _as_written(_store: Store, found: Iterable[Resource]) -> list[Json]:
    return [each.body for each in found]


@dataclass(frozen=True, slots=True)
class _Kind:
    """`properties` are the provider's defaults; `show` makes bodies of stored resources. `members` are the properties
    that list resources which block a deletion."""

    type: str
    api: str
    properties: Json = field(default_factory=dict)
    show: Callable[[Store, Iterable[Resource]], list[Json]] = _as_written
    members: tuple[str, ...] = ()


_KINDS = {
    kind.type.lower(): kind
    for kind in (
        _Kind("Microsoft.Automation/automationAccounts", "any", {"state": "Ok"}),
        _Kind("Microsoft.Compute/capacityReservationGroups", "virtual-machines", {"capacityReservations": []}),
        _Kind(sizes.RESERVATION, "virtual-machines"),
        _Kind("Microsoft.Compute/hostGroups", "virtual-machines", {"platformFaultDomainCount": 1}),
        _Kind("Microsoft.Compute/hostGroups/hosts", "virtual-machines"),
        _Kind("Microsoft.Compute/diskEncryptionSets", "disks", {"encryptionType": "EncryptionAtRestWithCustomerKey"}),
        _Kind(
            "Microsoft.Compute/proximityPlacementGroups",
            "virtual-machines",
            {"proximityPlacementGroupType": "Standard"},
            usage.placement_groups,
            ("virtualMachines", "availabilitySets", "virtualMachineScaleSets"),
        ),
        _Kind("Microsoft.Compute/virtualMachineScaleSets", "virtual-machines", {"orchestrationMode": "Flexible"}),
        _Kind("Microsoft.Network/applicationSecurityGroups", "network"),
        _Kind("Microsoft.Network/loadBalancers", "network", {"backendAddressPools": []}),
        _Kind("Microsoft.Network/natGateways", "network"),
        _Kind("Microsoft.Network/networkSecurityGroups", "network", {"securityRules": [], "defaultSecurityRules": []}),
        _Kind("Microsoft.Network/publicIPAddresses", "network", {"publicIPAddressVersion": "IPv4"}),
        _Kind("Microsoft.Network/routeTables", "network", {"routes": [], "disableBgpRoutePropagation": False}),
    )
}

TYPES = ", ".join(kind.type for kind in _KINDS.values())


def type_of(asked: str) -> str | None:
    """The type in Azure's casing, or None for a type that is not stored here."""
    known = _KINDS.get(asked.lower())
    return known.type if known else None


def resource(resource_id: str, kind: str, location: str, body: Json) -> Resource:
    """`body` is as a client sends it. Backend pools of a load balancer get IDs, so that others can reference them."""
    properties: Json = {**_KINDS[kind.lower()].properties, **body.get("properties", {})}
    if "backendAddressPools" in properties:
        pools = properties["backendAddressPools"]
        properties["backendAddressPools"] = [_pool(resource_id, pool) for pool in pools]
    made: Json = {**body, "id": resource_id, "name": ids.last_segment(resource_id), "type": kind, "location": location}
    made["properties"] = {**properties, "provisioningState": "Succeeded"}
    return Resource(resource_id, kind, made)


def _pool(balancer: str, raw: Any) -> Json:
    name = checks.get(raw, "name", str, required=True)
    properties = {**raw.get("properties", {}), "provisioningState": "Succeeded"}
    return {**raw, "id": f"{balancer}/backendAddressPools/{name}", "properties": properties}


@routes.route("GET", _SUBSCRIPTION, _GROUP)
def list_resources(world: World, call: Call) -> Answer:
    kind = _kind(call)
    found = listed(world, call, kind.type)
    return Answer(200, page(world, call, kind.show(world.store, found)))


@routes.route("GET", _GROUP + "/{name}")
def get_resource(world: World, call: Call) -> Answer:
    kind = _kind(call)
    found = world.store.get(call.path)
    if found is None:
        raise errors.resource_not_found(kind.type, call["name"], call["group"])
    return Answer(200, kind.show(world.store, [found])[0])


@routes.route("PUT", _GROUP + "/{name}")
def put_resource(world: World, call: Call) -> Answer:
    kind = _kind(call).type
    names.check(kind, call["name"])
    body = checks.body(call)
    checks.get(body, "properties", dict)
    location = regions.check(checks.get(body, "location", str, required=True), kind)
    given = checks.strings(body, "tags")
    tags.check(given or {})
    old = world.store.get(call.path)
    if old is not None and old.location != location:
        raise errors.other_location(old.name, old.location, call["group"], location)
    made = resource(old.id if old else call.path, kind, location, body)
    world.store.add(made)
    return Answer(200 if old else 201, made.body)


@routes.route("DELETE", _GROUP + "/{name}")
def delete_resource(world: World, call: Call) -> Answer:
    kind, found = _kind(call), world.store.get(call.path)
    if found is None:
        return Answer(204)
    shown = kind.show(world.store, [found])[0]["properties"]
    if any(shown[members] for members in kind.members):
        # The message is invented.
        raise ArmError(409, "OperationNotAllowed", f"{found.name} cannot be deleted while resources are in it.")
    world.store.remove(found.id)
    return Answer(200)


def _kind(call: Call) -> _Kind:
    known = _KINDS.get(f"{call['namespace']}/{call['kind']}".lower())
    if known is None:
        message = f"The resource type '{call['kind']}' could not be found in the namespace '{call['namespace']}'."
        raise ArmError(404, "InvalidResourceType", message)
    versions.check(known.api, call.api_version, known.type)
    return known
