"""Waking a VM's orchestration: the one thing that every door does."""

import asyncio
from typing import Any

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.domain import naming
from shared.domain.resource_id import ResourceId
from shared.domain.run import CHANGED, Run

ORCHESTRATOR = "protect_vm"

RUNNING = {
    OrchestrationRuntimeStatus.Pending,
    OrchestrationRuntimeStatus.Running,
    OrchestrationRuntimeStatus.ContinuedAsNew,
    OrchestrationRuntimeStatus.Suspended,
}

# A run in its last turn may take the event and end without looking again (3 to 7 of 300, measured).
_PAUSE = 1.0

_ROUNDS = 5


class WakeError(RuntimeError):
    """The VM's change is told to no run: the door has to be knocked at again."""


def instance_of(vm: ResourceId, *, targets_only: bool = False) -> str:
    """The VM's own instance, or the one that makes its target resources alone: an ID of the same length."""
    instance = naming.instance_id(vm)
    return f"targets-{instance.removeprefix('protect-')}" if targets_only else instance


async def wake(
    client: DurableOrchestrationClient, vm: ResourceId, poll_seconds: float, *, targets_only: bool = False
) -> None:
    """Sees to it that the VM is looked at as it is after this call: by the run that is under way, or by a new one.

    Other doors do the same at the same time. A start that fails because one of them was quicker is told by the status
    in the next round, never by the text of the exception. Raises WakeError if that does not help in any round.
    """
    instance = instance_of(vm, targets_only=targets_only)
    run = Run(vm_id=vm, poll_seconds=poll_seconds, targets_only=targets_only)
    failure: Exception | None = None
    for _ in range(_ROUNDS):
        try:
            if not await is_running(client, instance):
                await client.start_new(ORCHESTRATOR, instance, run.dump())
                return
            if await _raise_changed(client, instance):
                return
        except Exception as error:
            failure = error
            await asyncio.sleep(_PAUSE)
    raise WakeError(f"{instance} could not be woken in {_ROUNDS} rounds: {failure or 'each run had just ended'}")


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
