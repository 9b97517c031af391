"""Drills of many VMs: begin a batch of them, what it would be, how it stands, and cancel it."""

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient
from pydantic import AfterValidator, Field

from shared.arm.client import Azure
from shared.config.settings import Settings
from shared.instance_list import list_all, status_in
from shared.instance_status import RUNNING
from shared.model.order import Order
from shared.observe.drill import preflight
from shared.orchestrations import DRILL_BATCH, SignalError, cancel_drills
from shared.reconcile.batch import AT_ONCE as IN_ONE_STEP
from shared.reconcile.batch import MOST_VMS
from shared.reconcile.drill_batch import AT_ONCE, MOST_AT_ONCE, PREFIX, DrillBatch
from triggers.batches import find_batch, read_batch, start_batch, state_in
from triggers.body import whole_number
from triggers.callers import caller_of
from triggers.drill import EXAMPLE_NETWORK, DrillBody, require_drills
from triggers.drills_views import DrillBatchAccepted, DrillBatchesView, DrillBatchRow, DrillBatchView, DrillPlansView
from triggers.operations import Json, describe
from triggers.paging import ON_LIST, PAGE_PARAMETERS, PAGING, page_of
from triggers.problems import Problem, status_not_read
from triggers.protections_plan import MOST_PLANNED
from triggers.requests import flags_of, path_of, query_of, require_writes, translate_azure_errors
from triggers.selection import chosen_vms, models_of, on_selection, selection_body

MOST_BATCHES = 1000
"""The most batches that a list reads."""

MODELS = models_of(
    "Drills",
    {
        "drill": (DrillBody, Field(description="What POST of a drill of each of them would be sent")),
        "at_once": (
            Annotated[Any, AfterValidator(whole_number(1, MOST_AT_ONCE))],
            Field(
                AT_ONCE,
                description="How many drills are under way at a time, at most.",
                json_schema_extra={"type": "integer", "minimum": 1, "maximum": MOST_AT_ONCE},
            ),
        ),
    },
)


def _body_of_drills(_: Settings) -> Json:
    return selection_body(MODELS.values(), "", {"drill": {"network": EXAMPLE_NETWORK}, "atOnce": AT_ONCE})


@describe(
    f"Drill at most {MOST_VMS} VMs, a few at a time, as the quotas of their target regions allow",
    DrillBatchAccepted,
    "Accepted",
    {
        **on_selection(MOST_VMS),
        HTTPStatus.CONFLICT: "WritesDisabled: report mode, or paused; DrillsDisabled: DR_DRILLS is not true",
        HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or NotStarted. Nothing was begun",
    },
    status=HTTPStatus.ACCEPTED,
    body=_body_of_drills,
)
async def post_drills(azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """Starts a batch; each drill checks by itself whether it may begin. Raises Problem: the batch was not started."""
    flags_of(request)
    require_writes(azure.settings)
    require_drills(azure.settings, "no drill is begun")
    vms, chosen = await chosen_vms(azure, request, MOST_VMS, MODELS)
    batch = DrillBatch(
        poll_seconds=azure.settings.poll_seconds,
        since=datetime.now(UTC),
        order=chosen.drill.order(caller_of(request)),
        at_once=chosen.at_once,
        waiting=vms,
    )
    name = await start_batch(client, azure.settings, DRILL_BATCH, PREFIX, batch, "begun")
    where = f"{path_of(request).rstrip('/')}/{name}"
    accepted = DrillBatchAccepted(batch=name, total=batch.total)
    return accepted.response(HTTPStatus.ACCEPTED, {"Location": where, "Retry-After": "10"})


@describe(
    f"The dry run of that for at most {MOST_PLANNED} VMs",
    DrillPlansView,
    "The plans",
    on_selection(MOST_PLANNED),
    body=_body_of_drills,
)
async def post_drills_plan(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """The checks of each drill, and the cores of those that would begin. Reads only, in any mode. Raises Problem."""
    flags_of(request)
    vms, chosen = await chosen_vms(azure, request, MOST_PLANNED, MODELS)
    found, order = [], chosen.drill.order(caller_of(request))
    for start in range(0, len(vms), IN_ONE_STEP):
        some = vms[start : start + IN_ONE_STEP]
        checks = (preflight(azure, vm, order) for vm in some)
        found += await translate_azure_errors(asyncio.gather(*checks))
    return DrillPlansView.of(found, chosen.at_once, azure.settings).response()


@describe(
    "The batches of drills, the newest first",
    DrillBatchesView,
    "The batches",
    {
        HTTPStatus.BAD_REQUEST: ON_LIST[HTTPStatus.BAD_REQUEST],
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead",
    },
    query=lambda _: PAGE_PARAMETERS,
)
async def get_drills(_azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """Those whose history is kept. Raises Problem."""
    given = query_of(request, PAGING)
    try:
        listing = await list_all(client, PREFIX, MOST_BATCHES)
    except Exception as error:
        raise status_not_read("the batches of drills", error) from None
    rows = ((f"{row['createdTime']}{row['instanceId']}", row) for row in listing.rows)
    page = page_of(request, given, rows, last_first=True)
    gaps = () if listing.complete else (f"There are more than {MOST_BATCHES:,} batches: only the first are here.",)
    return DrillBatchesView(
        gaps=gaps, value=tuple(DrillBatchRow.of(status_in(row)) for row in page.rows), next_link=page.next_link
    ).response()


@describe(
    "The progress of a batch of drills, and how each ended",
    DrillBatchView,
    "The batch",
    {
        HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter",
        HTTPStatus.NOT_FOUND: "BatchNotFound",
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead",
    },
)
async def get_drill_batch(
    _azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """Raises Problem."""
    flags_of(request)
    name, status = await find_batch(client, request, PREFIX)
    batch, running, broke = read_batch(DrillBatch, status)
    return DrillBatchView.of(name, batch, running=running, broke=broke).response()


@describe(
    "Cancel a batch of drills: nothing new begins, and what runs is cleaned up",
    DrillBatchAccepted,
    "Accepted",
    {
        HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter",
        HTTPStatus.NOT_FOUND: "BatchNotFound",
        HTTPStatus.CONFLICT: "BatchEnded: there is nothing to cancel",
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead, RunNotStarted: retry later",
    },
    status=HTTPStatus.ACCEPTED,
)
async def delete_drills(
    azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest
) -> func.HttpResponse:
    """In any mode, as every cleanup. Raises Problem."""
    flags_of(request)
    name, status = await find_batch(client, request, PREFIX)
    if status.runtime_status not in RUNNING:
        raise Problem(HTTPStatus.CONFLICT, "BatchEnded", f"The batch {name} has ended: GET shows how.")
    try:
        await cancel_drills(
            client, name, Order.new(caller_of(request), confirmed=True), azure.settings.accept_timeout_seconds
        )
    except SignalError as error:
        detail = f"The batch has not taken up the order: {error}. Repeating the request is safe."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "RunNotStarted", detail, retry_after=10) from None
    accepted = DrillBatchAccepted(batch=name, total=state_in(DrillBatch, status.input_).total)
    return accepted.response(HTTPStatus.ACCEPTED, {"Location": path_of(request), "Retry-After": "10"})
