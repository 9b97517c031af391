"""Virtual networks, their subnets and peerings, and network interfaces."""

import itertools
from typing import Any

from local.simulator import checks, errors, ids, latencies, operations, regions
from local.simulator.arm import addresses, bodies, names, network_bodies, tags, usage
from local.simulator.errors import ArmError
from local.simulator.paging import listed, page
from local.simulator.routing import Routes
from local.simulator.store import Resource
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("network")
NETWORK = "Microsoft.Network/virtualNetworks"
# Subnets that are made by this API or a later one are private, unless their body says otherwise (azure-docs,
# default-outbound-access).
_PRIVATE_SINCE = "2025-07-01"
_REFERENCES = ("networkSecurityGroup", "routeTable", "natGateway")
_RESERVED = (
    "GatewaySubnet",
    "AzureBastionSubnet",
    "AzureFirewallSubnet",
    "AzureFirewallManagementSubnet",
    "RouteServerSubnet",
)
_KINDS = {
    "virtualnetworks": NETWORK,
    "networkinterfaces": "Microsoft.Network/networkInterfaces",
}
_SUBSCRIPTION = "/subscriptions/{subscription}/providers/Microsoft.Network/"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/"
_LISTED = ("virtualNetworks", "networkInterfaces")


@routes.route("GET", *(start + kind for start in (_SUBSCRIPTION, _GROUP) for kind in _LISTED))
def list_resources(world: World, call: Call) -> Answer:
    kind = _KINDS[ids.last_segment(call.path).lower()]
    found = listed(world, call, kind)
    shown = usage.networks(world.store, found) if kind == NETWORK else [each.body for each in found]
    return Answer(200, page(world, call, shown))


@routes.route("GET", *(_GROUP + kind + "/{name}" for kind in _LISTED))
def get_resource(world: World, call: Call) -> Answer:
    found = world.store.get(call.path)
    if found is None:
        kind = _KINDS[call.path.rstrip("/").split("/")[-2].lower()]
        raise errors.resource_not_found(kind, call["name"], call["group"])
    return Answer(200, usage.networks(world.store, [found])[0] if found.type == NETWORK else found.body)


@routes.route("GET", _GROUP + "virtualNetworks/{name}/subnets")
def list_subnets(world: World, call: Call) -> Answer:
    return Answer(200, {"value": _subnets(world, call)})


@routes.route("GET", _GROUP + "virtualNetworks/{name}/virtualNetworkPeerings")
def list_peerings(world: World, call: Call) -> Answer:
    return Answer(200, {"value": _network(world, call).properties["virtualNetworkPeerings"]})


@routes.route("GET", _GROUP + "virtualNetworks/{name}/CheckIPAddressAvailability")
def check_address(world: World, call: Call) -> Answer:
    """Whether an address is free; if not, five free addresses of its subnet."""
    network = _network(world, call)
    asked = addresses.parse(call.query.get("ipAddress", ""))
    for subnet in network.properties["subnets"]:
        if asked in addresses.range_of(subnet):
            break
    else:
        message = f"Private IP address {asked} is not in the address range of any subnet of {network.id}."
        raise ArmError(400, "PrivateIPAddressNotInAnySubnet", message, details=[])
    used = addresses.taken(world.store, network)
    reserved = addresses.is_reserved(asked, subnet)
    if str(asked) not in used and not reserved:
        return Answer(200, {"available": True, "isPlatformReserved": False})
    others = addresses.free(subnet, used, 5)
    return Answer(200, {"available": False, "availableIPAddresses": others, "isPlatformReserved": reserved})


@routes.route("GET", _GROUP + "virtualNetworks/{name}/subnets/{subnet}")
def get_subnet(world: World, call: Call) -> Answer:
    for subnet in _subnets(world, call):
        if subnet["name"].lower() == call["subnet"].lower():
            return Answer(200, subnet)
    raise ArmError(404, "NotFound", f"Resource {_network(world, call).id}/subnets/{call['subnet']} not found.")


