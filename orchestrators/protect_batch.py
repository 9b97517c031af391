"""Many VMs asked for at once: some at a time, then all of them followed until the last of their runs has ended.

The runs are the VMs' own, as whatever door would start them; the batch only asks, and counts.
"""

from collections.abc import Generator
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import ask
from shared.domain.batch import AT_ONCE, Batch, BatchAnswer, BatchAsk
from shared.domain.outcome import Error, Failed, Pending, Ready

# In poll intervals.
_FOLLOW_EVERY = 4
_LONGEST_BACKOFF = timedelta(hours=1)


def protect_batch(context: Context) -> Generator[Any, Any, dict[str, Any] | None]:
    """One pass. Returns the `Batch` when all have ended, else continues as new."""
    batch = Batch.load(context.get_input())
    context.set_custom_status(batch.status())
    now = context.current_utc_datetime
    if batch.wake_at and batch.wake_at > now:
        yield context.create_timer(batch.wake_at)
    try:
        batch = yield from _pass(context, batch)
    except Exception as fault:
        batch = _fault(context, batch, Error(code="UnexpectedError", message=str(fault)[:1000]))
    if not batch.waiting and not batch.running:
        context.set_custom_status(batch.status())
        return batch.dump()
    context.continue_as_new(batch.dump())
    return None


def _pass(context: Context, batch: Batch) -> Generator[Any, Any, Batch]:
    asking = batch.waiting[:AT_ONCE]
    request = BatchAsk(vm_ids=asking or batch.running, tags=batch.tags if asking else {})
    outcome = yield from ask(context, batch, "ask_for_protection" if asking else "follow_batch", request)
    if isinstance(outcome, Pending):
        error = outcome.error or Error(code="NotYet", message="Azure asks to come back later.")
        return _fault(context, batch, error, outcome.retry_after)
    if isinstance(outcome, Failed):
        return _fault(context, batch, outcome.error)
    assert isinstance(outcome, Ready)  # noqa: S101 - there is no fourth kind
    answer, now = BatchAnswer.load(outcome.value), context.current_utc_datetime
    after = batch.but(ended=(*batch.ended, *answer.ended), faults=0, last_error=None)
    if asking:
        return after.but(waiting=batch.waiting[AT_ONCE:], running=(*batch.running, *answer.running), wake_at=None)
    return after.but(running=answer.running, wake_at=now + timedelta(seconds=_FOLLOW_EVERY * batch.poll_seconds))


def _fault(context: Context, batch: Batch, error: Error, at_least: float = 0) -> Batch:
    """Again after a growing while: the same VMs, of which some may have been asked for already. That does no harm."""
    faults = batch.faults + 1
    seconds = max(batch.poll_seconds * 2 ** min(faults, 12), at_least)
    wait = min(timedelta(seconds=seconds), _LONGEST_BACKOFF)
    return batch.but(faults=faults, last_error=error, wake_at=context.current_utc_datetime + wait)
