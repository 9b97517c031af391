"""GET and PUT of one VM's protection over HTTP."""

import json
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any, TypeVar

import azure.functions as func
from azure.core.exceptions import AzureError, HttpResponseError
from azure.durable_functions import DurableOrchestrationClient
from pydantic import ConfigDict, ValidationError

from doors.problems import Problem
from doors.wake import is_running, status_of, wake
from shared.azure.answers import WriteRefusedError, error_of
from shared.azure.gateway import Azure
from shared.azure.look import look_at, plan_for
from shared.azure.tags import tag_vm
from shared.domain import naming
from shared.domain.messages import Source, Verdict
from shared.domain.model import Model
from shared.domain.resource_id import ResourceId, vm_id

T = TypeVar("T")

_LARGEST_BODY = 64 * 1024


class ProtectionRequest(Model):
    """The body of PUT. There is nothing to choose yet: it is empty, or an empty object."""

    model_config = ConfigDict(extra="forbid")


async def put_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Enable: writes the tag, wakes the VM. Raises Problem; then nothing was written and nothing started."""
    vm = _vm_of(azure, request)
    _body_of(request)
    if azure.settings.writes_off:
        raise Problem(HTTPStatus.CONFLICT, "WritesOff", f"{azure.settings.writes_off}.")
    source = await _asked(look_at(azure, vm, as_if_tagged=True))
    await _asked(_refuse_blocked(azure, vm, source))
    if source.vm and not azure.settings.asks_for_protection(source.vm.tags):
        await _asked(tag_vm(azure, vm, {azure.settings.tag_name: azure.settings.tag_values[0]}))
    await wake(client, vm, azure.settings.poll_seconds)
    return func.HttpResponse(
        json.dumps({"vmId": str(vm), "instanceId": naming.instance_id(vm)}),
        status_code=HTTPStatus.ACCEPTED,
        headers={"Location": request.url.split("?", 1)[0], "Retry-After": "10"},
        mimetype="application/json",
    )


async def get_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """What protects the VM now, and where its run stands or how it ended. Raises Problem."""
    vm = _vm_of(azure, request)
    source = await _asked(look_at(azure, vm, as_if_tagged=True))
    instance = naming.instance_id(vm)
    status = await status_of(client, instance)
    if source.verdict is Verdict.GONE and status.runtime_status is None:
        raise _no_such_vm(vm)
    tagged = source.vm is not None and azure.settings.asks_for_protection(source.vm.tags)
    view: dict[str, Any] = {"vmId": str(vm), "exists": source.vm is not None, "tagged": tagged}
    view["item"] = source.item.dump() if source.item else None
    view["running"] = await is_running(client, instance)
    view["run"] = status.custom_status if view["running"] else status.output
    return func.HttpResponse(json.dumps(view), mimetype="application/json")


def _vm_of(azure: Azure, request: func.HttpRequest) -> ResourceId:
    parts = request.route_params
    try:
        vm = vm_id(parts["subscription"], parts["group"], parts["name"])
    except ValueError as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "MalformedResource", str(error)) from None
    if vm not in azure.settings.source:
        detail = f"{vm} lies outside DR_SOURCE_SCOPE ({azure.settings.source}): this app does not look after it."
        raise Problem(HTTPStatus.NOT_FOUND, "OutOfScope", detail)
    return vm


def _body_of(request: func.HttpRequest) -> ProtectionRequest:
    """An empty body is an empty object."""
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
    except ValueError as error:
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


async def _refuse_blocked(azure: Azure, vm: ResourceId, source: Source) -> None:
    """What would block the run is said now, before a tag is written."""
    if source.verdict is Verdict.GONE or source.vm is None:
        raise _no_such_vm(vm)
    blockers = source.findings
    if source.verdict is Verdict.PROTECT and source.item is None and not source.vm.is_settling:
        blockers = (await plan_for(azure, source.vm)).blockers
    if blockers:
        detail = " ".join(finding.message for finding in blockers)
        findings = [finding.dump() for finding in blockers]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "NotEligible", detail, findings=findings)


def _no_such_vm(vm: ResourceId) -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "VmNotFound", f"There is no VM {vm}.")


async def _asked(call: Awaitable[T]) -> T:
    """Azure's refusals and faults as problems of this app's upstream."""
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
