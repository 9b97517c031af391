"""Bodies of new virtual networks, their subnets and peerings."""

from local.simulator.arm import bodies
from local.simulator.ids import ResourceId, stable_guid
from local.simulator.store import Resource
from local.simulator.wire import Json


def network(
    parsed: ResourceId,
    location: str,
    prefixes: list[str],
    subnets: list[tuple[str, str, Json]],
    tags: dict[str, str] | None,
    dns_servers: list[str] | None = None,
) -> Resource:
    """Each of `subnets` is a name, a prefix and further properties."""
    properties: Json = {
        "provisioningState": "Succeeded",
        "addressSpace": {"addressPrefixes": prefixes},
        "subnets": [_subnet(parsed.text, *subnet) for subnet in subnets],
        "virtualNetworkPeerings": [],
        "enableDdosProtection": False,
    }
    if dns_servers:
        properties["dhcpOptions"] = {"dnsServers": dns_servers}
    made = bodies.resource(parsed, location, tags, properties)
    made.body["etag"] = f'W/"{stable_guid("etag", parsed.text)}"'
    return made


def _subnet(network_id: str, name: str, prefix: str, more: Json) -> Json:
    subnet_id = f"{network_id}/subnets/{name}"
    return {
        "name": name,
        "id": subnet_id,
        "etag": f'W/"{stable_guid("etag", subnet_id)}"',
        "properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": prefix,
            "delegations": [],
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
            **more,
        },
        "type": "Microsoft.Network/virtualNetworks/subnets",
    }


def peering(network_id: str, name: str, remote: str, more: Json | None = None) -> Json:
    """A peering that exists on both sides: Connected."""
    peering_id = f"{network_id}/virtualNetworkPeerings/{name}"
    return {
        "name": name,
        "id": peering_id,
        "etag": f'W/"{stable_guid("etag", peering_id)}"',
        "properties": {
            "provisioningState": "Succeeded",
            "resourceGuid": stable_guid("peering", peering_id),
            "peeringState": "Connected",
            "peeringSyncLevel": "FullyInSync",
            "allowVirtualNetworkAccess": True,
            "allowForwardedTraffic": False,
            "allowGatewayTransit": False,
            "useRemoteGateways": False,
            **(more or {}),
            "remoteVirtualNetwork": {"id": remote},
        },
        "type": "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
    }
