"""POST of many protections at once, and GET of the batch."""

from datetime import UTC, datetime
from http import HTTPStatus

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.reconcile.batch import MOST_VMS, PREFIX, Batch
from triggers.batch_views import BatchAccepted, BatchView
from triggers.batches import find_batch, read_batch, start_batch
from triggers.callers import caller_of
from triggers.operations import describe
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
    batch = Batch(
        poll_seconds=azure.settings.poll_seconds,
        since=datetime.now(UTC),
        tags=tags,
        asked_by=(caller_of(request),),
        waiting=vms,
    )
    name = await start_batch(client, azure.settings, ORCHESTRATOR, PREFIX, batch, "written")
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
    name, status = await find_batch(client, request, PREFIX)
    batch, running, broke = read_batch(Batch, status)
    return BatchView.of(name, batch, running=running, broke=broke).response()
