"""The edit of a replication policy after its profile has changed.

The service cannot move an item to another policy. So the policy itself is edited, for all VMs with it: only if this
deployment created it, only after a confirmation, and only while no profile requests its current values. A VM whose
owner selected another profile is not affected.
"""

from collections.abc import Iterable

from shared.model.base import Model
from shared.model.names import DEFAULT_NAMES, Names
from shared.model.plan import ResourcePreview
from shared.model.policy import Policy
from shared.model.resource_id import ResourceId


class PolicyEdit(Model):
    """The edit of a policy. `items` counts the items with the policy: the edit changes all of them."""

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
    policy_id: ResourceId,
    has: tuple[int, int],
    profile: str,
    wanted: Policy,
    items: int,
    profiles: Iterable[Policy],
    names: Names = DEFAULT_NAMES,
    policy_name: str = "",
) -> PolicyEdit | None:
    """The edit, or None if the policy has the wanted values already or must not be edited.

    `has` are the policy's retention and app-consistent frequency in minutes. `wanted` are the values of `profile`, the
    profile of the VM, and `policy_name` the name that it gives its policy; `profiles` are the values of all profiles. A
    policy may be edited only if its name says that the app created it for that profile, and if no profile requests the
    values that it has.
    """
    requested = {(policy.retention_minutes, policy.app_consistent_minutes) for policy in profiles}
    if has in requested or not names.is_policy_of(policy_id.name, profile, policy_name):
        return None
    return PolicyEdit(
        policy_id=policy_id, retention_minutes=has[0], app_consistent_minutes=has[1], wanted=wanted, items=items
    )


def _hours(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes else "off"
