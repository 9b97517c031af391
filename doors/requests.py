"""What the HTTP doors have in common: which VM, which body, and Azure's refusals as problems."""

import json
from collections.abc import Awaitable
from http import HTTPStatus
from typing import TypeVar

import azure.functions as func
from azure.core.exceptions import AzureError, HttpResponseError
from pydantic import ConfigDict, ValidationError

from doors.problems import Problem
from shared.azure.answers import WriteRefusedError, error_of
from shared.domain.model import Model
from shared.domain.resource_id import ResourceId, vm_id
from shared.domain.settings import Settings

T = TypeVar("T")

_LARGEST_BODY = 64 * 1024


class ProtectionRequest(Model):
    """The body of PUT and of plan. There is nothing to choose yet: it is empty, or an empty object."""

    model_config = ConfigDict(extra="forbid")


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


def body_of(request: func.HttpRequest) -> ProtectionRequest:
    """An empty body is an empty object. Raises Problem: 400, 413, 415 or 422."""
    raw = request.get_body()
    if not raw.strip():
        return ProtectionRequest()
    if len(raw) > _LARGEST_BODY:
        detail = f"The body has {len(raw)} bytes; at most {_LARGEST_BODY} are allowed."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "BodyTooLarge", detail)
    given = (request.headers.get("Content-Type") or "none").split(";", 1)[0].strip().lower()
    if given != "application/json":
        detail = f"The Content-Type is {given!r}; application/json is allowed."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "NotJson", detail)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "MalformedBody", f"The body is no JSON: {error}") from None
    try:
        return ProtectionRequest.model_validate(body)
    except ValidationError as error:
        errors = [
            {"field": ".".join(map(str, problem["loc"])) or "body", "message": problem["msg"]}
            for problem in error.errors()
        ]
        detail = "The body has fields or values that are not allowed: " + ", ".join(each["field"] for each in errors)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "InvalidBody", detail, errors=errors) from None


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
