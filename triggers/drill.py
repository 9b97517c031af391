"""The drill of one VM: begin it, what it would be, how it stands, and clean it up now."""

from http import HTTPStatus
from typing import Annotated, Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.arm.client import Azure
from shared.config.drill_schedule import drill_network
from shared.config.settings import Settings
from shared.instance_status import RUNNING, output_of
from shared.model.caller import Caller
from shared.model.drill import Drill, DrillOrder
from shared.model.drill_words import APP_CONSISTENT, CREATE, LATEST, LATEST_PROCESSED, LONGEST_KEEP
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.observe.drill import preflight
from shared.observe.drill_groups import lead_of
from shared.orchestrations import SignalError, begin_drill, drill_instance_of, end_drill, status_of
from shared.reconcile.drill_state import DrillPhase, DrillRun
from triggers.body import validated, whole_number
from triggers.callers import caller_of
from triggers.operations import Json, describe, document_body, reference, with_body
from triggers.problems import Problem, status_not_read
from triggers.requests import (
    LARGEST_BODY,
    body_of,
    flags_of,
    path_of,
    require_writes,
    translate_azure_errors,
    vm_of,
)
from triggers.views import Accepted, DrillPlanView, DrillView

_POINTS = f"{LATEST}, {LATEST_PROCESSED}, {APP_CONSISTENT}, or the ID or the name of a recovery point"
EXAMPLE_NETWORK = (
    "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/drills/providers/Microsoft.Network/"
    "virtualNetworks/dr-drill"
)
_EXAMPLES = {
    "latest": ("The latest recovery point, cleaned up at once", {"network": EXAMPLE_NETWORK}),
    "kept": (
        "The newest application-consistent one; people look at the VM for two hours",
        {"network": EXAMPLE_NETWORK, "recoveryPoint": APP_CONSISTENT, "keepMinutes": 120},
    ),
}


def _point(text: str) -> str:
    if text not in {LATEST, LATEST_PROCESSED, APP_CONSISTENT} and "-" not in text:
        raise ValueError(_POINTS)
    return text


