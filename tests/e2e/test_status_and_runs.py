"""What the app says of itself: its sweeps, and what is under way, on the engine that runs it."""

from typing import Any

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import write_event
from tests.e2e.sweeping import settled
from tests.waiting import eventually


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
        _, again = await stack.api("POST", "sweep")
        _, second = await stack.api("POST", "sweep")
        _, running = await stack.api("GET", "status")
        if not second["started"]:  # The one before had not ended.
            assert second["sweep"]["since"] <= again["sweep"]["since"]
        assert running["lastSweep"]["summary"] == view["lastSweep"]["summary"]
        await settled(stack)


async def test_more_runs_than_a_page_of_the_engine_are_under_way_until_they_end(start_stack: StartStack) -> None:
    """The engine's page is a hundred, if nothing else is asked for."""
    vms = [estates.vm(f"web-{number:03}") for number in range(120)]
    async with start_stack(estates.estate(vms)) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))

        async def all_run() -> Any:
            _, view = await stack.api("GET", "runs?kind=vm&top=1000")
            runs = [run for run in view["value"] if run.get("resumeAt")]
            return view if len(runs) == 120 else None

        view = await eventually(all_run, within=120)
        assert (view["counts"], view["gaps"], view["nextLink"]) == ({"vm": 120}, [], None)
        assert {run["vmId"].lower() for run in view["value"]} == {vm["id"].lower() for vm in vms}
        assert all(run["since"] <= view["at"] for run in view["value"])
        _, first = await stack.api("GET", "runs?top=1")
        _, second = await stack.api("GET", first["nextLink"].removeprefix("/api/"))
        assert first["value"][0]["instanceId"] < second["value"][0]["instanceId"]

        await settled(stack, within=300)

        _, view = await stack.api("GET", "runs")
        assert (view["counts"], view["value"]) == ({}, [])
