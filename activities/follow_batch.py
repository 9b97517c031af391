"""How the VMs of a batch stand: by their own runs, without a call of Azure."""

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.azure.gateway import Azure
from shared.domain.batch import BatchAnswer, BatchAsk, BatchEnd
from shared.domain.outcome import Error, Outcome, Ready
from shared.domain.resource_id import ResourceId
from shared.domain.run import Ending, Result
from shared.instances import RUNNING, each, instance_of, status_of


async def follow_batch(_azure: Azure, request: BatchAsk, client: DurableOrchestrationClient) -> Outcome:
    """Ready holds a `BatchAnswer`."""
    ends = await each(request.vm_ids, lambda vm: _end(client, vm))
    ended = tuple(end for end in ends if end)
    running = tuple(vm for vm, end in zip(request.vm_ids, ends, strict=True) if not end)
    return Ready(value=BatchAnswer(ended=ended, running=running).dump())


async def _end(client: DurableOrchestrationClient, vm: ResourceId) -> BatchEnd | None:
    status = await status_of(client, instance_of(vm))
    if status.runtime_status in RUNNING:
        return None
    if status.runtime_status is not OrchestrationRuntimeStatus.Completed:
        told = Error(code="RunEnded", message=f"Its run ended as {getattr(status.runtime_status, 'name', 'unknown')}.")
        return BatchEnd(vm_id=vm, outcome=Ending.FAILED, error=told)
    result = Result.load(status.output)
    return BatchEnd(vm_id=vm, outcome=result.outcome, findings=result.findings, error=result.error)
