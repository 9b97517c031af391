"""A network for drills, as it is now. What could lead out of it and cannot be read is an error, and not absent."""

import asyncio

from shared.arm.client import Azure
from shared.arm.fields import Json, objects, part, reference, region, required, text
from shared.arm.listing import read_one
from shared.model.drill_network import DrillNetwork, DrillSubnet, Route
from shared.model.resource_id import ResourceId
from shared.model.resource_types import NETWORK_API_VERSION


async def read_drill_network(azure: Azure, network: ResourceId) -> DrillNetwork | None:
    """The network with its route tables, at most one poll interval old; None if it does not exist.

    Raises HttpResponseError, MalformedResponseError.
    """
    poll = azure.settings.poll_seconds
    found = await azure.read(network, NETWORK_API_VERSION, poll)
    if found is None:
        return None
    seen = read_one(found, f"the network {network}", lambda body: _network(network, body))
    tables = {subnet.route_table for subnet in seen.subnets if subnet.route_table}
    routes = dict(zip(tables, await asyncio.gather(*(_routes(azure, table) for table in tables)), strict=True))
    subnets = (each.with_(routes=routes[each.route_table]) if each.route_table else each for each in seen.subnets)
    return seen.with_(subnets=tuple(subnets))


async def _routes(azure: Azure, table: ResourceId) -> tuple[Route, ...]:
    body = await azure.read(table, NETWORK_API_VERSION, azure.settings.poll_seconds) or {}

    def parse(found: Json) -> tuple[Route, ...]:
        return tuple(
            Route(name=text(each.get("name")), next_hop=_of(each)["nextHopType"]) for each in _all(_of(found), "routes")
        )

    return read_one(body, f"the route table {table}", parse)


def _network(network: ResourceId, found: Json) -> DrillNetwork:
    properties = _of(found)
    return DrillNetwork(
        id=network,
        location=region(found["location"]),
        peerings=tuple(text(each.get("name")) for each in _all(properties, "virtualNetworkPeerings")),
        subnets=tuple(map(_subnet, _all(properties, "subnets"))),
    )


def _subnet(found: Json) -> DrillSubnet:
    properties = _of(found)
    return DrillSubnet(
        name=found["name"],
        private=properties.get("defaultOutboundAccess") is False,
        route_table=reference(part(properties, "routeTable").get("id")),
        nat_gateway=reference(part(properties, "natGateway").get("id")),
        private_endpoints=tuple(required(each["id"]).name for each in objects(properties, "privateEndpoints")),
        service_endpoints=tuple(text(each.get("service")) for each in objects(properties, "serviceEndpoints")),
    )


def _all(properties: Json, name: str) -> list[Json]:
    """The members of a list, each an object. Raises anything if there is no list, or a member is none."""
    members: list[Json] = properties[name]
    if not isinstance(members, list) or not all(isinstance(each, dict) for each in members):
        raise ValueError(f"its {name} are {str(members)[:80]!r}")
    return members


def _of(found: Json) -> Json:
    return part(found, "properties")
