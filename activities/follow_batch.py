"""The progress of the VMs of a batch, from the state of their runs, without a call to Azure."""

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus

from shared.arm.client import Azure
from shared.instance_status import RUNNING, orders_of, run_ended
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.model.step_result import Ready, StepResult
from shared.orchestrations import each, instance_of, signal_or_start, status_of
from shared.reconcile.batch import BatchEnd, BatchProgress, BatchRequest
from shared.reconcile.run_state import RunOutcome, RunResult, RunState


async def follow_batch(azure: Azure, request: BatchRequest, client: DurableOrchestrationClient) -> StepResult:
    """Ready holds a `BatchProgress`.

    The end of a run counts only if the run has accepted the order of the batch: the end of an earlier run does not.
    """
    order = Order(token=request.order, asked_by=request.asked_by)
    ends = await each(request.vm_ids, lambda vm: _end(azure, client, vm, order))
    ended = tuple(end for end in ends if end)
    running = tuple(vm for vm, end in zip(request.vm_ids, ends, strict=True) if not end)
    return Ready(value=BatchProgress(ended=ended, running=running).dump())


async def _end(azure: Azure, client: DurableOrchestrationClient, vm: ResourceId, order: Order) -> BatchEnd | None:
    status = await status_of(client, instance_of(vm))
    if status.runtime_status in RUNNING:
        return None
    completed = status.runtime_status is OrchestrationRuntimeStatus.Completed
    if status.runtime_status is None or (completed and order.token not in orders_of(status)):
        # Purged, order never accepted, or followed by a later run: start a run, which observes the VM and its tags.
        await signal_or_start(
            client, RunState(vm_id=vm, poll_seconds=azure.settings.poll_seconds, low_priority=True), order
        )
        return None
    if not completed:
        return BatchEnd(vm_id=vm, outcome=RunOutcome.FAILED, error=run_ended(status))
    return BatchEnd.of(RunResult.load(status.output))
