"""What the target region offers a subscription: VM sizes with their limits and zones, and the remaining quotas."""

from typing import NamedTuple

from shared.arm.client import Azure
from shared.arm.fields import Json, number, objects, part, region, text, whole
from shared.arm.listing import read_listing
from shared.model.capacity import Place, RegionOffer
from shared.model.resource_types import COMPUTE_API_VERSION
from shared.model.vm import Offer, Quota, Size

_ULTRA = "UltraSSDAvailable"
_SKUS_API_VERSION = "2021-07-01"


class _Skus(NamedTuple):
    """Sizes by name (lower-cased), types of disks, and the most fault domains of an availability set for managed
    disks."""

    sizes: dict[str, Size]
    disk_types: tuple[str, ...]
    fault_domains: int | None


async def read_offer(azure: Azure, subscription: str, location: str, wanted: set[str], within: float) -> Offer:
    """The `wanted` sizes (lower-cased) that the region offers to the subscription, its quotas and fault domains."""
    skus = await _skus(azure, subscription, location, within)
    quotas, _ = await _quotas(azure, subscription, location, within)
    sizes = (skus.sizes[name] for name in sorted(wanted) if name in skus.sizes)
    return Offer(
        sizes=tuple(
            size.model_copy(update={"quotas": tuple(quotas[name] for name in size.counts_against if name in quotas)})
            for size in sizes
        ),
        disk_types=skus.disk_types,
        fault_domains=skus.fault_domains,
    )


async def read_region(azure: Azure, place: Place, sizes_within: float, quotas_within: float) -> RegionOffer:
    """All sizes and quotas of the place, by the same lists."""
    skus = await _skus(azure, *place, sizes_within)
    return RegionOffer(skus.sizes, *await _quotas(azure, *place, quotas_within))


async def _skus(azure: Azure, subscription: str, location: str, within: float) -> _Skus:
    where = f"{subscription.lower()}/{location}"
    return await azure.shared(f"sizes/{where}", lambda: _read_skus(azure, subscription, location), within)


async def _quotas(azure: Azure, subscription: str, location: str, within: float) -> tuple[dict[str, Quota], bool]:
    where = f"{subscription.lower()}/{location}"
    return await azure.shared(f"quotas/{where}", lambda: _read_quotas(azure, subscription, location), within)


async def _read_skus(azure: Azure, subscription: str, location: str) -> _Skus:
    path = f"/subscriptions/{subscription}/providers/Microsoft.Compute/skus"
    listed = azure.list(path, _SKUS_API_VERSION, **{"$filter": f"location eq '{location}'"})
    found = (await read_listing(listed, path, lambda sku: _sku(sku, location), ())).records
    sizes = {each.name.lower(): each for each in found if isinstance(each, Size)}
    disk_types = dict.fromkeys(each for each in found if isinstance(each, str))
    return _Skus(sizes, tuple(disk_types), next((each for each in found if isinstance(each, int)), None))


def _sku(sku: Json, location: str) -> Size | str | int | None:
    """A size, a type of disks, or the most fault domains of an availability set."""
    if sku["resourceType"] == "virtualMachines":
        return _size(sku, location)
    if sku["resourceType"] == "disks":
        return None if _is_closed(sku) else text(sku.get("name"))
    if sku["resourceType"] == "availabilitySets" and sku["name"] == "Aligned":
        return whole(_capabilities(sku).get("MaximumPlatformFaultDomainCount"))
    return None


def _capabilities(sku: Json) -> dict[str, str]:
    return {text(each.get("name")): text(each.get("value")) for each in objects(sku, "capabilities")}


def _is_closed(sku: Json) -> bool:
    """Whether the subscription may not use it in the region."""
    return any(restriction.get("type") == "Location" for restriction in objects(sku, "restrictions"))


def _size(sku: Json, location: str) -> Size | None:
    """The size, or None if the subscription may not use it in the region."""
    if _is_closed(sku):
        return None
    restrictions = objects(sku, "restrictions")
    closed = {
        zone
        for restriction in restrictions
        if restriction.get("type") == "Zone"
        for zone in part(restriction, "restrictionInfo").get("zones") or ()
    }
    places = [place for place in objects(sku, "locationInfo") if region(place.get("location")) == location]
    offered = {zone for place in places for zone in place.get("zones") or ()}
    ultra = {
        zone
        for place in places
        for detail in objects(place, "zoneDetails")
        if _capabilities(detail).get(_ULTRA) == "True"
        for zone in detail.get("name") or ()
    }
    capabilities = _capabilities(sku)
    return Size(
        name=sku["name"],
        family=text(sku.get("family")),
        cores=whole(capabilities.get("vCPUs")) or 0,
        memory=number(capabilities.get("MemoryGB")),
        data_disks=whole(capabilities.get("MaxDataDiskCount")),
        interfaces=whole(capabilities.get("MaxNetworkInterfaces")),
        premium=capabilities.get("PremiumIO") != "False",
        zones=tuple(sorted(offered - closed)),
        ultra=capabilities.get(_ULTRA) == "True",
        ultra_zones=tuple(sorted(ultra - closed)),
        architecture=capabilities.get("CpuArchitectureType", ""),
        generations=_listed(capabilities.get("HyperVGenerations")),
        controllers=_listed(capabilities.get("DiskControllerTypes")),
        trusted_launch=capabilities.get("TrustedLaunchDisabled") != "True",
    )


def _listed(value: str | None) -> tuple[str, ...]:
    """The values of a capability that is a list, as `V1,V2`."""
    return tuple(each.strip() for each in (value or "").split(",") if each.strip())


async def _read_quotas(azure: Azure, subscription: str, location: str) -> tuple[dict[str, Quota], bool]:
    """The quotas by their lower-cased name: of each family of sizes, and of all `cores`; and whether these are all."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/usages"
    listing = await read_listing(azure.list(path, COMPUTE_API_VERSION), path, _quota, ())
    return dict(listing.records), not listing.unread


def _quota(usage: Json) -> tuple[str, Quota]:
    name, limit, used = text(part(usage, "name").get("value")), whole(usage.get("limit")), whole(usage["currentValue"])
    if not name or limit is None or used is None:
        raise ValueError("it lacks a name or a number")
    return name.lower(), Quota(name=name, limit=limit, used=used)
