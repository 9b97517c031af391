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
        without: frozenset[str] = frozenset(),
    ) -> None:
        """`subscriptions` are those of each management group, by its key; `without` the lower-cased ones that no
        management group puts into this scope."""
        self._named = tuple(named)
        self.management_groups = tuple(each for each in self._named if isinstance(each, ManagementGroup))
        known = subscriptions or {}
        members = [each for each in self._named if isinstance(each, ResourceId)]
        below = [found for group in self.management_groups for found in known.get(group.key, ())]
        members += (found for found in below if found.subscription.lower() not in without)
        self.members = tuple(dict.fromkeys(members))
        self.left_out = tuple(dict.fromkeys(found for found in below if found not in self.members))
        """What its management groups have, and `without` leaves out."""
        self.is_resolved = subscriptions is not None
        """Whether the subscriptions of its management groups were read."""
        self.whole = frozenset(
            each.subscription.lower()
            for each in self._named
            if isinstance(each, ResourceId) and not each.resource_group
        )
        """The lower-cased subscriptions that are named as a whole."""
        self.empty_groups = tuple(group for group in self.management_groups if not known.get(group.key))
        self._keys = {member.key for member in self.members}

    def resolved(
        self, subscriptions: Mapping[str, tuple[ResourceId, ...]], without: frozenset[str] = frozenset()
    ) -> "Scope":
        """The same scope, with the subscriptions of its management groups but those of `without`."""
        return Scope(self._named, subscriptions, without)

    def __contains__(self, resource: ResourceId) -> bool:
        if self.has_whole(resource.subscription) or resource.key in self._keys:
            return True
        return bool(resource.resource_group) and resource.group_id.key in self._keys

    def has_whole(self, subscription: str) -> bool:
        return f"/subscriptions/{subscription}".lower() in self._keys

    def __str__(self) -> str:
        """As it is configured."""
        return ", ".join(map(str, self._named))


def resolve(source: Scope, target: Scope, subscriptions: Mapping[str, tuple[ResourceId, ...]]) -> tuple[Scope, Scope]:
    """Both scopes, with the subscriptions of each management group, by its key.

    VMs are written and deleted in a whole subscription of targets: no management group makes one of those a source, nor
    a subscription of VMs a target. Who wants that names the subscription itself.
    """
    source = source.resolved(subscriptions, target.whole)
    held = frozenset(each.subscription.lower() for each in source.members)
    return source, target.resolved(subscriptions, held)