class DrillBody(BaseModel):
    """The body of POST .../drill."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    network: Annotated[str, AfterValidator(drill_network)] = Field(
        alias="network",
        description="The resource ID of an isolated virtual network in the target region, or create: one that the app "
        "makes for the target network of the VM, and removes when no profile asks for it.",
    )
    recovery_point: Annotated[str, AfterValidator(_point)] = Field(
        LATEST, alias="recoveryPoint", max_length=1000, description=f"Allowed: {_POINTS}."
    )
    keep_minutes: Annotated[Any, AfterValidator(whole_number(0, LONGEST_KEEP))] = Field(
        0,
        alias="keepMinutes",
        description=f"How long the test VM is kept once it was looked at: 0 to {LONGEST_KEEP}.",
        json_schema_extra={"type": "integer", "minimum": 0, "maximum": LONGEST_KEEP},
    )

    def order(self, caller: Caller) -> DrillOrder:
        return DrillOrder(
            network=ResourceId(self.network) if self.network != CREATE else CREATE,
            recovery_point=self.recovery_point,
            keep_minutes=self.keep_minutes,
            asked_by=(caller,),
        )


def _body_of_drill(_: Settings) -> Json:
    return document_body(reference(DrillBody), _EXAMPLES, required=True)


@describe(
    "Drill: a test failover into an isolated network, looked at, written down and cleaned up",
    Accepted,
    "Accepted",
    {
        **with_body(),
        HTTPStatus.CONFLICT: "WritesDisabled: report mode, or paused; DrillsDisabled: DR_DRILLS is not true; "
        "DrillInProgress: DELETE .../drill ends it",
        HTTPStatus.UNPROCESSABLE_ENTITY: "InvalidBody (see `errors`); DrillRefused: `findings` say why. Nothing was "
        "begun",
        HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or RunNotStarted: no run has "
        "accepted the request",
    },
    status=HTTPStatus.ACCEPTED,
    body=_body_of_drill,
)
async def post_drill(azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """Checks whether the drill may begin, and hands it to a run. Raises Problem: nothing was begun."""
    vm, order = vm_of(azure.settings, request), _order_in(request)
    flags_of(request)
    require_writes(azure.settings)
    require_drills(azure.settings, f"no drill of {vm.name} is begun")
    found = await translate_azure_errors(preflight(azure, vm, order))
    if found.findings:
        detail = " ".join(finding.message for finding in found.findings)
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "DrillRefused", detail, findings=found.findings)
    token = Order.new(caller_of(request)).token
    run = DrillRun(vm_id=found.lead, poll_seconds=azure.settings.poll_seconds, order=order, orders=(token,))
    try:
        begun = await begin_drill(client, run, azure.settings.accept_timeout_seconds)
    except SignalError as error:
        raise _not_started(error) from None
    if not begun:
        detail = f"A drill of {vm.name} is in progress: GET shows it, DELETE cleans it up now."
        raise Problem(HTTPStatus.CONFLICT, "DrillInProgress", detail)
    return _accepted(request, found.vm_id, run, token)


@describe("What POST would begin; nothing is written", DrillPlanView, "The plan", with_body(), body=_body_of_drill)
async def post_drill_plan(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """The test VM and its disks, the cores, the cost, and every finding. Reads only, in any mode. Raises Problem."""
    vm, order = vm_of(azure.settings, request), _order_in(request)
    flags_of(request)
    found = await translate_azure_errors(preflight(azure, vm, order))
    return DrillPlanView.of(found, writes_disabled=azure.settings.writes_disabled).response()


@describe(
    "The drill in progress, and the evidence of the last one",
    DrillView,
    "The drill",
    {
        HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery",
        HTTPStatus.NOT_FOUND: "OutOfScope; or NoDrill: none is known of this VM",
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead, OriginStoreUnavailable: retry later",
    },
)
async def get_drill(azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """The state of the run, and the records. Raises Problem."""
    vm = vm_of(azure.settings, request)
    flags_of(request)
    now = await translate_azure_errors(azure.drills.of(vm))
    last = await translate_azure_errors(azure.drills.last(vm))
    known = now or last
    status = await _status(client, known.lead if known else await translate_azure_errors(lead_of(azure, vm)))
    if status.runtime_status is None and now is None and last is None:
        raise Problem(HTTPStatus.NOT_FOUND, "NoDrill", f"No drill of {vm.name} is known.")
    running = status.runtime_status in RUNNING
    run = status.custom_status if running else _without_drill(output_of(status))
    return DrillView(
        vm_id=vm, running=running, run=run, drill=_shown(now), last=_shown(last), **_measured(last)
    ).response()


@describe(
    "Clean up the drill now",
    Accepted,
    "Accepted",
    {
        HTTPStatus.BAD_REQUEST: "MalformedResource, InvalidQuery",
        HTTPStatus.NOT_FOUND: "OutOfScope; or NoDrill: none is in progress, and no record is open",
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead, OriginStoreUnavailable, RunNotStarted: retry later",
    },
    status=HTTPStatus.ACCEPTED,
)
async def delete_drill(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Ends the drill in progress, in any mode, or cleans up what a record says was begun. Raises Problem."""
    vm = vm_of(azure.settings, request)
    flags_of(request)
    lead = await translate_azure_errors(lead_of(azure, vm))
    status = await _status(client, lead)
    if status.runtime_status not in RUNNING and await translate_azure_errors(azure.drills.of(vm)) is None:
        raise Problem(HTTPStatus.NOT_FOUND, "NoDrill", f"No drill of {vm.name} is in progress.")
    order = Order.new(caller_of(request), confirmed=True)
    run = DrillRun(vm_id=lead, poll_seconds=azure.settings.poll_seconds, phase=DrillPhase.CLEANUP)
    try:
        await end_drill(client, run, order, azure.settings.accept_timeout_seconds)
    except SignalError as error:
        raise _not_started(error) from None
    return _accepted(request, vm, run, order.token)


def require_drills(settings: Settings, refused: str) -> None:
    """Raises Problem unless the settings let drills begin."""
    if not settings.drills:
        detail = f"DR_DRILLS is not true: {refused}. The plan says what it would be."
        raise Problem(HTTPStatus.CONFLICT, "DrillsDisabled", detail)


def _order_in(request: func.HttpRequest) -> DrillOrder:
    return validated(DrillBody, body_of(request, LARGEST_BODY)).order(caller_of(request))


async def _status(client: DurableOrchestrationClient, vm: ResourceId) -> Any:
    try:
        return await status_of(client, drill_instance_of(vm))
    except Exception as error:
        raise status_not_read("the drill", error) from None


def _not_started(error: SignalError) -> Problem:
    detail = f"No run has accepted the order: {error}. Repeating the request is safe."
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "RunNotStarted", detail, retry_after=10)


def _accepted(request: func.HttpRequest, vm: ResourceId, run: DrillRun, token: str) -> func.HttpResponse:
    accepted = Accepted(vm_id=vm, instance_id=drill_instance_of(run.vm_id), order=token)
    return accepted.response(HTTPStatus.ACCEPTED, {"Location": path_of(request), "Retry-After": "10"})


def _without_drill(output: Any) -> Any:
    """The result of a run, without the record, which the view has anyway."""
    return {name: value for name, value in output.items() if name != "drill"} if isinstance(output, dict) else output


def _shown(drill: Drill | None) -> Drill | None:
    """Without who asked for it, and who ended it: that is for the archive only."""
    return drill.with_(order=drill.order.with_(asked_by=()), ended_by=()) if drill else None


def _measured(last: Drill | None) -> dict[str, Any]:
    if last is None:
        return {}
    return {
        "outcome": last.outcome,
        "rto_seconds": last.rto_seconds,
        "recovery_point_age_seconds": last.point_age_seconds,
    }
