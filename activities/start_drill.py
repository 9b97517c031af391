"""Step 2 of a drill: request the test failover that its record announces. Never twice: its job is looked for first."""

from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.model.activity_io import DrillStep, JobRequest
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.reporting.audit_log import decided
from shared.site_recovery.drills import job_of, read_drill_item, test_failover
from shared.site_recovery.recovery_plans import make_plan


async def start_drill(azure: Azure, request: DrillStep) -> StepResult:
    """Ready holds a `JobRequest`: the job of the test failover."""
    drills = await azure.drills.together(request.vm_id)
    if not drills or len(drills) < len(drills[0].members):
        return _not_begun("DrillRecordMissing", "The record of the drill is gone.")
    drill = drills[0]
    if not drill.job:
        read = [await read_drill_item(azure, each.item) for each in drills]
        seen = [each for each in read if each]
        if len(seen) < len(drills):
            return _not_begun("ItemMissing", "The replicated item is gone.")
        job = await job_of(azure, drill, seen)
        if not job and any(each.item.in_test_failover for each in seen):
            return _not_begun("TestFailoverByOthers", "Somebody else has begun a test failover meanwhile.")
        busy = next((each.item.job for each in seen if each.item.job), "")
        if not job and busy:
            return Pending(retry_after=azure.settings.poll_seconds, error=_busy(busy))
        if not job and drill.plan and (waiting := await make_plan(azure, drill.plan, drills, seen)):
            return waiting
        if not job:
            job = await test_failover(azure, drills)
            for each in drills:
                decided("drill", each.vm, (), job=job, item=each.item)
        now = datetime.now(UTC)
        drill, *_ = await azure.drills.write(*(each.with_(job=job, requested_at=now) for each in drills))
    return Ready(value=JobRequest(vm_id=drill.vm, job=drill.job, vault=drill.vault).dump())


def _busy(job: str) -> Error:
    return Error(code="ItemBusy", message=f"A job on the replicated item is in progress: {job}.")


def _not_begun(code: str, message: str) -> Failed:
    return Failed(error=Error(code=code, message=f"{message} Nothing was begun."))
