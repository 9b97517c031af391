"""Resource groups, read by one list for each subscription: which there are, and which are managed by a service."""

from azure.core.exceptions import HttpResponseError

from shared.azure.answers import is_missing
from shared.azure.gateway import Azure
from shared.domain.resource_id import ResourceId


async def managed_by(azure: Azure, group: ResourceId) -> str | None:
    """The ID of the resource that owns the group, "" if none does, None if there is no such group.

    A group that is too new for the list is asked for by itself.
    """
    listed = await azure.shared(_key(group), lambda: _list(azure, group.subscription))
    if group.key in listed:
        return listed[group.key]
    try:
        found = await azure.resources(group.subscription).resource_groups.get(group.resource_group)
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    return found.managed_by or ""


def forget_groups(azure: Azure, group: ResourceId, *, if_before: float) -> None:
    """The list that would hold the group is read anew, unless it was since the (monotonic) time given."""
    azure.forget(_key(group), if_before=if_before)


def _key(group: ResourceId) -> str:
    return f"groups/{group.subscription.lower()}"


async def _list(azure: Azure, subscription: str) -> dict[str, str]:
    groups = azure.resources(subscription).resource_groups.list()
    return {ResourceId(group.id or "").key: group.managed_by or "" async for group in groups}
