"""The loaded roles and assignments, and the rights that requests have needed so far."""

from collections.abc import Iterable
from typing import Any

from local.simulator import errors, ids
from local.simulator.access.actions import Right, required
from local.simulator.access.roles import Assignment, Role, parse, parse_unreadable
from local.simulator.wire import Call, Json


class Access:
    """A principal without assignments may do everything.

    No caller may read in the `unreadable` scopes, whatever its assignments: this simulates lost read rights.
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
        """Replaces roles and assignments, and clears the demands. Raises ValueError, and then nothing has changed."""
        roles, assignments = parse(raw)
        self._forget_roles()
        self._roles = roles
        for each in assignments:
            self._held.setdefault(each.principal, []).append(each)

    def lose(self, raw: Any) -> None:
        """`{"unreadable": [scope]}` replaces the scopes in which no caller may read. Raises ValueError."""
        scopes = parse_unreadable(raw)
        self._unreadable = [f"{ids.key(scope)}/" for scope in scopes]

    def can_be_seen(self, scope: str) -> bool:
        """Whether this ID is outside the unreadable scopes."""
        return not any(f"{ids.key(scope)}/".startswith(lost) for lost in self._unreadable)

    def body(self) -> Json:
        """`demands` lists the rights that principals with assignments have needed, each once. `linked` marks a right
        on a resource that a request body names."""
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
        """Whether any check applies to the principal."""
        return principal in self._held or bool(self._unreadable)

    def may(self, principal: str, right: Right) -> bool:
        if right.action.endswith("/read") and not self.can_be_seen(right.scope):
            return False
        held = self._held.get(principal)
        return held is None or any(each.role.allows(right.action) and each.covers(right.scope) for each in held)

    def demand(self, principal: str, right: Right, *, linked: bool = False) -> bool:
        """As `may`, and records the demand."""
        granted = self.may(principal, right)
        if principal in self._held:
            self._demands[principal, Right(right.action, ids.key(right.scope)), linked] = granted
        return granted

    def check(self, call: Call) -> None:
        """Raises ArmError 403 `AuthorizationFailed` if the caller lacks the right to this call."""
        right = required(call.method, call.path)
        if right and not self.demand(call.principal, right):
            raise errors.authorization_failed(call.client, call.principal, right.action, right.scope)

    def check_linked(self, call: Call, links: Iterable[Right]) -> None:
        """Raises ArmError 403 `LinkedAuthorizationFailed` for the first link that the caller has no right to."""
        own = required(call.method, call.path)
        if own is None or not self.is_limited(call.principal):
            return
        for link in links:
            if not self.demand(call.principal, link, linked=True):
                raise errors.linked_authorization_failed(call.client, call.principal, own, link)
