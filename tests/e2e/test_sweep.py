"""Sweeps among everything else: at once, with events, while the host dies, by lists that lag or break off."""

import asyncio
import json
import sqlite3
from typing import Any

import pytest

from local.stack import Stack
from shared.model.resource_id import ResourceId
from shared.orchestrations import instance_of
from shared.reconcile.sweep import SweepReport
from tests import estates
from tests.e2e import overrides
from tests.e2e.conftest import SPEED, StartStack
from tests.e2e.follow import enables, write_event, written
from tests.e2e.overrides import protected, protected_world
from tests.e2e.sweeping import SWEEP, Json, compliance, settled, so_far, sweep, writes
from tests.waiting import eventually

CLEANUP = {"DR_MODE": "cleanup", "DR_UNTAG_GRACE_HOURS": "0"}


def vms(count: int, **more: Any) -> list[Json]:
    return [estates.vm(f"web-{number:03}", **more) for number in range(count)]


async def states(stack: Stack) -> dict[str, str]:
    """The state of each replicated item, by the VM's name."""
    return {name: item["properties"]["protectionState"] for name, item in (await overrides.items(stack)).items()}


async def all_are_protected(stack: Stack, count: int) -> bool:
    return list((await states(stack)).values()) == ["Protected"] * count


@pytest.mark.wide
async def test_sweeps_at_once_and_two_hundred_events_enable_each_vm_once(start_stack: StartStack) -> None:
    made = vms(40)
    async with start_stack(estates.estate(made)) as stack:
        events = [write_event(vm["id"]) for vm in made] * 5
        parts = [events[start : start + 20] for start in range(0, len(events), 20)]
        await asyncio.gather(
            *(stack.run_timer(SWEEP) for _ in range(3)),
            *(stack.deliver(*part) for part in parts),
            stack.run_timer(SWEEP),
        )
        await eventually(lambda: all_are_protected(stack, len(made)), within=150)
        await settled(stack)
        assert [each["instanceId"] for each in await stack.instances()].count(SWEEP) == 1
        assert "this one is skipped" in stack.log_of("host")
        asked = await written(stack)

        seen = await so_far(stack)
        assert (await sweep(stack)).started == {}
        assert await writes(stack, seen) == []
    assert enables(asked) == [1] * len(made)
    assert set(asked.values()) == {1}


@pytest.mark.long
async def test_a_sweep_that_is_killed_goes_on_where_it_was(start_stack: StartStack) -> None:
    """What it has asked for cannot be seen for a while: it is not asked for twice."""
    made = vms(6)
    hidden = ("--items-hidden-while-enabling",)
    async with start_stack(estates.estate(made), speed=120, simulator_options=hidden) as stack:
        await stack.run_timer(SWEEP)
        for asked_for in (0, 1, 3, 6):
            await eventually(lambda count=asked_for: _has_asked(stack, count))  # type: ignore[misc]
            await stack.kill_host()
            await stack.start_host()
            await stack.run_timer(SWEEP)
        await eventually(lambda: all_are_protected(stack, len(made)), within=150)
        await settled(stack)
        report = await sweep(stack)
        asked = await written(stack)
    assert (report.started, report.summary.compliant) == ({}, len(made))
    assert enables(asked) == [1] * len(made)


async def _has_asked(stack: Stack, count: int) -> bool:
    return len(enables(await written(stack))) >= count


async def test_by_lists_that_lag_nothing_is_disabled_and_nothing_doubled(start_stack: StartStack) -> None:
    """In Resource Graph none of it has happened yet: VMs that are tagged, made and enabled, and others untagged."""
    late, kept = vms(3, tagged=False), [estates.vm(f"kept-{number}") for number in range(3)]
    estate = protected_world([*late, *kept], [protected(vm["id"].rsplit("/", 1)[1], nics=[]) for vm in kept])
    settings = CLEANUP | {"DR_MAX_DISABLE_PERCENT_PER_DAY": "100"}
    async with start_stack(estate, settings=settings) as stack:
        await stack.sim("PATCH", "behaviour", {"graphLagSeconds": 60 * SPEED})
        for vm in late:
            await stack.tag(vm["id"], dr="true")
        await stack.deliver(*(write_event(vm["id"]) for vm in late))
        await eventually(lambda: all_are_protected(stack, 6))
        await settled(stack)
        seen = await so_far(stack)

        report = await sweep(stack)

        assert report.summary.by_finding["UntaggedButProtected"] == len(late)
        assert report.started == {"disable": len(late)}
        assert await writes(stack, seen) == []
        assert await all_are_protected(stack, 6)
        await stack.sim("PATCH", "behaviour", {"graphLagSeconds": 0})
        assert (await sweep(stack)).started == {}
        asked = await written(stack)
    assert enables(asked) == [1] * len(late)


