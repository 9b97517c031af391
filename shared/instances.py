"""The instances of orchestrations: one for each VM, its ID the lock. To wake one is all that a door ever does."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.domain import naming
from shared.domain.resource_id import ResourceId
from shared.domain.run import CHANGED, Run

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
_PATIENCE = 3
"""Rounds in which a run under way may end by itself, before one that carries a confirmation takes its place."""

_LEASE = 240
"""In poll intervals, 2 h: a run shows that it lives every hour at least. One that does not has lost its lock."""


class WakeError(RuntimeError):
    """The VM's change is told to no run: the door has to be knocked at again."""


def instance_of(vm: ResourceId, *, targets_only: bool = False) -> str:
    """The VM's own instance, or the one that makes its target resources alone: an ID of the same length."""
    instance = naming.instance_id(vm)
    return f"targets-{instance.removeprefix('protect-')}" if targets_only else instance


async def wake(client: DurableOrchestrationClient, run: Run) -> None:
    """Sees to it that the VM is looked at as it is after this call: by the run that is under way, or by this new one.

    Other doors do the same at the same time. A start that fails because one of them was quicker is told by the status
    in the next round, never by the text of the exception. A run that carries a confirmation cannot hand it to another:
    it takes its place. Raises WakeError if nothing helps in any round.
    """
    instance = instance_of(run.vm_id, targets_only=run.targets_only)
    failure: Exception | None = None
    for round_ in range(_ROUNDS):
        try:
            if await start_if_idle(client, instance, ORCHESTRATOR, run.dump(), run.poll_seconds):
                return
            if await _raise_changed(client, instance) and not run.confirmed:
                return
            if run.confirmed and round_ >= _PATIENCE:
                await client.terminate(instance, "Somebody has confirmed what this run does not know of")
                await asyncio.sleep(_PAUSE)
        except Exception as error:
            failure = error
            await asyncio.sleep(_PAUSE)
    raise WakeError(f"{instance} could not be woken in {_ROUNDS} rounds: {failure or 'each run had just ended'}")


async def start_if_idle(
    client: DurableOrchestrationClient, instance: str, orchestrator: str, state: dict[str, Any], poll_seconds: float
) -> bool:
    """Returns whether it was started: not if it is running. One that has not shown for its lease that it lives is ended
    first."""
    status = await status_of(client, instance)
    if status.runtime_status in RUNNING:
        if not _has_lost_its_lease(status, poll_seconds):
            return False
        await client.terminate(instance, "It has not shown that it lives")
        await asyncio.sleep(_PAUSE)
    try:
        await client.start_new(orchestrator, instance, state)
    except Exception:
        # Somebody was quicker, or the end of the one before takes its time.
        if await is_running(client, instance):
            return False
        raise
    return True


def _has_lost_its_lease(status: Any, poll_seconds: float) -> bool:
    """One that somebody has suspended is meant to stand still."""
    if status.runtime_status is OrchestrationRuntimeStatus.Suspended or status.last_updated_time is None:
        return False
    lease = timedelta(seconds=max(_LEASE * poll_seconds, 10))
    return bool(datetime.now(UTC) - status.last_updated_time > lease)


async def _raise_changed(client: DurableOrchestrationClient, instance: str) -> bool:
    """Returns whether a run was still there a while after it got the event, and so looks again."""
    try:
        await client.raise_event(instance, CHANGED)
    except Exception:
        if await is_running(client, instance):
            raise
        return False
    await asyncio.sleep(_PAUSE)
    return await is_running(client, instance)


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
