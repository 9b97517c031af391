"""The instances of orchestrations: one for each VM, its ID the lock. To wake one is all that a door ever does."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, TypeVar

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.model import naming
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.reconcile.run_state import CHANGED, LastChange, RunResult, RunState

log = logging.getLogger("dr.instances")

T = TypeVar("T")
R = TypeVar("R")

ORCHESTRATOR = "protect_vm"
_AT_ONCE = 20

RUNNING = {
    OrchestrationRuntimeStatus.Pending,
    OrchestrationRuntimeStatus.Running,
    OrchestrationRuntimeStatus.ContinuedAsNew,
    OrchestrationRuntimeStatus.Suspended,
}

ENDED = [
    OrchestrationRuntimeStatus.Completed,
    OrchestrationRuntimeStatus.Failed,
    OrchestrationRuntimeStatus.Terminated,
]

# A run in its last turn may take the event and end without looking again (3 to 7 of 300, measured).
_PAUSE = 1.0

_ROUNDS = 8

_LEASE, _CATCH_UP = 240, 30
"""In poll intervals. A run shows that it lives every hour at least: one that has not for 2 h has lost its lock. That is
judged only by a process that has run for 15 min: in an app that was stopped, every run is silent until its overdue
timer has fired, and its messages are shown again 5 min after a crash."""
_SHORTEST_LEASE = 10.0

_started_at = monotonic()

# Seconds between two looks for a token, at first and at most, and after how many of them the order is sent again.
_FIRST_POLL, _LONGEST_POLL = 0.05, 1.0
_RESEND = 5.0


class SignalError(RuntimeError):
    """No run has shown that it knows of the change or the order: to ask again is safe."""


def instance_of(vm: ResourceId, *, targets_only: bool = False) -> str:
    """The VM's own instance, or the one that makes its target resources alone: an ID of the same length."""
    instance = naming.instance_id(vm)
    return f"targets-{instance.removeprefix('protect-')}" if targets_only else instance


async def signal_or_start(client: DurableOrchestrationClient, run: RunState, order: Order | None = None) -> None:
    """Sees to it that the VM is looked at as it is after this call: by the run that is under way, or by this new one.

    Others do the same at the same time: of two starts at once the one that is dropped loses nothing, for the other
    looks at the VM as well. Whether an `order` was taken up is for its sender to see. A start that fails because
    somebody was quicker is told by the status in the next round, never by the text of the exception. Raises WakeError
    if nothing helps in any round.
    """
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    run = run.take_up(order) if order else run
    failure: Exception | None = None
    for _ in range(_ROUNDS):
        try:
            if await _send(client, instance, run, order):
                return
            await asyncio.sleep(_PAUSE)
            if await is_running(client, instance):
                return
        except Exception as error:
            failure = error
            await asyncio.sleep(_PAUSE)
    raise SignalError(f"{instance} could not be woken in {_ROUNDS} rounds: {failure or 'each run had just ended'}")


async def hand_over(client: DurableOrchestrationClient, run: RunState, order: Order, within: float) -> None:
    """Hands an order to the VM's run, by an event to the one that is under way or as the input of this new one, and
    repeats it until a run shows its token. Raises WakeError if none has after `within` seconds."""
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    run, deadline = run.take_up(order), monotonic() + within
    failure: Exception | None = None
    while monotonic() < deadline:
        try:
            await _send(client, instance, run, order)
            if await _is_taken_up(client, instance, order, min(monotonic() + _RESEND, deadline)):
                return
        except Exception as error:
            failure = error
            await asyncio.sleep(_LONGEST_POLL)
    why = failure or "it was sent, and may still be taken up"
    raise SignalError(f"{instance} has not taken up the order within {within:g} s: {why}")


async def _is_taken_up(client: DurableOrchestrationClient, instance: str, order: Order, deadline: float) -> bool:
    """Looks for the token until the deadline; no longer than a pause if no run is under way that could show it."""
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


def orders_of(status: Any) -> tuple[str, ...]:
    """The tokens that an instance shows: while it runs those of its custom status, then those of its result. Neither is
    there before its first turn: the input of a start that was accepted proves nothing."""
    shown = status.custom_status if status.runtime_status in RUNNING else status.output
    return tuple(shown.get("orders") or ()) if isinstance(shown, dict) else ()


