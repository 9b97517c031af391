"""Azure Resource Graph as the app asks it: all pages of all subscriptions, or a word that something is missing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.arm.errors import ThrottledError
from shared.arm.resource_graph import TruncatedError, query
from tests.integration.app.conftest import Reach, Reached
from tests.integration.simulator.azure import SUBSCRIPTION, TENANT, estate, machine, vm_id

VMS = "resources | where type =~ 'microsoft.compute/virtualmachines' | project id, name | order by id asc"
GROUPS = (
    "resourcecontainers | where type startswith 'microsoft.resources/subscriptions/' | project id | order by id asc"
)
GRAPH = "Microsoft.ResourceGraph"
LARGE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-large"
GENERATED = "11111111-1111-4111-8111-111111111111"


async def rows(reached: Reached, text: str, *subscriptions: str) -> list[dict[str, Any]]:
    return [row async for row in query(reached.azure, text, subscriptions or (SUBSCRIPTION,))]


async def read(
    reached: Reached, text: str, at_first: Callable[[dict[str, Any]], None] = lambda _row: None
) -> tuple[list[dict[str, Any]], Exception | None]:
    """The rows of the generated subscription up to the fault, and that; something may happen at the first."""
    found: list[dict[str, Any]] = []
    try:
        async for row in query(reached.azure, text, (GENERATED,)):
            if not found:
                at_first(row)
            found.append(row)
    except (HttpResponseError, TruncatedError) as fault:
        return found, fault
    return found, None


async def test_all_pages_are_read_in_order_and_no_more(reach: Reach) -> None:
    async with reach({"generate": {"vms": 2001}}) as reached:
        found = await rows(reached, VMS, GENERATED)
        calls = reached.calls(GRAPH)
    assert [row["name"] for row in found] == [f"vm-{number:05}" for number in range(2001)]
    assert [call["responseBody"]["count"] for call in calls] == [1000, 1000, 1]
    assert {call["requestBody"]["options"]["$top"] for call in calls} == {1000}


async def test_more_than_a_thousand_subscriptions_are_asked_for_in_parts(reach: Reach) -> None:
    names = [f"00000000-0000-4000-8000-{number:012}" for number in range(1001)]
    existing = {
        "tenantId": TENANT,
        "subscriptions": [{"id": name} for name in names],
        "resourceGroups": [{"id": f"/subscriptions/{name}/resourceGroups/rg", "location": "eastus"} for name in names],
    }
    async with reach(existing) as reached:
        found = await rows(reached, GROUPS, *reversed(names), names[0].upper())
        asked = [len(call["requestBody"]["subscriptions"]) for call in reached.calls(GRAPH)]
    assert [row["id"].split("/")[2] for row in found] == names
    assert asked == [1000, 1]


async def test_nothing_is_asked_over_no_subscription(reach: Reach) -> None:
    """To the service it would mean all that there are."""
    async with reach(estate()) as reached:
        assert [row async for row in query(reached.azure, VMS, ())] == []
        assert reached.calls() == []


async def test_an_answer_that_would_be_too_large_is_asked_for_in_smaller_pages(reach: Reach) -> None:
    tags = {f"t{index}": "x" * 256 for index in range(50)}
    groups = [{"id": f"{LARGE}{number:04}", "location": "eastus", "tags": tags} for number in range(1000)]
    async with reach(estate(resourceGroups=groups)) as reached:
        text = "resourcecontainers | where name startswith 'rg-large' | project id, tags, more = tags | order by id asc"
        found = await rows(reached, text)
        calls = reached.calls(GRAPH)
    assert [row["id"] for row in found] == [group["id"] for group in groups]
    assert [(call["status"], call["requestBody"]["options"]["$top"]) for call in calls] == [
        (400, 1000),
        (200, 500),
        (200, 500),
    ]


async def test_a_row_that_is_too_large_alone_is_a_fault(reach: Reach) -> None:
    async with reach(estate()) as reached:
        details = {"status": 400, "code": "ResponsePayloadTooLarge"}
        reached.fault(match={"path": GRAPH}, kind="status", **details)
        with pytest.raises(HttpResponseError):
            await rows(reached, VMS)
        tops = [call["requestBody"]["options"]["$top"] for call in reached.calls(GRAPH)]
    assert tops == [1000, 500, 250, 125, 62, 31, 15, 7, 3, 1]


async def test_what_the_service_cuts_off_is_reported(reach: Reach) -> None:
    async with reach({"generate": {"vms": 1001}}) as reached:
        found, fault = await read(reached, VMS.replace("project id, name", "project name").replace("by id", "by name"))
    assert len(found) == 1000
    assert isinstance(fault, TruncatedError)
    assert "returned 1000 of 1001 rows" in str(fault)


async def test_a_row_that_vanishes_between_two_pages_takes_another_along_and_that_is_reported(reach: Reach) -> None:
    """The second page begins after a thousand rows of those that are left: one of the old ones is on neither."""
    async with reach({"generate": {"vms": 1100}}) as reached:
        found, fault = await read(reached, VMS, at_first=lambda row: reached.simulator.world.store.remove(row["id"]))
    assert "vm-01000" not in [row["name"] for row in found]
    assert isinstance(fault, TruncatedError)
    assert "returned 1099 of 1100 rows" in str(fault)


async def test_a_page_that_fails_comes_after_the_rows_before_it(reach: Reach) -> None:
    async with reach({"generate": {"vms": 1001}}) as reached:
        reached.fault(match={"path": GRAPH, "body": r'"\$skipToken"'}, kind="status", status=403, code="Forbidden")
        found, fault = await read(reached, VMS)
    assert len(found) == 1000
    assert isinstance(fault, HttpResponseError)


async def test_a_passing_fault_is_borne(reach: Reach) -> None:
    async with reach(estate()) as reached:
        reached.fault(match={"path": GRAPH}, kind="throttle", retryAfter=0.01, times=2)
        assert [row["id"] for row in await rows(reached, VMS)] == [vm_id("web-1")]


async def test_more_queries_than_a_window_holds_end_well_for_those_who_come_back(reach: Reach) -> None:
    async def patiently(reached: Reached) -> list[dict[str, Any]]:
        while True:
            try:
                return await rows(reached, VMS)
            except ThrottledError as throttled:
                await asyncio.sleep(throttled.next_slot(throttled.wait))

    async with reach(estate(machine("a")), speed=50, poll_seconds=30 / 50) as reached:
        found = await asyncio.gather(*(patiently(reached) for _ in range(40)))
    assert all(len(each) == 1 for each in found)
