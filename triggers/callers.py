"""Authentication and authorization of callers.

With App Service authentication on, callers send an Entra token: the platform validates it, and passes its claims in a
header, which it strips from incoming requests. With authentication off the header is not stripped, so it is trusted
only if the platform says that authentication is on, and DR_ENTRA_AUTH as well: with one of the two alone the app does
not start. Without both any caller with a function key may call everything.
"""

import base64
import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import azure.functions as func

from shared.config.environment import authentication_is_on
from shared.model.caller import Caller, CallerKind, Via, object_id_in
from triggers.problems import Problem
from triggers.roles import Role

log = logging.getLogger("dr.http")

_ON_EVERY_RESPONSE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

_PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
_ENTRA = "aad"
# The short name, and what App Service calls the claim by default.
_ROLE_CLAIMS = {"roles", "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"}
# A token of a user has a scope, one of an application has none.
_SCOPE_CLAIMS = {"scp", "http://schemas.microsoft.com/identity/claims/scope"}


async def handle(
    request: func.HttpRequest, needed: Role, handler: Callable[[], Awaitable[func.HttpResponse]]
) -> func.HttpResponse:
    """The response of the handler if the caller has the role, or the problem document: never a stack trace."""
    try:
        check_caller(request, needed)
        response = await handler()
    except Problem as problem:
        response = problem.response()
    except Exception:
        log.exception("The request failed")
        detail = "The request failed unexpectedly: the log of this app says why."
        response = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "UnexpectedError", detail).response()
    response.headers.update(_ON_EVERY_RESPONSE)
    return response


def check_caller(request: func.HttpRequest, needed: Role) -> None:
    """Raises Problem: 401 for an unauthenticated caller, 403 for one without the role."""
    if not authentication_is_on():
        return
    roles = _roles_in(request.headers.get(_PRINCIPAL) or "")
    if needed in roles or (needed is Role.READ and roles):
        return
    held = ", ".join(sorted(roles)) or "none"
    detail = f"The app role {needed} is required; the caller's roles in this app: {held}."
    raise Problem(HTTPStatus.FORBIDDEN, "RoleMissing", detail)


def _roles_in(header: str) -> set[Role]:
    """The app's roles among the claims of an Entra token."""
    roles = {value for name, value in _claims_in(header) if name in _ROLE_CLAIMS}
    return {role for role in Role if role in roles}


def caller_of(request: func.HttpRequest) -> Caller:
    """Who sends the request: by the claims of the token, or a holder of a function key, which says nothing more."""
    if not authentication_is_on():
        return Caller(kind=CallerKind.FUNCTION_KEY, via=Via.HTTP)
    claims = _claims_in(request.headers.get(_PRINCIPAL) or "")
    by_user = any(name in _SCOPE_CLAIMS for name, _ in claims)
    kind = CallerKind.USER if by_user else CallerKind.APPLICATION
    return Caller(kind=kind, via=Via.HTTP, id=object_id_in(claims))


def _claims_in(header: str) -> list[tuple[str, str]]:
    """The claims of an Entra token, by name. Raises Problem."""
    try:
        principal: Any = json.loads(base64.b64decode(header, validate=True))
        provider, claims = principal["auth_typ"], [(claim["typ"], claim["val"]) for claim in principal["claims"]]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise _unknown_caller() from None
    if provider != _ENTRA or not all(isinstance(part, str) for claim in claims for part in claim):
        raise _unknown_caller()
    return claims


def _unknown_caller() -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, "Unauthenticated", "An Entra token for this app is needed.")
