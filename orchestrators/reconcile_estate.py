"""The sweep: finds the VMs missed by events, and starts a run for each VM that needs one.

One instance at a time. The runs do the work, as if an event had started them. The sweep starts them in windows, and not
as sub-orchestrations, because a VM has one run whatever started it. The sweep runs in passes, as the runs do.
"""

from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.publish import publish_sweep
from orchestrators.steps import call_activity, show, unexpected
from shared.config.intervals import BETWEEN_WINDOWS, back_off
from shared.model.activity_io import PurgeRequest
from shared.model.step_result import Error, Failed, Pending, Ready
from shared.planning.run_errors import with_action
from shared.reconcile.retention import KEPT
from shared.reconcile.sweep import Sweep, SweepReport

_MOST_FAULTS = 5


def reconcile_estate(context: Context) -> Generator[Any, Any, dict[str, Any] | None]:
    """One pass. Returns the `SweepReport` when the sweep has ended, else continues as new."""
    sweep = Sweep.load(context.get_input())
    show(context, sweep.status())
    now = context.current_utc_datetime
    if sweep.resume_at and sweep.resume_at > now:
        yield context.create_timer(sweep.resume_at)
    if not sweep.done:
        try:
            sweep = yield from _pass(context, sweep)
        except Exception as fault:
            sweep = _fault(context, sweep, unexpected(fault))
    if sweep.done:
        sweep = yield from publish_sweep(context, sweep)
    if sweep.done and not sweep.resume_at:
        yield from _purge(context, sweep)
        show(context, sweep.status())
        return sweep.report.dump() if sweep.report else None
    context.continue_as_new(sweep.dump())
    return None


def _pass(context: Context, sweep: Sweep) -> Generator[Any, Any, Sweep]:
    """Reads the inventory, then starts a window of runs in each pass; the last pass removes orphans.

    Runs in progress are waited for only if they block others from starting.
    """
    outcome = yield from call_activity(context, sweep, "reconcile_window", sweep)
    if not isinstance(outcome, Ready):
        return _not_ready(context, sweep, outcome)
    sweep = Sweep.load(outcome.value)
    if not sweep.done:
        wait = timedelta(seconds=BETWEEN_WINDOWS * sweep.poll_seconds if sweep.under_way else 0)
        return sweep.with_(resume_at=context.current_utc_datetime + wait, faults=0)
    outcome = yield from call_activity(context, sweep, "remove_orphans", sweep)
    if not isinstance(outcome, Ready):
        return _not_ready(context, sweep.with_(done=False), outcome)
    sweep = Sweep.load(outcome.value)
    if sweep.report:
        sweep = sweep.with_(report=sweep.report.with_(ended_at=context.current_utc_datetime))
    return sweep


def _not_ready(context: Context, sweep: Sweep, outcome: Pending | Failed) -> Sweep:
    error = outcome.error or Error(code="NotRead", message="The estate could not be read.")
    return _fault(context, sweep, error, outcome.retry_after if isinstance(outcome, Pending) else 0)


def _purge(context: Context, sweep: Sweep) -> Generator[Any, Any, None]:
    """Purges old histories. If that fails, the next sweep retries it."""
    with suppress(Exception):
        yield from call_activity(
            context, sweep, "purge_history", PurgeRequest(before=context.current_utc_datetime - KEPT)
        )


def _fault(context: Context, sweep: Sweep, error: Error, at_least: float = 0) -> Sweep:
    """Retries with exponential back-off, and gives up after a few failures: the next sweep is not far."""
    faults, now = sweep.faults + 1, context.current_utc_datetime
    if faults > _MOST_FAULTS:
        report = sweep.report or SweepReport(read_at=now)
        return sweep.with_(done=True, report=report.with_(error=with_action(error), ended_at=now))
    return sweep.with_(faults=faults, resume_at=now + back_off(faults, sweep.poll_seconds, at_least))
