"""GET and PUT of one VM's protection over HTTP."""

import json
from http import HTTPStatus
from typing import Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from doors.problems import Problem
from doors.requests import asked, body_of, no_such_vm, vm_of
from doors.wake import RUNNING, WakeError, status_of, wake
from shared.azure.gateway import Azure
from shared.azure.look import look_at, plan_for
from shared.azure.tags import tag_vm
from shared.domain import naming
from shared.domain.findings import Severity
from shared.domain.messages import Source, Verdict
from shared.domain.resource_id import ResourceId


async def put_protection(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Enable: writes the tag, wakes the VM. Raises Problem; then nothing was written, but the tag with `NotWoken`."""
    vm = vm_of(azure.settings, request)
    body_of(request)
    if azure.settings.writes_off:
        raise Problem(HTTPStatus.CONFLICT, "WritesOff", f"{azure.settings.writes_off}.")
    source = await asked(look_at(azure, vm, as_if_tagged=True))
    await asked(_refuse_blocked(azure, vm, source))
    if source.vm and not azure.settings.asks_for_protection(source.vm.tags):
        await asked(tag_vm(azure, vm, {azure.settings.tag_name: azure.settings.tag_values[0]}))
    try:
        await wake(client, vm, azure.settings.poll_seconds)
    except WakeError as error:
        detail = (
            f"The tag is written, and the VM's run was not started: {error}. Ask again, or wait for its next event."
        )
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "NotWoken", detail, retry_after=10) from None
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
    vm = vm_of(azure.settings, request)
    source = await asked(look_at(azure, vm, as_if_tagged=True))
    instance = naming.instance_id(vm)
    status = await status_of(client, instance)
    if source.verdict is Verdict.GONE and status.runtime_status is None:
        raise no_such_vm(vm)
    tagged = source.vm is not None and azure.settings.asks_for_protection(source.vm.tags)
    view: dict[str, Any] = {"vmId": str(vm), "exists": source.vm is not None, "tagged": tagged}
    view["item"] = source.item.dump() if source.item else None
    view["running"] = status.runtime_status in RUNNING
    view["run"] = status.custom_status if view["running"] else status.output
    return func.HttpResponse(json.dumps(view), mimetype="application/json")


async def _refuse_blocked(azure: Azure, vm: ResourceId, source: Source) -> None:
    """What would block the run is said now, before a tag is written."""
    if source.verdict is Verdict.GONE or source.vm is None:
        raise no_such_vm(vm)
    blockers = tuple(finding for finding in source.findings if finding.severity is Severity.BLOCKER)
    if source.verdict is Verdict.PROTECT and source.item is None and not source.vm.is_settling:
        blockers = (await plan_for(azure, source.vm)).blockers
    if blockers:
        detail = " ".join(finding.message for finding in blockers)
        findings = [finding.dump() for finding in blockers]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "NotEligible", detail, findings=findings)
