"""POST of many protections at once, and GET of the batch."""

import re
from datetime import UTC, datetime
from http import HTTPStatus
from secrets import token_hex
from typing import Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.arm.client import Azure
from shared.model.step_result import Error
from shared.orchestrations import RUNNING, SignalError, json_in, output_of, start_and_see
from shared.reconcile.batch import MOST_VMS, PREFIX, Batch
from triggers import names
from triggers.batch_views import BatchAccepted, BatchView
from triggers.callers import caller_of
from triggers.operations import describe
from triggers.problems import Problem, status_not_read
from triggers.requests import flags_of, path_of, require_writes
from triggers.selection import of_selection, on_selection, selected

ORCHESTRATOR = "protect_batch"


@describe(
    f"Enable at most {MOST_VMS} VMs: each is planned and tagged, and its run started, as by a PUT",
    BatchAccepted,
    "Accepted",
    {
        **on_selection(MOST_VMS),
        HTTPStatus.CONFLICT: "WritesDisabled: report mode, or paused",
        HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or NotStarted. Nothing was "
        "written",
    },
    status=HTTPStatus.ACCEPTED,
    body=of_selection,
)
async def post_protections(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Starts a batch, which handles each VM as a PUT would. Raises Problem: the batch was not started."""
    flags_of(request)
    require_writes(azure.settings)
    vms, tags = await selected(azure, request, MOST_VMS)
    name = f"{PREFIX}{token_hex(16)}"
    batch = Batch(
        poll_seconds=azure.settings.poll_seconds,
        since=datetime.now(UTC),
        tags=tags,
        asked_by=(caller_of(request),),
        waiting=vms,
    )
    try:
        await start_and_see(client, ORCHESTRATOR, name, batch.dump(), azure.settings.accept_timeout_seconds)
    except SignalError as error:
        detail = f"Nothing was written by this request: {error}. Repeating it is safe."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "NotStarted", detail, retry_after=10) from None
    where = f"{path_of(request).rstrip('/')}/{name}"
    accepted = BatchAccepted(batch=name, total=batch.total)
    return accepted.response(HTTPStatus.ACCEPTED, {"Location": where, "Retry-After": "10"})


@describe(
    "The progress of a batch, and the outcome of each of its VMs",
    BatchView,
    "The batch",
    {
        HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter",
        HTTPStatus.NOT_FOUND: "BatchNotFound",
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead",
    },
)
async def get_batch(_azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """The progress or the result of the batch, with each of its VMs. Raises Problem."""
    flags_of(request)
    name = request.route_params["batch"]
    status = await _status_of(client, name) if re.fullmatch(names.BATCH, name) else None
    if status is None or status.runtime_status is None:
        detail = f"There is no batch {name[:80]!r}: {PREFIX}<32 hexadecimal digits> is allowed, as POST returned it."
        raise Problem(HTTPStatus.NOT_FOUND, "BatchNotFound", detail)
    if status.runtime_status is OrchestrationRuntimeStatus.Completed:
        return BatchView.of(name, _state(status.output), running=False).response()
    batch = _state(status.input_)
    if status.runtime_status in RUNNING:
        return BatchView.of(name, batch, running=True).response()
    broke = Error(code="BatchFailed", message=f"It ended as {status.runtime_status.name}: {output_of(status)}"[:1000])
    return BatchView.of(name, batch, running=False, broke=broke).response()


async def _status_of(client: DurableOrchestrationClient, name: str) -> Any:
    """The status with the input: the input of a running batch is its state."""
    try:
        return await client.get_status(name, show_input=True)
    except Exception as error:
        raise status_not_read("the batch", error) from None


def _state(given: Any) -> Batch:
    try:
        return Batch.load(json_in(given))
    except ValueError as error:
        raise status_not_read("the batch", error) from None
