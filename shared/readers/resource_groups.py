"""Resource groups: region, tags and manager, by one list per subscription."""

from dataclasses import dataclass, field
from typing import NamedTuple

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.arm.fields import Json, part, region, required, text
from shared.arm.listing import NotKnownError, read_listing
from shared.config.intervals import TTL_STATIC
from shared.model.resource_id import ResourceId, folded
from shared.model.unread_row import UnreadRow

API_VERSION = "2025-04-01"
"""Of resource groups, and of the lists of resources."""


@dataclass(frozen=True)
class GroupRecord:
    """A resource group. `managed_by` is the ID of the resource that owns the group, or ""."""

    location: str
    managed_by: str = ""
    tags: dict[str, str] = field(default_factory=dict)


class _Groups(NamedTuple):
    """The groups by their lower-cased IDs."""

    by_id: dict[str, GroupRecord]
    unread: tuple[UnreadRow, ...] = ()


async def read_group(azure: Azure, group: ResourceId, *, refresh: bool = False) -> GroupRecord | None:
    """The resource group, or None if it does not exist. If a cached list does not hold it, the list is read again.

    Raises HttpResponseError, and NotKnownError if it may be a row that could not be read.
    """
    recently = azure.settings.poll_seconds
    for within in (recently,) if refresh else (recently * TTL_STATIC, recently):
        listed = await _groups_of(azure, group.subscription, within)
        if group.key in listed.by_id:
            return listed.by_id[group.key]
    for row in listed.unread:
        if not row.shows_id or folded(row.id) == group.key:
            raise NotKnownError(row)
    return None


async def lies_in_missing_group(azure: Azure, resource: ResourceId) -> bool:
    """Whether the resource group does not exist, and so nothing in it does. False if that is not known.

    Costs no call where the group is known, or its list was read for another reason within the poll interval.
    Raises HttpResponseError.
    """
    try:
        return await read_group(azure, resource.group_id) is None
    except NotKnownError:
        return False


async def _groups_of(azure: Azure, subscription: str, within: float) -> _Groups:
    """All resource groups of a subscription. Raises HttpResponseError."""
    return await azure.shared(_key(subscription), lambda: _list(azure, subscription), within)


def forget_groups(azure: Azure, group: ResourceId, *, if_before: float) -> None:
    """Invalidates the cached list of the group's subscription, unless its read began after `if_before` (monotonic
    time)."""
    azure.forget(_key(group.subscription), if_before=if_before)


def _key(subscription: str) -> str:
    return f"groups/{subscription.lower()}"


async def _list(azure: Azure, subscription: str) -> _Groups:
    path = f"/subscriptions/{subscription}/resourcegroups"
    try:
        found = await read_listing(azure.list(path, API_VERSION), path, _group, azure.settings.acknowledged_rows)
    except HttpResponseError as answer:
        if is_missing(answer):
            return _Groups({})
        raise
    return _Groups(dict(found), found.unread)


def _group(group: Json) -> tuple[str, GroupRecord] | None:
    """The group by its ID; None while it is being deleted: until it is gone, Azure refuses to create it again."""
    if part(group, "properties").get("provisioningState") == "Deleting":
        return None
    tags = {text(name): text(value) for name, value in part(group, "tags").items()}
    return required(group["id"]).key, GroupRecord(region(group.get("location")), text(group.get("managedBy")), tags)