@routes.route("PUT", _GROUP + "virtualNetworks/{name}")
def put_network(world: World, call: Call) -> Answer:
    """201 for a new network, 200 for an existing one, both with the body in Updating."""
    names.check(NETWORK, call["name"])
    body = checks.body(call)
    location = regions.check(checks.get(body, "location", str, required=True), NETWORK)
    prefixes = checks.get(body, "properties.addressSpace.addressPrefixes", list, required=True)
    subnets = [_subnet(raw) for raw in checks.get(body, "properties.subnets", list) or []]
    _check_ranges(prefixes, subnets)
    _check_references(world, call.path, location, subnets)
    given = checks.strings(body, "tags")
    tags.check(given or {})
    old = world.store.get(call.path)
    if old is not None and old.location != location:
        raise errors.other_location(old.name, old.location, call["group"], location)
    parsed = bodies.child(old.id if old is not None else call.path, "")
    _set_outbound_access(call, subnets, old)
    servers = checks.get(body, "properties.dhcpOptions.dnsServers", list)
    made = network_bodies.network(parsed, location, prefixes, subnets, given, servers)
    made.properties["virtualNetworkPeerings"] = _peerings(body, parsed.text, old)
    if old is None or subnets:
        # A PUT of an existing network without subnets has nothing to update (CLI-A2A #32, #35).
        _set_state(made, "Updating")
    world.store.add(made)
    operation = operations.begin(
        world,
        call,
        "Microsoft.Network",
        latencies.VIRTUAL_NETWORK,
        done=lambda _moment: _set_state(made, "Succeeded"),
        retry_after=latencies.NETWORK_RETRY_AFTER,
    )
    headers = operations.async_headers(world, call, operation, location)
    return Answer(200 if old is not None else 201, made.body, headers)


@routes.route("PUT", _GROUP + "networkInterfaces/{name}")
def put_interface(world: World, call: Call) -> Answer:
    """Takes one IP configuration, in an existing subnet of the same region; static if it has an address.

    The subnet takes VMs; the code for one that does not is invented.
    """
    body = checks.body(call)
    kind = _KINDS["networkinterfaces"]
    location = regions.check(checks.get(body, "location", str, required=True), kind)
    configurations = checks.get(body, "properties.ipConfigurations", list, required=True)
    settings = checks.get(configurations[0], "properties", dict, required=True)
    subnet_id = checks.get(settings, "subnet.id", str, required=True)
    network = world.store.get(subnet_id.rsplit("/subnets/", 1)[0])
    known = [each["id"].lower() for each in network.properties["subnets"]] if network else []
    if network is None or network.location != location or subnet_id.lower() not in known:
        raise errors.invalid_reference(subnet_id, call.path)
    address = checks.get(settings, "privateIPAddress", str)
    static = settings.get("privateIPAllocationMethod") == "Static"
    if static and address is None:
        raise ArmError(400, "PrivateIPAddressNotSpecified", "A static address must be given.", details=[])
    old = world.store.get(call.path)
    subnet = network.properties["subnets"][known.index(subnet_id.lower())]
    if not takes_vms(subnet):
        message = f"The subnet {subnet_id} is kept for a service, and cannot hold the interface {call['name']}."
        raise ArmError(400, "SubnetIsReservedForService", message, details=[])
    taken = addresses.taken(world.store, network, leave_out=call.path)
    if static:
        addresses.check(str(address), subnet, taken, call.path)
    made = bodies.interface(
        bodies.child(old.id if old else call.path, ""),
        location,
        subnet_id,
        address if static else addresses.free(subnet, taken, 1)[0],
        static=static,
        primary=True,
    )
    if public := checks.get(settings, "publicIPAddress.id", str):
        if world.store.get(public) is None:
            raise errors.invalid_reference(public, call.path)
        made.properties["ipConfigurations"][0]["properties"]["publicIPAddress"] = {"id": public}
    world.store.add(made)
    return Answer(200 if old else 201, made.body)


def takes_vms(subnet: Json) -> bool:
    """Whether VMs can be in it: Azure keeps some names for one service, and a delegated subnet is its service's."""
    reserved = subnet["name"].lower() in {name.lower() for name in _RESERVED}
    return not reserved and not subnet["properties"]["delegations"]


