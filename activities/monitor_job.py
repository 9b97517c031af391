"""Step 5: follow the enable job and the initial replication until Protected; or follow a change job to its end."""

from shared.arm.client import Azure
from shared.config.intervals import (
    FOLLOW_ENABLE,
    FOLLOW_JOB,
    FOLLOWED_PER_TICK,
    LONGEST_TICK,
    until_next_look,
)
from shared.model.activity_io import JobRequest
from shared.model.replicated_item import (
    DISABLE,
    ENABLE,
    TEST_CLEANUP,
    TEST_FAILOVER,
    Job,
    JobStage,
    ProtectedItem,
    Stage,
)
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.site_recovery.item_origin import confirm
from shared.site_recovery.replicated_items import find_item
from shared.site_recovery.vault import Vault, vault_of


async def monitor_job(azure: Azure, request: JobRequest) -> StepResult:
    """What `_monitor` returns. The more VMs are followed, the fewer are the times at which their runs go on."""
    # A run without a vault comes from a version that knew a single vault.
    vault, poll = vault_of(azure, request.vault or azure.settings.vault_ids[0]), azure.settings.poll_seconds
    outcome = await _monitor(azure, vault, request)
    if not isinstance(outcome, Pending):
        return outcome
    ticks = min(1 + vault.others_under_way() // FOLLOWED_PER_TICK, LONGEST_TICK)
    return outcome.model_copy(update={"tick": ticks * poll})


async def _monitor(azure: Azure, vault: Vault, request: JobRequest) -> StepResult:
    """Ready when the VM is to be observed again: Protected, gone, or in a state that another client caused.

    If enabling failed, the value holds `error` with the cause from the job; the item and the operation only say that
    it failed.
    """
    poll = azure.settings.poll_seconds
    job = None if await _shows_success(vault, request, poll) else await vault.job(request.job)
    if job and job.stage is JobStage.RUNNING:
        return _running(job, request.elapsed, poll)
    if job and job.stage is JobStage.FAILED:
        return _failed(await vault.job_error(job.name))
    if job and job.scenario != ENABLE:
        vault.items.forget(if_before=vault.jobs.requested_at)
        return Ready()
    item = await find_item(vault, request.vm_id)
    if job and item is None:
        # The job has ended, and the cached list of items may be older.
        vault.items.forget(if_before=vault.jobs.requested_at)
        item = await find_item(vault, request.vm_id)
    if item:
        await confirm(azure, item, request.job)
    if item and item.stage is Stage.REPLICATING:
        wait = until_next_look(request.elapsed, poll, nearly_protected=item.awaits_recovery_point)
        return Pending(retry_after=wait, step="Initial replication", percent=item.percent or 0)
    if item and item.stage is Stage.FAILED:
        return _failed(_of_item(item))
    if item and item.stage is Stage.ENABLING:
        return Pending(retry_after=poll, step="Enabling protection")
    if job and item is None:
        return _failed(Error(code="ItemMissing", message="The enable job succeeded, but the vault holds no item."))
    return Ready()


async def _shows_success(vault: Vault, request: JobRequest, poll: float) -> bool:
    """Whether the job need not be read: there is none, or it has had time to end, and the item replicates."""
    if not request.job or request.elapsed < FOLLOW_ENABLE * poll:
        return not request.job
    item = (await vault.items.get()).of(request.vm_id)
    return item is not None and item.stage not in {Stage.ENABLING, Stage.FAILED}


_OF_DRILL = {TEST_FAILOVER: "", TEST_CLEANUP: ""}
_DOING = {ENABLE: "Enabling protection: ", DISABLE: "Disabling protection: ", **_OF_DRILL, "": "Job: "}
"""What precedes the title of a job, by its scenario."""


def _running(job: Job, elapsed: float, poll: float) -> Pending:
    doing, wait = _DOING.get(job.scenario, "Changing protection: "), FOLLOW_JOB * poll
    if job.scenario == ENABLE:
        early = elapsed < FOLLOW_ENABLE * poll
        wait = FOLLOW_ENABLE * poll if early else until_next_look(elapsed, poll, nearly_protected=False)
    return Pending(retry_after=wait, step=f"{doing}{job.title}")


def _failed(error: Error) -> Ready:
    return Ready(value={"error": error.dump()})


def _of_item(item: ProtectedItem) -> Error:
    default = Error(code=item.state, message=item.state_description or "Enabling replication failed.")
    found = (Error(code=each.code, message=each.message, action=each.action) for each in item.errors)
    return next(found, default)
