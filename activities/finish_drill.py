"""Step 5 of a drill: show that it is clean, close its record, and hand out the evidence."""

from datetime import UTC, datetime

from azure.durable_functions import DurableOrchestrationClient

from activities.clean_up_drill import command_for
from shared.arm.client import Azure
from shared.model.activity_io import DrillStep
from shared.model.drill import Drill, DrillOutcome
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.orchestrations import signal_if_running
from shared.planning.run_errors import with_action
from shared.readers.target_vms import existing
from shared.reporting.archive import Stream
from shared.reporting.audit_log import decided
from shared.reporting.drill_record import record_of
from shared.site_recovery.drills import job_of, read_drill_item


async def finish_drill(azure: Azure, request: DrillStep, client: DurableOrchestrationClient) -> StepResult:
    """Ready holds the `drill`, which is closed now, or nothing if there is no record. Failed if something of it is
    still there, and the lists had time to show that it is not."""
    drill = await azure.drills.of(request.vm_id)
    if drill is None:
        return Ready()
    in_test, left = await _left(azure, drill)
    if in_test or left:
        error = request.error or _not_clean(drill, left, in_test=in_test)
        if not request.last:
            return Pending(retry_after=azure.settings.poll_seconds, step="Waiting until everything is removed")
        attempts, command = drill.cleanup_attempts + 1, command_for(azure, drill)
        error = error if error.action else error.with_(action=command)
        await azure.drills.write(drill.with_(cleanup_error=error, cleanup_attempts=attempts, left=left))
        decided("drill not cleaned up", drill.vm, (), item=drill.item, error=error.code, command=command)
        return Failed(error=error)
    if not drill.ready_at and drill.error is None:
        interrupted = Error(code="DrillInterrupted", message="It ended before its VM was ready.")
        drill = drill.with_(error=with_action(interrupted))
    now, poll = datetime.now(UTC), azure.settings.poll_seconds
    # Before the record is closed: a drill without evidence would be none for an auditor. Without an archive, or where
    # it cannot be written for long, the record itself is kept.
    kept = await azure.archive.keep(
        Stream.DRILLS, record_of(drill, now).dump(), retry_after=poll, key=f"{drill.token}|{drill.vm.key}"
    )
    if isinstance(kept, Pending) and not request.last:
        return kept
    ended = drill.with_(cleanup_error=None, left=(), ended_at=now)
    await azure.drills.close(ended)
    passed = ended.outcome is DrillOutcome.PASSED
    code = "" if passed or ended.error is None else ended.error.code
    decided("drill passed" if passed else "drill failed", ended.vm, (), job=ended.job, item=ended.item, error=code)
    await signal_if_running(client, ended.vm)
    return Ready(value={"drill": ended.dump()})


async def _left(azure: Azure, drill: Drill) -> tuple[bool, tuple[ResourceId, ...]]:
    """Whether the item is in the test failover of the drill, and what of its VM and disks exists."""
    seen = await read_drill_item(azure, drill.item)
    if seen and not await job_of(azure, drill, seen):
        return False, ()  # nothing was begun: what is there is somebody else's
    there = await existing(azure, (drill.test_vm, *drill.test_disks), 0)
    return bool(seen and seen.item.in_test_failover), tuple(sorted(there, key=str))


def _not_clean(drill: Drill, left: tuple[ResourceId, ...], *, in_test: bool) -> Error:
    state = "is still in test failover" if in_test else "is in no test failover any more"
    names = ", ".join(str(each) for each in left) or "none of its VM and disks"
    return Error(code="DrillNotCleanedUp", message=f"The item of {drill.vm.name} {state}; still there: {names}.")
