"""What the HTTP doors have in common: which VM, which query, which body, and Azure's refusals as problems."""

import json
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, TypeVar

import azure.functions as func
from azure.core.exceptions import AzureError, HttpResponseError

from doors.body import tags_in
from doors.problems import FieldError, Problem
from shared.azure.answers import WriteRefusedError, error_of
from shared.domain.resource_id import ResourceId, vm_id
from shared.domain.settings import Settings

T = TypeVar("T")

LARGEST_BODY = 64 * 1024

# What the platform itself reads from the query: the function key, and whose it is.
_OF_THE_PLATFORM = {"code", "clientid"}


def vm_of(settings: Settings, request: func.HttpRequest) -> ResourceId:
    """The VM that the route names. Raises Problem: 400 for a malformed name, 404 outside the source scope."""
    parts = request.route_params
    try:
        vm = vm_id(parts["subscription"], parts["group"], parts["name"])
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "MalformedResource", str(error)) from None
    if vm not in settings.source:
        detail = f"{vm} lies outside DR_SOURCE_SCOPE ({settings.source}): this app does not look after it."
        raise Problem(HTTPStatus.NOT_FOUND, "OutOfScope", detail)
    return vm


def flags_of(request: func.HttpRequest, *known: str) -> set[str]:
    """Those of the known query parameters that are `true`. Raises Problem, which names whatever is none of them."""
    given = {name: value for name, value in request.params.items() if name.lower() not in _OF_THE_PLATFORM}
    errors = [
        FieldError(field=name[:80], given=value[:80], allowed=f"{name}: true or false")
        if name in known
        else FieldError(field=name[:80], given=value[:80], allowed=", ".join(known) or "no query parameter")
        for name, value in given.items()
        if name not in known or value not in {"true", "false"}
    ]
    if errors:
        named = ", ".join(each.field for each in errors)
        detail = f"The query has parameters or values that are not allowed: {named}."
        raise Problem(HTTPStatus.BAD_REQUEST, "InvalidQuery", detail, errors=tuple(errors))
    return {name for name, value in given.items() if value == "true"}


def tags_of(settings: Settings, request: func.HttpRequest) -> dict[str, str]:
    """The tags that the body asks for; an empty body is an empty object. Raises Problem: 400, 413, 415 or 422."""
    raw = request.get_body()
    if not raw.strip():
        return {}
    if len(raw) > LARGEST_BODY:
        detail = f"The body has {len(raw)} bytes; at most {LARGEST_BODY} are allowed."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BodyTooLarge", detail)
    given = (request.headers.get("Content-Type") or "none").split(";", 1)[0].strip().lower()
    if given != "application/json":
        detail = f"The Content-Type is {given[:80]!r}; application/json is allowed."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "NotJson", detail)
    try:
        body = json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "MalformedBody", f"The body is no JSON: {error}") from None
    return tags_in(settings, body)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values of one name none is taken: nobody knows which was meant."""
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("an object names a member twice")
    return found


def no_such_vm(vm: ResourceId) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "VmNotFound", f"There is no VM {vm}.")


async def asked(call: Awaitable[T]) -> T:
    """Awaits a call of the gateway. Raises Problem: 409 where the settings forbid it, 502 or 503 where Azure does."""
    try:
        return await call
    except WriteRefusedError as refused:
        raise Problem(HTTPStatus.CONFLICT, refused.error.code, refused.error.message) from None
    except HttpResponseError as answer:
        error = error_of(answer)
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error), retry_after=30) from None
        raise Problem(HTTPStatus.BAD_GATEWAY, error.code, f"Azure answered {answer.status_code}: {error}") from None
    except AzureError as fault:
        raise Problem(HTTPStatus.BAD_GATEWAY, type(fault).__name__, "Azure did not answer.", retry_after=30) from None
