"""Network interfaces and virtual networks. By plain requests: the SDK would add seconds to a cold start."""

from http import HTTPStatus

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.fields import Json, address, objects, part, reference, region, required, text
from shared.arm.listing import read_one
from shared.arm.shared_reads import ListedType
from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import NETWORK_API_VERSION
from shared.model.vm import Network, SourceNic, Subnet

_NICS = ListedType("Microsoft.Network/networkInterfaces", NETWORK_API_VERSION)


async def read_nic(azure: Azure, nic: ResourceId) -> SourceNic | None:
    """The interface with its primary configuration, as it is now; None if it is in no subnet."""
    return await azure.load(
        _NICS, nic, lambda body: read_one(body, f"the interface {nic}", lambda found: _nic(nic, found))
    )


def _nic(nic: ResourceId, found: Json) -> SourceNic | None:
    configurations = [each for each in objects(_of(found), "ipConfigurations") if _of(each).get("subnet")]
    primary: Json = next((each for each in configurations if _of(each).get("primary")), next(iter(configurations), {}))
    subnet = reference(part(_of(primary), "subnet").get("id"))
    if subnet is None:
        return None
    has = address(_of(primary).get("privateIPAddress"))
    return SourceNic(
        id=nic,
        subnet=subnet,
        configuration=text(primary.get("name")),
        address=has,
        static=bool(has) and _of(primary).get("privateIPAllocationMethod") == "Static",
        secondary=tuple(text(each.get("name")) for each in configurations if each is not primary),
        application_groups=tuple(dict.fromkeys(name for each in configurations for name in _application_groups(each))),
    )


def _application_groups(configuration: Json) -> list[str]:
    return [required(each.get("id")).name for each in objects(_of(configuration), "applicationSecurityGroups")]


async def read_network(azure: Azure, network: ResourceId, within: float) -> Network | None:
    """The network, cached for all its VMs; None if it does not exist, or the app may not read it (a hub, say)."""
    try:
        found = await azure.read(network, NETWORK_API_VERSION, within)
    except HttpResponseError as answer:
        if answer.status_code == HTTPStatus.FORBIDDEN:
            return None
        raise
    return read_one(found, f"the network {network}", lambda body: network_of(network, body)) if found else None


async def is_free(azure: Azure, network: ResourceId, address: str) -> bool:
    """Whether the address is free in the network."""
    try:
        answer = await azure.get(f"{network}/CheckIPAddressAvailability", NETWORK_API_VERSION, ipAddress=address)
    except HttpResponseError as refused:
        # In no subnet of the network: the check of the subnets reports that.
        if refused.status_code == HTTPStatus.BAD_REQUEST:
            return True
        raise
    return bool(answer.get("available"))


def network_of(network: ResourceId, found: Json) -> Network:
    """The network, parsed from its JSON. Raises anything if malformed."""
    properties = _of(found)
    return Network(
        id=network,
        location=region(found.get("location")),
        address_space=tuple(part(properties, "addressSpace").get("addressPrefixes") or ()),
        subnets={subnet["name"]: _subnet(_of(subnet)) for subnet in objects(properties, "subnets")},
        peered=bool(properties.get("virtualNetworkPeerings")),
        dns_servers=tuple(part(properties, "dhcpOptions").get("dnsServers") or ()),
    )


def _subnet(properties: Json) -> Subnet:
    one = properties.get("addressPrefix")
    return Subnet(
        prefixes=tuple(properties.get("addressPrefixes") or ([one] if one else ())),
        has_nsg=bool(properties.get("networkSecurityGroup")),
        has_route_table=bool(properties.get("routeTable")),
        has_nat_gateway=bool(properties.get("natGateway")),
        service_endpoints=tuple(text(each.get("service")) for each in objects(properties, "serviceEndpoints")),
        delegated_to=tuple(text(_of(each).get("serviceName")) for each in objects(properties, "delegations")),
        # Subnets made before API 2025-07-01 do not have the property, and have outbound access.
        private=properties.get("defaultOutboundAccess") is False,
    )


def _of(found: Json) -> Json:
    return part(found, "properties")


async def interfaces_in(azure: Azure, network: ResourceId) -> frozenset[str]:
    """The lower-cased IDs of the network interfaces in a network."""
    body = await azure.read(network, NETWORK_API_VERSION, azure.settings.poll_seconds) or {}
    subnets = [_of(subnet) for subnet in objects(_of(body), "subnets")]
    inside = [folded(str(each.get("id"))) for subnet in subnets for each in objects(subnet, "ipConfigurations")]
    return frozenset(each.rsplit("/ipconfigurations/", 1)[0] for each in inside)
