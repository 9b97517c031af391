"""Drills: a test failover that the app begins, looks at, writes down and cleans up, whatever happens meanwhile."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from local.stack import Stack, protection
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.overrides import CHOSEN, items, protected, protected_world
from tests.e2e.sweeping import compliance, so_far, sweep, writes
from tests.waiting import eventually

Json = dict[str, Any]
Reached = Callable[[Stack], Awaitable[bool]]

NETWORK = f"{CHOSEN}/providers/Microsoft.Network/virtualNetworks/dr-drill"
DRILLS = {"DR_DRILLS": "true"}
ORDER = {"network": NETWORK}
_API = "2025-08-01"


def world(*names: str, **more: Any) -> Json:
    """Protected VMs of two disks, and an isolated network for drills. `more` are further keys of the items."""
    vms = [estates.vm(name, disks=2) for name in names]
    estate = protected_world(vms, [protected(name, nics=[], **more) for name in names])
    estate["networks"].append(isolated_network())
    return estate


def isolated_network(**more: Any) -> Json:
    """A network for drills; `more` are further keys of its subnet."""
    subnet = {"name": "drill", "prefix": "10.77.1.0/24", "defaultOutboundAccess": False, **more}
    return {"id": NETWORK, "location": estates.TARGET, "addressSpace": ["10.77.0.0/16"], "subnets": [subnet]}


def route(name: str) -> str:
    return protection(estates.vm_id(name)).removesuffix("protection") + "drill"


async def begin(stack: Stack, name: str, **more: Any) -> None:
    status, accepted = await stack.api("POST", route(name), ORDER | more)
    assert status == 202, accepted


async def seen(stack: Stack, name: str) -> Json:
    status, view = await stack.api("GET", route(name))
    return view if status == 200 else {"running": False, "drill": None, "run": None, "last": None}


async def ended(stack: Stack, name: str, *, within: float = 60) -> Json:
    """The view of the drill once it is closed."""

    async def is_closed() -> Json | None:
        view = await seen(stack, name)
        return view if view["last"] and view["drill"] is None and not view["running"] else None

    view: Json = await eventually(is_closed, within=within)
    return view


async def at(stack: Stack, name: str, phase: str) -> None:
    """Waits until the run of the drill is in that phase."""

    async def reached() -> bool:
        view = await seen(stack, name)
        return bool(view["running"] and (view["run"] or {}).get("phase") == phase)

    await eventually(reached)


async def requested(stack: Stack) -> list[str]:
    """The test failovers and the cleanups that the app has requested, and that were accepted."""
    paths = [each["path"].rsplit("/", 1)[1] for each in await stack.app_requests() if 200 <= each["status"] < 300]
    return [path for path in paths if path.lower().startswith("testfailover")]


async def left(stack: Stack) -> list[str]:
    """What a drill has made and not removed: VMs, disks and interfaces."""
    state = await stack.sim("GET", "state")
    found = [each["id"] for each in state["resources"] if "-test" in each["id"] or "-ASRtest" in each["id"]]
    tested = [
        each["name"] for each in (await items(stack)).values() if each["properties"]["testFailoverState"] != "None"
    ]
    return found + tested


async def test_a_drill_of_one_vm_from_the_order_to_the_evidence(start_stack: StartStack) -> None:
    async with start_stack(world("web-1"), settings=DRILLS) as stack:
        plan_status, plan = await stack.api("POST", f"{route('web-1')}/plan", ORDER)
        before = await so_far(stack)
        await begin(stack, "web-1", recoveryPoint="latestProcessed")
        view = await ended(stack, "web-1")
        calls = _without_polls(await stack.app_requests(before))
        found = (await compliance(stack))[estates.vm_id("web-1").lower()]
        assert await left(stack) == []
        assert await requested(stack) == ["testFailover", "testFailoverCleanup"]
    last = view["last"]
    assert (plan_status, plan["refused"], plan["cores"], len(plan["testDisks"])) == (200, False, 2, 2)
    assert (view["outcome"], view["run"]["outcome"]) == ("Passed", "Passed")
    assert [check["name"] for check in last["checks"] if not check["passed"]] == []
    assert last["point"]["type"] in {"CrashConsistent", "ApplicationConsistent"}
    assert view["recoveryPointAgeSeconds"] > 0
    assert view["rtoSeconds"] > 0
    assert found["state"] == "Protected"
    assert 10 < len(calls) <= 20, "\n".join(calls)


def _without_polls(requests: list[Json]) -> list[str]:
    """The calls of the run, from its look at the VM on: the POST before has made the checks once already, and shares
    what it has read where a poll interval is not shortened to a twentieth of a second. A list that is read again at
    once counts once, for that reason; what follows jobs does not count."""
    calls = [f"{each['method']} {each['path']}" for each in requests if "/replicationjobs" not in each["path"].lower()]
    source = f"GET {estates.vm_id('web-1')}".lower()
    begun = max(number for number, call in enumerate(calls) if call.lower() == source)
    run = calls[begun:]
    return [call for number, call in enumerate(run) if number == 0 or call != run[number - 1]]


@pytest.mark.wide
async def test_killed_at_six_steps_it_is_asked_for_once_and_cleaned_up(start_stack: StartStack) -> None:
    steps: tuple[Reached, ...] = (_recorded, _asked("testFailover"), _phase("follow"), _phase("keep"), _cleaning)
    async with start_stack(world("web-1"), speed=60, settings=DRILLS) as stack:
        await stack.sim("POST", "test-failovers", {"id": estates.vm_id("web-1"), "slow": 2})
        await begin(stack, "web-1", keepMinutes=1440)
        for reached in steps:
            if reached is _cleaning:
                assert (await stack.api("DELETE", route("web-1")))[0] == 202
            await eventually(lambda reached=reached: reached(stack), every=0.02)  # type: ignore[misc]
            await stack.kill_host()
            await stack.start_host()
        view = await ended(stack, "web-1", within=120)
        assert await left(stack) == []
        assert await requested(stack) == ["testFailover", "testFailoverCleanup"]
    assert view["outcome"] == "Passed"


async def _recorded(stack: Stack) -> bool:
    return any((stack.folder / "origins").glob("drill-*"))


def _asked(what: str) -> Reached:
    async def reached(stack: Stack) -> bool:
        return what in await requested(stack)

    return reached


def _phase(name: str) -> Reached:
    async def reached(stack: Stack) -> bool:
        view = await seen(stack, "web-1")
        return bool(view["running"] and (view["run"] or {}).get("phase") == name)

    return reached


_cleaning = _asked("testFailoverCleanup")


async def with_new_task_hub(stack: Stack) -> None:
    """Kills the host, and starts it with a task hub that has no runs: with another database, or on Microsoft's
    extension with a hub of another name."""
    await stack.kill_host()
    host = stack.folder / "host"
    for file in [*host.glob("*.db*"), *host.glob("hub")]:
        file.unlink()
    await stack.start_host(DR_MODE="report")


@pytest.mark.wide
@pytest.mark.parametrize("phase", ["follow", "keep"])
async def test_a_new_task_hub_loses_the_run_and_the_sweep_cleans_up(start_stack: StartStack, phase: str) -> None:
    async with start_stack(world("web-1"), speed=60, settings=DRILLS) as stack:
        await begin(stack, "web-1", keepMinutes=1440)
        await at(stack, "web-1", phase)
        await with_new_task_hub(stack)
        assert await stack.instances() == []
        await stack.run_timer("reconcile")
        view = await ended(stack, "web-1", within=120)
        assert await left(stack) == []
        assert await requested(stack) == ["testFailover", "testFailoverCleanup"]
    assert view["outcome"] == ("Passed" if phase == "keep" else "Interrupted")


async def test_a_vm_that_does_not_boot_fails_the_drill_and_is_cleaned_up(start_stack: StartStack) -> None:
    async with start_stack(world("web-1"), settings=DRILLS) as stack:
        await stack.sim("POST", "test-failovers", {"id": estates.vm_id("web-1"), "boot": "no-agent"})
        await begin(stack, "web-1")
        view = await ended(stack, "web-1")
        assert await left(stack) == []
    assert (view["outcome"], view["last"]["error"]["code"]) == ("Failed", "TestVmNotReady")


async def test_a_pause_holds_the_cleanup_says_so_and_it_is_done_when_the_pause_ends(start_stack: StartStack) -> None:
    async with start_stack(world("web-1"), settings=DRILLS) as stack:
        await begin(stack, "web-1", keepMinutes=1440)
        await at(stack, "web-1", "keep")
        drilling = (await compliance(stack))[estates.vm_id("web-1").lower()]
        await stack.stop_process("host")
        await stack.start_host(DR_PAUSED="true")
        assert (await stack.api("DELETE", route("web-1")))[0] == 202
        held: Json = await eventually(lambda: _finding(stack, "DrillNotCleanedUp"))
        assert await requested(stack) == ["testFailover"]
        log = stack.log_of("host")
        await stack.stop_process("host")
        await stack.start_host()
        view = await ended(stack, "web-1")
        assert await left(stack) == []
        (kept,) = [json.loads(file.read_text()) for file in (stack.folder / "archive").glob("drills/*/*.json")]
    assert [caller["kind"] for caller in kept["endedBy"]] == ["function key"]
    assert view["last"]["endedBy"] == []
    assert (drilling["state"], drilling["compliant"], drilling["findings"]) == ("Drilling", True, [])
    assert "testFailoverCleanup" in held["message"]
    assert log.count("drill not cleaned up") == 1


async def _finding(stack: Stack, code: str) -> Json | None:
    status = (await compliance(stack))[estates.vm_id("web-1").lower()]
    return next((each for each in status["findings"] if each["code"] == code), None)


async def test_a_cleanup_that_fails_is_reported_and_tried_again_and_no_other_drill_begins(
    start_stack: StartStack,
) -> None:
    async with start_stack(world("web-1"), settings=DRILLS) as stack:
        fault = {"match": {"path": "testFailoverCleanup$"}, "kind": "fail-operation", "times": 1}
        await stack.sim("POST", "faults", fault)
        await begin(stack, "web-1")
        await eventually(lambda: _finding(stack, "DrillNotCleanedUp"), every=0.02)
        again, refused = await stack.api("POST", route("web-1"), ORDER)
        view = await ended(stack, "web-1")
        assert await left(stack) == []
        assert (await compliance(stack))[estates.vm_id("web-1").lower()]["state"] == "Protected"
    assert (again, refused["code"]) in {(422, "DrillRefused"), (409, "DrillInProgress")}
    assert (view["outcome"], view["last"]["cleanupAttempts"]) == ("Passed", 1)


async def test_a_person_s_own_test_is_left_alone(start_stack: StartStack) -> None:
    async with start_stack(world("web-1"), settings=DRILLS | {"DR_MODE": "cleanup"}) as stack:
        item = (await items(stack))["web-1"]
        network = {"networkId": NETWORK, "networkType": "VmNetworkAsInput"}
        details = {"failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": {"instanceType": "A2A"}}
        body = {"properties": network | details}
        await stack.arm("POST", f"{item['id']}/testFailover", _API, body)
        await eventually(lambda: _in_test(stack))
        refused, _ = await stack.api("POST", route("web-1"), ORDER)
        nothing, _ = await stack.api("DELETE", route("web-1"))
        await sweep(stack)
        status = (await compliance(stack))[estates.vm_id("web-1").lower()]
        assert await writes(stack) == []
        assert await _in_test(stack)
    assert (refused, nothing) == (422, 404)
    assert (status["state"], [each["code"] for each in status["findings"]]) == ("Frozen", ["ItemFrozen"])


async def _in_test(stack: Stack) -> bool:
    return bool((await items(stack))["web-1"]["properties"]["testFailoverState"].startswith("WaitingFor"))


async def test_an_opt_out_waits_for_the_cleanup_and_a_deleted_vm_or_one_on_hold_is_cleaned_up(
    start_stack: StartStack,
) -> None:
    names = ("web-1", "web-2", "web-3")
    settings = DRILLS | {"DR_MODE": "protect"}
    async with start_stack(world(*names), settings=settings) as stack:
        for name in names:
            await begin(stack, name, keepMinutes=1440)
        for name in names:
            await at(stack, name, "keep")
        deleted, _ = await stack.api("DELETE", f"{protection(estates.vm_id('web-1'))}?confirm=true")
        await stack.arm("DELETE", estates.vm_id("web-2"), "2026-04-01")
        await stack.tag(estates.vm_id("web-3"), **{"dr-hold": "audit"})
        assert set(await items(stack)) == set(names)
        for name in names:
            assert (await stack.api("DELETE", route(name)))[0] == 202
        for name in names:
            await ended(stack, name)
        await eventually(lambda: _protects_no_more(stack, "web-1"))
        assert await left(stack) == []
        order = [
            path.rsplit("/", 1)[1]
            for path in await writes(stack)
            if "web" in path or "test" in path or "remove" in path
        ]
    assert deleted == 202
    assert order.index("remove") > order.index("testfailovercleanup")


async def _protects_no_more(stack: Stack, name: str) -> bool:
    return name not in await items(stack)
