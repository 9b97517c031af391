"""Where the app may read and write: subscriptions, resource groups, resources, subscriptions of management groups."""

import re
from collections.abc import Iterable, Mapping

from shared.model.resource_id import ResourceId

_MANAGEMENT_GROUP = re.compile(r"(?ai:/providers/Microsoft\.Management/managementGroups)/([\w.()-]{1,90})")


class ManagementGroup:
    """A management group, by its ID. Raises ValueError for all else."""

    def __init__(self, text: str) -> None:
        match = _MANAGEMENT_GROUP.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:200]!r} is not the ID of a management group")
        self.name = match[1]
        """Its last name, which is no display name; compared without case."""
        self.key = self.name.lower()

    @staticmethod
    def is_one(text: str) -> bool:
        return _MANAGEMENT_GROUP.fullmatch(text) is not None

    def __str__(self) -> str:
        return f"/providers/Microsoft.Management/managementGroups/{self.name}"


class Scope:
    """A set of subscriptions, resource groups and single resources. Management groups have none until they are
    resolved."""

    def __init__(
        self,
        named: Iterable[ResourceId | ManagementGroup],
        subscriptions: Mapping[str, tuple[ResourceId, ...]] | None = None,
    ) -> None:
        """`subscriptions` are those of each management group, by its key."""
        self._named = tuple(named)
        self.management_groups = tuple(each for each in self._named if isinstance(each, ManagementGroup))
        known = subscriptions or {}
        members = [each for each in self._named if isinstance(each, ResourceId)]
        members += (found for group in self.management_groups for found in known.get(group.key, ()))
        self.members = tuple(dict.fromkeys(members))
        self.is_resolved = subscriptions is not None
        """Whether the subscriptions of its management groups were read."""
        self.empty_groups = tuple(group for group in self.management_groups if not known.get(group.key))
        self._keys = {member.key for member in self.members}

    def resolved(self, subscriptions: Mapping[str, tuple[ResourceId, ...]]) -> "Scope":
        """The same scope, with the subscriptions of its management groups."""
        return Scope(self._named, subscriptions)

    def __contains__(self, resource: ResourceId) -> bool:
        if self.has_whole(resource.subscription) or resource.key in self._keys:
            return True
        return bool(resource.resource_group) and resource.group_id.key in self._keys

    def has_whole(self, subscription: str) -> bool:
        return f"/subscriptions/{subscription}".lower() in self._keys

    def __str__(self) -> str:
        """As it is configured."""
        return ", ".join(map(str, self._named))
