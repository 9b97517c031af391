"""Drills of a consistency group: all its VMs together, by a temporary recovery plan of which nothing stays."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.overrides import items
from tests.e2e.sweeping import compliance, sweep
from tests.e2e.test_drill import (
    DRILLS,
    NETWORK,
    ORDER,
    begin,
    ended,
    left,
    requested,
    route,
    seen,
    with_new_task_hub,
    world,
)
from tests.e2e.test_drills import CORES, finished, quotas, selection
from tests.waiting import eventually

Json = dict[str, Any]

NAMES = ("web-1", "web-2", "web-3")
GROUP = {"multiVmGroupName": "shop"}
_API = "2025-08-01"
_PLANS = f"{estates.VAULT}/replicationRecoveryPlans"


async def plans(stack: Stack) -> list[str]:
    return [each["name"] for each in (await stack.arm("GET", _PLANS, _API))["value"]]


async def all_ended(stack: Stack, *, within: float = 120) -> list[Json]:
    """The views of the drill of each VM, once nothing is left."""
    views = [await ended(stack, name, within=within) for name in NAMES]
    assert await left(stack) == []
    assert await plans(stack) == []
    return views


async def asked(stack: Stack, method: str, part: str) -> list[str]:
    """The requests of the app whose path has that part, and that were accepted."""
    return [
        each["path"].rsplit("/", 1)[1]
        for each in await stack.app_requests()
        if each["method"] == method and part in each["path"] and each["status"] < 300
    ]


@pytest.mark.parametrize("plays", [{}, {"planTestFailover": "suspends", "testFailoverState": "WaitingForCleanup"}])
@pytest.mark.long
async def test_a_group_is_drilled_as_a_whole_once_and_each_vm_has_its_evidence(
    start_stack: StartStack, plays: Json
) -> None:
    estate = world(*NAMES, "alone", **GROUP)
    del estate["siteRecovery"][0]["protectedItems"][-1]["multiVmGroupName"]
    async with start_stack(estate, settings=DRILLS) as stack:
        await stack.sim("PATCH", "behaviour", plays)
        _, plan = await stack.api("POST", f"{route('web-2')}/plan", ORDER)
        await begin(stack, "web-2", recoveryPoint="latestProcessed", keepMinutes=1440)
        again, _ = await stack.api("POST", route("web-3"), ORDER)
        await eventually(lambda: _kept(stack))
        drilling = await eventually(lambda: _drilling(stack))
        assert (await stack.api("DELETE", route("web-3")))[0] == 202
        views = await all_ended(stack)
        made = await asked(stack, "PUT", "replicationRecoveryPlans")
        removed = await asked(stack, "DELETE", "replicationRecoveryPlans")
        requests = await requested(stack)
        states = {each["state"] for each in (await compliance(stack)).values()}
        other, _ = await stack.api("GET", route("alone"))
    assert (plan["refused"], plan["cores"], len(plan["others"])) == (False, 3 * CORES, 2)
    assert again in {409, 422}
    assert drilling == {estates.vm_id(name).lower() for name in NAMES}
    assert requests == ["testFailover", "testFailoverCleanup"]
    assert (len(made), set(removed)) == (1, set(made))
    assert [view["outcome"] for view in views] == ["Passed"] * 3
    assert all(view["rtoSeconds"] > 0 and view["recoveryPointAgeSeconds"] > 0 for view in views)
    assert len({view["last"]["plan"] for view in views}) == 1
    assert (states, other) == ({"Protected"}, 404)


async def _drilling(stack: Stack) -> set[str] | None:
    found = {vm for vm, status in (await compliance(stack)).items() if status["state"] == "Drilling"}
    return found if len(found) == len(NAMES) else None


async def test_a_member_that_must_not_be_drilled_refuses_the_group(start_stack: StartStack) -> None:
    async with start_stack(world(*NAMES, **GROUP), settings=DRILLS) as stack:
        vm, item = estates.vm_id("web-3"), (await items(stack))["web-3"]["id"]
        for name, value in (("dr-drill", "off"), ("dr-hold", "audit")):
            await stack.tag(vm, **{name: value})
            assert "web-3" in await _refused(stack)
            taken = {"operation": "Delete", "properties": {"tags": {name: value}}}
            await stack.arm("PATCH", f"{vm}/providers/Microsoft.Resources/tags/default", "2025-04-01", taken)
        await eventually(lambda: _may_begin(stack))
        for shown in ({"replicationHealth": "Critical"}, {"testFailoverState": "WaitingForCleanup"}):
            await stack.sim("POST", "overrides", {"id": item, "set": {f"properties.{k}": v for k, v in shown.items()}})
            await eventually(lambda: _is_refused(stack))
            assert "web-3" in await _refused(stack)
            await stack.sim("DELETE", "overrides")
        await eventually(lambda: _may_begin(stack))
        assert await asked(stack, "PUT", "replicationRecoveryPlans") == []


async def _refused(stack: Stack) -> str:
    status, problem = await stack.api("POST", route("web-1"), ORDER)
    assert (status, problem["code"]) == (422, "DrillRefused")
    return str(problem["detail"])


async def _may_begin(stack: Stack) -> bool:
    return not await _is_refused(stack)


async def _is_refused(stack: Stack) -> bool:
    _, plan = await stack.api("POST", f"{route('web-1')}/plan", ORDER)
    return bool(plan["refused"])


async def test_the_quota_has_to_suffice_for_the_whole_group(start_stack: StartStack) -> None:
    async with start_stack(world(*NAMES, **GROUP) | {"quotas": quotas(2 * CORES)}, settings=DRILLS) as stack:
        status, problem = await stack.api("POST", route("web-1"), ORDER)
        point, unknown = await stack.api("POST", f"{route('web-1')}/plan", ORDER | {"recoveryPoint": "a-point"})
    assert (status, {each["code"] for each in problem["findings"]}) == (422, {"DrillQuotaExceeded"})
    assert (point, {each["code"] for each in unknown["findings"]}) == (200, {"DrillQuotaExceeded", "DrillPointUnknown"})


@pytest.mark.parametrize(
    ("boot", "outcomes"),
    [("no-agent", ["Passed", "Failed", "Passed"]), ("fails", ["Failed", "Failed", "Failed"])],
)
@pytest.mark.long
async def test_one_vm_that_does_not_come_up_fails_and_all_are_cleaned_up(
    start_stack: StartStack, boot: str, outcomes: list[str]
) -> None:
    async with start_stack(world(*NAMES, **GROUP), settings=DRILLS) as stack:
        await stack.sim("POST", "test-failovers", {"id": estates.vm_id("web-2"), "boot": boot})
        await begin(stack, "web-1")
        views = await all_ended(stack)
        requests = await requested(stack)
    assert [view["outcome"] for view in views] == outcomes
    assert "web-2" in views[1]["last"]["error"]["message"]
    assert views[0]["run"]["outcome"] == "Failed"
    assert requests == ["testFailover", "testFailoverCleanup"]


@pytest.mark.wide
async def test_killed_between_the_steps_it_is_asked_for_once_and_cleaned_up(start_stack: StartStack) -> None:
    reached: dict[str, Callable[[Stack], Awaitable[bool]]] = {
        "recorded": _recorded,
        "plan made": _has_plan,
        "asked": _has_asked("testFailover"),
        "kept": _kept,
        "cleaning": _has_asked("testFailoverCleanup"),
        "plan removed": _removing,
    }
    async with start_stack(world(*NAMES, **GROUP), speed=60, settings=DRILLS) as stack:
        await begin(stack, "web-3", keepMinutes=1440)
        for name, condition in reached.items():
            if name == "cleaning":
                assert (await stack.api("DELETE", route("web-2")))[0] == 202
            await eventually(lambda condition=condition: condition(stack), every=0.02)  # type: ignore[misc]
            await stack.kill_host()
            await stack.start_host()
        views = await all_ended(stack)
        requests, made = await requested(stack), await asked(stack, "PUT", "replicationRecoveryPlans")
    assert requests == ["testFailover", "testFailoverCleanup"]
    assert len(made) == 1
    assert [view["outcome"] for view in views] == ["Passed"] * 3


async def _recorded(stack: Stack) -> bool:
    return len(list((stack.folder / "origins").glob("drill-*"))) == len(NAMES)


async def _has_plan(stack: Stack) -> bool:
    return bool(await asked(stack, "PUT", "replicationRecoveryPlans"))


async def _removing(stack: Stack) -> bool:
    return bool(await asked(stack, "DELETE", "replicationRecoveryPlans"))


def _has_asked(what: str) -> Callable[[Stack], Awaitable[bool]]:
    async def reached(stack: Stack) -> bool:
        return what in await requested(stack)

    return reached


async def _kept(stack: Stack) -> bool:
    view = await seen(stack, "web-1")
    return bool(view["running"] and (view["run"] or {}).get("phase") == "keep")


@pytest.mark.wide
@pytest.mark.parametrize("reached", [_has_plan, _kept])
async def test_a_new_task_hub_loses_the_run_and_the_sweep_cleans_up_and_removes_the_plan(
    start_stack: StartStack, reached: Callable[[Stack], Awaitable[bool]]
) -> None:
    async with start_stack(world(*NAMES, **GROUP), speed=60, settings=DRILLS) as stack:
        await begin(stack, "web-1", keepMinutes=1440)
        await eventually(lambda: reached(stack), every=0.02)
        await with_new_task_hub(stack)
        await stack.run_timer("reconcile")
        views = await all_ended(stack)
    assert {view["outcome"] for view in views} == ({"Passed"} if reached is _kept else {"Interrupted"})


async def test_a_person_s_plan_with_the_same_vms_and_its_test_are_left_alone(start_stack: StartStack) -> None:
    async with start_stack(world(*NAMES, **GROUP), settings=DRILLS | {"DR_MODE": "cleanup"}) as stack:
        await begin(stack, "web-1")
        members = [{"id": item["id"]} for item in (await items(stack)).values()]
        fabrics = {f"{way}FabricId": f"{estates.VAULT}/replicationFabrics/{name}" for way, name in _WAYS.items()}
        groups = [{"groupType": "Boot", "replicationProtectedItems": members}]
        await stack.arm("PUT", f"{_PLANS}/by-hand", _API, {"properties": fabrics | {"groups": groups}})

        async def only_theirs() -> bool:
            return await plans(stack) == ["by-hand"]

        for name in NAMES:
            await ended(stack, name)
        await eventually(only_theirs)
        test = {"failoverDirection": "PrimaryToRecovery", "networkType": "VmNetworkAsInput", "networkId": NETWORK}
        details = [{"instanceType": "A2A", "recoveryPointType": "Latest"}]
        body = {"properties": test | {"providerSpecificDetails": details}}
        await stack.arm("POST", f"{_PLANS}/by-hand/testFailover", _API, body)
        await eventually(lambda: _all_in_test(stack))
        refused, _ = await stack.api("POST", route("web-1"), ORDER)
        await sweep(stack)
        assert await _all_in_test(stack)
        assert await plans(stack) == ["by-hand"]
        cleaned = await requested(stack)
    assert refused == 422
    assert cleaned == ["testFailover", "testFailoverCleanup"]


_WAYS = {"primary": "primary", "recovery": "secondary"}


async def _all_in_test(stack: Stack) -> bool:
    states = [each["properties"]["testFailoverState"] for each in (await items(stack)).values()]
    return all(state.startswith("WaitingFor") for state in states)


async def test_a_plan_that_somebody_has_put_others_into_is_not_removed_until_they_are_out(
    start_stack: StartStack,
) -> None:
    estate = world(*NAMES, "alone", **GROUP)
    del estate["siteRecovery"][0]["protectedItems"][-1]["multiVmGroupName"]
    async with start_stack(estate, settings=DRILLS) as stack:
        await begin(stack, "web-1", keepMinutes=1440)
        await eventually(lambda: _kept(stack))
        (name,) = await plans(stack)
        plan = await stack.arm("GET", f"{_PLANS}/{name}", _API)
        mine = [group for group in plan["properties"]["groups"] if group["groupType"] == "Boot"]
        stranger = (await items(stack))["alone"]["id"]
        theirs = [{"groupType": "Boot", "replicationProtectedItems": [{"id": stranger}]}]
        fabrics = {key: plan["properties"][key] for key in ("primaryFabricId", "recoveryFabricId")}
        await stack.arm("PUT", f"{_PLANS}/{name}", _API, {"properties": fabrics | {"groups": mine + theirs}})
        assert (await stack.api("DELETE", route("web-1")))[0] == 202
        held = await eventually(lambda: _finding(stack, "DrillNotCleanedUp"))
        assert await plans(stack) == [name]
        await stack.arm("PUT", f"{_PLANS}/{name}", _API, {"properties": fabrics | {"groups": mine}})
        await all_ended(stack)
    assert stranger.rsplit("/", 1)[1] in held["message"]


async def _finding(stack: Stack, code: str) -> Json | None:
    status = (await compliance(stack))[estates.vm_id("web-1").lower()]
    return next((each for each in status["findings"] if each["code"] == code), None)


@pytest.mark.long
async def test_a_batch_drills_a_group_once_and_counts_it_as_one(start_stack: StartStack) -> None:
    estate = world(*NAMES, "alone", **GROUP) | {"quotas": quotas(3 * CORES)}
    del estate["siteRecovery"][0]["protectedItems"][-1]["multiVmGroupName"]
    async with start_stack(estate, settings=DRILLS) as stack:
        chosen = selection("web-2", "web-1", "alone", atOnce=2)
        _, plan = await stack.api("POST", "drills/plan", chosen)
        _, accepted = await stack.api("POST", "drills", chosen)
        view = await finished(stack, accepted["batch"])
        await asyncio.gather(*(ended(stack, name) for name in NAMES))
        requests = [
            each["path"].split("/")[-2]
            for each in await stack.app_requests()
            if each["method"] == "POST" and each["path"].endswith("/testFailover") and each["status"] < 300
        ]
        assert await plans(stack) == []
    assert (plan["refused"], plan["cores"], plan["coresAtOnce"]) == (0, 4 * CORES, 4 * CORES)
    assert (view["counts"], view["total"]) == ({"Passed": 3}, 3)
    assert len(requests) == 2
    assert sum(name.startswith("dr-drill-") for name in requests) == 1
