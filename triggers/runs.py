"""GET of what is under way: the runs and drills of VMs, and batches."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import azure.functions as func
from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.instance_list import list_running, status_in
from shared.instance_status import json_in
from shared.model.values import one_of
from shared.orchestrations import each
from shared.reconcile.batch import PREFIX
from shared.reconcile.drill_batch import PREFIX as DRILLS_PREFIX
from triggers.operations import describe, query
from triggers.paging import ON_LIST, PAGE_PARAMETERS, PAGING, page_of
from triggers.problems import status_not_read
from triggers.requests import query_of
from triggers.status_views import RunKind, RunsView, RunView

MOST_RUNS = 10_000
"""The most of a kind that a request reads: each is about 1 KB."""

_PREFIXES = {
    RunKind.BATCH: PREFIX,
    RunKind.VM: "protect-",
    RunKind.TARGETS: "targets-",
    RunKind.DRILL: "drill-",
    RunKind.DRILLS: DRILLS_PREFIX,
}
_READERS: dict[str, Callable[[str], Any]] = {"kind": one_of(*RunKind), **PAGING}


@describe(
    "What is under way: the run and the drill of each VM, and batches",
    RunsView,
    "The runs",
    {
        HTTPStatus.BAD_REQUEST: ON_LIST[HTTPStatus.BAD_REQUEST],
        HTTPStatus.SERVICE_UNAVAILABLE: "StatusNotRead",
    },
    query=lambda _: [query("kind", "What the run is about.", enum=list(RunKind)), *PAGE_PARAMETERS],
)
async def get_runs(_azure: Azure, client: DurableOrchestrationClient, request: func.HttpRequest) -> func.HttpResponse:
    """By the IDs of the instances, read page by page from Durable Functions; none of Azure. Raises Problem."""
    given = query_of(request, _READERS)
    kinds = [given["kind"]] if "kind" in given else list(_PREFIXES)
    found: list[tuple[str, tuple[RunKind, dict[str, Any]]]] = []
    gaps = []
    for kind in map(RunKind, kinds):
        try:
            listing = await list_running(client, _PREFIXES[kind], MOST_RUNS)
        except Exception as error:
            raise status_not_read("what is under way", error) from None
        found += ((row["instanceId"], (kind, row)) for row in listing.rows)
        if not listing.complete:
            gaps.append(f"More than {MOST_RUNS:,} runs of kind {kind} are under way: only the first of them are here.")
    page = page_of(request, given, found)

    async def shown(found: tuple[RunKind, dict[str, Any]]) -> RunView:
        kind, row = found
        run = RunView.of(kind, status_in(row))
        return run if run.kind in {RunKind.BATCH, RunKind.DRILLS} or run.vm_id else await _with_vm(client, run)

    return RunsView(
        at=datetime.now(UTC),
        gaps=tuple(gaps),
        counts=dict(Counter(kind for _, (kind, _) in found)),
        value=tuple(await each(page.rows, shown)),
        next_link=page.next_link,
    ).response()


async def _with_vm(client: DurableOrchestrationClient, run: RunView) -> RunView:
    """The run with its VM by its input: before its first turn it has no status. It may have ended meanwhile."""
    try:
        status = await client.get_status(run.instance_id, show_input=True)
        return RunView.load({**run.dump(), "vmId": json_in(status.input_)["vmId"]})
    except Exception:
        return run
