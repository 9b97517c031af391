"""Many VMs enabled by one request over HTTP: one batch to follow to the end, and its counts add up all the while."""

from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, written
from tests.e2e.sweeping import sweep
from tests.waiting import eventually

VMS, OFF = 200, 3
BY_GROUP = {"subscriptionId": estates.SUBSCRIPTION, "resourceGroup": "app"}


def fleet(count: int, off: int) -> list[dict[str, Any]]:
    """Untagged VMs, of which some are turned off."""
    return [
        estates.vm(f"web-{number:03}", tagged=False, power="deallocated" if number < off else "running")
        for number in range(count)
    ]


async def followed(stack: Stack, batch: str, *, within: float) -> list[dict[str, Any]]:
    """All that was reported a batch until it was over."""
    reported: list[dict[str, Any]] = []

    async def over() -> bool:
        status, view = await stack.api("GET", f"protections/{batch}")
        assert status == 200
        reported.append(view)
        return not view["running"]

    await eventually(over, within=within, every=0.5)
    return reported


@pytest.mark.wide
async def test_two_hundred_vms_of_a_resource_group_are_enabled_as_one_batch(start_stack: StartStack) -> None:
    async with start_stack(estates.estate(fleet(VMS, OFF))) as stack:
        status, accepted = await stack.api("POST", "protections", BY_GROUP)
        assert (status, accepted["total"]) == (202, VMS)
        reported = await followed(stack, accepted["batch"], within=800)
        writes = await written(stack)
        report = await sweep(stack)
        swept = await written(stack)
        resources = (await stack.sim("GET", "state"))["resources"]

    for view in reported:
        assert sum(view["counts"].values()) == view["total"] == len(view["virtualMachines"]) == VMS
        ended = sum(each["outcome"] not in {"Waiting", "Running"} for each in view["virtualMachines"])
        assert view["percent"] == 100 * ended // VMS
    percents = [view["percent"] for view in reported]
    assert percents == sorted(percents)
    assert reported[-1]["counts"] == {"NotEligible": OFF, "Protected": VMS - OFF}
    assert reported[-1]["lastError"] is None
    reasons = {each["vmId"].rsplit("/", 1)[-1]: each["findings"] for each in reported[-1]["virtualMachines"]}
    assert [reasons[f"web-{number:03}"][0]["code"] for number in range(OFF)] == ["VmNotRunning"] * OFF
    tags = [each.get("tags") or {} for each in resources if each["type"] == "Microsoft.Compute/virtualMachines"]
    assert (len(tags), tags.count({"dr": "true"}), tags.count({})) == (VMS, VMS - OFF, OFF)
    assert enables(writes) == [1] * (VMS - OFF)
    assert swept == writes
    assert report.summary.by_state == {"NotTagged": OFF, "Protected": VMS - OFF}


@pytest.mark.long
async def test_a_batch_is_planned_refused_and_followed_over_a_restart_of_the_host(start_stack: StartStack) -> None:
    vms = [*fleet(6, 1), {**estates.vm("db-1", tagged=False), "tags": {"tier": "data"}}]
    by_tag = {"tag": {"name": "TIER", "value": "data"}, "protection": {"dr-profile": "default"}}
    async with start_stack(estates.estate(vms)) as stack:
        _, plan = await stack.api("POST", "protections/plan", BY_GROUP)
        refused = [
            (await stack.api("POST", "protections", body))[0]
            for body in ({}, {"virtualMachines": ["x"]}, {**BY_GROUP, "resourceGroup": "unknown"})
        ]
        unknown, _ = await stack.api("GET", f"protections/batch-{'0' * 32}")
        assert not await written(stack)
        assert await stack.instances() == []

        _, of_group = await stack.api("POST", "protections", BY_GROUP)
        await stack.kill_host()
        await stack.start_host()
        _, of_tag = await stack.api("POST", "protections", by_tag)
        (group, tag) = [(await followed(stack, accepted["batch"], within=120))[-1] for accepted in (of_group, of_tag)]
        found = await stack.arm("GET", estates.vm_id("db-1"), "2026-04-01")
        writes = await written(stack)

    assert (plan["total"], plan["blocked"], plan["findings"]["VmNotRunning"]) == (7, 1, 1)
    assert plan["cost"]["month"] > 0
    assert (refused, unknown) == ([422, 422, 404], 404)
    assert group["counts"] == {"NotEligible": 1, "Protected": 6}
    assert (tag["total"], tag["counts"]) == (1, {"Protected": 1})
    assert found["tags"] == {"tier": "data", "dr": "true", "dr-profile": "default"}
    assert enables(writes) == [1] * 6
