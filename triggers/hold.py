"""PUT and DELETE of the hold of one VM: the tag by which the app leaves it as it is."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.arm.client import Azure
from shared.arm.tags import tag_vm, untag_vm
from shared.config.settings import Settings
from shared.model.hold import ALLOWED, read_until, write_hold
from shared.model.vm import SourceVm
from shared.planning.overrides import HOLD
from shared.readers.virtual_machines import read_vm
from shared.reconcile.run_state import RunState
from triggers.body import invalid_body, validated
from triggers.handing_over import hand_over_and_respond
from triggers.operations import ON_READ, describe, document_body, reference, with_body
from triggers.problems import FieldError
from triggers.requests import (
    LARGEST_BODY,
    body_of,
    flags_of,
    no_such_vm,
    require_writes,
    translate_azure_errors,
    vm_of,
)
from triggers.views import Accepted

_LONGEST_REASON = 200


def _check_until(text: str) -> str:
    read_until(text)
    return text


def _check_reason(text: str) -> str:
    if not (0 < len(text) <= _LONGEST_REASON and text.isprintable()):
        raise ValueError(f"1 to {_LONGEST_REASON} printable characters")
    return text


Until = Annotated[str, AfterValidator(_check_until)]
Reason = Annotated[
    str, AfterValidator(_check_reason), Field(json_schema_extra={"minLength": 1, "maxLength": _LONGEST_REASON})
]


class HoldRequest(BaseModel):
    """Until when the app leaves the VM as it is, and why: both are shown with its findings, and stored in its tag."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    until: Until = Field("", description=f"In the future: {ALLOWED}. Without it the hold has no end.")
    reason: Reason = Field("", description="Why.")


_EXAMPLES = {
    "until": ("For a while", {"until": "2030-12-24T06:00Z", "reason": "migration"}),
    "open": ("Until it is removed", {"reason": "a cluster of Contoso"}),
}
_WRITES = {
    HTTPStatus.CONFLICT: "WritesDisabled: report mode, or paused; TooManyTags; or another setting forbids the write",
    HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or RunNotStarted: the tag is "
    "written, and no run has accepted the request",
}


@describe(
    "Hold: writes the tag by which the app leaves the VM as it is, and has its run observe it",
    Accepted,
    "Accepted",
    {**with_body(), **_WRITES},
    status=HTTPStatus.ACCEPTED,
    body=lambda _: document_body(reference(HoldRequest), _EXAMPLES, required=False),
)
async def put_hold(azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """Replaces a hold that is there. What a job of Site Recovery has begun goes on. Raises Problem."""
    vm_id = vm_of(azure.settings, request)
    flags_of(request)
    value = _value_of(validated(HoldRequest, body_of(request, LARGEST_BODY)))
    require_writes(azure.settings)
    vm = await translate_azure_errors(read_vm(azure, vm_id))
    if vm is None:
        raise no_such_vm(vm_id)
    await translate_azure_errors(tag_vm(azure, vm.id, {f"{azure.settings.tag_name}-{HOLD}": value}))
    return await _observe_again(azure, client, request, vm, "The tag is written")


@describe(
    "End the hold: removes its tag, and has the VM's run observe it",
    Accepted,
    "Accepted",
    {**ON_READ, **_WRITES},
    status=HTTPStatus.ACCEPTED,
)
async def delete_hold(azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """Without a hold nothing is written. A value that somebody writes meanwhile stays. Raises Problem."""
    vm_id = vm_of(azure.settings, request)
    flags_of(request)
    require_writes(azure.settings)
    vm = await translate_azure_errors(read_vm(azure, vm_id))
    if vm is None:
        raise no_such_vm(vm_id)
    own = _own_tags(azure.settings, vm)
    if own:
        await translate_azure_errors(untag_vm(azure, vm.id, own))
    return await _observe_again(azure, client, request, vm, "The tag is removed")


def _value_of(hold: HoldRequest) -> str:
    """The value of the tag. Raises Problem."""
    now, field, given = datetime.now(UTC), "reason", hold.reason
    try:
        if hold.until and read_until(hold.until) <= now:
            field, given = "until", hold.until
            raise ValueError(f"a time after {now:%Y-%m-%dT%H:%MZ}")
        return write_hold(hold.until, hold.reason)
    except ValueError as allowed:
        raise invalid_body([FieldError(field=field, given=given, allowed=str(allowed))]) from None


def _own_tags(settings: Settings, vm: SourceVm) -> dict[str, str]:
    own = f"{settings.tag_name}-{HOLD}".lower()
    return {name: value for name, value in vm.tags.items() if name.lower() == own}


async def _observe_again(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest, vm: SourceVm, done: str
) -> func.HttpResponse:
    run = RunState(vm_id=vm.id, poll_seconds=azure.settings.poll_seconds)
    return await hand_over_and_respond(azure.settings, client, request, run, done)
