"""A batch: requests many VMs, a few at a time, and follows their runs until the last one has ended.

The runs are those of the VMs, as any trigger would start them; the batch only requests and counts.
"""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import call_activity, show, unexpected
from shared.model.step_result import Ready
from shared.reconcile.batch import AT_ONCE, Batch, BatchProgress, BatchRequest


def protect_batch(context: Context) -> Generator[Any, Any, dict[str, Any] | None]:
    """One pass. Returns the `Batch` when all have ended, else continues as new."""
    batch = Batch.load(context.get_input())
    show(context, batch.status())
    if batch.resume_at and batch.resume_at > context.current_utc_datetime:
        yield context.create_timer(batch.resume_at)
    try:
        batch = yield from _pass(context, batch)
    except Exception as fault:
        batch = batch.fault(unexpected(fault), context.current_utc_datetime)
    if batch.is_done:
        show(context, batch.status())
        return batch.dump()
    context.continue_as_new(batch.dump())
    return None


def _pass(context: Context, batch: Batch) -> Generator[Any, Any, Batch]:
    """Requests the next waiting VMs; when none is waiting, reads the state of all runs."""
    starting = batch.waiting[:AT_ONCE]
    request = BatchRequest(
        vm_ids=starting or batch.running,
        tags=batch.tags if starting else {},
        asked_by=batch.asked_by,
        order=context.instance_id,
    )
    outcome = yield from call_activity(context, batch, "request_protection" if starting else "follow_batch", request)
    now = context.current_utc_datetime
    if isinstance(outcome, Ready):
        progress = BatchProgress.load(outcome.value)
        return batch.requested(progress, now) if starting else batch.followed(progress, now)
    return batch.not_ready(outcome, now)
