"""The roles and assignments that are loaded, who is held to them, and what Azure demanded of them so far."""

from collections.abc import Iterable
from typing import Any

from local.simulator import errors, ids
from local.simulator.access.actions import Right, required
from local.simulator.access.roles import Assignment, Role, parse, parse_unreadable
from local.simulator.wire import Call, Json


class Access:
    """Without assignments everybody may do everything; with some, who has none still may.

    Nobody may read in the `unreadable` scopes: these are read rights that were lost, whatever the assignments say.
    """

    def __init__(self) -> None:
        self.lift()

    def lift(self) -> None:
        """Disables all access checks."""
        self._unreadable: list[str] = []
        self._forget_roles()

    def _forget_roles(self) -> None:
        self._roles: dict[str, Role] = {}
        self._held: dict[str, list[Assignment]] = {}
        self._demands: dict[tuple[str, Right, bool], bool] = {}

    def load(self, raw: Any) -> None:
        """Replaces roles and assignments, and forgets what was demanded. Raises ValueError, and then nothing has
        changed."""
        roles, assignments = parse(raw)
        self._forget_roles()
        self._roles = roles
        for each in assignments:
            self._held.setdefault(each.principal, []).append(each)

    def lose(self, raw: Any) -> None:
        """`{"unreadable": [scope]}` replaces the scopes in which nobody may read. Raises ValueError."""
        scopes = parse_unreadable(raw)
        self._unreadable = [f"{ids.key(scope)}/" for scope in scopes]

    def can_be_seen(self, scope: str) -> bool:
        """Whether what has this ID is outside the unreadable scopes."""
        return not any(f"{ids.key(scope)}/".startswith(lost) for lost in self._unreadable)

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
            "unreadable": [lost.removesuffix("/") for lost in self._unreadable],
        }

    def is_limited(self, principal: str) -> bool:
        """Whether there is anything that the principal may not do."""
        return principal in self._held or bool(self._unreadable)

    def may(self, principal: str, right: Right) -> bool:
        if right.action.endswith("/read") and not self.can_be_seen(right.scope):
            return False
        held = self._held.get(principal)
        return held is None or any(each.role.allows(right.action) and each.covers(right.scope) for each in held)

    def demand(self, principal: str, right: Right, *, linked: bool = False) -> bool:
        """As `may`, and it is remembered as demanded."""
        granted = self.may(principal, right)
        if principal in self._held:
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
        if own is None or not self.is_limited(call.principal):
            return
        for link in links:
            if not self.demand(call.principal, link, linked=True):
                raise errors.linked_authorization_failed(call.client, call.principal, own, link)
