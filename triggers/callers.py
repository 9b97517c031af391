"""Who calls, and what they may ask for.

With App Service authentication on, a caller comes with an Entra token: the platform checks it, and tells its claims in
a header, which it removes from what callers send themselves. With it off nobody removes that header, so it is believed
only where the platform says that authentication is on; else whoever has a function key may ask for everything.
"""

import base64
import json
import os
from collections.abc import Awaitable, Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import azure.functions as func

from triggers.problems import Problem


class Role(StrEnum):
    """App roles of the Entra application (infra/app-roles.json). Who may change something may look as well."""

    READ = "dr.read"
    ENABLE = "dr.enable"
    DISABLE = "dr.disable"


_PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
_ENTRA = "aad"
# The short name, and what App Service calls the claim by default.
_ROLE_CLAIMS = {"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}


def authentication_is_on() -> bool:
    """Whether the platform checks tokens. It sets this variable itself."""
    return os.environ.get("WEBSITE_AUTH_ENABLED", "").lower() == "true"


def auth_level() -> func.AuthLevel:
    """What the host asks for: a function key, unless the platform asks for a token already."""
    return func.AuthLevel.ANONYMOUS if authentication_is_on() else func.AuthLevel.FUNCTION


async def handle(
    request: func.HttpRequest, needed: Role, door: Callable[[], Awaitable[func.HttpResponse]]
) -> func.HttpResponse:
    """What the door answers to a caller who has the role, or the problem that it met with."""
    try:
        check_caller(request, needed)
        return await door()
    except Problem as problem:
        return problem.response()


def check_caller(request: func.HttpRequest, needed: Role) -> None:
    """Raises Problem: 401 for a caller whom the platform does not know, 403 for one who lacks the role."""
    if not authentication_is_on():
        return
    roles = _roles_in(request.headers.get(_PRINCIPAL) or "")
    if needed in roles or (needed is Role.READ and roles):
        return
    held = ", ".join(sorted(roles)) or "none"
    detail = f"This takes the app role {needed}; the caller's roles in this app: {held}."
    raise Problem(HTTPStatus.FORBIDDEN, "RoleMissing", detail)


def _roles_in(header: str) -> set[Role]:
    """The app's roles among the claims of an Entra token."""
    try:
        principal: Any = json.loads(base64.b64decode(header, validate=True))
        provider = principal["auth_typ"]
        told = {claim["val"] for claim in principal["claims"] if claim["typ"] in _ROLE_CLAIMS}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _unknown_caller() from None
    if provider != _ENTRA:
        raise _unknown_caller()
    return {role for role in Role if role in told}


def _unknown_caller() -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "Unauthenticated", "An Entra token for this app is needed.")
