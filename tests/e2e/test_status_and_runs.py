"""What the app says of itself: its sweeps, and what is under way, on the engine that runs it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.resource_id import ResourceId
from shared.orchestrations import instance_of
from shared.reconcile.run_state import RunState
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.sweeping import settled
from tests.unit.app.examples import VM_ID
from tests.waiting import eventually

pytestmark = pytest.mark.original


async def test_a_sweep_is_started_by_a_caller_and_shown_with_its_result(start_stack: StartStack) -> None:
    """In report mode, too; and while one is in progress a second request starts no other."""
    off = estates.vm("off", power="deallocated")
    async with start_stack(estates.estate([off]), settings={"DR_MODE": "report"}) as stack:
        status, before = await stack.api("GET", "status")
        assert (status, before["mode"], before["sweep"], before["lastSweep"]) == (200, "report", None, None)
        status, accepted = await stack.api("POST", "sweep")
        assert (status, accepted["started"]) == (202, True)

        async def swept() -> Any:
            _, view = await stack.api("GET", "status")
            return view if view["lastSweep"] and not view["sweep"] else None

        view = await eventually(swept)
        assert (view["lastSweep"]["outcome"], view["lastSweep"]["summary"]["required"]) == ("complete", 1)
        assert view["ageSeconds"] < 600
        _, first = await stack.api("POST", "sweep")
        _, second = await stack.api("POST", "sweep")
        _, running = await stack.api("GET", "status")
        if not second["started"]:  # The one before had not ended.
            assert second["sweep"]["since"] <= first["sweep"]["since"]
        assert running["lastSweep"]["summary"] == view["lastSweep"]["summary"]
        await settled(stack)


async def test_more_runs_than_a_page_of_the_engine_are_all_shown_until_they_end(start_stack: StartStack) -> None:
    """The engine's page is a hundred, if nothing else is asked for."""
    now = datetime.now(UTC)
    waiting = RunState(vm_id=VM_ID, poll_seconds=30, since=now, resume_at=now + timedelta(days=1), step="Waiting")
    async with start_stack(estates.estate([estates.vm("web-1")])) as stack:
        vms = [ResourceId.of(estates.SUBSCRIPTION, "app", VM_ID.type, f"old-{number}") for number in range(110)]
        ids = [instance_of(vm) for vm in vms]
        for vm in vms:
            await stack.start("protect_vm", instance_of(vm), waiting.with_(vm_id=vm).dump())

        async def runs(count: int) -> Any:
            _, view = await stack.api("GET", "runs?kind=vm&top=1000")
            known = [run for run in view["value"] if run["step"] == "Waiting"]
            return view if len(known) == count else None

        view = await eventually(lambda: runs(110))
        assert (view["counts"], view["gaps"], view["nextLink"]) == ({"vm": 110}, [], None)
        assert [run["instanceId"] for run in view["value"]] == sorted(ids)
        assert {run["vmId"] for run in view["value"]} == set(map(str, vms))
        assert {run["resumeAt"] for run in view["value"]} == {waiting.dump()["resumeAt"]}
        _, first = await stack.api("GET", "runs?top=109")
        _, second = await stack.api("GET", first["nextLink"].removeprefix("/api/"))
        assert [run["instanceId"] for run in second["value"]] == [max(ids)]
        await stack.manage(ids[0], "suspend")
        await stack.manage(ids[1], "terminate")
        view = await eventually(lambda: runs(109))

        async def suspended() -> Any:
            view = await runs(109)
            return ids[0] in [run["instanceId"] for run in view["value"] if run["state"] == "Suspended"]

        await eventually(suspended)
