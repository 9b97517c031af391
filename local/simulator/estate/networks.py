"""The virtual networks of an estate, with subnets and peerings."""

from collections.abc import Callable

from local.simulator import ids
from local.simulator.arm import network_bodies
from local.simulator.arm.network import NETWORK
from local.simulator.estate.fields import Fields
from local.simulator.ids import ResourceId
from local.simulator.store import Resource, Store
from local.simulator.wire import Json

Add = Callable[[ResourceId, Resource, Fields], None]
_POINTERS = {
    "networkSecurityGroup": "Microsoft.Network/networkSecurityGroups",
    "routeTable": "Microsoft.Network/routeTables",
    "natGateway": "Microsoft.Network/natGateways",
}
_SUBNET = f"name prefix serviceEndpoints delegations defaultOutboundAccess {' '.join(_POINTERS)}"


class Networks:
    KEYS = "id location addressSpace dnsServers subnets peerings tags"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: list[tuple[Fields, Resource]] = []

    def build(self, fields: Fields, add: Add) -> None:
        """Adds a network to the store. Raises ValueError."""
        parsed = fields.id("id", NETWORK)
        location = fields.location()
        subnets = [
            (subnet.need("name", str), subnet.need("prefix", str), self._more(subnet, location))
            for subnet in fields.parts("subnets", _SUBNET)
        ]
        prefixes, servers = fields.need("addressSpace", list), fields.get("dnsServers", list)
        made = network_bodies.network(parsed, location, prefixes, subnets, fields.tags(), servers)
        add(parsed, made, fields)
        self._made.append((fields, made))

    def _more(self, subnet: Fields, location: str) -> Json:
        pointers = {name: subnet.reference(name, kind, self._store, location) for name, kind in _POINTERS.items()}
        found: Json = {name: {"id": other.id} for name, other in pointers.items() if other}
        if services := subnet.get("serviceEndpoints", list):
            found["serviceEndpoints"] = [{"service": each} for each in services]
        if services := subnet.get("delegations", list):
            found["delegations"] = [
                {"name": each.replace("/", "."), "properties": {"serviceName": each}} for each in services
            ]
        if (outbound := subnet.get("defaultOutboundAccess", bool)) is not None:
            found["defaultOutboundAccess"] = outbound
        return found

    def peer(self) -> None:
        """Adds the peerings once all networks exist. A peered network may be outside the estate."""
        for fields, network in self._made:
            network.properties["virtualNetworkPeerings"] = [
                self._peering(fields, network, remote) for remote in fields.get("peerings", list, [])
            ]

    def _peering(self, fields: Fields, network: Resource, remote: str) -> Json:
        parsed = ids.parse(remote) if isinstance(remote, str) else None
        if parsed is None or parsed.type.lower() != NETWORK.lower() or ids.key(remote) == ids.key(network.id):
            raise ValueError(f"{fields.where}: peerings has no ID of another virtual network: {remote!r}")
        other = self._store.get(remote)
        more = {"remoteAddressSpace": other.properties["addressSpace"]} if other else {}
        return network_bodies.peering(network.id, f"{network.name}-{parsed.name}", parsed.text, more)
