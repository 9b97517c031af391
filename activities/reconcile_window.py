"""A step of a sweep: first a look at the estate as it is, then window by window the runs of those VMs that need one."""

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.arm.client import Azure
from shared.arm.ttl_cache import SLOW
from shared.model.step_result import Outcome, Ready
from shared.observe.inventory import survey
from shared.orchestrations import RUNNING, each, instance_of, start_run, status_of
from shared.reconcile.inventory import Action, Standing
from shared.reconcile.run_state import Result, Run
from shared.reconcile.sweep import (
    Summary,
    Sweep,
    SweepReport,
    Work,
    crowds,
    is_unchanged,
    next_window,
    pair_of,
    stops,
    waits,
)
from shared.site_recovery.daily_limits import disables_unused, enables_unused

log = logging.getLogger("dr.sweep")


async def reconcile_window(azure: Azure, request: Sweep, client: DurableOrchestrationClient) -> Outcome:
    """Ready holds the `Sweep` after this step; it is `done` when every VM has had its turn.

    Safe to run twice: a VM whose run is under way is left to it.
    """
    sweep = await (_look(azure, request) if request.report is None else _heal(azure, request, request.report, client))
    return Ready(value=sweep.dump())


async def _look(azure: Azure, sweep: Sweep) -> Sweep:
    settings = azure.settings
    found = await survey(azure, settings.poll_seconds)
    report = SweepReport(
        read_at=found.read_at,
        summary=Summary.of(found.standings),
        gaps=found.gaps,
        writes_disabled=settings.writes_disabled,
    )
    disables = await disables_unused(azure) if report.summary.by_action.get(Action.DISABLE) else 0
    return sweep.but(
        report=report.model_copy(update={"stopped": stops(report, settings)}),
        disables=disables,
        done=bool(settings.writes_disabled) or not waits(found, {}),
    )


class _Start(StrEnum):
    DONE = "started"
    UNDER_WAY = "under way"
    UNCHANGED = "unchanged"
    FAILED = "failed"


async def _heal(azure: Azure, sweep: Sweep, report: SweepReport, client: DurableOrchestrationClient) -> Sweep:
    found = await survey(azure, azure.settings.poll_seconds * SLOW)
    under_way = await _under_way(client, sweep.under_way)
    window = next_window(found, sweep.after, under_way, await enables_unused(azure), sweep.disables)
    starts = await each(window.chosen, lambda standing: _start(azure, client, standing))
    outcomes = list(zip(window.chosen, starts, strict=True))
    busy = [standing for standing, start in outcomes if start in {_Start.DONE, _Start.UNDER_WAY}]
    started = Counter(standing.action.value for standing, start in outcomes if start is _Start.DONE)
    report = report.model_copy(
        update={
            "started": dict(Counter(report.started) + started),
            "unchanged": report.unchanged + starts.count(_Start.UNCHANGED),
            "left": dict(Counter(report.left) + window.left),
        }
    )
    return sweep.but(
        report=report.model_copy(update={"stopped": stops(report, azure.settings)}),
        after=window.after,
        under_way=(
            *under_way,
            *(Work(instance=instance_of(each.vm_id), pair=pair_of(each), action=each.action) for each in busy),
        ),
        disables=sweep.disables - sum(standing.action is Action.DISABLE for standing in busy),
        done=not waits(found, window.after),
    )


async def _under_way(client: DurableOrchestrationClient, works: tuple[Work, ...]) -> tuple[Work, ...]:
    """Those that still crowd their vault, as they are now."""
    statuses = await each([work.instance for work in works], lambda instance: status_of(client, instance))
    return tuple(
        work.model_copy(update={"asked": bool((status.custom_status or {}).get("job"))})
        for work, status in zip(works, statuses, strict=True)
        if status.runtime_status in RUNNING and crowds(status.custom_status or {})
    )


async def _start(azure: Azure, client: DurableOrchestrationClient, standing: Standing) -> _Start:
    """One VM's instance that cannot be started takes no other's turn: the next sweep comes to it again."""
    instance, poll = instance_of(standing.vm_id), azure.settings.poll_seconds
    try:
        if _is_unchanged(standing, await status_of(client, instance), poll):
            return _Start.UNCHANGED
        begins = datetime.now(UTC) + timedelta(seconds=azure.governor.place(standing.vm_id.subscription))
        run = Run(vm_id=standing.vm_id, poll_seconds=poll, wake_at=begins, seen=standing.seen, in_background=True)
        started = await start_run(client, run)
    except Exception:
        log.exception("The run of %s could not be started", standing.vm_id)
        return _Start.FAILED
    return _Start.DONE if started else _Start.UNDER_WAY


def _is_unchanged(standing: Standing, status: Any, poll_seconds: float) -> bool:
    if status.runtime_status is not OrchestrationRuntimeStatus.Completed:
        return False
    now = datetime.now(UTC)
    return is_unchanged(standing, Result.load(status.output), status.last_updated_time or now, now, poll_seconds)
