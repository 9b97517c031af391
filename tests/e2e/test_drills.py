"""Drills of many VMs: a batch within its limits and the quota, a cancelled batch, and what a schedule begins."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.test_drill import DRILLS, NETWORK, ORDER, ended, world
from tests.waiting import eventually

Json = dict[str, Any]

CORES = 2  # of each VM


def quotas(cores: int) -> list[Json]:
    """Quotas of the target region, in which no VM runs yet: Azure's usage counts the test VMs."""
    place = {"subscription": estates.SUBSCRIPTION, "location": estates.TARGET}
    return [{**place, "name": name, "limit": cores} for name in ("cores", "standardDSv5Family")]


def selection(*names: str, **more: Any) -> Json:
    return {"virtualMachines": [estates.vm_id(name) for name in names], "drill": ORDER, **more}


async def finished(stack: Stack, batch: str, *, within: float = 120) -> Json:
    async def has_ended() -> Json | None:
        status, view = await stack.api("GET", f"drills/{batch}")
        return view if status == 200 and not view["running"] else None

    view: Json = await eventually(has_ended, within=within)
    return view


async def written(stack: Stack) -> list[tuple[str, str]]:
    """The test failovers and cleanups that the app requested, each with the name of its VM, in order."""
    return [
        (request["path"].rsplit("/", 1)[-1], request["path"].split("/")[-2])
        for request in await stack.app_requests()
        if request["method"] == "POST" and request["path"].endswith(("/testFailover", "/testFailoverCleanup"))
    ]


def most_at_once(requests: list[tuple[str, str]]) -> int:
    """From the request of a test failover to that of its cleanup."""
    under_way, most = 0, 0
    for operation, _ in requests:
        under_way += 1 if operation == "testFailover" else -1
        most = max(most, under_way)
    return most


@pytest.mark.wide
async def test_a_batch_drills_as_many_at_a_time_as_the_quota_allows(start_stack: StartStack) -> None:
    names = [f"web-{number:02}" for number in range(20)]
    async with start_stack(world(*names) | {"quotas": quotas(3 * CORES)}, settings=DRILLS) as stack:
        status, plan = await stack.api("POST", "drills/plan", selection(*names, atOnce=5))
        assert (status, plan["refused"], plan["cores"], plan["coresAtOnce"]) == (200, 0, 20 * CORES, 5 * CORES)
        status, accepted = await stack.api("POST", "drills", selection(*names, atOnce=5))
        assert (status, accepted["total"]) == (202, 20)
        view = await finished(stack, accepted["batch"])
        status, listed = await stack.api("GET", "drills")
        requests = await written(stack)
    assert view["counts"] == {"Passed": 20}, view
    assert all(vm["rtoSeconds"] > 0 for vm in view["virtualMachines"])
    assert Counter(requests) == {
        (operation, item): 1 for operation in ("testFailover", "testFailoverCleanup") for _, item in requests
    }
    assert len(requests) == 2 * len(names)
    assert most_at_once(requests) <= 3
    assert [(row["batch"], row["total"], row["running"]) for row in listed["value"]] == [(view["batch"], 20, False)]


async def test_a_cancelled_batch_begins_nothing_more_and_cleans_up_what_runs(start_stack: StartStack) -> None:
    names = [f"web-{number}" for number in range(6)]
    body = selection(*names, atOnce=2, drill={**ORDER, "keepMinutes": 600})
    async with start_stack(world(*names), settings=DRILLS) as stack:
        _, accepted = await stack.api("POST", "drills", body)

        async def kept() -> bool:
            runs = [(await stack.api("GET", f"drills/{accepted['batch']}"))[1]["counts"]]
            return runs == [{"Running": 2, "Waiting": 4}] and len(await written(stack)) == 2

        await eventually(kept)
        status, _ = await stack.api("DELETE", f"drills/{accepted['batch']}")
        assert status == 202
        view = await finished(stack, accepted["batch"])
        again, problem = await stack.api("DELETE", f"drills/{accepted['batch']}")
        requests = await written(stack)
    assert view["cancelled"]
    # Those that ran have passed, if they were looked at before, and have not failed.
    assert set(view["counts"]) <= {"Cancelled", "Passed"}
    assert view["counts"]["Cancelled"] >= 4
    assert Counter(operation for operation, _ in requests) == {"testFailover": 2, "testFailoverCleanup": 2}
    assert (again, problem["code"]) == (409, "BatchEnded")


async def test_what_is_due_by_the_schedule_of_its_profile_is_drilled_by_the_timer(start_stack: StartStack) -> None:
    now = datetime.now(UTC)
    window = f"{now:%H}-{now + timedelta(hours=2):%H}"
    profile = {"drill": {"everyDays": 90, "window": window, "network": NETWORK, "maxCores": 2 * CORES, "atOnce": 2}}
    settings = {**DRILLS, "DR_PROFILES": json.dumps({"default": profile})}
    estate = world("due", "tested", "left-out")
    for item in estate["siteRecovery"][0]["protectedItems"]:
        item["condition"] = {"testedDaysAgo": 10 if "tested" in item["virtualMachine"] else 200}
    estate["virtualMachines"][2]["tags"] |= {"dr-drill": "off"}
    async with start_stack(estate, settings=settings) as stack:
        await stack.run_timer("reconcile")
        view = await ended(stack, "due")
        statuses = [(await stack.api("GET", f"{path}/drill"))[0] for path in map(_path, ("tested", "left-out"))]
        await stack.run_timer("reconcile")
        requests = await written(stack)
        (kept,) = [json.loads(file.read_text()) for file in (stack.folder / "archive").glob("drills/*/*.json")]
    assert view["outcome"] == "Passed"
    assert [asked["via"] for asked in kept["askedBy"]] == ["schedule"]
    assert statuses == [404, 404]
    assert [operation for operation, _ in requests] == ["testFailover", "testFailoverCleanup"]


def _path(name: str) -> str:
    return estates.vm_id(name).replace("/providers/Microsoft.Compute", "").lstrip("/")


async def test_bad_input_is_named_and_nothing_begins(start_stack: StartStack) -> None:
    async with start_stack(world("web-1"), settings=DRILLS) as stack:
        answers = [
            await stack.api("POST", "drills", body)
            for body in (
                selection("web-1", atOnce=0),
                {"virtualMachines": [estates.vm_id("web-1")]},
                selection("web-1", drill={"network": "dr-drill"}),
            )
        ]
        unknown = [await stack.api(method, "drills/drills-1") for method in ("GET", "DELETE")]
        requests = await written(stack)
    assert [(status, answer["errors"][0]["field"]) for status, answer in answers] == [
        (422, "atOnce"),
        (422, "drill"),
        (422, "drill.network"),
    ]
    assert [(status, answer["code"]) for status, answer in unknown] == [(404, "BatchNotFound")] * 2
    assert requests == []
