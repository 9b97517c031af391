"""Telling others what came of it. Tried again briefly where that comes to nothing, and never a reason to fail."""

from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import Step, ask
from shared.model.base import Model
from shared.model.step_result import Outcome, Pending
from shared.reconcile.run_state import Run
from shared.reconcile.run_summary import end_of
from shared.reconcile.sweep import Sweep

_MOST_TELLINGS = 3
_LONGEST_WAIT = 10  # in poll intervals


def tell_end(context: Context, run: Run) -> Step:
    """How a run ended. If it is to be told again later, the run goes on; if it looks again in between, that counts."""
    end = end_of(run, run.ended_at or context.current_utc_datetime)
    if end is None or end.content == run.told:
        return run.but(wake_at=None)
    wait = yield from _tell(context, run, "publish_outcome", end)
    if wait is None:
        return run.but(told=end.content, wake_at=None)
    later = context.current_utc_datetime + wait
    return run.but(ended_at=end.at, wake_at=later, tellings=run.tellings + 1)


def publish_sweep(context: Context, sweep: Sweep) -> Generator[Any, Any, Sweep]:
    """What a sweep found and did, likewise."""
    wait = yield from _tell(context, sweep, "publish_sweep", sweep)
    if wait is None:
        return sweep.but(wake_at=None)
    return sweep.but(wake_at=context.current_utc_datetime + wait, tellings=sweep.tellings + 1)


def _tell(context: Context, teller: Run | Sweep, activity: str, what: Model) -> Generator[Any, Any, timedelta | None]:
    """How long to wait before it is told again, or None: it is told, or given up."""
    outcome: Outcome | None = None
    # A fault that nobody expected is in the activity's log: what was to be told stands all the same.
    with suppress(Exception):
        outcome = yield from ask(context, teller, activity, what)
    if not isinstance(outcome, Pending) or teller.tellings + 1 >= _MOST_TELLINGS:
        return None
    return timedelta(seconds=min(outcome.retry_after * 2**teller.tellings, _LONGEST_WAIT * teller.poll_seconds))
