"""Step 3 of a drill: look at each test VM, until the agent in it says that the operating system has come up."""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.config.intervals import LOOK_AT_TEST_VM
from shared.model.activity_io import DrillStep
from shared.model.drill import Check, Drill, DrillVm
from shared.model.drill_words import LATEST
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.observe.drill import look_at
from shared.planning.run_errors import with_action
from shared.site_recovery.recovery_plans import points_of
from shared.site_recovery.vault import vault_of


async def look_at_drill(azure: Azure, request: DrillStep) -> StepResult:
    """Ready once the VMs are as they should be; with `error` if one is not, and this is the `last` look. Failed if
    there is no test VM to keep."""
    drills = await azure.drills.together(request.vm_id)
    if not drills:
        return Failed(error=Error(code="DrillRecordMissing", message="The record of the drill is gone."))
    if drills[0].plan and drills[0].order.recovery_point != LATEST and drills[0].point is None:
        points = await points_of(azure, drills)
        drills = await azure.drills.write(*(each.with_(point=points.get(each.vm)) for each in drills))
    looked = [await _look(azure, drill, last=request.last) for drill in drills]
    if missing := next((check for _, check in looked if check), None):
        step = f"Waiting for the test VM: {missing.name} is {missing.found}"
        # At the same times as those of other drills, which share their reads.
        wait = LOOK_AT_TEST_VM * azure.settings.poll_seconds
        return Pending(retry_after=wait, step=step, tick=wait)
    error = next((drill.error for drill, _ in looked if drill.error), None)
    if error and not any(drill.seen for drill, _ in looked):
        return Failed(error=error)
    return Ready(value={"error": error.dump()} if error else {})


async def _look(azure: Azure, known: Drill, *, last: bool) -> tuple[Drill, Check | None]:
    """The record with what was seen, and the check that is waited for; with the `last` look it is an error."""
    now, seen = datetime.now(UTC), await look_at(azure, known.test_vm, last=last)
    job = await vault_of(azure, known.vault).job(known.job)
    drill = known.with_(
        job_started_at=job.started if job else None,
        job_ended_at=job.ended if job else None,
        seen=seen,
        checks=tuple(_checks(known, seen)),
        running_at=known.running_at or (now if seen and seen.is_running else None),
        ready_at=known.ready_at or (now if seen and seen.is_ready else None),
    )
    failed = [check for check in drill.checks if not check.passed]
    if failed and not last:
        if drill.running_at == now:
            await azure.drills.write(drill)
        return drill, failed[0]
    if failed:
        found = "; ".join(f"{check.name}: {check.found}" for check in failed)
        error = Error(code="TestVmNotReady", message=f"{drill.test_vm.name} did not come up: {found}.")
        drill = drill.with_(error=with_action(error))
    await azure.drills.write(drill)
    return drill, None


def _checks(drill: Drill, seen: DrillVm | None) -> Iterator[Check]:
    yield Check(name="exists", passed=seen is not None, found="yes" if seen else "no VM of that name")
    if seen is None:
        return
    yield Check(name="running", passed=seen.is_running, found=seen.power_state or "not known")
    yield Check(name="agent", passed=seen.is_ready, found=seen.agent or "not reporting")
    missing = [disk.name for disk in drill.test_disks if disk not in seen.disks]
    disks = f"without {', '.join(missing)}" if missing else f"all {len(seen.disks)}"
    yield Check(name="disks", passed=not missing, found=disks)
    if seen.boot_diagnostics:
        # An error of theirs says nothing about the VM.
        yield Check(name="boot diagnostics", passed=True, found=seen.boot_diagnostics)
    for nic in seen.nics:
        inside = nic.subnet is not None and nic.subnet.parent == drill.network
        where = f"{nic.address or 'no address'} in {nic.subnet or 'no subnet'}"
        yield Check(name=f"interface {nic.id.name}", passed=inside and bool(nic.address), found=where)
