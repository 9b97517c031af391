"""How the VMs of a batch stand: by their own runs, without a call of Azure."""

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.azure.gateway import Azure
from shared.domain.batch import BatchAnswer, BatchAsk, BatchEnd
from shared.domain.outcome import Error, Outcome, Ready
from shared.domain.resource_id import ResourceId
from shared.domain.run import Ending, Result, Run
from shared.instances import RUNNING, each, instance_of, status_of, wake


async def follow_batch(azure: Azure, request: BatchAsk, client: DurableOrchestrationClient) -> Outcome:
    """Ready holds a `BatchAnswer`.

    How a run ended that was asked for is what its instance says: waking replaces what an earlier run has left there.
    """
    ends = await each(request.vm_ids, lambda vm: _end(azure, client, vm))
    ended = tuple(end for end in ends if end)
    running = tuple(vm for vm, end in zip(request.vm_ids, ends, strict=True) if not end)
    return Ready(value=BatchAnswer(ended=ended, running=running).dump())


async def _end(azure: Azure, client: DurableOrchestrationClient, vm: ResourceId) -> BatchEnd | None:
    status = await status_of(client, instance_of(vm))
    if status.runtime_status in RUNNING:
        return None
    if status.runtime_status is None:
        # Somebody has purged it, and how it ended with it: the VM is looked at as it is, and its tags say what for.
        await wake(client, Run(vm_id=vm, poll_seconds=azure.settings.poll_seconds, in_background=True))
        return None
    if status.runtime_status is not OrchestrationRuntimeStatus.Completed:
        told = Error(code="RunEnded", message=f"Its run ended as {status.runtime_status.name}.")
        return BatchEnd(vm_id=vm, outcome=Ending.FAILED, error=told)
    return BatchEnd.of(Result.load(status.output))
