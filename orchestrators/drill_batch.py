"""A batch of drills: begins as many as fit, and follows their runs until the last one has ended. It can be cancelled:
then nothing new begins, and what runs is cleaned up.

The drills are runs of their own, as `POST .../drill` starts them; the batch only starts, ends and counts them.
"""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.passes import late_events, wait
from orchestrators.steps import call_activity, show, unexpected
from shared.model.order import Order, hint_in
from shared.model.step_result import Ready
from shared.reconcile.drill_batch import DrillBatch, DrillBatchProgress
from shared.reconcile.run_state import CHANGED


def drill_batch(context: Context) -> Generator[Any, Any, dict[str, Any] | None]:
    """One pass. Returns the `DrillBatch` when all have ended, else continues as new."""
    batch = DrillBatch.load(context.get_input())
    show(context, batch.status())
    changed = context.wait_for_external_event(CHANGED)

    due = yield from wait(context, batch, changed)
    heeded = 0
    if changed.is_completed:
        batch, changed = _heed(batch, changed), context.wait_for_external_event(CHANGED)
        due, heeded = True, 1
    if due:
        try:
            batch = yield from _pass(context, batch)
        except Exception as fault:
            batch = batch.fault(unexpected(fault), context.current_utc_datetime)

    yield from late_events(context, changed, heeded)
    if changed.is_completed:
        batch = _heed(batch, changed)
    if batch.is_done:
        show(context, batch.status())
        return batch.dump()
    context.continue_as_new(batch.dump())
    return None


def _heed(batch: DrillBatch, changed: Any) -> DrillBatch:
    order = hint_in(changed.result)
    return batch.take_up(order) if isinstance(order, Order) else batch


def _pass(context: Context, batch: DrillBatch) -> Generator[Any, Any, DrillBatch]:
    outcome = yield from call_activity(context, batch, "advance_drills", batch.request(context.instance_id))
    now = context.current_utc_datetime
    if isinstance(outcome, Ready):
        return batch.went_on(DrillBatchProgress.load(outcome.value), now)
    return batch.not_ready(outcome, now)
