"""Resources named in a tag, a profile or a request: whether they exist, and in which region."""

from typing import Any

from shared.arm.client import Azure
from shared.arm.parsing import region
from shared.model.resource_id import ResourceId
from shared.model.resource_types import AVAILABILITY_SET, POOL, STORAGE_API_VERSION, type_of
from shared.model.vm import Existing
from shared.readers.resource_groups import read_group


async def read_existing(azure: Azure, wanted: ResourceId, within: float, caches: set[ResourceId]) -> Existing | None:
    """The resource, or None if it does not exist; `caches` are checked as cache accounts.

    Raises HttpResponseError.
    """
    if not wanted.type:
        group = await read_group(azure, wanted)
        return Existing(id=wanted, location=group.location) if group else None
    # A pool has no region of its own: its load balancer has.
    read = wanted.parent if wanted.is_type(POOL) else wanted
    found = await azure.read(read, type_of(wanted).api_version, within)
    if found is None or (wanted.is_type(POOL) and not _has_pool(found, wanted)):
        return None
    sku = (found.get("sku") or {}).get("name") or ""
    obstacle = await _cache_obstacle(azure, wanted, found, within) if wanted in caches else ""
    if wanted.is_type(AVAILABILITY_SET) and sku.lower() != "aligned":
        obstacle = "is not an Aligned set, as managed disks need"
    return Existing(
        id=wanted,
        location=region(found.get("location")),
        kind=found.get("kind") or "",
        sku=sku,
        obstacle=obstacle,
        keys_off=(found.get("properties") or {}).get("allowSharedKeyAccess") is False,
    )


def _has_pool(balancer: dict[str, Any], wanted: ResourceId) -> bool:
    pools = (balancer.get("properties") or {}).get("backendAddressPools") or ()
    return any(str(pool.get("id")).lower() == wanted.key for pool in pools)


async def _cache_obstacle(azure: Azure, account: ResourceId, found: dict[str, Any], within: float) -> str:
    """Why the storage account cannot serve as a cache account, or ""."""
    rules = account_obstacle(found)
    if rules:
        return rules
    blobs = await azure.read(account.child("blobServices", "default"), STORAGE_API_VERSION, within)
    properties = (blobs or {}).get("properties") or {}
    kept = [properties.get(name) or {} for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy")]
    return "has soft delete on" if any(each.get("enabled") for each in kept) else ""


def account_obstacle(found: dict[str, Any]) -> str:
    """The obstacle in the properties of the account: its kind, its SKU, its firewall; or ""."""
    kind, sku = found.get("kind") or "", (found.get("sku") or {}).get("name") or ""
    rules = (found.get("properties") or {}).get("networkAcls") or {}
    if kind not in {"Storage", "StorageV2", "BlockBlobStorage"} or (
        sku.startswith("Premium") and kind != "BlockBlobStorage"
    ):
        return f"is a {kind} account with {sku}: general purpose or premium block blobs are needed"
    if rules.get("defaultAction") == "Deny" and "AzureServices" not in (rules.get("bypass") or ""):
        return "has a firewall that shuts trusted Azure services out"
    return ""
