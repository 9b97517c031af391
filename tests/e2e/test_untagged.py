"""VMs that no one asks to protect any more: when they are disabled, and when never."""

from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import write_event, written
from tests.e2e.overrides import items, protected, protected_world
from tests.e2e.sweeping import Json, sweep, writes
from tests.e2e.untagging import CLEANUP, ended, grace, run_of, soon, untag, waits_for_its_grace
from tests.waiting import eventually

_COMPUTE = "2026-04-01"


def world(*names: str, **of_items: Any) -> Json:
    """VMs that are tagged, and protected by this app."""
    vms = [estates.vm(name) for name in names]
    return protected_world(vms, [protected(name, nics=[], **of_items) for name in names])


async def test_untagged_it_is_disabled_after_its_grace_without_any_sweep(start_stack: StartStack) -> None:
    vm = estates.vm_id("web-1")
    async with start_stack(world("web-1", "web-2"), settings=CLEANUP | grace(soon())) as stack:
        await stack.subscribe()
        await untag(stack, vm)
        await eventually(lambda: waits_for_its_grace(stack, "web-1"))
        before = await written(stack)
        result = await ended(stack, "web-1", "Disabled")
        after, left = await writes(stack), await items(stack)
        links = await stack.arm("GET", f"{vm}/providers/Microsoft.Resources/links", "2016-09-01")
        machine = await stack.arm("GET", vm, _COMPUTE)

    assert not before
    assert [path.rsplit("/", 1)[-1] for path in after] == ["remove"]
    assert result["itemId"].rsplit("/", 1)[-1] in after[0]
    assert list(left) == ["web-2"]
    assert (links["value"], machine["tags"]) == ([], {})


async def test_tagged_again_within_its_grace_nothing_has_happened(start_stack: StartStack) -> None:
    vm = estates.vm_id("web-1")
    async with start_stack(world("web-1"), settings=CLEANUP | grace(1)) as stack:
        await stack.subscribe()
        await untag(stack, vm)
        await eventually(lambda: waits_for_its_grace(stack, "web-1"))
        await stack.tag(vm, dr="true")
        result = await ended(stack, "web-1", "Protected")
        report = await sweep(stack)
        assert await writes(stack) == []
        left = await items(stack)

    assert list(left) == ["web-1"]
    assert "disableAt" not in result
    assert report.summary.by_state == {"Protected": 1}


async def test_a_tag_that_says_no_is_meant_after_its_short_grace(start_stack: StartStack) -> None:
    settings = CLEANUP | {"DR_OPT_OUT_GRACE_HOURS": f"{soon():f}"}
    async with start_stack(world("web-1", "web-2"), settings=settings) as stack:
        await stack.subscribe()
        await stack.tag(estates.vm_id("web-1"), dr="false")
        await stack.tag(estates.vm_id("web-2"), dr="ture")
        await ended(stack, "web-1", "Disabled")
        mistyped = await ended(stack, "web-2", "NotEligible")
        assert [finding["code"] for finding in mistyped["findings"]] == ["TagValueUnknown"]
        assert list(await items(stack)) == ["web-2"]


async def test_in_protect_both_are_only_reported(start_stack: StartStack) -> None:
    async with start_stack(world("no-tag", "says-no", "gone"), settings=grace(0)) as stack:
        await stack.subscribe()
        await untag(stack, estates.vm_id("no-tag"))
        await stack.tag(estates.vm_id("says-no"), dr="false")
        await stack.arm("DELETE", estates.vm_id("gone"), _COMPUTE)
        for name, outcome in (("no-tag", "NotTagged"), ("says-no", "NotTagged"), ("gone", "Gone")):
            await ended(stack, name, outcome)
        report = await sweep(stack)
        assert await writes(stack) == []
        assert len(await items(stack)) == 3

    assert report.summary.by_state == {"SourceGone": 1, "Untagged": 2}
    assert report.summary.by_finding["UntaggedButProtected"] == 2
    assert report.summary.by_finding["SourceDeleted"] == 1
    assert report.started == {}


