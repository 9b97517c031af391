"""Capacity reservations: what a group of them has free, by size and zone."""

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import proves_absence
from shared.arm.fields import Json, objects, part, text, whole
from shared.arm.listing import read_listing
from shared.model.capacity import Reserved
from shared.model.resource_id import ResourceId
from shared.model.resource_types import COMPUTE_API_VERSION


async def read_reservations(azure: Azure, group: ResourceId, within: float) -> tuple[Reserved, ...]:
    """The reservations of the group, none if it does not exist. Raises HttpResponseError, NotKnownError."""
    return await azure.shared(f"reservations/{group.key}", lambda: _read(azure, group), within)


async def _read(azure: Azure, group: ResourceId) -> tuple[Reserved, ...]:
    path = f"{group}/capacityReservations"
    try:
        listing = await read_listing(azure.list(path, COMPUTE_API_VERSION), path, _reserved, ())
    except HttpResponseError as answer:
        if proves_absence(answer):
            return ()
        raise
    listing.check_complete()
    return listing.records


def _reserved(row: Json) -> Reserved:
    """A list shows the VMs that are associated, and not which of them are allocated: one that is not holds no instance
    now, and will when it is started."""
    sku, capacity = part(row, "sku"), whole(part(row, "sku").get("capacity"))
    if capacity is None:
        raise ValueError("it has no capacity")
    associated = len(objects(part(row, "properties"), "virtualMachinesAssociated"))
    zone = text(next(iter(row.get("zones") or ()), ""))
    return Reserved(text(sku.get("name")).lower(), zone, max(capacity - associated, 0))
