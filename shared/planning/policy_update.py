"""A changed profile and the policy that VMs are protected with: the service moves no item to another policy.

So the policy itself is edited, for all VMs under it: only one that this app made, only once somebody has confirmed it,
and only while no profile asks for the values it has now. A VM whose owner chose another profile is no changed profile.
"""

import re
from collections.abc import Iterable

from shared.config.profiles import DEFAULT
from shared.model.base import Model
from shared.model.plan import ResourcePreview
from shared.model.replication import Policy
from shared.model.resource_id import ResourceId

# A number tells a second policy of the same name; behind a profile's name it is the profile's own.
_OURS = re.compile(
    r"[1-9]\d{0,3}-hour-retention-(?:[1-9]\d{0,2}-hour|no)-app-consistent-policy"
    r"(?:-for-(?P<profile>[a-z0-9][a-z0-9-]*)|-\d+)?",
    re.ASCII,
)


class PolicyEdit(Model):
    """`items` are protected with the policy, and all of them change with it."""

    policy_id: ResourceId
    retention_minutes: int
    app_consistent_minutes: int
    wanted: Policy
    items: int

    @property
    def preview(self) -> ResourcePreview:
        changes = [
            f"{what} {_hours(current)} → {_hours(wanted)}"
            for what, current, wanted in (
                ("retention", self.retention_minutes, self.wanted.retention_minutes),
                ("app-consistent points every", self.app_consistent_minutes, self.wanted.app_consistent_minutes),
            )
            if current != wanted
        ]
        detail = f"{', '.join(changes)}: for all {self.items} item(s) under it, by PUT with confirm=true"
        return ResourcePreview(
            kind="replication policy", action="change in place", name=str(self.policy_id), detail=detail
        )


def edit_of(
    policy_id: ResourceId, has: tuple[int, int], profile: str, wanted: Policy, items: int, profiles: Iterable[Policy]
) -> PolicyEdit | None:
    """`has` are the policy's retention and app-consistent frequency in minutes, `wanted` what the VM's `profile` asks
    for, `profiles` what all of them do.

    None if there is nothing to edit, or nothing that may be: it has to be made for that very profile.
    """
    requested = {(policy.retention_minutes, policy.app_consistent_minutes) for policy in profiles}
    if _profile_of(policy_id.name) != profile or has in requested:
        return None
    return PolicyEdit(
        policy_id=policy_id, retention_minutes=has[0], app_consistent_minutes=has[1], wanted=wanted, items=items
    )


def _profile_of(name: str) -> str | None:
    """The profile that the app made a policy of this name for; None if the name is none that it would have given."""
    found = _OURS.fullmatch(name.lower())
    return (found["profile"] or DEFAULT) if found else None


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes else "off"
