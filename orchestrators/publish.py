"""Publish outcomes. A failure to publish is retried a few times, and never fails the run."""

from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import Step, call_activity
from shared.config.intervals import LONGEST_PUBLISH_WAIT
from shared.model.base import Model
from shared.model.step_result import Pending, Ready, StepResult
from shared.reconcile.run_state import RunState
from shared.reconcile.run_summary import summary_of
from shared.reconcile.sweep import Sweep, SweepReport

_MOST_ATTEMPTS = 3


def publish_end(context: Context, run: RunState) -> Step:
    """Publishes the end of a run. Until a retry the run continues; if an event arrives meanwhile, it is evaluated."""
    end = summary_of(run, run.ended_at or context.current_utc_datetime)
    if end is None or end.content == run.published_digest:
        return run.with_(resume_at=None)
    wait, _ = yield from _publish(context, run, "publish_outcome", end)
    if wait is None:
        return run.with_(published_digest=end.content, resume_at=None)
    later = context.current_utc_datetime + wait
    return run.with_(ended_at=end.at, resume_at=later, publish_attempts=run.publish_attempts + 1)


def publish_sweep(context: Context, sweep: Sweep) -> Generator[Any, Any, Sweep]:
    """Publishes the report of a sweep, which then says what of its end was not possible."""
    wait, outcome = yield from _publish(context, sweep, "publish_sweep", sweep)
    if wait is None:
        changed = outcome.value if isinstance(outcome, Ready) else None
        return sweep.with_(resume_at=None, report=SweepReport.load(changed) if changed else sweep.report)
    return sweep.with_(resume_at=context.current_utc_datetime + wait, publish_attempts=sweep.publish_attempts + 1)


def _publish(
    context: Context, carrier: RunState | Sweep, activity: str, what: Model
) -> Generator[Any, Any, tuple[timedelta | None, StepResult | None]]:
    """The wait before the next attempt, or None if it is published, or the attempts are exhausted; and the outcome."""
    outcome: StepResult | None = None
    # An unexpected error is in the log of the activity; the result stands all the same.
    with suppress(Exception):
        outcome = yield from call_activity(context, carrier, activity, what)
    if not isinstance(outcome, Pending) or carrier.publish_attempts + 1 >= _MOST_ATTEMPTS:
        return None, outcome
    seconds = min(outcome.retry_after * 2**carrier.publish_attempts, LONGEST_PUBLISH_WAIT * carrier.poll_seconds)
    return timedelta(seconds=seconds), outcome