def _network(world: World, call: Call) -> Resource:
    network = world.store.get(f"{ids.group_id(call['subscription'], call['group'])}/providers/{NETWORK}/{call['name']}")
    if network is None:
        raise errors.resource_not_found(NETWORK, call["name"], call["group"])
    return network


def _subnets(world: World, call: Call) -> list[Json]:
    found: list[Json] = usage.networks(world.store, [_network(world, call)])[0]["properties"]["subnets"]
    return found


def _subnet(raw: Any) -> tuple[str, str, Json]:
    name = checks.get(raw, "name", str, required=True)
    prefix = checks.get(raw, "properties.addressPrefix", str)
    if prefix is None:
        several = checks.get(raw, "properties.addressPrefixes", list, required=True)
        prefix = several[0]
    kept = (*_REFERENCES, "serviceEndpoints", "delegations", "defaultOutboundAccess")
    more = {key: raw["properties"][key] for key in kept if key in raw["properties"]}
    return name, prefix, more


def _set_outbound_access(call: Call, subnets: list[tuple[str, str, Json]], old: Resource | None) -> None:
    """What a body leaves out stays as it is in an existing subnet."""
    known = {each["name"].lower(): each["properties"] for each in old.properties["subnets"]} if old else {}
    for name, _, more in subnets:
        if name.lower() in known:
            more.setdefault("defaultOutboundAccess", known[name.lower()].get("defaultOutboundAccess"))
        elif (call.api_version or "") >= _PRIVATE_SINCE:
            more.setdefault("defaultOutboundAccess", False)
        if more.get("defaultOutboundAccess") is None:
            more.pop("defaultOutboundAccess", None)


def _check_references(world: World, network: str, location: str, subnets: list[tuple[str, str, Json]]) -> None:
    """Raises ArmError 400 unless what subnets refer to exists in the network's region."""
    for name, _, more in subnets:
        for kind in _REFERENCES:
            other = checks.get(more, f"{kind}.id", str)
            found = world.store.get(other) if other else None
            if other and (found is None or found.location != location):
                raise errors.invalid_reference(other, f"{network}/subnets/{name}")


def _peerings(body: Json, network: str, old: Resource | None) -> list[Json]:
    """The peerings of the body; without any in the body, the existing ones."""
    given = checks.get(body, "properties.virtualNetworkPeerings", list)
    if given is None:
        return old.properties["virtualNetworkPeerings"] if old else []
    return [
        network_bodies.peering(
            network,
            checks.get(raw, "name", str, required=True),
            checks.get(raw, "properties.remoteVirtualNetwork.id", str, required=True),
            raw["properties"],
        )
        for raw in given
    ]


def _check_ranges(prefixes: list[str], subnets: list[tuple[str, str, Json]]) -> None:
    """Raises ArmError 400 unless subnets are inside the address space and do not overlap."""
    spaces = [checks.network(prefix, "addressSpace") for prefix in prefixes]
    ranges = [(name, checks.network(prefix, f"subnet {name}")) for name, prefix, _ in subnets]
    for name, inner in ranges:
        if not any(inner.version == space.version and inner.subnet_of(space) for space in spaces):  # type: ignore[arg-type]
            message = (
                f"Subnet '{name}' is not valid because its IP address range is outside that of the virtual network."
            )
            raise ArmError(400, "NetcfgInvalidSubnet", message, details=[])
    for (first, one), (second, other) in itertools.combinations(ranges, 2):
        if first.lower() == second.lower():
            raise ArmError(400, "InvalidRequestFormat", f"Two subnets are named '{first}'.", details=[])
        if one.overlaps(other):
            message = f"Subnet '{first}' is not valid because its IP address range overlaps with that of '{second}'."
            raise ArmError(400, "NetcfgInvalidSubnet", message, details=[])


def _set_state(network: Resource, state: str) -> None:
    network.properties["provisioningState"] = state
    for subnet in network.properties["subnets"]:
        subnet["properties"]["provisioningState"] = state
