"""Managed disks: properties that the VM does not show. One list per resource group."""

from shared.arm.client import Azure
from shared.arm.fields import Json, part, required, whole
from shared.arm.listing import read_listing
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm

_API_VERSION = "2026-03-02"


async def shared_disks(azure: Azure, vm: SourceVm, within: float) -> tuple[ResourceId, ...]:
    """The shared disks of the VM."""
    found = []
    for group in sorted({disk.id.group_id for disk in vm.disks}, key=str):
        own = [disk.id for disk in vm.disks if disk.id.group_id == group]
        shares = await _shares(azure, group, within)
        if any(disk.key not in shares for disk in own):
            # Attached since the list was read.
            shares = await _shares(azure, group, azure.settings.poll_seconds)
        found += [disk for disk in own if shares.get(disk.key, 1) > 1]
    return tuple(found)


async def _shares(azure: Azure, group: ResourceId, within: float) -> dict[str, int]:
    return await azure.shared(f"disks/{group.key}", lambda: _read(azure, group), within)


async def _read(azure: Azure, group: ResourceId) -> dict[str, int]:
    path = f"{group}/providers/Microsoft.Compute/disks"
    return dict((await read_listing(azure.list(path, _API_VERSION), path, _share, ())).records)


def _share(disk: Json) -> tuple[str, int]:
    return required(disk.get("id")).key, whole(part(disk, "properties").get("maxShares")) or 1
