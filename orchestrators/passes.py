"""The wait of a pass and its end, for the orchestrators that the event `changed` can wake."""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context
from azure.durable_functions.models.history import HistoryEventType

from shared.config.intervals import longest_timer
from shared.reconcile.drill_batch import DrillBatch
from shared.reconcile.drill_state import DrillRun
from shared.reconcile.run_state import CHANGED, RunState


def wait(context: Context, run: RunState | DrillRun | DrillBatch, changed: Any) -> Generator[Any, Any, bool]:
    """Waits until the next pass is due, or the event arrives. Returns whether the pass is due."""
    now = context.current_utc_datetime
    if run.resume_at is None or run.resume_at <= now:
        return True
    until = min(run.resume_at, now + longest_timer(run.poll_seconds))
    timer = context.create_timer(until)
    yield context.task_any([timer, changed])
    if not timer.is_completed:
        timer.cancel()
    # Not by the clock: the extension hides a timer's message for whole seconds, so that it fires up to one early, and
    # a pass that waited for the rest of the second would find itself early again, many times.
    return bool(timer.is_completed and until == run.resume_at)


def late_events(context: Context, changed: Any, heeded: int) -> Generator[Any, Any, None]:
    """Lets `changed` complete if more events have arrived than were `heeded`.

    An event that arrived during the pass would be lost by continue_as_new: it is taken up here, with those of this very
    turn, behind the result of the last activity. This timer is never cancelled: with nothing awaited between a
    cancelled timer and continue_as_new, the host delivers the winning event for ever
    (azure-functions-durable-extension issue 2606). Events after continue_as_new carry over.
    """
    if _events(context) > heeded:
        yield context.task_any([changed, context.create_timer(context.current_utc_datetime)])


def _events(context: Context) -> int:
    """How many `changed` events this generation has been given, those of the turn in progress included."""
    return sum(each.event_type == HistoryEventType.EVENT_RAISED and each.Name == CHANGED for each in context.histories)
