"""Managed disks: properties that the VM does not show. One list per resource group."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from shared.arm.client import Azure
from shared.arm.fields import Json, part, required, text, time_of, whole
from shared.arm.listing import read_listing
from shared.model.replication import DiskAccess
from shared.model.resource_id import ResourceId

DISK_API_VERSION = "2026-03-02"


class DiskRecord(NamedTuple):
    """`shares` is how many VMs may attach the disk at once."""

    shares: int = 1
    created_at: datetime | None = None
    access: DiskAccess = DiskAccess()


async def read_disks(azure: Azure, disks: Iterable[ResourceId], within: float) -> dict[ResourceId, DiskRecord]:
    """The disks that exist among these; their list is at most `within` seconds old, unless it lacks one of them."""
    found: dict[ResourceId, DiskRecord] = {}
    wanted = set(disks)
    for group in sorted({disk.group_id for disk in wanted}):
        own = [disk for disk in wanted if disk.group_id == group]
        listed = await _list(azure, group, within)
        if any(disk.key not in listed for disk in own):
            # Attached since the list was read.
            listed = await _list(azure, group, azure.settings.poll_seconds)
        found |= {disk: listed[disk.key] for disk in own if disk.key in listed}
    return found


async def _list(azure: Azure, group: ResourceId, within: float) -> dict[str, DiskRecord]:
    return await azure.shared(f"disks/{group.key}", lambda: _read(azure, group), within)


async def _read(azure: Azure, group: ResourceId) -> dict[str, DiskRecord]:
    path = f"{group}/providers/Microsoft.Compute/disks"
    return dict((await read_listing(azure.list(path, DISK_API_VERSION), path, _record, ())).records)


def _record(disk: Json) -> tuple[str, DiskRecord]:
    properties = part(disk, "properties")
    policy, public = text(properties.get("networkAccessPolicy")), text(properties.get("publicNetworkAccess"))
    return required(disk.get("id")).key, DiskRecord(
        whole(properties.get("maxShares")) or 1,
        time_of(properties.get("timeCreated")),
        DiskAccess(policy=policy, public=public),
    )
