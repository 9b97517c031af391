"""Network interfaces and virtual networks. By plain requests: the SDK would add seconds to a cold start."""

from http import HTTPStatus
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.parsing import region
from shared.model.resource_id import ResourceId
from shared.model.resource_types import NETWORK_API_VERSION
from shared.model.vm import Network, SourceNic, Subnet


async def read_nic(azure: Azure, nic: ResourceId) -> SourceNic | None:
    """The interface with its primary configuration; None if it is in no subnet."""
    # ARM writes a missing property as null, or leaves it out.
    properties = (await azure.get(str(nic), NETWORK_API_VERSION)).get("properties") or {}
    configurations = [each for each in properties.get("ipConfigurations") or () if _of(each).get("subnet")]
    primary: dict[str, Any] = next(
        (each for each in configurations if _of(each).get("primary")), next(iter(configurations), {})
    )
    subnet = (_of(primary).get("subnet") or {}).get("id")
    if not subnet:
        return None
    return SourceNic(
        id=nic,
        subnet=ResourceId(subnet),
        configuration=primary.get("name") or "",
        address=_of(primary).get("privateIPAddress") or "",
        static=_of(primary).get("privateIPAllocationMethod") == "Static",
    )


async def read_network(azure: Azure, network: ResourceId, within: float) -> Network | None:
    """The network, cached for all its VMs; None if it does not exist, or the app may not read it (a hub, say)."""
    try:
        found = await azure.read(network, NETWORK_API_VERSION, within)
    except HttpResponseError as answer:
        if answer.status_code == HTTPStatus.FORBIDDEN:
            return None
        raise
    return network_of(network, found) if found else None


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


def network_of(network: ResourceId, found: dict[str, Any]) -> Network:
    """The network, parsed from its JSON."""
    properties = found.get("properties") or {}
    return Network(
        id=network,
        location=region(found.get("location")),
        address_space=tuple((properties.get("addressSpace") or {}).get("addressPrefixes") or ()),
        subnets={subnet["name"]: _subnet(_of(subnet)) for subnet in properties.get("subnets") or ()},
        peered=bool(properties.get("virtualNetworkPeerings")),
    )


def _subnet(properties: dict[str, Any]) -> Subnet:
    one = properties.get("addressPrefix")
    return Subnet(
        prefixes=tuple(properties.get("addressPrefixes") or ([one] if one else ())),
        has_nsg=bool(properties.get("networkSecurityGroup")),
        has_route_table=bool(properties.get("routeTable")),
    )


def _of(found: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = found.get("properties") or {}
    return properties


async def interfaces_in(azure: Azure, network: ResourceId) -> frozenset[str]:
    """The lower-cased IDs of the network interfaces in a network."""
    body = await azure.read(network, NETWORK_API_VERSION, azure.settings.poll_seconds) or {}
    inside = [
        str(each.get("id")).lower()
        for subnet in _of(body).get("subnets") or ()
        for each in _of(subnet).get("ipConfigurations") or ()
    ]
    return frozenset(each.rsplit("/ipconfigurations/", 1)[0] for each in inside)
