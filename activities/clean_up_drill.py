"""Step 4 of a drill: request the cleanup of its test failover, whatever came of it. A person's is left alone."""

from datetime import UTC, datetime
from json import dumps

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError
from shared.config.intervals import FOLLOW_JOB, HELD_CLEANUP
from shared.model.activity_io import DrillStep, JobRequest
from shared.model.drill import Drill
from shared.model.replicated_item import TEST_CLEANUP, JobStage
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.planning.run_errors import with_action
from shared.reporting.audit_log import decided
from shared.site_recovery.drills import clean_up, job_of, read_drill_item
from shared.site_recovery.vault import API_VERSION, vault_of


async def clean_up_drill(azure: Azure, request: DrillStep) -> StepResult:
    """Ready holds a `JobRequest`, the job of the cleanup, or nothing if no test failover of the drill is there."""
    drill = await azure.drills.of(request.vm_id)
    if drill is None:
        return Ready()
    if request.error and not drill.error:
        drill = await azure.drills.write(drill.with_(error=with_action(request.error)))
    seen, vault, poll = (
        await read_drill_item(azure, drill.item),
        vault_of(azure, drill.vault),
        azure.settings.poll_seconds,
    )
    if seen is None:
        return Ready()
    job = await job_of(azure, drill, seen)
    for name in filter(None, (seen.item.job, job)):
        found = await vault.job(name)
        if found and found.stage is JobStage.RUNNING:
            if found.scenario == TEST_CLEANUP:
                return Ready(value=JobRequest(vm_id=drill.vm, job=name, vault=drill.vault).dump())
            return Pending(retry_after=FOLLOW_JOB * poll, step=f"Waiting for a job on the item: {found.title}")
    if not job or not seen.item.in_test_failover:
        return Ready()
    try:
        cleanup = await clean_up(azure, drill, f"Cleanup of the drill {drill.token}")
    except WriteRefusedError as refused:
        await _held(azure, drill, refused.error)
        return Pending(retry_after=HELD_CLEANUP * poll, step=f"Waiting to clean up: {refused.error.message}")
    decided("drill cleanup", drill.vm, (), job=cleanup, item=drill.item)
    await azure.drills.write(drill.with_(job=job, cleanup_job=cleanup, cleanup_requested_at=datetime.now(UTC)))
    return Ready(value=JobRequest(vm_id=drill.vm, job=cleanup, vault=drill.vault).dump())


async def _held(azure: Azure, drill: Drill, error: Error) -> None:
    """Reports, once, that the cleanup is held, with the command that does it by hand."""
    if drill.cleanup_error and drill.cleanup_error.code == error.code:
        return
    command = command_for(azure, drill)
    await azure.drills.write(drill.with_(cleanup_error=error.with_(action=command)))
    decided("drill not cleaned up", drill.vm, (), item=drill.item, error=error.code, command=command)


def command_for(azure: Azure, drill: Drill) -> str:
    """The command that cleans up by hand."""
    url = f"{azure.settings.arm_endpoint}{drill.item}/testFailoverCleanup?api-version={API_VERSION}"
    body = dumps({"properties": {"comments": f"Cleanup of the drill {drill.token} by hand"}})
    return f"az rest --method post --url '{url}' --body '{body}'"
