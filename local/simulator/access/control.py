"""The roles and assignments that are loaded, who is held to them, and what Azure demanded of them so far."""

from collections.abc import Iterable
from typing import Any

from local.simulator import errors, ids
from local.simulator.access.actions import Right, required
from local.simulator.access.roles import Assignment, Role, parse
from local.simulator.wire import Call, Json


class Access:
    """Without assignments everybody may do everything; with some, who has none still may."""

    def __init__(self) -> None:
        self.lift()

    def lift(self) -> None:
        """Disables all access checks."""
        self._roles: dict[str, Role] = {}
        self._held: dict[str, list[Assignment]] = {}
        self._demands: dict[tuple[str, Right, bool], bool] = {}

    def load(self, raw: Any) -> None:
        """Replaces roles and assignments, and forgets what was demanded. Raises ValueError, and then nothing has
        changed."""
        roles, assignments = parse(raw)
        self.lift()
        self._roles = roles
        for each in assignments:
            self._held.setdefault(each.principal, []).append(each)

    def body(self) -> Json:
        """`demands` are what Azure asked of those who have assignments: each right once, `linked` if it is one on a
        resource that a body names."""
        return {
            "roles": {key: role.body() for key, role in self._roles.items()},
            "assignments": [each.body() for held in self._held.values() for each in held],
            "demands": [
                {"principal": principal, **right._asdict(), "linked": linked, "granted": granted}
                for (principal, right, linked), granted in self._demands.items()
            ],
        }

    def is_held(self, principal: str) -> bool:
        return principal in self._held

    def may(self, principal: str, right: Right) -> bool:
        held = self._held.get(principal)
        return held is None or any(each.role.allows(right.action) and each.covers(right.scope) for each in held)

    def demand(self, principal: str, right: Right, *, linked: bool = False) -> bool:
        """As `may`, and it is remembered as demanded."""
        granted = self.may(principal, right)
        if self.is_held(principal):
            self._demands[principal, Right(right.action, ids.key(right.scope)), linked] = granted
        return granted

    def check(self, call: Call) -> None:
        """Raises ArmError 403 `AuthorizationFailed` if the caller may not make this call at all."""
        right = required(call.method, call.path)
        if right and not self.demand(call.principal, right):
            raise errors.authorization_failed(call.client, call.principal, right.action, right.scope)

    def check_linked(self, call: Call, links: Iterable[Right]) -> None:
        """Raises ArmError 403 `LinkedAuthorizationFailed` for the first that the caller lacks."""
        own = required(call.method, call.path)
        if own is None or not self.is_held(call.principal):
            return
        for link in links:
            if not self.demand(call.principal, link, linked=True):
                raise errors.linked_authorization_failed(call.client, call.principal, own, link)
