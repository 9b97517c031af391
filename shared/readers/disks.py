"""Managed disks: properties that the VM does not show. One list per resource group."""

from typing import Any

from shared.arm.client import Azure
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm


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
    disks: Any = azure.compute(group.subscription).disks.list_by_resource_group(group.resource_group)
    return {
        ResourceId(disk.id).key: (disk.properties.max_shares if disk.properties else None) or 1 async for disk in disks
    }
