"""Target resources outside the vault: resource group, virtual network, availability set, cache storage account.

Read; if right, done; if missing, made; if it is there and cannot serve (another region), said in plain words and left.
"""

from datetime import UTC, datetime
from time import monotonic
from typing import Any

from shared.arm.client import Azure
from shared.arm.fields import region
from shared.arm.get_or_create import PendingCreate, UnderWayError, usually
from shared.arm.ttl_cache import FRESH_FOR
from shared.model import naming
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.target_resources import (
    AvailabilitySet,
    CacheAccount,
    Placed,
    PlacementGroup,
    ResourceGroup,
    VirtualNetwork,
)
from shared.planning.storage import PREMIUM_KIND
from shared.readers.named_resources import COMPUTE_API_VERSION, STORAGE_API_VERSION, account_obstacle
from shared.readers.networks import API_VERSION as NETWORK_API_VERSION
from shared.readers.resource_groups import forget_groups, read_group
from shared.reconcile.orphans import digest_of

_API_VERSIONS: dict[type[Placed], str] = {
    VirtualNetwork: NETWORK_API_VERSION,
    AvailabilitySet: COMPUTE_API_VERSION,
    PlacementGroup: COMPUTE_API_VERSION,
    CacheAccount: STORAGE_API_VERSION,
}

# Seconds that the creation took in recorded traffic.
_USUALLY_TAKES: dict[type[Placed], float] = {VirtualNetwork: 5, AvailabilitySet: 2, PlacementGroup: 2, CacheAccount: 20}


class IncompatibleResourceError(Exception):
    """A resource of that name exists and is incompatible. It was not changed."""


async def find_resource_group(azure: Azure, wanted: ResourceGroup) -> ResourceId | None:
    """The group if it exists, in any region: only its resources have to be in the target region."""
    return wanted.id if await read_group(azure, wanted.id, refresh=True) else None


async def create_resource_group(azure: Azure, wanted: ResourceGroup) -> ResourceId:
    """Creates the group, after another read: the list may be stale, and a PUT would replace the tags of an existing
    group."""
    azure.check_write(wanted.id)
    forget_groups(azure, wanted.id, if_before=monotonic() - FRESH_FOR)
    if await read_group(azure, wanted.id, refresh=True):
        return wanted.id
    client = azure.resources(wanted.id.subscription).resource_groups
    await client.create_or_update(wanted.id.name, {"location": wanted.location, "tags": _tags(azure, wanted)})
    return wanted.id


async def find_placed(azure: Azure, wanted: Placed) -> ResourceId | None:
    """The resource if it exists. Raises UnfitError if it is incompatible, UnderWayError during another operation.

    Only what is missing is ever made: a PUT on a network replaces what others have added to it.
    """
    found = await azure.read(wanted.id, _API_VERSIONS[type(wanted)], FRESH_FOR)
    if found is None:
        return None
    location = region(found.get("location"))
    state = (found.get("properties") or {}).get("provisioningState", "Succeeded")
    if location != wanted.location:
        raise IncompatibleResourceError(
            f"{wanted.id} exists in {location}, and is needed in {wanted.location}: name another by a tag, or remove "
            "or rename it."
        )
    if state == "Failed":
        raise IncompatibleResourceError(
            f"The creation of {wanted.id} has failed: see its activity log, then remove it."
        )
    obstacle = account_obstacle(found) if isinstance(wanted, CacheAccount) and state == "Succeeded" else ""
    if obstacle or (isinstance(wanted, CacheAccount) and wanted.premium != (found.get("kind") == PREMIUM_KIND)):
        raise IncompatibleResourceError(
            f"{wanted.id} {obstacle or 'is an account of another kind'}: fix it, or name another by a tag."
        )
    if state != "Succeeded":
        raise UnderWayError(f"{wanted.id} is {state}.")
    return wanted.id


async def create_virtual_network(azure: Azure, wanted: VirtualNetwork) -> PendingCreate:
    """Creates the network with the address space and subnets of the source: a VM keeps its address at a failover."""
    subnets = [
        {
            "name": name,
            "properties": {"addressPrefix": prefixes[0]} if len(prefixes) == 1 else {"addressPrefixes": list(prefixes)},
        }
        for name, prefixes in wanted.subnets.items()
    ]
    properties = {"addressSpace": {"addressPrefixes": list(wanted.address_space)}, "subnets": subnets}
    return await _put(azure, wanted, {"properties": properties})


async def create_availability_set(azure: Azure, wanted: AvailabilitySet) -> PendingCreate:
    counts: dict[str, Any] = {
        "platformFaultDomainCount": wanted.fault_domains,
        "platformUpdateDomainCount": wanted.update_domains,
    }
    if wanted.placement_group:
        counts["proximityPlacementGroup"] = {"id": str(wanted.placement_group)}
    return await _put(azure, wanted, {"sku": {"name": wanted.sku}, "properties": counts})


async def create_placement_group(azure: Azure, wanted: PlacementGroup) -> PendingCreate:
    return await _put(azure, wanted, {"properties": {"proximityPlacementGroupType": "Standard"}})


async def create_cache_account(azure: Azure, wanted: CacheAccount) -> PendingCreate:
    """Creates the cache account in the region of the VM: replication data is buffered there. Premium block blobs
    sustain a high churn."""
    properties = {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False}
    kind, sku = (PREMIUM_KIND, "Premium_LRS") if wanted.premium else ("StorageV2", "Standard_LRS")
    return await _put(azure, wanted, {"kind": kind, "sku": {"name": sku}, "properties": properties})


def _tags(azure: Azure, made: Placed) -> dict[str, str]:
    """The tags of the settings, and those that a later removal depends on."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    ours = {**azure.settings.resource_tags, **naming.MADE_BY, naming.MADE_AT: now}
    if isinstance(made, VirtualNetwork):
        ours[naming.MADE_AS] = digest_of(made.address_space, made.subnets)
    return ours


async def _put(azure: Azure, wanted: Placed, body: dict[str, Any]) -> PendingCreate:
    azure.check_write(wanted.id)
    client = azure.resources(wanted.id.subscription).resources
    api_version = _API_VERSIONS[type(wanted)]
    await client.begin_create_or_update_by_id(
        str(wanted.id), {"location": wanted.location, "tags": _tags(azure, wanted), **body}, api_version=api_version
    )
    azure.forget_resource(wanted.id)
    azure.made.add(wanted.id)

    async def progress() -> bool | Error:
        return True  # the resource itself shows whether it is complete

    return PendingCreate(usually(_USUALLY_TAKES[type(wanted)], azure.settings.poll_seconds), progress)
