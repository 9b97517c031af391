"""What the target region offers a subscription: VM sizes with their limits and zones, and the remaining quotas."""

from typing import Any

from shared.arm.client import Azure
from shared.arm.parsing import region
from shared.model.vm import Offer, Size

_CORES = "cores"


async def read_offer(azure: Azure, subscription: str, location: str, wanted: set[str], within: float) -> Offer:
    """The `wanted` sizes (lower-cased) that the region offers to the subscription, its quotas and fault domains."""
    where = f"{subscription.lower()}/{location}"
    offered, domains = await azure.shared(f"sizes/{where}", lambda: _read_skus(azure, subscription, location), within)
    left = await azure.shared(f"quotas/{where}", lambda: _read_quotas(azure, subscription, location), within)
    sizes = (offered[name] for name in sorted(wanted) if name in offered)
    return Offer(
        sizes=tuple(
            size.model_copy(update={"left": _least(left.get(size.family.lower()), left.get(_CORES))}) for size in sizes
        ),
        fault_domains=domains,
    )


def _least(*left: int | None) -> int | None:
    return min((each for each in left if each is not None), default=None)


async def _read_skus(azure: Azure, subscription: str, location: str) -> tuple[dict[str, Size], int | None]:
    """Sizes by name (lower-cased), and the most fault domains that an availability set for managed disks may have."""
    skus: Any = azure.compute(subscription).resource_skus.list(filter=f"location eq '{location}'")
    sizes: dict[str, Size] = {}
    domains = None
    async for sku in skus:
        if sku.resource_type == "virtualMachines" and (size := _size(sku, location)):
            sizes[size.name.lower()] = size
        elif sku.resource_type == "availabilitySets" and sku.name == "Aligned":
            most_domains = _capabilities(sku).get("MaximumPlatformFaultDomainCount")
            domains = int(most_domains) if most_domains else None
    return sizes, domains


def _capabilities(sku: Any) -> dict[str, str]:
    return {each.name: each.value for each in sku.capabilities or () if each.name and each.value}


def _size(sku: Any, location: str) -> Size | None:
    """The size, or None if the subscription may not use it in the region."""
    restrictions = sku.restrictions or ()
    if any(restriction.type == "Location" for restriction in restrictions):
        return None
    closed = {
        zone
        for restriction in restrictions
        if restriction.type == "Zone" and restriction.restriction_info
        for zone in restriction.restriction_info.zones or ()
    }
    offered = {
        zone for place in sku.location_info or () if region(place.location) == location for zone in place.zones or ()
    }
    capabilities = _capabilities(sku)
    most, memory = capabilities.get("MaxDataDiskCount"), capabilities.get("MemoryGB")
    return Size(
        name=sku.name,
        family=sku.family or "",
        cores=int(capabilities.get("vCPUs") or 0),
        memory=float(memory) if memory else None,
        data_disks=int(most) if most else None,
        premium=capabilities.get("PremiumIO") != "False",
        zones=tuple(sorted(offered - closed)),
    )


async def _read_quotas(azure: Azure, subscription: str, location: str) -> dict[str, int]:
    """The remaining cores by the lower-cased name of the quota: of each family of sizes, and of all `cores`."""
    usages: Any = azure.compute(subscription).usage.list(location)
    return {
        usage.name.value.lower(): usage.limit - usage.current_value
        async for usage in usages
        if usage.name and usage.name.value and usage.limit is not None and usage.current_value is not None
    }
