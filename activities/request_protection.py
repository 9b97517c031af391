"""A part of a batch: each VM is planned, tagged and woken as a PUT of its own would do it; what is blocked is not."""

import asyncio

from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.arm.errors import answered
from shared.model.activity_io import Verdict
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Outcome, Pending, Ready
from shared.observe.preview import blockers_of, planned, write_tags
from shared.observe.vm import look_at
from shared.orchestrations import WakeError, wake
from shared.reconcile.batch import BatchAnswer, BatchAsk, BatchEnd
from shared.reconcile.run_state import Ending, Result, Run


async def request_protection(azure: Azure, request: BatchAsk, client: DurableOrchestrationClient) -> Outcome:
    """Ready holds a `BatchAnswer`. What Azure refuses for one VM is that VM's end, and no other's; what passes (Azure
    throttles, or does not answer) lets it be asked for again.

    Safe to run twice: a VM that carries the tags gets none, and a run under way looks again.
    """
    asked = await asyncio.gather(*(_ask(azure, vm, request, client) for vm in request.vm_ids))
    not_yet = [outcome for outcome in asked if isinstance(outcome, Pending)]
    return Ready(
        value=BatchAnswer(
            ended=tuple(BatchEnd.of(outcome) for outcome in asked if isinstance(outcome, Result)),
            running=tuple(vm for vm, outcome in zip(request.vm_ids, asked, strict=True) if outcome is None),
            again=tuple(vm for vm, outcome in zip(request.vm_ids, asked, strict=True) if isinstance(outcome, Pending)),
            retry_after=max((outcome.retry_after for outcome in not_yet), default=0),
            error=not_yet[0].error if not_yet else None,
        ).dump()
    )


async def _ask(
    azure: Azure, vm: ResourceId, request: BatchAsk, client: DurableOrchestrationClient
) -> Result | Pending | None:
    """Its end, or None if its run is under way."""
    poll = azure.settings.poll_seconds
    run = Run(vm_id=vm, poll_seconds=poll, in_background=True)
    try:
        outcome = await answered(_tag(azure, run, request.tags), poll)
        if isinstance(outcome, Ready) and not outcome.value:
            await wake(client, run, Order(token=request.order))
            return None
    except WakeError as error:
        return Pending(retry_after=poll, error=Error(code="RunNotStarted", message=str(error)))
    except Exception as fault:
        # One VM that nobody has thought of does not keep the others.
        return Pending(retry_after=poll, error=Error(code="UnexpectedError", message=str(fault)))
    if isinstance(outcome, Failed):
        return run.fail(outcome).result
    return Result.load(outcome.value) if isinstance(outcome, Ready) else outcome


async def _tag(azure: Azure, run: Run, tags: dict[str, str]) -> Outcome:
    """Ready holds the `Result` of a VM for which nothing is asked, or nothing: it carries the tags now."""
    source = await look_at(azure, run.vm_id, as_if_tagged=True, request=tags)
    if source.verdict is Verdict.GONE:
        return Ready(value=Result(outcome=Ending.GONE, vm_id=run.vm_id, findings=source.findings).dump())
    blockers = blockers_of(source, await planned(azure, source))
    if blockers or source.vm is None:
        return Ready(value=Result(outcome=Ending.NOT_ELIGIBLE, vm_id=run.vm_id, findings=blockers).dump())
    await write_tags(azure, source.vm, tags)
    return Ready()
