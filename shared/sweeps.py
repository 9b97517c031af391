"""The one instance of the sweep: its start, by the timer or by a caller, and what it shows of itself."""

from datetime import UTC, datetime
from typing import Any, NamedTuple

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.instance_status import RUNNING, json_in, run_ended
from shared.orchestrations import start_if_idle, status_of
from shared.reconcile.sweep import LastSweep, Summary, Sweep, SweepReport

INSTANCE, ORCHESTRATOR = "reconcile", "reconcile_estate"


class SweepStatus(NamedTuple):
    """`running` is what the sweep in progress shows, or None without one. `last` is the last one that has ended; None
    if there was none, or it is of another version of the app."""

    running: dict[str, Any] | None
    last: LastSweep | None


async def start_sweep(client: DurableOrchestrationClient, poll_seconds: float) -> bool:
    """Starts a sweep unless one is in progress; returns whether it did."""
    last = (await sweep_status(client)).last
    sweep = Sweep(poll_seconds=poll_seconds, since=datetime.now(UTC), last=last)
    return await start_if_idle(client, INSTANCE, ORCHESTRATOR, sweep.dump(), poll_seconds)


async def sweep_status(client: DurableOrchestrationClient) -> SweepStatus:
    status = await status_of(client, INSTANCE)
    if status.runtime_status not in RUNNING:
        return SweepStatus(None, _ended(status))
    shown = status.custom_status or await _of_input(client)
    try:
        return SweepStatus(shown, LastSweep.load(shown["last"]))
    except (KeyError, TypeError, ValueError):
        return SweepStatus(shown if isinstance(shown, dict) else {}, None)


async def _of_input(client: DurableOrchestrationClient) -> Any:
    """What a sweep will show: before its first turn it shows nothing."""
    status = await client.get_status(INSTANCE, show_input=True)
    try:
        return Sweep.load(json_in(status.input_)).status()
    except ValueError:
        return {}


def _ended(status: Any) -> LastSweep | None:
    if status.runtime_status is OrchestrationRuntimeStatus.Completed:
        try:
            return LastSweep.of(SweepReport.load(status.output))
        except ValueError:
            return None
    if status.runtime_status is None or status.last_updated_time is None:
        return None
    at = status.last_updated_time
    return LastSweep(read_at=at, ended_at=at, outcome="failed", summary=Summary(), error=run_ended(status))
