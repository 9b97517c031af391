"""The reasons of VMs that are not as they should be, with the results of their last runs."""

from collections.abc import Sequence

from azure.durable_functions import DurableOrchestrationClient

from shared.config.settings import Settings
from shared.instance_status import last_run_of
from shared.model.resource_id import ResourceId
from shared.model.step_result import first_line
from shared.orchestrations import each, instance_of, status_of
from shared.reconcile.inventory import VmStatus
from shared.reconcile.last_run import LastRun
from shared.reconcile.reason import Reason, may_be_in_run, needs_reason, reason_of

MOST_RUNS = 1000
"""The most runs that one response reads, 20 at a time."""

_TOO_MANY = LastRun(unread=f"only those of the first {MOST_RUNS:,} VMs of a response are read; filter it")


async def reasons_of(
    settings: Settings, client: DurableOrchestrationClient, vm_statuses: Sequence[VmStatus]
) -> dict[ResourceId, Reason]:
    """The reason of each VM that needs one; one read of Durable Functions for each whose last run may hold it."""
    tried = [each.vm_id for each in vm_statuses if needs_reason(each) and may_be_in_run(each)]
    runs: dict[ResourceId, LastRun | None] = dict.fromkeys(tried, _TOO_MANY)
    read = tried[:MOST_RUNS]
    runs |= zip(read, await each(read, lambda vm: _last_run(client, vm)), strict=True)
    reasons = ((each.vm_id, reason_of(each, runs.get(each.vm_id), settings.poll_seconds)) for each in vm_statuses)
    return {vm: reason for vm, reason in reasons if reason}


async def _last_run(client: DurableOrchestrationClient, vm: ResourceId) -> LastRun | None:
    try:
        return last_run_of(await status_of(client, instance_of(vm)))
    except Exception as fault:
        return LastRun(unread=first_line(str(fault)) or type(fault).__name__)
