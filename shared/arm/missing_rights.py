"""A right that the app's identity lacks, by the text of Azure's 403: the action, the scope, and the role of this app
that has it.

Which role has an action is in `infra/permissions.json` alone, of which the roles are made; it is deployed with the app.
"""

import json
import logging
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

ROLES = Path(__file__).parents[2] / "infra" / "permissions.json"

log = logging.getLogger("dr.errors")

_CODES = {"AuthorizationFailed", "LinkedAuthorizationFailed"}
# Of a linked one first comes what the identity may do: what it may not do follows.
_DENIED = re.compile(
    r".*does not have .*?action(?:\(s\))? '(?P<actions>[^']+)'.*?scope(?:\(s\))? '(?P<scopes>[^']+)'", re.DOTALL
)


def action_for_denied(code: str, message: str) -> str:
    """What to do about a missing right; "" if this is another error, or names no right."""
    denied = _DENIED.match(message) if code in _CODES else None
    if denied is None:
        return ""
    actions = [each.strip() for each in denied["actions"].split(",")]
    scopes = " and ".join(each.strip() for each in denied["scopes"].split(","))
    return f"The app's identity lacks {' and '.join(actions)} on {scopes}. {' '.join(map(_holders, actions))}"


def _holders(action: str) -> str:
    roles = _roles()
    if not roles:
        return f"docs/permissions.md says which of the app's roles has {action}: assign it there."
    found = [f"{role['name']} (on {role['scope']})" for role in roles if _has(role, action)]
    if not found:
        return f"None of the app's roles has {action}: give it one that has, on that scope (docs/permissions.md)."
    return f"The role {' or '.join(found)} has {action}: assign it there, as `azd provision` does on the app's scopes."


def _has(role: Any, action: str) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in role["actions"])


@cache
def _roles() -> tuple[Any, ...]:
    """None if the file was left out of the package: an error is translated all the same."""
    try:
        return tuple(json.loads(ROLES.read_text()).values())
    except (OSError, ValueError):
        log.warning("%s cannot be read: errors name no role", ROLES)
        return ()
