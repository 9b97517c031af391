"""A part of a batch: plan and tag each VM and start its run, as a PUT of the VM does; blocked VMs are left
unchanged."""

import asyncio

from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.arm.tags import write_tags
from shared.config.settings import Intent
from shared.model.decision import State
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.observe.preview import blockers_of, planned
from shared.observe.vm import observe
from shared.orchestrations import SignalError, signal_or_start
from shared.reconcile.batch import BatchEnd, BatchProgress, BatchRequest
from shared.reconcile.run_state import RunOutcome, RunResult, RunState


async def request_protection(azure: Azure, request: BatchRequest, client: DurableOrchestrationClient) -> StepResult:
    """Ready holds a `BatchProgress`. A refusal by Azure ends only its VM; after a transient error (throttled, no
    response) the VM is retried.

    Idempotent: a VM that carries the tags is not written, and a run in progress observes its VM again.
    """
    requested = await asyncio.gather(*(_request_one(azure, vm, request, client) for vm in request.vm_ids))
    not_yet = [outcome for outcome in requested if isinstance(outcome, Pending)]
    return Ready(
        value=BatchProgress(
            ended=tuple(BatchEnd.of(outcome) for outcome in requested if isinstance(outcome, RunResult)),
            running=tuple(vm for vm, outcome in zip(request.vm_ids, requested, strict=True) if outcome is None),
            again=tuple(
                vm for vm, outcome in zip(request.vm_ids, requested, strict=True) if isinstance(outcome, Pending)
            ),
            retry_after=max((outcome.retry_after for outcome in not_yet), default=0),
            error=not_yet[0].error if not_yet else None,
        ).dump()
    )


async def _request_one(
    azure: Azure, vm: ResourceId, request: BatchRequest, client: DurableOrchestrationClient
) -> RunResult | Pending | None:
    """The end of the VM, None if its run is in progress, Pending to retry."""
    poll = azure.settings.poll_seconds
    run = RunState(vm_id=vm, poll_seconds=poll, low_priority=True)
    try:
        outcome = await to_step_result(_tag(azure, run, request.tags), poll)
        if isinstance(outcome, Ready) and not outcome.value:
            await signal_or_start(client, run, Order(token=request.order, asked_by=request.asked_by))
            return None
    except SignalError as error:
        return Pending(retry_after=poll, error=Error(code="RunNotStarted", message=str(error)))
    except Exception as fault:
        # An unexpected error of one VM does not block the others.
        return Pending(retry_after=poll, error=Error(code="UnexpectedError", message=str(fault)))
    if isinstance(outcome, Failed):
        return run.fail(outcome).result
    return RunResult.load(outcome.value) if isinstance(outcome, Ready) else outcome


async def _tag(azure: Azure, run: RunState, tags: dict[str, str]) -> StepResult:
    """Ready holds the `RunResult` of a VM that is not requested, or nothing: the VM carries the tags now."""
    observation = await observe(azure, run.vm_id, intent=Intent.YES, request=tags)
    if observation.decision.state is State.SOURCE_GONE:
        return Ready(
            value=RunResult(outcome=RunOutcome.GONE, vm_id=run.vm_id, findings=observation.decision.findings).dump()
        )
    blockers = blockers_of(observation, await planned(azure, observation))
    if blockers or observation.vm is None:
        return Ready(value=RunResult(outcome=RunOutcome.NOT_ELIGIBLE, vm_id=run.vm_id, findings=blockers).dump())
    await write_tags(azure, observation.vm, tags)
    return Ready()
