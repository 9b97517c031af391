"""Step 3 of a drill: look at the test VM, until the agent in it says that the operating system has come up."""

from collections.abc import Iterator
from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.config.intervals import LOOK_AT_TEST_VM
from shared.model.activity_io import DrillStep
from shared.model.drill import Check, Drill, DrillVm
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.observe.drill import look_at
from shared.planning.run_errors import with_action
from shared.site_recovery.vault import vault_of


async def look_at_drill(azure: Azure, request: DrillStep) -> StepResult:
    """Ready once the VM is as it should be; with `error` if it is not, and this is the `last` look. Failed if there is
    no test VM to keep."""
    drill = await azure.drills.of(request.vm_id)
    if drill is None:
        return Failed(error=Error(code="DrillRecordMissing", message="The record of the drill is gone."))
    now, seen = datetime.now(UTC), await look_at(azure, drill.test_vm, last=request.last)
    job = await vault_of(azure, drill.vault).job(drill.job)
    drill = drill.with_(
        job_started_at=job.started if job else None,
        job_ended_at=job.ended if job else None,
        seen=seen,
        checks=tuple(_checks(drill, seen)),
        running_at=drill.running_at or (now if seen and seen.is_running else None),
        ready_at=drill.ready_at or (now if seen and seen.is_ready else None),
    )
    failed = [check for check in drill.checks if not check.passed]
    if failed and not request.last:
        if drill.running_at == now:
            await azure.drills.write(drill)
        step = f"Waiting for the test VM: {failed[0].name} is {failed[0].found}"
        # At the same times as those of other drills, which share their reads.
        wait = LOOK_AT_TEST_VM * azure.settings.poll_seconds
        return Pending(retry_after=wait, step=step, tick=wait)
    if failed:
        found = "; ".join(f"{check.name}: {check.found}" for check in failed)
        error = Error(code="TestVmNotReady", message=f"{drill.test_vm.name} did not come up: {found}.")
        drill = drill.with_(error=with_action(error))
    await azure.drills.write(drill)
    if drill.error and seen is None:
        return Failed(error=drill.error)
    return Ready(value={"error": drill.error.dump()} if drill.error else {})


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
