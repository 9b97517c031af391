"""Purge old histories of completed orchestrations, window by window. Running instances are never purged."""

import logging

from azure.durable_functions import DurableOrchestrationClient

from shared.arm.client import Azure
from shared.instance_status import ENDED
from shared.model.activity_io import PurgeRequest
from shared.model.step_result import Ready, StepResult
from shared.reconcile.retention import purge_windows

log = logging.getLogger("dr.history")


async def purge_history(_azure: Azure, request: PurgeRequest, client: DurableOrchestrationClient) -> StepResult:
    """Ready holds `purged`, how many. A portion that fails is left to the next sweep, with those before it in time."""
    purged = 0
    for begin, end in purge_windows(request.before):
        try:
            # The SDK writes times as if they were UTC, whatever their zone; and a filter without statuses takes all.
            answer = await client.purge_instance_history_by(begin, end, ENDED)
        except Exception as fault:
            log.warning("Histories from %s to %s were not purged: %s", begin, end, fault)
            break
        purged += answer.instances_deleted
    return Ready(value={"purged": purged})
