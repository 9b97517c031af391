"""Step 2 of a drill: request the test failover that its record announces. Never twice: its job is looked for first."""

from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.model.activity_io import DrillStep, JobRequest
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.reporting.audit_log import decided
from shared.site_recovery.drills import job_of, read_drill_item, test_failover


async def start_drill(azure: Azure, request: DrillStep) -> StepResult:
    """Ready holds a `JobRequest`: the job of the test failover."""
    drill = await azure.drills.of(request.vm_id)
    if drill is None:
        return _not_begun("DrillRecordMissing", "The record of the drill is gone.")
    if not drill.job:
        seen = await read_drill_item(azure, drill.item)
        if seen is None:
            return _not_begun("ItemMissing", "The replicated item is gone.")
        job = await job_of(azure, drill, seen)
        if not job and seen.item.in_test_failover:
            return _not_begun("TestFailoverByOthers", "Somebody else has begun a test failover meanwhile.")
        if not job and seen.item.job:
            return Pending(retry_after=azure.settings.poll_seconds, error=_busy(seen.item.job))
        if not job:
            azure.check_drill(drill.vm)
            job = await test_failover(azure, drill)
            decided("drill", drill.vm, (), job=job, item=drill.item)
        drill = await azure.drills.write(drill.with_(job=job, requested_at=datetime.now(UTC)))
    return Ready(value=JobRequest(vm_id=drill.vm, job=drill.job, vault=drill.vault).dump())


def _busy(job: str) -> Error:
    return Error(code="ItemBusy", message=f"A job on the replicated item is in progress: {job}.")


def _not_begun(code: str, message: str) -> Failed:
    return Failed(error=Error(code=code, message=f"{message} Nothing was begun."))
