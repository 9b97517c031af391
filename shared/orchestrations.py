"""Instances of orchestrations: one for each VM, with its ID as the lock. Triggers only signal or start them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any, TypeVar

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.config.intervals import CATCH_UP, LEASE, SHORTEST_LEASE
from shared.instance_status import RUNNING, failures_of, json_in, last_change_of, orders_of
from shared.model import naming
from shared.model.order import Hint, Order
from shared.model.resource_id import ResourceId
from shared.reconcile.drill_state import DrillRun
from shared.reconcile.run_state import CHANGED, RunState

log = logging.getLogger("dr.instances")

T = TypeVar("T")
R = TypeVar("R")
Start = Callable[[], Awaitable[bool]]

ORCHESTRATOR, DRILL, DRILL_BATCH = "protect_vm", "drill_vm", "drill_batch"
_AT_ONCE = 20

# A run in its last turn may receive the event and end without observing the VM again (3 to 7 of 300, measured).
_PAUSE = 1.0

_ROUNDS = 8

EXPIRED = "Its lease has expired: it has shown no life"
"""Why an instance is terminated whose state the next one takes over."""

_started_at = monotonic()

# Seconds between two reads of the token, at first and at most, and after how many seconds the order is sent again.
_FIRST_POLL, _LONGEST_POLL = 0.05, 1.0
_RESEND = 5.0


class SignalError(RuntimeError):
    """No run has confirmed the change or the order. A retry is safe."""


def instance_of(vm: ResourceId, *, targets_only: bool = False) -> str:
    """The instance ID of the run of a VM, or of the run that creates only its target resources: of the same length."""
    instance = naming.instance_id(vm)
    return f"targets-{instance.removeprefix('protect-')}" if targets_only else instance


def drill_instance_of(vm: ResourceId) -> str:
    """The instance ID of the drill of a VM: of the same length, too."""
    return f"drill-{naming.instance_id(vm).removeprefix('protect-')}"


async def signal_or_start(client: DurableOrchestrationClient, run: RunState, order: Order | None = None) -> None:
    """Ensures that the VM is observed after this call: signals the run in progress, or starts this one.

    Concurrent calls are safe: of two simultaneous starts one is dropped, and the other observes the VM as well. The
    sender of an `order` checks whether it was accepted. Whether a start failed because another was faster is decided
    by the status in the next attempt, not by the text of the exception. Raises SignalError after the last attempt.
    """
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    run = run.take_up(order) if order else run
    start, hint = partial(start_run, client, run), order or (Hint(asked_by=run.asked_by) if run.asked_by else None)
    failure: Exception | None = None
    for _ in range(_ROUNDS):
        try:
            if await _send(client, instance, start, hint):
                return
            await asyncio.sleep(_PAUSE)
            if await is_running(client, instance):
                return
        except Exception as error:
            failure = error
            await asyncio.sleep(_PAUSE)
    raise SignalError(
        f"{instance} not signalled in {_ROUNDS} attempts: {_in_words(failure) or 'each run had just ended'}"
    )


async def hand_over(client: DurableOrchestrationClient, run: RunState, order: Order, within: float) -> None:
    """Hands an order to the run of the VM, by an event to the run in progress or as the input of a new one, and repeats
    it until a run shows its token. Raises SignalError if none has after `within` seconds."""
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    await _deliver(client, instance, partial(start_run, client, run.take_up(order)), order, within)


async def begin_drill(client: DurableOrchestrationClient, run: DrillRun, within: float) -> bool:
    """Starts a drill, and waits until its run shows the order that begins it. Returns False if another drill of the VM
    is in progress. Raises SignalError if no run shows the order after `within` seconds."""
    instance, order, deadline = drill_instance_of(run.vm_id), Order(token=run.token), monotonic() + within
    failure: Exception | None = None
    while monotonic() < deadline:
        try:
            started = await start_drill_run(client, run)
            if await _is_taken_up(client, instance, order, min(monotonic() + _RESEND, deadline)):
                return True
            if not started and orders_of(await status_of(client, instance)):
                return False
        except Exception as error:
            failure = error
            await asyncio.sleep(_LONGEST_POLL)
    raise _not_accepted(instance, within, failure)


async def end_drill(client: DurableOrchestrationClient, run: DrillRun, order: Order, within: float) -> None:
    """Hands the order to clean up to the drill in progress, or starts this run, as `hand_over` does."""
    run = run.with_(orders=(order.token,), ended_by=order.asked_by)
    start = partial(start_drill_run, client, run)
    await _deliver(client, drill_instance_of(run.vm_id), start, order, within)


async def start_drill_run(client: DurableOrchestrationClient, run: DrillRun) -> bool:
    """Starts the run of a drill; returns False if one is in progress."""
    return await start_if_idle(client, drill_instance_of(run.vm_id), DRILL, run.dump(), run.poll_seconds)


async def signal_end_of_drill(client: DurableOrchestrationClient, vm: ResourceId, order: Order) -> None:
    """Orders the drill of the VM that is in progress, if one is, to clean up now. The sender repeats it until the run
    has ended: an order of the same token counts once."""
    with suppress(Exception):  # It has ended meanwhile.
        await client.raise_event(drill_instance_of(vm), CHANGED, order.dump())


async def cancel_drills(client: DurableOrchestrationClient, batch: str, order: Order, within: float) -> None:
    """Hands the order to a batch of drills in progress, as `hand_over` does."""

    async def is_not_started() -> bool:
        return False

    await _deliver(client, batch, is_not_started, order, within)


async def signal_if_running(client: DurableOrchestrationClient, vm: ResourceId) -> None:
    """Signals the run of a VM that waits for something to end. Without one, nothing is waiting."""
    instance = instance_of(vm)
    if await is_running(client, instance):
        with suppress(Exception):  # It has ended meanwhile, or will look again by itself.
            await client.raise_event(instance, CHANGED, None)


async def _deliver(
    client: DurableOrchestrationClient, instance: str, start: Start, order: Order, within: float
) -> None:
    deadline = monotonic() + within
    failure: Exception | None = None
    while monotonic() < deadline:
        try:
            await _send(client, instance, start, order)
            if await _is_taken_up(client, instance, order, min(monotonic() + _RESEND, deadline)):
                return
        except Exception as error:
            failure = error
            await asyncio.sleep(_LONGEST_POLL)
    raise _not_accepted(instance, within, failure)


def _not_accepted(instance: str, within: float, failure: Exception | None) -> SignalError:
    why = _in_words(failure) or "it was sent, and may still be taken up"
    return SignalError(f"{instance} has not accepted the order within {within:g} s: {why}")


def _in_words(failure: Exception | None) -> str:
    """The first line of an error of the durable client, which may hold all that the extension reports: a stack trace,
    too."""
    detail = failure.args[0] if failure and failure.args else failure
    text = detail.get("ExceptionMessage") or detail.get("Message") if isinstance(detail, dict) else failure
    return str(text or "").partition("\n")[0]


async def _is_taken_up(client: DurableOrchestrationClient, instance: str, order: Order, deadline: float) -> bool:
    """Reads the status until it shows the token, or the deadline; for a pause only if no run is in progress."""
    pause, gone_at = _FIRST_POLL, monotonic() + _PAUSE
    while True:
        status = await status_of(client, instance)
        if order.token in orders_of(status):
            return True
        now = monotonic()
        if now >= deadline or (now >= gone_at and status.runtime_status not in RUNNING):
            return False
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_POLL)


async def start_run(client: DurableOrchestrationClient, run: RunState) -> bool:
    """Starts the run of a VM; returns False if one is in progress. A run whose lease expired is terminated, and this
    run continues with its state; so it does if another was to, and was not started.

    A confirmation is not started again if the last run has accepted its order: it was served, or dropped.
    """
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    status = await status_of(client, instance)
    if run.confirmed and status.runtime_status not in RUNNING and set(run.orders) <= set(orders_of(status)):
        return True
    failed_disks, refusals = ((), ()) if run.orders else failures_of(status)
    run = run.with_(
        since=datetime.now(UTC), last_change=last_change_of(status), failed_disks=failed_disks, refusals=refusals
    )
    is_running = status.runtime_status in RUNNING
    if is_running and not _has_lost_its_lease(status, run.poll_seconds):
        return False
    if is_running or _was_left(status, run.poll_seconds):
        successor = await _take_over(client, instance, run)
        if successor is None:
            return False
        run = successor
    return await _start(client, instance, ORCHESTRATOR, run.dump())


async def start_and_see(
    client: DurableOrchestrationClient, orchestrator: str, instance: str, state: dict[str, Any], within: float
) -> None:
    """Starts an instance with a new ID. Raises SignalError if its status cannot be read after `within` seconds."""
    deadline = monotonic() + within
    try:
        await client.start_new(orchestrator, instance, state)
        while (await status_of(client, instance)).runtime_status is None:
            if monotonic() > deadline:
                raise SignalError(f"{instance} was started, and its status could not be read within {within:g} s")
            await asyncio.sleep(_FIRST_POLL)
    except SignalError:
        raise
    except Exception as error:
        raise SignalError(f"{instance} was not started: {_in_words(error)}") from None


async def start_if_idle(
    client: DurableOrchestrationClient, instance: str, orchestrator: str, state: dict[str, Any], poll_seconds: float
) -> bool:
    """Starts an instance unless it is running; returns whether it did. An instance whose lease expired is
    terminated."""
    status = await status_of(client, instance)
    if status.runtime_status in RUNNING:
        if not _has_lost_its_lease(status, poll_seconds):
            return False
        await _end(client, instance)
    return await _start(client, instance, orchestrator, state)


async def _start(client: DurableOrchestrationClient, instance: str, orchestrator: str, state: dict[str, Any]) -> bool:
    try:
        await client.start_new(orchestrator, instance, state)
    except Exception:
        # Another start was faster, or the termination is not complete yet.
        if await is_running(client, instance):
            return False
        raise
    return True


async def _take_over(client: DurableOrchestrationClient, instance: str, run: RunState) -> RunState | None:
    """The run with the state of the expired one, which has ended then: its waits, grace period, confirmation and
    orders. None if another run goes on: its status is read again, as late as can be, because another process may have
    taken over first."""
    status = await client.get_status(instance, show_input=True)
    is_running = status.runtime_status in RUNNING
    if is_running and not _has_lost_its_lease(status, run.poll_seconds):
        return None
    if is_running or _was_left(status, run.poll_seconds):
        try:
            run = run.take_over(RunState.load(json_in(status.input_)))
        except ValueError:
            # Without its state the run starts again: the VM and the vault show what is done already.
            log.warning("The state of %s could not be read: its run starts without it", instance)
    if is_running:
        await _end(client, instance)
    return run


def _was_left(status: Any, poll_seconds: float) -> bool:
    """Whether a run was terminated for the next one a short time ago, and that was not started. An order of long ago
    does not hold any more: the VM may have been tagged and untagged since."""
    ended = status.last_updated_time
    recent = ended is not None and datetime.now(UTC) - ended < _lease(poll_seconds)
    return bool(status.output == EXPIRED and recent)


async def _end(client: DurableOrchestrationClient, instance: str) -> None:
    await client.terminate(instance, EXPIRED)
    await asyncio.sleep(_PAUSE)


def _has_lost_its_lease(status: Any, poll_seconds: float) -> bool:
    """Whether the lease of a run expired while the app was running. A suspended run keeps its lease."""
    if status.runtime_status is OrchestrationRuntimeStatus.Suspended or status.last_updated_time is None:
        return False
    if monotonic() - _started_at < max(CATCH_UP * poll_seconds, SHORTEST_LEASE):
        return False
    return bool(datetime.now(UTC) - status.last_updated_time > _lease(poll_seconds))


def _lease(poll_seconds: float) -> timedelta:
    return timedelta(seconds=max(LEASE * poll_seconds, SHORTEST_LEASE))


async def _send(client: DurableOrchestrationClient, instance: str, start: Start, hint: Hint | None) -> bool:
    """Starts the run, or signals the one in progress, which may end before it reads the signal. Returns whether it was
    started."""
    if await start():
        return True
    try:
        await client.raise_event(instance, CHANGED, hint.dump() if hint else None)
    except Exception:
        if await is_running(client, instance):
            raise
    return False


def is_live(status: Any, poll_seconds: float) -> bool:
    """Whether the instance goes on by itself: it runs, is not suspended, and its lease has not expired."""
    suspended = status.runtime_status is OrchestrationRuntimeStatus.Suspended
    return status.runtime_status in RUNNING and not suspended and not _has_lost_its_lease(status, poll_seconds)


async def is_running(client: DurableOrchestrationClient, instance: str) -> bool:
    return (await status_of(client, instance)).runtime_status in RUNNING


async def status_of(client: DurableOrchestrationClient, instance: str) -> Any:
    """The SDK's status object; its runtime_status is None for an unknown instance."""
    return await client.get_status(instance)


async def each(them: Sequence[T], call: Callable[[T], Awaitable[R]]) -> list[R]:
    """The results in order; with a bounded number of concurrent calls of the durable client."""
    answers: list[R] = []
    for start in range(0, len(them), _AT_ONCE):
        answers += await asyncio.gather(*map(call, them[start : start + _AT_ONCE]))
    return answers
