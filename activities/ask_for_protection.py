"""A part of a batch: each VM is planned, tagged and woken as a PUT of its own would do it; what is blocked is not."""

import asyncio

from azure.core.exceptions import HttpResponseError
from azure.durable_functions import DurableOrchestrationClient

from shared.azure.answers import WriteRefusedError, error_of
from shared.azure.asking import blockers_of, write_tags
from shared.azure.gateway import Azure
from shared.azure.look import look_at
from shared.azure.planning import planned
from shared.domain.batch import BatchAnswer, BatchAsk, BatchEnd
from shared.domain.messages import Verdict
from shared.domain.outcome import Error, Outcome, Ready
from shared.domain.resource_id import ResourceId
from shared.domain.run import Ending, Run
from shared.instances import WakeError, wake


async def ask_for_protection(azure: Azure, request: BatchAsk, client: DurableOrchestrationClient) -> Outcome:
    """Ready holds a `BatchAnswer`. What Azure refuses for one VM is that VM's end, and no other's."""
    ends = await asyncio.gather(*(_ask(azure, vm, request.tags, client) for vm in request.vm_ids))
    return Ready(
        value=BatchAnswer(
            ended=tuple(end for end in ends if isinstance(end, BatchEnd)),
            running=tuple(end for end in ends if isinstance(end, ResourceId)),
        ).dump()
    )


async def _ask(
    azure: Azure, vm: ResourceId, tags: dict[str, str], client: DurableOrchestrationClient
) -> BatchEnd | ResourceId:
    """Its end, or itself if its run is under way."""
    try:
        source = await look_at(azure, vm, as_if_tagged=True, request=tags)
        if source.verdict is Verdict.GONE or source.vm is None:
            return BatchEnd(vm_id=vm, outcome=Ending.GONE, findings=source.findings)
        blockers = blockers_of(source, await planned(azure, source))
        if blockers:
            return BatchEnd(vm_id=vm, outcome=Ending.NOT_ELIGIBLE, findings=blockers)
        await write_tags(azure, source.vm, tags)
        await wake(client, Run(vm_id=vm, poll_seconds=azure.settings.poll_seconds, in_background=True))
    except HttpResponseError as answer:
        if answer.status_code == 429:
            raise
        return BatchEnd(vm_id=vm, outcome=Ending.FAILED, error=error_of(answer))
    except WriteRefusedError as refused:
        return BatchEnd(vm_id=vm, outcome=Ending.FAILED, error=refused.error)
    except WakeError as error:
        return BatchEnd(vm_id=vm, outcome=Ending.FAILED, error=Error(code="NotWoken", message=str(error)))
    return vm
