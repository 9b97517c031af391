"""The one instance of the sweep: its start, by the timer or by a caller, and what it shows of itself."""

from datetime import UTC, datetime
from typing import Any

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.orchestrations import RUNNING, run_ended, start_if_idle, status_of
from shared.reconcile.sweep import LastSweep, Summary, Sweep, SweepReport

INSTANCE, ORCHESTRATOR = "reconcile", "reconcile_estate"


async def start_sweep(client: DurableOrchestrationClient, poll_seconds: float) -> bool:
    """Starts a sweep unless one is in progress; returns whether it did."""
    last = last_sweep_of(await status_of(client, INSTANCE))
    sweep = Sweep(poll_seconds=poll_seconds, since=datetime.now(UTC), last=last)
    return await start_if_idle(client, INSTANCE, ORCHESTRATOR, sweep.dump(), poll_seconds)


def last_sweep_of(status: Any) -> LastSweep | None:
    """The last sweep that has ended, which one in progress carries with it; None if there was none, or it is of another
    version of the app."""
    try:
        if status.runtime_status in RUNNING:
            return LastSweep.load(status.custom_status["last"])
        if status.runtime_status is OrchestrationRuntimeStatus.Completed:
            return LastSweep.of(SweepReport.load(status.output))
    except (KeyError, TypeError, ValueError):
        return None
    if status.runtime_status is None or status.last_updated_time is None:
        return None
    at = status.last_updated_time
    return LastSweep(read_at=at, ended_at=at, outcome="failed", summary=Summary(), error=run_ended(status))
