"""The simulator's answers of a test failover have the form of those that were recorded."""

import json
from typing import Any

import pytest

from local.conformance.comparison import Answer, Documented, compare
from local.conformance.exchange import Exchange
from tests.integration.conformance.test_recordings import RECORDINGS, needs_recordings
from tests.integration.simulator import test_plan_test_failover as plans
from tests.integration.simulator.azure import Azure
from tests.integration.simulator.test_test_failover import CLEANUP, ITEM, LEFT, drill, simulated, world
from tests.waiting import eventually

PLAN_JOB = 24
"""Recorded of a failover, which shuts the VMs down first, and whose details are of another type."""
FILE = RECORDINGS / "test_failover_exchanges.jsonl"


def recorded(number: int) -> Exchange:
    lines = map(json.loads, FILE.read_text(encoding="utf-8").splitlines())
    [line] = [each for each in lines if each["n"] == number]
    body = line["responseBody"]
    if number == PLAN_JOB:
        body["properties"]["tasks"] = [task for task in body["properties"]["tasks"] if "Shutdown" not in task["taskId"]]
        body["properties"]["customDetails"] = body["properties"]["customDetails"]["affectedObjectDetails"]
    return Exchange(number, line["method"], line["path"], line["requestBody"] or None, 200, body)


async def job_that(clients: Azure, action: str, body: Any) -> tuple[Any, Any, Any]:
    """Its first read, a read while it runs, and the one after its end."""
    await clients.call("PATCH", "/sim/clock", {"speed": 1})
    _, _, headers = await clients.call("POST", action, body)
    job = headers["x-ms-request-id"]

    async def read() -> Any:
        return (await clients.call("GET", job))[1]

    async def ended() -> Any:
        found = await read()
        return found if found["properties"]["state"] == "Succeeded" else None

    first, second = await read(), await read()
    await clients.call("PATCH", "/sim/clock", {"speed": 3000})
    return first, second, await eventually(ended)


async def answers() -> dict[int, Any]:
    """Ours by the number of the recorded exchange."""
    async with simulated(world(*plans.NAMES)) as clients:
        _, points, _ = await clients.call("GET", f"{ITEM}/recoveryPoints")
        await plans.planned(clients)
        _, plan, _ = await clients.call("GET", plans.PLAN)
        test = await job_that(clients, f"{ITEM}/testFailover", drill())
        _, vm, _ = await clients.call("GET", LEFT[0])
        cleanup = await job_that(clients, f"{ITEM}/testFailoverCleanup", CLEANUP)
        of_plan = await job_that(clients, f"{plans.PLAN}/testFailover", plans.of_plan())
    job_of_plan = of_plan[2]
    properties = job_of_plan["properties"]
    properties["customDetails"] = properties["customDetails"]["affectedObjectDetails"]
    return {
        6: vm,
        13: test[0],
        14: test[2],
        16: cleanup[0],
        17: cleanup[1],
        18: cleanup[2],
        21: plan,
        23: of_plan[0],
        PLAN_JOB: job_of_plan,
        26: points,
    }


# What differs, and why.
EXPLAINED = {
    # The recorded VM has identities and is in sets, which the tested one is not; no VM here has an ETag.
    (6, "$.identity"),
    (6, "$.etag"),
    (6, "$.properties.availabilitySet"),
    (6, "$.properties.proximityPlacementGroup"),
}


@needs_recordings
@pytest.mark.skipif(not FILE.is_file(), reason=f"no {FILE}")
async def test_answers_have_the_recorded_form() -> None:
    found = {
        (number, difference.where): str(difference)
        for number, ours in (await answers()).items()
        for difference in compare(recorded(number), Answer(200, {}, ours), Documented([]))
    }
    assert {place: text for place, text in found.items() if place not in EXPLAINED} == {}