@pytest.mark.long
async def test_by_lists_that_break_off_nothing_is_disabled_nothing_doubled_and_the_report_is_partial(
    start_stack: StartStack,
) -> None:
    """A thousand candidates fill the first page of VMs; what is protected, or to be, is on the second."""
    others = [estates.vm(f"a-{number:04}", tagged=False) for number in range(1000)]
    kept = [estates.vm(f"kept-{number}") for number in range(4)]
    estate = protected_world(
        [*others, estates.vm("missing"), *kept], [protected(f"kept-{number}", nics=[]) for number in range(4)]
    )
    estate["networks"][0]["subnets"][0]["prefix"] = "10.1.0.0/17"
    async with start_stack(estate, settings=CLEANUP | {"DR_MAX_DISABLE_PERCENT_PER_DAY": "100"}) as stack:
        second_page = {"match": {"path": "ResourceGraph", "body": '"\\$skipToken"'}, "kind": "status", "status": 500}
        await stack.sim("POST", "faults", second_page)
        seen = await so_far(stack)
        report = await sweep(stack)
        assert (report.started, report.summary.by_finding["SourceNotRead"]) == ({}, len(kept))
        assert "The VMs could not be read in full" in report.gaps[0]
        assert [finding.code for finding in report.stopped] == ["InventoryIncomplete"]
        assert await writes(stack, seen) == []

        await stack.sim("DELETE", "faults")
        items = {"match": {"method": "GET", "path": "replicationProtectedItems$"}, "kind": "status", "status": 503}
        await stack.sim("POST", "faults", items)
        report = await sweep(stack)
        assert report.summary.by_finding["ProtectionNotRead"] == len(kept) + 1
        assert (report.started, len(report.gaps)) == ({}, 1)
        assert await writes(stack, seen) == []

        await stack.sim("DELETE", "faults")
        report = await sweep(stack)
        assert (report.started, report.gaps) == ({"enable": 1}, ())
        assert await all_are_protected(stack, len(kept) + 1)
        asked = await written(stack)
    assert enables(asked) == [1]


@pytest.mark.long
async def test_sweeps_of_a_day_disable_no_more_than_the_share_of_it_though_a_fifth_of_the_tags_is_lost(
    start_stack: StartStack,
) -> None:
    ours, theirs, begun = vms(25), [estates.vm(f"theirs-{n}") for n in range(5)], [estates.vm("drilled")]
    made = [
        *(protected(vm["id"].rsplit("/", 1)[1], nics=[]) for vm in (*ours, *begun)),
        *(protected(f"theirs-{n}", nics=[], name=f"portal-{n}") for n in range(5)),
    ]
    lost = [*ours[::5], *theirs, *begun]
    async with start_stack(protected_world([*ours, *theirs, *begun], made), settings=CLEANUP) as stack:
        item = (await overrides.items(stack))["drilled"]
        drill = {"properties": overrides.DRILL}
        await stack.arm("POST", f"{item['id']}/testFailover", "2025-08-01", drill)
        # Else a sweep would choose this VM as the one to disable, and its run would find it frozen.
        await eventually(lambda: _is_in_test_failover(stack, "drilled"))
        for vm in lost:
            body = {"operation": "Delete", "properties": {"tags": {"dr": "true"}}}
            await stack.arm("PATCH", f"{vm['id']}/providers/Microsoft.Resources/tags/default", "2025-04-01", body)
        reports = [await sweep(stack)]
        # The app's own view may be a poll interval old: a sweep before that would observe the disabled VM once more.
        await eventually(lambda: _is_untagged_and_unprotected(stack, ours[0]["id"]))
        reports += [await sweep(stack) for _ in range(23)]
        removed = [path for path in await writes(stack) if path.endswith("/remove")]
        left = await states(stack)

    # 5 % of the 31 that were protected.
    assert len(removed) == 1
    assert [report.started for report in reports] == [{"disable": 1}, *[{}] * 23]
    assert [report.left for report in reports] == [{"disable": len(ours[::5]) - 1}] * 24
    (reported,) = reports[-1].stopped
    assert reported.code == "DailyDisableLimitReached"
    assert all(part in reported.fix for part in ("tag them again", "confirm=true", "DR_MAX_DISABLE_PERCENT_PER_DAY"))
    assert {"drilled", *(f"theirs-{n}" for n in range(5))} <= set(left)
    assert len(left) == len(made) - len(removed)


async def _is_in_test_failover(stack: Stack, name: str) -> bool:
    item = (await overrides.items(stack))[name]
    return bool(item["properties"]["testFailoverState"] == "WaitingForCompletion")


async def _is_untagged_and_unprotected(stack: Stack, vm: str) -> bool:
    return bool((await compliance(stack))[vm.lower()]["state"] == "NotTagged")


