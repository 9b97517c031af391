"""Target resources outside the vault: resource group, virtual network, availability set, cache storage account.

Read; if right, done; if missing, made; if it is there and cannot serve (another region), said in plain words and left.
"""

from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.azure.answers import is_missing
from shared.azure.ensure import Flight, UnderWayError, usually
from shared.azure.gateway import Azure
from shared.azure.groups import managed_by
from shared.azure.source import NETWORK_API_VERSION
from shared.azure.vault import region
from shared.domain import naming
from shared.domain.outcome import Error
from shared.domain.resource_id import ResourceId
from shared.domain.target import AvailabilitySet, CacheAccount, Placed, ResourceGroup, VirtualNetwork

_API_VERSIONS: dict[type[Placed], str] = {
    VirtualNetwork: NETWORK_API_VERSION,
    AvailabilitySet: "2026-04-01",
    CacheAccount: "2026-09-01",
}

# Seconds, in recorded traffic.
_USUALLY_TAKES: dict[type[Placed], float] = {VirtualNetwork: 5, AvailabilitySet: 2, CacheAccount: 20}


class UnfitError(Exception):
    """A resource of that name exists and cannot serve: nothing was changed about it."""


async def find_resource_group(azure: Azure, wanted: ResourceGroup) -> ResourceId | None:
    """A group may lie in any region: only what is in it has to be in the target region."""
    return None if await managed_by(azure, wanted.id) is None else wanted.id


async def create_resource_group(azure: Azure, wanted: ResourceGroup) -> ResourceId:
    azure.check_write(wanted.id)
    client = azure.resources(wanted.id.subscription).resource_groups
    await client.create_or_update(wanted.id.name, {"location": wanted.location, "tags": _tags(azure)})
    return wanted.id


async def find_placed(azure: Azure, wanted: Placed) -> ResourceId | None:
    """The resource if it is there. Raises UnfitError if it cannot serve, UnderWayError while somebody changes it.

    Only what is missing is ever made: a PUT on a network replaces what others have added to it.
    """
    client = azure.resources(wanted.id.subscription).resources
    try:
        found: Any = await client.get_by_id(str(wanted.id), api_version=_API_VERSIONS[type(wanted)])
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    location, state = region(found.location), (found.properties or {}).get("provisioningState", "Succeeded")
    if location != wanted.location:
        raise UnfitError(f"{wanted.id} exists in {location}, and is needed in {wanted.location}: remove or rename it.")
    if state == "Failed":
        raise UnfitError(f"The creation of {wanted.id} has failed: see its activity log, then remove it.")
    if state != "Succeeded":
        raise UnderWayError(f"{wanted.id} is {state}.")
    return wanted.id


async def create_virtual_network(azure: Azure, wanted: VirtualNetwork) -> Flight:
    """The same address space and subnets as the source: a VM keeps its address when it fails over."""
    subnets = [
        {
            "name": name,
            "properties": {"addressPrefix": prefixes[0]} if len(prefixes) == 1 else {"addressPrefixes": list(prefixes)},
        }
        for name, prefixes in wanted.subnets.items()
    ]
    properties = {"addressSpace": {"addressPrefixes": list(wanted.address_space)}, "subnets": subnets}
    return await _put(azure, wanted, {"properties": properties})


async def create_availability_set(azure: Azure, wanted: AvailabilitySet) -> Flight:
    counts = {
        "platformFaultDomainCount": wanted.fault_domains,
        "platformUpdateDomainCount": wanted.update_domains,
    }
    return await _put(azure, wanted, {"sku": {"name": wanted.sku}, "properties": counts})


async def create_cache_account(azure: Azure, wanted: CacheAccount) -> Flight:
    """General purpose v2, in the VM's own region: replication data rests there until the target has it."""
    properties = {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False}
    body = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": properties}
    return await _put(azure, wanted, body)


def _tags(azure: Azure) -> dict[str, str]:
    return {**azure.settings.resource_tags, **naming.MADE_BY}


async def _put(azure: Azure, wanted: Placed, body: dict[str, Any]) -> Flight:
    azure.check_write(wanted.id)
    client = azure.resources(wanted.id.subscription).resources
    api_version = _API_VERSIONS[type(wanted)]
    await client.begin_create_or_update_by_id(
        str(wanted.id), {"location": wanted.location, "tags": _tags(azure), **body}, api_version=api_version
    )

    async def progress() -> bool | Error:
        return True  # whether it is done is told by the resource itself

    return Flight(usually(_USUALLY_TAKES[type(wanted)], azure.settings.poll_seconds), progress)
