"""Step 4 of a drill: request the cleanup of its test failover, whatever came of it. A person's is left alone."""

from collections.abc import Sequence
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
from shared.site_recovery.drills import began, clean_up, read_drill_item, under_way
from shared.site_recovery.vault import API_VERSION, vault_of


async def clean_up_drill(azure: Azure, request: DrillStep) -> StepResult:
    """Ready holds a `JobRequest`, the job of the cleanup, or nothing if no test failover of the drill is there."""
    recorded = await azure.drills.together(request.vm_id)
    if not recorded:
        return Ready()
    drills = tuple(_known_of(drill, request) for drill in recorded)
    if drills != recorded:
        drills = await azure.drills.write(*drills)
    drill, poll = drills[0], azure.settings.poll_seconds
    items = {each.vm: await read_drill_item(azure, each.item) for each in drills}
    seen = [item for item in items.values() if item]
    if not seen:
        return Ready()
    job = await began(azure, drill, seen)
    for name in dict.fromkeys(filter(None, (*await under_way(azure, drill, seen), job))):
        found = await vault_of(azure, drill.vault).job(name)
        if found and found.stage is JobStage.RUNNING:
            if found.scenario == TEST_CLEANUP:
                return Ready(value=JobRequest(vm_id=drill.vm, job=name, vault=drill.vault).dump())
            return Pending(retry_after=FOLLOW_JOB * poll, step=f"Waiting for a job on the item: {found.title}")
    tested = [each for each in drills if (item := items[each.vm]) and item.item.in_test_failover]
    if not job or not tested:
        return Ready()
    try:
        cleanup = await clean_up(azure, tested)
    except WriteRefusedError as refused:
        return await held(azure, drills, refused.error)
    for each in tested:
        decided("drill cleanup", each.vm, (), job=cleanup, item=each.item)
    now = datetime.now(UTC)
    await azure.drills.write(*(one.with_(job=job, cleanup_job=cleanup, cleanup_requested_at=now) for one in drills))
    return Ready(value=JobRequest(vm_id=drill.vm, job=cleanup, vault=drill.vault).dump())


def _known_of(drill: Drill, request: DrillStep) -> Drill:
    """The record with what the run knows: who ended the drill, and what went wrong. Of a group some VMs may have come
    up, or not, before the others were looked at."""
    drill = drill.with_(ended_by=drill.ended_by or request.ended_by)
    if request.error and drill.ready_at is None and drill.error is None:
        return drill.with_(error=with_action(request.error))
    return drill


async def held(azure: Azure, drills: Sequence[Drill], error: Error) -> Pending:
    """Reports, once, that the cleanup is held, with the command that does it by hand."""
    command = command_for(azure, drills[0])
    for drill in drills:
        if not (drill.cleanup_error and drill.cleanup_error.code == error.code):
            await azure.drills.write(drill.with_(cleanup_error=error.with_(action=command)))
            decided("drill not cleaned up", drill.vm, (), item=drill.item, error=error.code, command=command)
    wait = HELD_CLEANUP * azure.settings.poll_seconds
    return Pending(retry_after=wait, step=f"Waiting to clean up: {error.message}")


def command_for(azure: Azure, drill: Drill) -> str:
    """The command that cleans up by hand."""
    resource, version = f"{azure.settings.arm_endpoint}{drill.plan or drill.item}", f"?api-version={API_VERSION}"
    body = dumps({"properties": {"comments": f"Cleanup of the drill {drill.token} by hand"}})
    command = f"az rest --method post --url '{resource}/testFailoverCleanup{version}' --body '{body}'"
    # The plan can go once its job has ended.
    return f"{command}; az rest --method delete --url '{resource}{version}'" if drill.plan else command
