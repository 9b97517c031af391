"""GET of the app's own status, and POST of a sweep now."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.sweeps import SweepStatus, start_sweep, sweep_status
from triggers.operations import describe
from triggers.problems import Problem, status_not_read
from triggers.requests import flags_of, path_of
from triggers.routes import STATUS
from triggers.status_views import VERSION, StatusView, SweepAccepted, SweepProgress


@describe(
    "The app itself: mode, the last sweep and its age, what it could not read, the sweep in progress",
    StatusView,
    "The status",
    {
        HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter",
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead",
    },
)
async def get_status(azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """One or two reads of Durable Functions, none of Azure. Raises Problem."""
    flags_of(request)
    settings, at = azure.settings, datetime.now(UTC)
    status = await _sweep_status(client)
    last = status.last
    return StatusView(
        at=at,
        version=VERSION,
        deployment=settings.deployment,
        mode=settings.mode,
        paused=settings.paused,
        writes_disabled=settings.writes_disabled,
        tag_name=settings.tag_name,
        source_scope=settings.source_scope,
        target_scope=settings.target_scope,
        vaults=settings.vault_ids,
        schedule=settings.reconcile_schedule,
        portal=settings.portal,
        messages_disabled=settings.messages_disabled,
        sweep=_progress(status.running),
        last_sweep=last,
        age_seconds=max(0, int((at - (last.ended_at or last.read_at)).total_seconds())) if last else None,
    ).response()


@describe(
    "Sweep now, in any mode: in report mode and while paused it only reports. One at a time",
    SweepAccepted,
    "Accepted: a sweep is in progress, which this request has `started` or not",
    {
        HTTPStatus.BAD_REQUEST: "InvalidQuery: it takes no query parameter",
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead; or NotStarted: repeating it is safe",
    },
    status=HTTPStatus.ACCEPTED,
)
async def post_sweep(azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """Starts a sweep as the timer does, unless one is in progress. `Location` is the status. Raises Problem."""
    flags_of(request)
    before = await _sweep_status(client)
    try:
        started = await start_sweep(client, azure.settings.poll_seconds)
    except Exception as error:
        detail = f"No sweep was started: {error}. Repeating the request is safe."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "NotStarted", detail, retry_after=10) from None
    progress = SweepProgress(since=datetime.now(UTC)) if started else _progress(before.running) or SweepProgress()
    headers = {"Location": f"{path_of(request).rstrip('/').rpartition('/')[0]}/{STATUS}", "Retry-After": "10"}
    return SweepAccepted(started=started, sweep=progress).response(HTTPStatus.ACCEPTED, headers)


def _progress(shown: dict[str, Any] | None) -> SweepProgress | None:
    """None if no sweep is in progress."""
    try:
        return None if shown is None else SweepProgress.load(shown)
    except ValueError:
        return SweepProgress()


async def _sweep_status(client: DurableOrchestrationClient) -> SweepStatus:
    try:
        return await sweep_status(client)
    except Exception as error:
        raise status_not_read("the sweep", error) from None
