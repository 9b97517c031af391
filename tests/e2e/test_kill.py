"""The host dies at once, at the worst moments, and comes back on its history: every VM ends Protected."""

import json
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.stack import APP, Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.waiting import eventually

pytestmark = pytest.mark.wide


def _asked_for(part: str, times: int = 1) -> Callable[[Stack], Awaitable[bool]]:
    async def reached(stack: Stack) -> bool:
        return sum(count for path, count in (await written(stack)).items() if f"/{part}/" in path) >= times

    return reached


async def _replicating(stack: Stack) -> bool:
    items = await stack.arm("GET", f"{estates.VAULT}/replicationProtectedItems", "2025-08-01")
    return any(item["properties"]["protectionState"].startswith("InitialReplication") for item in items["value"])


STEPS: tuple[Callable[[Stack], Awaitable[bool]], ...] = (
    _asked_for("replicationfabrics"),
    _asked_for("replicationprotectioncontainermappings"),
    _asked_for("replicationprotecteditems"),
    _asked_for("replicationprotecteditems", times=4),
    _replicating,
)


@pytest.mark.parametrize("options", [(), ("--items-hidden-while-enabling",)], ids=["items visible", "items hidden"])
async def test_killed_at_five_steps(start_stack: StartStack, options: tuple[str, ...]) -> None:
    vms = [estates.vm(f"web-{number}") for number in range(4)]
    async with start_stack(estates.estate(vms), speed=120, simulator_options=options) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        for reached in STEPS:
            await eventually(lambda reached=reached: reached(stack))  # type: ignore[misc]
            await stack.kill_host()
            await stack.start_host()
        ended = await results(stack, len(vms))
        writes = await written(stack)
    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert enables(writes) == [1] * len(vms)


async def test_a_deployment_with_one_more_step_breaks_no_parked_run(start_stack: StartStack, tmp_path: Path) -> None:
    vms = [estates.vm(f"web-{number:02}") for number in range(4)]
    # Looked at rarely, so that there are moments in which all of them are parked; none ends before the last one is.
    settings = {"DR_POLL_SECONDS": "6"}
    async with start_stack(estates.estate(vms), speed=200, settings=settings) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        await eventually(lambda: _following(stack))
        await stack.sim("PATCH", "clock", {"speed": 1})
        await eventually(lambda: _all_parked(stack, len(vms)), within=120)
        await stack.stop_process("host")
        await stack.sim("PATCH", "clock", {"speed": 200})
        stack.app = _with_one_more_step(tmp_path / "next-version")
        await stack.start_host()
        ended = await results(stack, len(vms), within=120)
        writes = await written(stack)
    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert enables(writes) == [1] * len(vms)


async def _following(stack: Stack) -> list[dict[str, str]]:
    """The states of the runs that wait for their initial replication."""
    runs = [json.loads(instance["input"]) for instance in await stack.instances()]
    return [run for run in runs if run["phase"] == "follow"]


async def _all_parked(stack: Stack, vms: int) -> bool:
    """Whether each run waits for its initial replication, and goes on waiting for a second at least."""
    soon = datetime.now(UTC) + timedelta(seconds=1)
    return sum(datetime.fromisoformat(run["resumeAt"]) > soon for run in await _following(stack)) == vms


def _with_one_more_step(folder: Path) -> Path:
    """The app as a later version might be: following a job asks for one more activity first."""
    for part in ("triggers", "orchestrators", "activities", "shared"):
        shutil.copytree(APP / part, folder / part)
    for file in ("function_app.py", "host.json"):
        shutil.copy(APP / file, folder / file)
    orchestrator = folder / "orchestrators" / "protect_vm.py"
    before = orchestrator.read_text()
    step = '    outcome = yield from call_activity(context, run, "monitor_job"'
    more = '    yield from call_activity(context, run, "resolve_source", VmRequest(vm_id=run.vm_id))\n'
    after = before.replace(step, more + step)
    assert after != before
    orchestrator.write_text(after)
    return folder
