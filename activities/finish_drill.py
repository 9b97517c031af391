"""Step 5 of a drill: show that it is clean, close its records, and hand out the evidence."""

from collections.abc import Sequence
from datetime import UTC, datetime

from azure.durable_functions import DurableOrchestrationClient

from activities.clean_up_drill import command_for, held
from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError
from shared.model.activity_io import DrillStep
from shared.model.drill import ENDED_EARLY, Drill, DrillOutcome
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.orchestrations import signal_if_running
from shared.planning.run_errors import with_action
from shared.readers.target_vms import existing
from shared.reporting.archive import Stream
from shared.reporting.audit_log import decided
from shared.reporting.drill_record import record_of
from shared.site_recovery.drills import began, read_drill_item
from shared.site_recovery.recovery_plans import remove_plan


async def finish_drill(azure: Azure, request: DrillStep, client: DurableOrchestrationClient) -> StepResult:
    """Ready holds a `drill`, which is closed now: the first that failed, else one that ended early, else that of the VM
    itself; or nothing if there is no record. Failed if something of it is still there, and the lists had time to show
    that it is not."""
    drills = await azure.drills.together(request.vm_id)
    if not drills:
        # The host may have been killed after it had closed the records, and before its result was kept.
        last = await azure.drills.last(request.vm_id)
        return await _result(azure, last) if last and last.token == request.token else Ready()
    dirty = await _dirty(azure, drills)
    if not dirty and drills[0].plan:
        try:
            waiting = await remove_plan(azure, drills[0].plan, drills)
        except WriteRefusedError as refused:
            return await held(azure, drills, refused.error)
        if waiting and not request.last:
            return waiting
        if waiting:
            dirty = [(drills[0], _left_over(f"The recovery plan {drills[0].plan} is still there."))]
    if dirty and not request.last:
        return Pending(retry_after=azure.settings.poll_seconds, step="Waiting until everything is removed")
    if dirty:
        first, *_ = [await _not_clean(azure, drill, request.error or error) for drill, error in dirty]
        return Failed(error=first)
    for drill in reversed(drills):
        waiting = await _close(azure, drill, last=request.last)
        if waiting:
            return waiting
        await signal_if_running(client, drill.vm)
    return await _result(azure, drills[0])


async def _result(azure: Azure, drill: Drill) -> Ready:
    """By the closed records of all VMs of the drill."""
    ended = {each.outcome: each for each in reversed(await azure.drills.ended_with(drill))}
    shown = next(
        ended[each] for each in (DrillOutcome.FAILED, *ENDED_EARLY.values(), DrillOutcome.PASSED) if each in ended
    )
    return Ready(value={"drill": shown.dump()})


async def _dirty(azure: Azure, drills: Sequence[Drill]) -> list[tuple[Drill, Error]]:
    """Those whose item is in the test failover of the drill, or whose VM or disks exist, and what is still there."""
    items = [await read_drill_item(azure, drill.item) for drill in drills]
    seen = [item for item in items if item]
    if seen and not await began(azure, drills[0], seen):
        return []  # nothing was begun: what is there is somebody else's
    made = [resource for drill in drills for resource in (drill.test_vm, *drill.test_disks)]
    there = await existing(azure, made, 0)
    found = []
    for drill, item in zip(drills, items, strict=True):
        in_test = bool(item and item.item.in_test_failover)
        left = tuple(sorted(there & {drill.test_vm, *drill.test_disks}, key=str))
        if in_test or left:
            state = "is still in test failover" if in_test else "is in no test failover any more"
            names = ", ".join(str(each) for each in left) or "none of its VM and disks"
            text = f"The item of {drill.vm.name} {state}; still there: {names}."
            found.append((drill.with_(left=left), _left_over(text)))
    return found


def _left_over(message: str) -> Error:
    return Error(code="DrillNotCleanedUp", message=message)


async def _not_clean(azure: Azure, drill: Drill, error: Error) -> Error:
    """Writes that the attempt to clean up did not succeed, and why. Returns that with what to do."""
    command = command_for(azure, drill)
    error = error if error.action else error.with_(action=command)
    await azure.drills.write(drill.with_(cleanup_error=error, cleanup_attempts=drill.cleanup_attempts + 1))
    decided("drill not cleaned up", drill.vm, (), item=drill.item, error=error.code, command=command)
    return error


async def _close(azure: Azure, drill: Drill, *, last: bool) -> Pending | None:
    """Keeps the evidence, and closes the record. Returns what it waits for."""
    if not drill.ready_at and drill.error is None:
        interrupted = Error(code="DrillInterrupted", message="Its run was lost before its VM was ready.")
        drill = drill.with_(error=with_action(interrupted))
    now, poll = datetime.now(UTC), azure.settings.poll_seconds
    # Before the record is closed: a drill without evidence would be none for an auditor. Without an archive, or where
    # it cannot be written for long, the record itself is kept.
    kept = await azure.archive.keep(
        Stream.DRILLS, record_of(drill, now).dump(), retry_after=poll, key=f"{drill.token}|{drill.vm.key}"
    )
    if isinstance(kept, Pending) and not last:
        return kept
    ended = drill.with_(cleanup_error=None, left=(), ended_at=now)
    await azure.drills.close(ended)
    code = ended.error.code if ended.error else ""
    decided(f"drill {ended.outcome.lower()}", ended.vm, (), job=ended.job, item=ended.item, error=code)
    return None
