"""Step 5: the enable job to its end, then the initial replication to Protected."""

from shared.azure.gateway import Azure
from shared.azure.protection import find_item
from shared.domain.messages import JobRequest
from shared.domain.outcome import Error, Failed, Outcome, Pending, Ready
from shared.domain.protected_item import JobStage, ProtectedItem, Stage

# Initial replication takes half an hour at least: it is looked at in this many poll intervals.
_SPARSE = 4


async def monitor_job(azure: Azure, request: JobRequest) -> Outcome:
    """Ready when there is something to look at anew: Protected, gone, or a state of somebody else's making.

    Failed holds the real cause, which is in the job: the item and the operation only say that it failed.
    """
    poll = azure.settings.poll_seconds
    vault = azure.vault(azure.settings.vault)
    item = await find_item(vault, request.vm_id)
    if item and item.stage is Stage.REPLICATING:
        return Pending(retry_after=_SPARSE * poll, step="Initial replication", percent=item.percent)
    if item and item.stage not in {Stage.ENABLING, Stage.FAILED}:
        return Ready()
    job = await vault.job(request.job) if request.job else None
    if job and job.stage is JobStage.FAILED:
        return Failed(error=await vault.job_error(job.name))
    if item and item.stage is Stage.FAILED:
        return Failed(error=_of_item(item))
    if job is None and item is None and not request.job:
        return Ready()
    return Pending(retry_after=poll, step=f"Enabling protection: {(job and job.title) or 'Enable replication'}")


def _of_item(item: ProtectedItem) -> Error:
    told = Error(code=item.state, message=item.state_description or "Enabling replication failed.")
    return next(iter(item.errors), told)
