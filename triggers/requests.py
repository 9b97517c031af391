"""Shared by the HTTP triggers: parsing of route, query and body, and Azure errors as problems."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import azure.functions as func
from azure.core.exceptions import AzureError, HttpResponseError

from shared.arm.errors import MalformedResponseError, ThrottledError, WriteRefusedError, error_of, wait_of
from shared.arm.origin_store import OriginStoreError
from shared.arm.resource_graph import TruncatedError
from shared.config.settings import Settings
from shared.model.resource_id import ResourceId, vm_id
from shared.model.values import one_of
from shared.reconcile.run_state import WRITES_DISABLED
from triggers.body import tags_in
from triggers.problems import FieldError, Problem

T = TypeVar("T")
log = logging.getLogger("dr.http")

LARGEST_BODY = 64 * 1024

# Query parameters of the platform: the function key and its name.
_OF_THE_PLATFORM = {"code", "clientid"}

_FLAG = one_of("true", "false")


def vm_of(settings: Settings, request: func.HttpRequest) -> ResourceId:
    """The VM that the route names. Raises Problem: 400 for a malformed name, 404 outside the source scope."""
    parts = request.route_params
    try:
        vm = vm_id(parts["subscription"], parts["group"], parts["name"])
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "MalformedResource", str(error)) from None
    if vm not in settings.source:
        detail = f"{vm} lies outside DR_SOURCE_SCOPE ({settings.source}): this app does not manage it."
        raise Problem(HTTPStatus.NOT_FOUND, "OutOfScope", detail)
    return vm


def path_of(request: func.HttpRequest) -> str:
    """The path of the request, for a link in its response: relative, since the host is what the caller says it is."""
    path: str = urlsplit(request.url).path
    return path


def flags_of(request: func.HttpRequest, *known: str) -> set[str]:
    """The known query parameters that are `true`. Raises Problem, which names every unknown one."""
    return {name for name, value in query_of(request, dict.fromkeys(known, _FLAG)).items() if value == "true"}


def query_of(request: func.HttpRequest, known: Mapping[str, Callable[[str], T]]) -> dict[str, T]:
    """The given query parameters, validated; the ValueError of a validator says what is allowed.

    Raises Problem, which names every one that is not known or has no allowed value.
    """
    found: dict[str, T] = {}
    errors = []
    for name, value in parameters_of(request).items():
        try:
            if name not in known:
                raise ValueError(", ".join(known) or "no query parameter")
            found[name] = known[name](value)
        except ValueError as allowed:
            errors.append(FieldError(field=name[:80], given=value[:80], allowed=str(allowed)))
    if errors:
        named = ", ".join(each.field for each in errors)
        detail = f"The query has parameters or values that are not allowed: {named}."
        raise Problem(HTTPStatus.BAD_REQUEST, "InvalidQuery", detail, errors=tuple(errors))
    return found


def parameters_of(request: func.HttpRequest) -> dict[str, str]:
    """The query parameters, without those of the platform: a key must not be forwarded."""
    return {name: value for name, value in request.params.items() if name.lower() not in _OF_THE_PLATFORM}


def tags_of(settings: Settings, request: func.HttpRequest) -> dict[str, str]:
    """The overrides in the body, as tags; an empty body is an empty object. Raises Problem: 400, 411, 413, 415 or
    422."""
    return tags_in(settings, body_of(request, LARGEST_BODY))


def body_of(request: func.HttpRequest, largest: int) -> Any:
    """The JSON in a body of at most `largest` bytes; an empty one is an empty object.

    Raises Problem: 400, 411, 413 or 415.
    """
    raw = request.get_body()
    # The Functions host drops a chunked body: its content is unknown, so it must not be taken for an empty one.
    if not raw and "Transfer-Encoding" in request.headers:
        detail = "The body was sent in chunks, and the Functions host drops such a body: send it with a Content-Length."
        raise Problem(HTTPStatus.LENGTH_REQUIRED, "LengthRequired", detail)
    if not raw.strip():
        return {}
    if len(raw) > largest:
        detail = f"The body has {len(raw)} bytes; at most {largest} are allowed."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BodyTooLarge", detail)
    given = (request.headers.get("Content-Type") or "none").split(";", 1)[0].strip().lower()
    if given != "application/json":
        detail = f"The Content-Type is {given[:80]!r}; application/json is allowed."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "NotJson", detail)
    try:
        return json.loads(raw, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "MalformedBody", f"The body is invalid JSON: {error}") from None


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Rejects duplicate names: it is ambiguous which value was intended."""
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("an object names a member twice")
    return found


def require_writes(settings: Settings) -> None:
    """Raises Problem if the settings disable writes. Called first, before any read."""
    if settings.writes_disabled:
        raise Problem(HTTPStatus.CONFLICT, WRITES_DISABLED, f"{settings.writes_disabled}.")


def no_such_vm(vm: ResourceId) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "VmNotFound", f"There is no VM {vm}.")


async def translate_azure_errors(call: Awaitable[T]) -> T:
    """Awaits a call to Azure. Raises Problem: 409 if the settings forbid it, 502 or 503 if Azure fails."""
    try:
        return await call
    except Problem:
        raise
    except WriteRefusedError as refused:
        detail = f"{refused.error.message} {refused.error.action}".strip()
        raise Problem(HTTPStatus.CONFLICT, refused.error.code, detail) from None
    except ThrottledError as throttled:
        detail = f"{throttled}."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Throttled", detail, retry_after=throttled.wait) from None
    except HttpResponseError as answer:
        error = error_of(answer)
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            wait = wait_of(answer, 30)
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, error.code, str(error), retry_after=wait) from None
        raise Problem(HTTPStatus.BAD_GATEWAY, error.code, f"Azure answered {answer.status_code}: {error}") from None
    except MalformedResponseError as fault:
        code = "ListTruncated" if isinstance(fault, TruncatedError) else "MalformedResponse"
        raise Problem(HTTPStatus.BAD_GATEWAY, code, f"{fault}", retry_after=30) from None
    except OriginStoreError as fault:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "OriginStoreUnavailable", f"{fault}.", retry_after=30) from None
    except AzureError as fault:
        raise Problem(HTTPStatus.BAD_GATEWAY, type(fault).__name__, "Azure did not respond.", retry_after=30) from None
    except Exception:
        log.exception("A response of Azure was not understood")
        detail = "A response of Azure was not understood: the log of this app says which."
        raise Problem(HTTPStatus.BAD_GATEWAY, "UnexpectedError", detail, retry_after=30) from None
