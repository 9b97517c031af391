"""Role definitions and assignments, as they are loaded."""

import re
from dataclasses import dataclass, field
from typing import Any

from local.simulator import ids
from local.simulator.wire import Json

_ACTION = re.compile(r"\*|[\w.*]+(/[\w*]+)+", re.ASCII)
_SCOPE = re.compile(r"/|(/[^/]+/[^/]+)+")


@dataclass(frozen=True)
class Role:
    """A role definition. A `*` in an action stands for any text, slashes too."""

    name: str
    actions: tuple[str, ...]
    _known: dict[str, bool] = field(default_factory=dict, compare=False)

    def allows(self, action: str) -> bool:
        if action not in self._known:
            self._known[action] = any(_matches(pattern, action) for pattern in self.actions)
        return self._known[action]

    def body(self) -> Json:
        return {"name": self.name, "actions": self.actions}


@dataclass(frozen=True)
class Assignment:
    """A role for a principal, which is an object ID, at a scope and at all that is in it. `key` is the role's."""

    principal: str
    key: str
    scope: str
    role: Role

    def covers(self, scope: str) -> bool:
        return f"{ids.key(scope)}/".startswith(f"{ids.key(self.scope)}/")

    def body(self) -> Json:
        return {"principal": self.principal, "role": self.key, "scope": self.scope}


def parse(raw: Any) -> tuple[dict[str, Role], list[Assignment]]:
    """`{"roles": {key: {"name", "actions"}}, "assignments": [{"principal", "role", "scope"}]}`. Raises ValueError.

    A role may say more of itself, as infra/permissions.json does, but nothing that would take rights away.
    """
    given = _only(raw, "access", ("roles", "assignments"))
    roles = {key: _role(key, each) for key, each in _object(given["roles"], "roles").items()}
    if not isinstance(given["assignments"], list):
        raise ValueError("assignments must be a list")
    return roles, [_assignment(each, roles) for each in given["assignments"]]


def parse_unreadable(raw: Any) -> list[str]:
    """The scopes of `{"unreadable": [scope]}`. Raises ValueError."""
    scopes = _only(raw, "the body", ("unreadable",))["unreadable"]
    if not isinstance(scopes, list) or not all(isinstance(each, str) and _SCOPE.fullmatch(each) for each in scopes):
        raise ValueError("unreadable must be a list of scopes, as /subscriptions/S/resourceGroups/rg")
    return scopes


def _role(key: str, raw: Any) -> Role:
    given = _object(raw, f"the role {key}")
    if refused := {"notActions", "dataActions", "notDataActions"} & set(given):
        raise ValueError(f"the role {key}: {min(refused)} are not served")
    actions = given.get("actions")
    if not isinstance(actions, list | dict) or not all(isinstance(each, str) for each in actions):
        raise ValueError(f"the role {key}: actions must be a list of names, or an object with names as its keys")
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise ValueError(f"the role {key}: {action!r} is no action")
    return Role(str(given.get("name", key)), tuple(actions))


def _assignment(raw: Any, roles: dict[str, Role]) -> Assignment:
    given = _only(raw, "an assignment", ("principal", "role", "scope"))
    for name, value in given.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"an assignment: {name} must be a text")
    if given["role"] not in roles:
        raise ValueError(f"an assignment: there is no role {given['role']!r}; there are {', '.join(roles) or 'none'}")
    if not _SCOPE.fullmatch(given["scope"]):
        raise ValueError(f"an assignment: {given['scope']!r} is no scope")
    return Assignment(given["principal"], given["role"], given["scope"], roles[given["role"]])


def _object(raw: Any, what: str) -> Json:
    if not isinstance(raw, dict):
        raise ValueError(f"{what} must be an object")
    return raw


def _only(raw: Any, what: str, names: tuple[str, ...]) -> Json:
    given = _object(raw, what)
    if set(given) != set(names):
        raise ValueError(f"{what} has {', '.join(names)}, and nothing else")
    return given


def _matches(pattern: str, action: str) -> bool:
    return bool(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE))