@pytest.mark.wide
async def test_of_two_hundred_vms_as_many_are_enabled_as_the_day_allows(start_stack: StartStack) -> None:
    """By a sweep and by events at once, with lists of jobs as old as ten minutes. The rest waits, and says so."""
    made = vms(200)
    settings = {"DR_MAX_ENABLES_PER_DAY": "50", "DR_POLL_SECONDS": "1"}
    async with start_stack(estates.estate(made), settings=settings) as stack:
        await stack.run_timer(SWEEP)
        await stack.deliver(*(write_event(vm["id"]) for vm in made[100:]))
        await eventually(lambda: all_are_protected(stack, 50), within=150)
        await eventually(lambda: _nobody_is_at_it(stack), within=150)
        report = await _report_of(stack)
        asked = enables(await written(stack))
        found = await compliance(stack)
    assert asked == [1] * 50
    assert [finding.code for finding in report.stopped] == ["DailyEnableLimitReached"]
    assert len([each for each in found.values() if each["state"] == "Protected"]) == 50
    assert len([each for each in found.values() if each["state"] == "Unprotected"]) == 150


async def _nobody_is_at_it(stack: Stack) -> bool:
    """Whatever has not ended waits for another day."""
    under_way = [each for each in await stack.instances() if each["runtimeStatus"] != "Completed"]
    errors = [((each["customStatus"] or {}).get("lastError") or {}).get("code") for each in under_way]
    return set(errors) <= {"DailyEnableLimitReached"}


async def _report_of(stack: Stack) -> SweepReport:
    (last,) = [each for each in await stack.instances() if each["instanceId"] == SWEEP]
    return SweepReport.load(last["output"])


@pytest.mark.long
async def test_no_one_is_started_in_vain_again_until_something_changes(start_stack: StartStack) -> None:
    """What its own run alone can tell: no list says that a size is not to be had, or that an agent is not installed."""
    small, broken = estates.vm("small", size="Standard_E2s_v5"), estates.vm("broken")
    broken["failEnable"] = {"times": 99, "code": "151066", "message": "The agent could not be installed."}
    restricted = {"subscription": estates.SUBSCRIPTION, "location": estates.TARGET, "size": small["size"]}
    # Slower than elsewhere: after six hours of Azure's clock both are tried again.
    async with start_stack(estates.estate([small, broken], restrictedSizes=[restricted]), speed=300) as stack:
        first = await sweep(stack)
        outcomes = {each["output"].get("outcome") for each in await stack.instances()} - {None}
        seen = await so_far(stack)
        second = await sweep(stack)
        assert await writes(stack, seen) == []

        body = {"properties": {"hardwareProfile": {"vmSize": "Standard_D2s_v5"}}}
        await stack.arm("PATCH", small["id"], "2026-04-01", body)
        await eventually(lambda: _is_settled(stack, small["id"]))
        third = await sweep(stack)
        protected_now = (await states(stack))["small"]

    assert outcomes == {"NotEligible", "Failed"}
    assert [(each.started, each.unchanged) for each in (first, second, third)] == [
        ({"enable": 2}, 0),
        ({}, 2),
        ({"enable": 1}, 1),
    ]
    assert protected_now == "Protected"


@pytest.mark.embedded_history
@pytest.mark.long
async def test_a_hung_instance_loses_its_lease_and_its_vm_is_taken_up_again(start_stack: StartStack) -> None:
    """All that would have started it was lost."""
    (vm,) = vms(1)
    instance = instance_of(ResourceId(vm["id"]))
    async with start_stack(estates.estate([vm | {"provisioningState": "Updating"}])) as stack:
        await stack.deliver(write_event(vm["id"]))
        await eventually(lambda: _waits(stack, instance))
        await stack.kill_host()
        with sqlite3.connect(stack.folder / "host" / "history.db") as history:
            history.execute("DELETE FROM timers WHERE instance_id = ?", (instance,))
            history.execute("DELETE FROM activities WHERE instance_id = ?", (instance,))
            history.execute("DELETE FROM inbox WHERE instance_id = ?", (instance,))
            history.execute("UPDATE instances SET updated = updated - 7200 WHERE id = ?", (instance,))
        history.close()
        await stack.start_host()
        await eventually(lambda: _is_settled(stack, vm["id"]))

        async def swept() -> bool:
            """A host that has just started lets its runs wake up by themselves before it judges their leases."""
            await stack.run_timer(SWEEP)
            return await all_are_protected(stack, 1)

        await eventually(swept, within=90, every=3)
        await settled(stack)
        asked = await written(stack)
    assert enables(asked) == [1]


async def _waits(stack: Stack, instance: str) -> bool:
    return any(
        each["instanceId"] == instance and json.loads(each["input"]).get("resumeAt") for each in await stack.instances()
    )


async def _is_settled(stack: Stack, vm: str) -> bool:
    found = await stack.arm("GET", vm, "2026-04-01")
    return bool(found["properties"]["provisioningState"] == "Succeeded")