async def test_what_protects_a_vm_that_was_deleted_goes_after_the_grace(start_stack: StartStack) -> None:
    async with start_stack(world("web-1", "web-2"), settings=CLEANUP | grace(soon())) as stack:
        await stack.subscribe()
        await stack.arm("DELETE", estates.vm_id("web-1"), _COMPUTE)
        await eventually(lambda: waits_for_its_grace(stack, "web-1"))
        await ended(stack, "web-1", "Disabled")
        assert list(await items(stack)) == ["web-2"]


@pytest.mark.long
async def test_what_was_lost_before_the_app_cleaned_up_its_sweep_finds(start_stack: StartStack) -> None:
    """No event reports it any more: the app was changed to cleanup long after."""
    async with start_stack(world("no-tag", "gone", "kept"), settings=CLEANUP | grace(soon())) as stack:
        await untag(stack, estates.vm_id("no-tag"))
        await stack.arm("DELETE", estates.vm_id("gone"), _COMPUTE)

        async def is_gone() -> bool:
            state = await stack.sim("GET", "state")
            return not any(each["id"] == estates.vm_id("gone") for each in state["resources"])

        await eventually(is_gone)
        report = await sweep(stack)
        assert list(await items(stack)) == ["kept"]

    assert report.started == {"disable": 2}


async def test_what_is_none_of_ours_held_or_frozen_stays(start_stack: StartStack) -> None:
    held = estates.vm("held") | {"tags": {"dr-hold": "1"}}
    vms = [held, *(estates.vm(name, tagged=False) for name in ("theirs", "failed-over"))]
    vault = [
        protected("held", nics=[]),
        protected("theirs", nics=[], name="made-in-the-portal"),
        protected("failed-over", nics=[], state="UnplannedFailoverCommitted"),
    ]
    async with start_stack(protected_world(vms, vault), settings=CLEANUP | grace(0)) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        for name, outcome in (("held", "NotTagged"), ("theirs", "NotTagged"), ("failed-over", "Frozen")):
            await ended(stack, name, outcome)
        await sweep(stack)
        assert await writes(stack) == []
        assert len(await items(stack)) == 3


@pytest.mark.long
async def test_a_fifth_of_the_tags_vanishes_and_one_vm_of_twenty_is_disabled(start_stack: StartStack) -> None:
    names = [f"web-{number:02}" for number in range(20)]
    lost = names[:4]
    settings = CLEANUP | grace(soon()) | {"DR_MAX_DISABLE_PERCENT_PER_DAY": "5"}
    async with start_stack(world(*names), settings=settings) as stack:
        await stack.subscribe()
        for name in lost:
            await untag(stack, estates.vm_id(name))

        async def others_are_held_back() -> bool:
            states = [(await run_of(stack, name)).get("customStatus") or {} for name in lost]
            errors = [(state.get("lastError") or {}).get("code") for state in states]
            return errors.count("DailyDisableLimitReached") == 3

        async def is_disabled() -> bool:
            return len(await items(stack)) == 19

        await eventually(others_are_held_back, within=90)
        await eventually(is_disabled, within=90)
        # They ask again every twenty polls: in vain, and so do the sweeps of the day.
        asked = len(await stack.requests())
        reports = [await _swept(stack) for _ in range(3)]
        await eventually(lambda: _more_than(stack, asked + 20))
        await eventually(others_are_held_back, within=90)
        removed = [path for path in await writes(stack) if path.endswith("/remove")]
        assert len(await items(stack)) == 19

        # Tagged again, they are as if nothing had been.
        for name in lost:
            await stack.tag(estates.vm_id(name), dr="true")
        for name in {*lost} & {*(await items(stack))}:
            await ended(stack, name, "Protected")

    assert len(removed) == 1
    assert {report["summary"]["byAction"].get("disable") for report in reports} == {3}
    for report in reports:
        assert [(each["code"], "confirm=true" in each["fix"]) for each in report["stopped"]] == [
            ("DailyDisableLimitReached", True)
        ]


async def _swept(stack: Stack) -> Json:
    """The report of one more sweep. The runs go on."""

    async def last() -> Any:
        found = [each for each in await stack.instances() if each["instanceId"] == "reconcile"]
        return found[0]["output"] if found else None

    before = await last()
    await stack.run_timer("reconcile")

    async def another() -> Any:
        now = await last()
        return now if now != before else None

    report: Json = await eventually(another, within=90)
    return report


async def _more_than(stack: Stack, requests: int) -> bool:
    return len(await stack.requests()) > requests