def last_change_of(status: Any) -> LastChange | None:
    """What the run that this status shows has changed, or one before it."""
    shown = status.custom_status if status.runtime_status in RUNNING else status.output
    try:
        if status.runtime_status is OrchestrationRuntimeStatus.Completed:
            result = RunResult.load(shown)
            if result.acted and status.last_updated_time:
                return LastChange(outcome=result.outcome, at=status.last_updated_time, error=result.error)
        return LastChange.load(shown["lastChange"])
    except (KeyError, TypeError, ValueError):
        return None


async def start_run(client: DurableOrchestrationClient, run: RunState) -> bool:
    """Starts the VM's run; returns False if one is under way. One that has lost its lease is ended, and this run goes
    on where it stopped."""
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    status = await status_of(client, instance)
    run = run.with_(last_change=last_change_of(status))
    if status.runtime_status in RUNNING:
        if not _has_lost_its_lease(status, run.poll_seconds):
            return False
        run = await _take_over(client, instance, run)
    return await _start(client, instance, ORCHESTRATOR, run.dump())


async def start_and_see(
    client: DurableOrchestrationClient, orchestrator: str, instance: str, state: dict[str, Any], within: float
) -> None:
    """Starts an instance under an ID that is new. Raises WakeError if it has not been seen after `within` seconds."""
    deadline = monotonic() + within
    try:
        await client.start_new(orchestrator, instance, state)
        while (await status_of(client, instance)).runtime_status is None:
            if monotonic() > deadline:
                raise SignalError(f"{instance} was started, and has not been seen within {within:g} s")
            await asyncio.sleep(_FIRST_POLL)
    except SignalError:
        raise
    except Exception as error:
        raise SignalError(f"{instance} was not started: {error}") from None


async def start_if_idle(
    client: DurableOrchestrationClient, instance: str, orchestrator: str, state: dict[str, Any], poll_seconds: float
) -> bool:
    """Returns whether it was started: not if it is running. One that has lost its lease is ended first."""
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
        # Somebody was quicker, or the end of the one before takes its time.
        if await is_running(client, instance):
            return False
        raise
    return True


async def _take_over(client: DurableOrchestrationClient, instance: str, run: RunState) -> RunState:
    """The run with what the lost one knew: its waits, its grace period, its confirmation and its orders."""
    status = await client.get_status(instance, show_input=True)
    try:
        run = run.take_over(RunState.load(json_in(status.input_)))
    except ValueError:
        # Without its state, the VM and the vault say where it stands.
        log.warning("The state of %s could not be read: its run begins from nothing", instance)
    await _end(client, instance)
    return run


async def _end(client: DurableOrchestrationClient, instance: str) -> None:
    await client.terminate(instance, "Its lease has expired: it has shown no life")
    await asyncio.sleep(_PAUSE)


def _has_lost_its_lease(status: Any, poll_seconds: float) -> bool:
    """Whether a run has shown no life for the lease, though the app ran. A suspended one is meant to stand still."""
    if status.runtime_status is OrchestrationRuntimeStatus.Suspended or status.last_updated_time is None:
        return False
    if monotonic() - _started_at < max(_CATCH_UP * poll_seconds, _SHORTEST_LEASE):
        return False
    lease = timedelta(seconds=max(_LEASE * poll_seconds, _SHORTEST_LEASE))
    return bool(datetime.now(UTC) - status.last_updated_time > lease)


async def _send(client: DurableOrchestrationClient, instance: str, run: RunState, order: Order | None = None) -> bool:
    """Starts the run, or signals the one under way, which may end before it has read that. Returns whether it was
    started."""
    if await start_run(client, run):
        return True
    try:
        await client.raise_event(instance, CHANGED, order.dump() if order else None)
    except Exception:
        if await is_running(client, instance):
            raise
    return False


async def is_running(client: DurableOrchestrationClient, instance: str) -> bool:
    return (await status_of(client, instance)).runtime_status in RUNNING


async def status_of(client: DurableOrchestrationClient, instance: str) -> Any:
    """The SDK's status object; its runtime_status is None for an instance that never was."""
    return await client.get_status(instance)


async def each(them: Sequence[T], call: Callable[[T], Awaitable[R]]) -> list[R]:
    """The answers in order; so many calls of the durable client at a time as the host takes with ease."""
    answers: list[R] = []
    for start in range(0, len(them), _AT_ONCE):
        answers += await asyncio.gather(*map(call, them[start : start + _AT_ONCE]))
    return answers


def json_in(given: Any) -> Any:
    """What an instance's input or output says: the SDK sends JSON in JSON, so it may come back as a text. Raises
    ValueError."""
    while isinstance(given, str):
        given = json.loads(given)
    return given
