"""The VMs that are in target resource groups already: a failover cannot create another of the same name there."""

import asyncio
from collections.abc import Iterable, Sequence

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import proves_absence
from shared.arm.fields import Json, required
from shared.arm.listing import read_listing
from shared.arm.resource_graph import query
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.resource_types import COMPUTE_API_VERSION
from shared.readers.disks import DISK_API_VERSION
from shared.readers.virtual_machines import vms_where

_GROUPS = 200
"""The most resource groups in one query."""


async def vms_in(azure: Azure, group: ResourceId) -> frozenset[ResourceId]:
    """The VMs in a target group, by one list for all VMs that go there. None if the group does not exist.

    At most one poll interval old. That is harmless: a VM may also be created there at any time after the enabling.
    Raises HttpResponseError, MalformedResponseError, NotKnownError.
    """
    return await _ids_in(azure, group, VIRTUAL_MACHINE, azure.settings.poll_seconds)


async def existing(azure: Azure, resources: Iterable[ResourceId], within: float) -> frozenset[ResourceId]:
    """Those of the VMs and disks that exist, by lists of their groups at most `within` seconds old: drills into one
    group share them. Raises as `vms_in`."""
    wanted = set(resources)
    lists = sorted({(each.group_id, each.type) for each in wanted}, key=str)
    found = await asyncio.gather(*(_ids_in(azure, group, resource_type, within) for group, resource_type in lists))
    return frozenset(wanted & frozenset().union(*found))


async def _ids_in(azure: Azure, group: ResourceId, resource_type: str, within: float) -> frozenset[ResourceId]:
    key = f"ids/{group.key}/{resource_type.lower()}"
    return await azure.shared(key, lambda: _list(azure, group, resource_type), within)


async def _list(azure: Azure, group: ResourceId, resource_type: str) -> frozenset[ResourceId]:
    path = f"{group}/providers/{resource_type}"
    try:
        rows = azure.list(path, COMPUTE_API_VERSION if resource_type == VIRTUAL_MACHINE else DISK_API_VERSION)
        listing = await read_listing(rows, path, _id, azure.settings.acknowledged_rows)
    except HttpResponseError as answer:
        if proves_absence(answer):
            return frozenset()
        raise
    listing.check_complete()
    return frozenset(listing)


async def read_vms_in(azure: Azure, groups: Iterable[ResourceId]) -> frozenset[ResourceId]:
    """The VMs in all these groups, as Resource Graph shows them: the run of a VM reads the list of its group before it
    enables. Raises HttpResponseError, MalformedResponseError, TruncatedError.
    """
    every, found = sorted(set(groups), key=str), set[ResourceId]()
    for start in range(0, len(every), _GROUPS):
        found |= await _query(azure, every[start : start + _GROUPS])
    return frozenset(found)


async def _query(azure: Azure, groups: Sequence[ResourceId]) -> frozenset[ResourceId]:
    names = ", ".join(sorted({f"'{group.resource_group.lower()}'" for group in groups}))
    rows = query(azure, vms_where(f"resourceGroup in~ ({names})"), {group.subscription for group in groups})
    return frozenset(await read_listing(rows, "the VMs in target groups", _id, ()))


def _id(row: Json) -> ResourceId:
    return required(row["id"])
