"""Where the app may read and write: subscriptions and resource groups, nothing outside."""

from collections.abc import Iterable

from shared.model.resource_id import ResourceId


class Scope:
    """A set of subscriptions and resource groups."""

    def __init__(self, members: Iterable[ResourceId]) -> None:
        self.members = tuple(members)
        self._keys = {member.key for member in self.members}

    def __contains__(self, resource: ResourceId) -> bool:
        subscription = f"/subscriptions/{resource.subscription}".lower()
        if subscription in self._keys:
            return True
        return bool(resource.resource_group) and resource.group_id.key in self._keys

    def __str__(self) -> str:
        return ", ".join(str(member) for member in self.members)
