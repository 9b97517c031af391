"""Target resources outside the vault: resource group, virtual network, availability set, cache storage account.

Read; if right, done; if missing, made; if it is there and cannot serve (another region), said in plain words and left.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.azure.answers import is_missing
from shared.azure.ensure import Flight
from shared.azure.gateway import Azure
from shared.azure.groups import managed_by
from shared.azure.source import NETWORK_API_VERSION
from shared.azure.vault import region
from shared.domain.outcome import Error, Failed, Outcome
from shared.domain.resource_id import ResourceId
from shared.domain.target import AvailabilitySet, CacheAccount, ResourceGroup, VirtualNetwork

_COMPUTE_API_VERSION = "2026-04-01"
_STORAGE_API_VERSION = "2026-09-01"

# When to look first, in seconds at a poll interval of 30 (recorded traffic).
_USUALLY_TAKES = {"virtual network": 5, "availability set": 2, "cache storage account": 20}
_RECORDED_AT = 30


class UnfitError(Exception):
    """A resource of that name exists and cannot serve: nothing was changed about it."""


async def ensure_resource_group(azure: Azure, wanted: ResourceGroup) -> Outcome:
    """A group may lie in any region: only what is in it has to be in the target region."""

    async def find() -> ResourceId | None:
        return None if await managed_by(azure, wanted.id) is None else wanted.id

    async def start() -> ResourceId:
        azure.check_write(wanted.id)
        client = azure.resources(wanted.id.subscription).resource_groups
        await client.create_or_update(wanted.id.name, {"location": wanted.location})
        return wanted.id

    return await azure.ensurer.ensure(wanted.key, find, start)


async def ensure_virtual_network(azure: Azure, wanted: VirtualNetwork) -> Outcome:
    """The same address space and subnets as the source: a VM keeps its address when it fails over."""
    body = {
        "location": wanted.location,
        "properties": {
            "addressSpace": {"addressPrefixes": list(wanted.address_space)},
            "subnets": [
                {
                    "name": name,
                    "properties": {"addressPrefix": prefixes[0]}
                    if len(prefixes) == 1
                    else {"addressPrefixes": list(prefixes)},
                }
                for name, prefixes in wanted.subnets.items()
            ],
        },
    }
    return await _ensure(azure, wanted, NETWORK_API_VERSION, body)


async def ensure_availability_set(azure: Azure, wanted: AvailabilitySet) -> Outcome:
    body = {
        "location": wanted.location,
        "sku": {"name": wanted.sku},
        "properties": {
            "platformFaultDomainCount": wanted.fault_domains,
            "platformUpdateDomainCount": wanted.update_domains,
        },
    }
    return await _ensure(azure, wanted, _COMPUTE_API_VERSION, body)


async def ensure_cache_account(azure: Azure, wanted: CacheAccount) -> Outcome:
    """General purpose v2, in the VM's own region: replication data rests there until the target has it."""
    body = {
        "location": wanted.location,
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "properties": {
            "supportsHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "allowBlobPublicAccess": False,
        },
    }
    return await _ensure(azure, wanted, _STORAGE_API_VERSION, body)


async def _ensure(
    azure: Azure, wanted: VirtualNetwork | AvailabilitySet | CacheAccount, api_version: str, body: dict[str, Any]
) -> Outcome:
    client = azure.resources(wanted.id.subscription).resources

    async def find() -> ResourceId | None:
        return await _found(
            lambda: client.get_by_id(str(wanted.id), api_version=api_version), wanted.id, wanted.location
        )

    async def start() -> Flight:
        azure.check_write(wanted.id)
        await client.begin_create_or_update_by_id(str(wanted.id), body, api_version=api_version)

        async def progress() -> bool | Error:
            return True

        return Flight(_USUALLY_TAKES[wanted.kind] * azure.settings.poll_seconds / _RECORDED_AT, progress)

    try:
        return await azure.ensurer.ensure(wanted.key, find, start)
    except UnfitError as unfit:
        return Failed(error=Error(code="UnfitTargetResource", message=str(unfit)))


async def _found(read: Callable[[], Awaitable[Any]], resource: ResourceId, location: str = "") -> ResourceId | None:
    """The resource's ID if it is there and done. Raises UnfitError if it cannot serve."""
    try:
        found = await read()
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    if location and region(found.location) != location:
        raise UnfitError(
            f"{resource} exists in {region(found.location)}, and is needed in {location}: remove or rename it."
        )
    state = (found.properties or {}).get("provisioningState", "Succeeded") if location else "Succeeded"
    if state == "Failed":
        raise UnfitError(f"The creation of {resource} has failed: see its activity log, then remove it.")
    return resource if state == "Succeeded" else None
