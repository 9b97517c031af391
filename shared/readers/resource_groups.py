"""Resource groups: region, tags and manager, by one list per subscription."""

from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.arm.parsing import region
from shared.config.intervals import TTL_STATIC
from shared.model.resource_id import ResourceId


@dataclass(frozen=True)
class GroupRecord:
    """A resource group. `managed_by` is the ID of the resource that owns the group, or ""."""

    location: str
    managed_by: str = ""
    tags: dict[str, str] = field(default_factory=dict)


async def read_group(azure: Azure, group: ResourceId, *, refresh: bool = False) -> GroupRecord | None:
    """The resource group, or None if it does not exist. If a cached list does not hold it, the list is read again.

    Raises HttpResponseError.
    """
    recently = azure.settings.poll_seconds
    for within in (recently,) if refresh else (recently * TTL_STATIC, recently):
        listed = await _groups_of(azure, group.subscription, within)
        if group.key in listed:
            return listed[group.key]
    return None


async def _groups_of(azure: Azure, subscription: str, within: float) -> dict[str, GroupRecord]:
    """All resource groups of a subscription by their lower-cased IDs. Raises HttpResponseError."""
    return await azure.shared(_key(subscription), lambda: _list(azure, subscription), within)


def forget_groups(azure: Azure, group: ResourceId, *, if_before: float) -> None:
    """Invalidates the cached list of the group's subscription, unless its read began after `if_before` (monotonic
    time)."""
    azure.forget(_key(group.subscription), if_before=if_before)


def _key(subscription: str) -> str:
    return f"groups/{subscription.lower()}"


async def _list(azure: Azure, subscription: str) -> dict[str, GroupRecord]:
    """Whether the group is not being deleted: until it is gone, Azure refuses to create it again."""
    try:
        groups: Any = azure.resources(subscription).resource_groups.list()
        return {
            ResourceId(group.id).key: GroupRecord(
                region(group.location), group.managed_by or "", dict(group.tags or {})
            )
            async for group in groups
            if not (group.properties and group.properties.provisioning_state == "Deleting")
        }
    except HttpResponseError as answer:
        if is_missing(answer):
            return {}
        raise
