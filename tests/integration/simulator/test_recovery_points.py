"""The recovery points of an item: which there are, in which order, and what a test failover takes of them."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.integration.simulator.azure import Azure, cause
from tests.integration.simulator.test_test_failover import ITEM, WHERE, begun, drill, job_of, outcome, simulated, world
from tests.waiting import eventually

SPEED = 36_000
"""A second is ten hours."""
DAY = 24


async def points_of(clients: Azure) -> list[Any]:
    listed = clients.recovery.recovery_points.list_by_replication_protected_items(*WHERE)
    return [point async for point in listed]


async def hours_pass(clients: Azure, hours: float) -> None:
    """Stamps are wall time: what is spread over hours then lies within seconds."""
    _, clock, _ = await clients.call("GET", "/sim/clock")
    until = clock["now"] + hours * 3600
    await clients.call("PATCH", "/sim/clock", {"speed": SPEED})

    async def passed() -> bool:
        return bool((await clients.call("GET", "/sim/clock"))[1]["now"] >= until)

    await eventually(passed)
    await clients.call("PATCH", "/sim/clock", {"speed": 1})


def policy(**changes: int) -> dict[str, Any]:
    existing = world()
    existing["siteRecovery"][0]["policies"] = [{"name": "gold", **changes}]
    return existing


def service_seconds(points: list[Any]) -> list[float]:
    """The gaps between the points, in seconds of the clock."""
    times = [point.properties.recovery_point_time for point in points]
    return [(after - before) / timedelta(seconds=1) * SPEED for before, after in pairwise(times)]


async def test_the_last_hour_has_a_point_every_five_minutes_and_the_time_before_it_one_an_hour() -> None:
    async with simulated(policy(recoveryPointHistory=1440, appConsistentFrequencyInMinutes=0)) as clients:
        [first, *_] = await points_of(clients)
        await hours_pass(clients, DAY + 2)
        found = await points_of(clients)

    gaps = service_seconds(found)
    assert [round(gap / 300) for gap in gaps].count(1) in (11, 12, 13)
    sparse = [round(gap / 300) for gap in gaps if round(gap / 300) > 1]
    # The one next to the last hour may be shorter.
    assert sparse[:-1] == [11] * len(sparse[:-1])
    assert 24 <= len(sparse) <= 27
    assert first.name not in {point.name for point in found}
    assert {point.properties.recovery_point_type for point in found} == {"CrashConsistent"}
    details = found[0].properties.provider_specific_details
    assert details.recovery_point_sync_type == "PerVmRecoveryPoint"
    assert [disk.rpartition("/")[2] for disk in details.disks] == ["web-1-os", "web-1-data"]
    assert all(disk == disk.lower() for disk in details.disks)
    # The container is named by a GUID there.
    assert "/replicationProtectionContainers/here/" not in found[0].id
    assert found[0].id.endswith(f"/replicationProtectedItems/item-web-1/recoveryPoints/{found[0].name}")


async def test_application_consistent_points_come_as_often_as_the_policy_says() -> None:
    async with simulated(policy(recoveryPointHistory=1440, appConsistentFrequencyInMinutes=240)) as clients:
        await hours_pass(clients, DAY)
        found = await points_of(clients)

    consistent = [point for point in found if point.properties.recovery_point_type == "ApplicationConsistent"]
    assert len(consistent) in (6, 7)
    # The clock was slower before the first hours passed.
    assert {round(gap / 60) for gap in service_seconds(consistent)[1:]} == {240}


@pytest.mark.parametrize("order", ["oldest first", "unsorted"])
async def test_the_list_may_be_unsorted(order: str) -> None:
    async with simulated(policy(recoveryPointHistory=1440), recoveryPointsOrder=order) as clients:
        await hours_pass(clients, 10)
        times = [point.properties.recovery_point_time for point in await points_of(clients)]

    assert (times == sorted(times)) is (order == "oldest first")


@pytest.mark.parametrize("named", [None, 0, -1])
async def test_a_test_failover_takes_the_named_point_or_the_newest(named: int | None) -> None:
    async with simulated() as clients:
        await hours_pass(clients, 1)
        found = await points_of(clients)
        point = None if named is None else found[named].id
        one = await clients.recovery.recovery_points.get(*WHERE, found[named or 0].name)
        await clients.call("PATCH", "/sim/clock", {"speed": 3000})
        await begun(clients, drill(providerSpecificDetails={"instanceType": "A2A", "recoveryPointId": point}))
        [vm] = (await job_of(clients, "TestFailover")).custom_details.protected_item_details
        began = (await job_of(clients, "TestFailover")).start_time

    if named is None:
        assert found[-1].properties.recovery_point_time <= vm.recovery_point_time <= began
    else:
        assert (vm.recovery_point_id, vm.recovery_point_time) == (one.name, one.properties.recovery_point_time)


async def test_a_point_that_has_expired_and_a_vm_without_points_are_refused() -> None:
    async with simulated(policy(recoveryPointHistory=60), testFailoverRefusal="job") as clients:
        [first, *_] = await points_of(clients)
        await hours_pass(clients, 3)
        await clients.call("PATCH", "/sim/clock", {"speed": 3000})
        body = drill(providerSpecificDetails={"instanceType": "A2A", "recoveryPointId": first.id})
        expired = await cause(clients, "POST", f"{ITEM}/testFailover", body)
        await outcome(clients, points=False)
        nothing = await cause(clients, "POST", f"{ITEM}/testFailover", drill())
        left = await points_of(clients)

    assert (expired, nothing, left) == ("159115", "159114", [])
