"""The steps of the drill of a consistency group before a simulator: its recovery plan, and whose a test failover is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.clean_up_drill import clean_up_drill
from activities.finish_drill import finish_drill
from activities.look_at_drill import look_at_drill
from activities.monitor_job import monitor_job
from activities.prepare_drill import prepare_drill
from activities.remove_orphans import remove_orphans
from activities.start_drill import start_drill
from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.model.activity_io import DrillRequest, DrillStep, JobRequest, Refused
from shared.model.caller import Caller, CallerKind, Via
from shared.model.drill import Drill, DrillOrder, DrillOutcome
from shared.model.drill_words import CREATE
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.observe.drill import preflight
from shared.observe.drill_needs import drill_needs
from shared.observe.due_drills import due_drills
from shared.observe.inventory import compliance_report
from shared.reconcile.sweep import Sweep, SweepReport
from shared.site_recovery.drills import read_drill_item
from shared.site_recovery.drills import test_failover as begin_test
from shared.site_recovery.recovery_plans import make_plan, plan_of, read_plan
from shared.site_recovery.vault import vault_of
from tests import estates
from tests.e2e.overrides import NETWORK as OTHER
from tests.e2e.test_drill import world
from tests.integration.app.conftest import Reach, Reached
from tests.integration.app.test_drill_network import OWN
from tests.integration.app.test_drill_steps import ORDER, POLL, SETTINGS, SPEED, followed, ready, scheduled
from tests.unit.app.fake_durable import FakeDurableClient

VMS = tuple(ResourceId(estates.vm_id(name)) for name in ("web-1", "web-2", "web-3"))
STEP = DrillStep(vm_id=VMS[0])
REQUEST = DrillRequest(vm_id=VMS[0], token="t1", order=ORDER)
GROUP = {"multiVmGroupName": "shop"}
ANNA = Caller(kind=CallerKind.USER, via=Via.HTTP, id="11111111-2222-4333-8444-555555555555")


def grouped() -> dict[str, Any]:
    return world(*(vm.name for vm in VMS), **GROUP)


@pytest.mark.parametrize(
    "plays",
    [{}, {"plan_test_failover": "suspends", "job_placeholders": "always", "test_failover_state": "WaitingForCleanup"}],
)
async def test_the_vms_are_tested_by_one_plan_of_which_nothing_stays(reach: Reach, plays: dict[str, str]) -> None:
    async with reach(grouped(), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        for switch, variant in plays.items():
            setattr(reached.simulator.world.behaviour, switch, variant)
        assert await prepare_drill(azure, REQUEST) == Ready()
        needs = await drill_needs(azure, [VMS[2]])
        assert await followed(azure, await ready(lambda: start_drill(azure, STEP))) == Ready()
        assert isinstance(await start_drill(azure, STEP), Ready)
        assert await ready(lambda: look_at_drill(azure, STEP)) == Ready()
        (first, *_) = drills = await azure.drills.together(VMS[0])
        assert first.plan
        plan = await read_plan(azure, first.plan)
        assert await followed(azure, await ready(lambda: clean_up_drill(azure, STEP))) == Ready()
        outcome = await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
        gone, origin = await read_plan(azure, first.plan), await azure.origins.of(first.plan)
        closed = [await azure.drills.last(vm) for vm in VMS]
        opened = await azure.drills.open()
    assert plan
    assert plan.items == {drill.item for drill in drills}
    assert [drill.vm for drill in drills] == list(VMS)
    assert len({drill.point.id for drill in drills if drill.point}) == len(VMS)
    assert isinstance(outcome, Ready)
    assert Drill.load(outcome.value["drill"]) == closed[0]
    assert [drill.outcome for drill in closed if drill] == [DrillOutcome.PASSED] * len(VMS)
    assert (gone, origin, opened) == (None, None, ())
    # Asked about one of them, the need of all is known, and they are under way as one.
    assert needs.lead(VMS[2]) == VMS[0]
    assert sorted(needs.of(VMS[2]).values()) == [6, 6]
    assert set(needs.under_way) == set(VMS)


async def test_it_is_tested_in_one_network_that_the_app_makes(reach: Reach) -> None:
    request = REQUEST.with_(order=DrillOrder(network=CREATE))
    async with reach(grouped(), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        assert await ready(lambda: prepare_drill(azure, request)) == Ready()
        assert await followed(azure, await ready(lambda: start_drill(azure, STEP))) == Ready()
        assert await ready(lambda: look_at_drill(azure, STEP)) == Ready()
        assert await followed(azure, await ready(lambda: clean_up_drill(azure, STEP))) == Ready()
        await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
        closed = [drill for vm in VMS if (drill := await azure.drills.last(vm))]
        made = [each["path"].lower() for each in reached.calls("virtualNetworks") if each["method"] == "PUT"]
        plan = closed[0].plan and await read_plan(azure, closed[0].plan)
    assert [(drill.outcome, drill.network) for drill in closed] == [(DrillOutcome.PASSED, OWN)] * len(VMS)
    assert {nic.subnet.parent for drill in closed if drill.seen for nic in drill.seen.nics if nic.subnet} == {OWN}
    assert (made, plan) == ([OWN.key], None)


async def test_vms_that_would_be_in_networks_of_several_targets_are_refused(reach: Reach) -> None:
    """A plan has one network: nothing is made, not the first of them either."""
    estate = grouped()
    estate["siteRecovery"][0]["protectedItems"][2]["recoveryNetwork"] = OTHER
    async with reach(estate, speed=SPEED, **SETTINGS) as reached:
        refused = await prepare_drill(reached.azure, REQUEST.with_(order=DrillOrder(network=CREATE)))
        written = [each["path"] for each in reached.calls() if each["method"] == "PUT"]
    assert isinstance(refused, Ready)
    (finding,) = Refused.load(refused.value).findings
    assert finding.code == "DrillNetworkNotIsolated"
    assert "in several networks" in finding.message
    assert written == []


@pytest.mark.parametrize("reached_step", ["recorded", "planned", "tested", "cleaned"])
@pytest.mark.parametrize("switched", [{"paused": True}, {"drills": False}])
async def test_a_pause_in_the_middle_holds_what_is_left_until_it_ends(
    reach: Reach, reached_step: str, switched: dict[str, bool]
) -> None:
    """Drills that are turned off hold nothing: what was begun is cleaned up."""
    async with reach(grouped(), speed=SPEED, **SETTINGS) as reached:
        azure, step = reached.azure, STEP
        assert await prepare_drill(azure, REQUEST) == Ready()
        drills = await azure.drills.together(VMS[0])
        plan = drills[0].plan
        assert plan
        if reached_step == "planned":
            await _made(azure, plan, drills)
        if reached_step in {"tested", "cleaned"}:
            assert await followed(azure, await ready(lambda: start_drill(azure, STEP))) == Ready()
        if reached_step == "cleaned":
            assert await followed(azure, await ready(lambda: clean_up_drill(azure, STEP))) == Ready()
        before, settings = len(writes(reached)), azure.settings
        azure.settings = settings.model_copy(update=switched)
        if reached_step in {"recorded", "planned"}:
            refused = await to_step_result(start_drill(azure, STEP), POLL)
            assert isinstance(refused, Failed)
            step = STEP.with_(error=refused.error)
        if azure.settings.paused and reached_step != "recorded":
            held = [await clean_up_drill(azure, step), await finish_drill(azure, STEP, FakeDurableClient())]
            assert any(isinstance(each, Pending) for each in held)
            errors = [drill.cleanup_error for drill in await azure.drills.open()]
            assert [error.code for error in errors if error] == ["WritesDisabled"] * len(VMS)
            assert all(f"{plan}/testFailoverCleanup" in error.action for error in errors if error)
            assert len(writes(reached)) == before
            azure.settings = settings
        while opened := await azure.drills.open():
            cleanup = await ready(lambda: clean_up_drill(azure, step))
            assert isinstance(cleanup, Ready)
            if cleanup.value:
                await followed(azure, cleanup)
            await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
        closed = [drill for vm in VMS if (drill := await azure.drills.last(vm))]
        items = [await read_drill_item(azure, drill.item) for drill in closed]
        left, asked = await read_plan(azure, plan), [each.rpartition("/")[2] for each in writes(reached)]
    assert (opened, left) == ((), None)
    assert [drill.cleanup_error for drill in closed] == [None] * len(VMS)
    assert not any(item and item.item.in_test_failover for item in items)
    assert asked.count("testFailoverCleanup") == asked.count("testFailover") == (reached_step in {"tested", "cleaned"})


def writes(reached: Reached) -> list[str]:
    """The paths of what the app has asked the vault to do."""
    calls = reached.calls("replication")
    return [each["path"] for each in calls if each["method"] in {"PUT", "DELETE"} or "testFailover" in each["path"]]


@pytest.mark.parametrize(("error", "ended"), [("DrillCancelled", "Cancelled"), ("", "Interrupted")])
async def test_what_ended_before_it_was_looked_at_has_neither_passed_nor_failed(
    reach: Reach, error: str, ended: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """In each place where it is shown, by the same word; a VM of the group that came up has passed all the same."""
    why = Error(code=error, message="DELETE .../drill") if error else None
    async with reach(grouped(), speed=SPEED, archive=str(tmp_path / "archive"), **SETTINGS) as reached:
        azure = reached.azure
        assert await prepare_drill(azure, REQUEST) == Ready()
        assert await followed(azure, await ready(lambda: start_drill(azure, STEP))) == Ready()
        first, second, _ = await azure.drills.together(VMS[0])
        slow = Error(code="TestVmNotReady", message="It hangs.")
        await azure.drills.write(first.with_(ready_at=datetime.now(UTC)), second.with_(error=slow))
        cleanup = await ready(lambda: clean_up_drill(azure, STEP.with_(error=why, ended_by=(ANNA,))))
        # Another run that takes the records up, after the first was lost, knows nothing of her.
        assert isinstance(await ready(lambda: clean_up_drill(azure, STEP)), Ready)
        assert await followed(azure, cleanup) == Ready()
        with caplog.at_level("INFO", "dr.decision"):
            outcome = await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
        # Its host may be killed before the result is kept: then the step is repeated.
        again = await finish_drill(azure, STEP.with_(token=first.token), FakeDurableClient())
        another = await finish_drill(azure, STEP.with_(token="another"), FakeDurableClient())
        closed = [await azure.drills.last(vm) for vm in VMS]
        kept = [(await azure.archive.read(name)).header for name in await azure.archive.names("drills/")]
    outcomes = ["Passed", "Failed", ended]
    assert [drill.outcome for drill in closed if drill] == outcomes
    assert [each["endedBy"] for each in kept] == [[ANNA.dump()]] * 3
    assert {ResourceId(each["vmId"]).name: each["result"] for each in kept} == dict(
        zip((vm.name for vm in VMS), map(str.lower, outcomes), strict=True)
    )
    assert [f"drill {outcome.lower()}" in caplog.text for outcome in outcomes] == [True] * 3
    assert isinstance(outcome, Ready)
    assert Drill.load(outcome.value["drill"]) == closed[1]
    assert (again, another) == (outcome, Ready())


@pytest.mark.parametrize("names", [("web-1",), ("web-1", "web-2", "web-3")])
async def test_a_test_that_failed_at_its_checks_leaves_a_person_s_alone(reach: Reach, names: tuple[str, ...]) -> None:
    """The person was faster by so little that no check has seen it, and Azure refuses by a job that fails."""
    estate = grouped() if len(names) > 1 else world(*names)
    async with reach(estate, speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        reached.simulator.world.behaviour.test_failover_refusal = "job"
        assert await prepare_drill(azure, REQUEST) == Ready()
        drills = await azure.drills.together(VMS[0])
        if drills[0].plan:
            await _made(azure, drills[0].plan, drills)
        theirs = await _theirs(azure, drills) if drills[0].plan else None
        job = await begin_test(azure, [drill.with_(request="a-person", plan=theirs) for drill in drills])
        await ready(lambda: monitor_job(azure, JobRequest(vm_id=VMS[0], job=job, vault=drills[0].vault)))
        own = await begin_test(azure, drills)
        await azure.drills.write(*(drill.with_(job=own) for drill in drills))
        failed = await ready(lambda: monitor_job(azure, JobRequest(vm_id=VMS[0], job=own, vault=drills[0].vault)))
        cleaned = await ready(lambda: clean_up_drill(azure, STEP))
        outcome = await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
        items = [await read_drill_item(azure, drill.item) for drill in drills]
        cleanups = [each for each in reached.calls("testFailoverCleanup") if each["method"] == "POST"]
        opened = await azure.drills.open()
    assert isinstance(failed, Ready)
    assert "error" in failed.value
    assert cleaned == Ready()
    assert isinstance(outcome, Ready)
    assert (cleanups, opened) == ([], ())
    assert all(item and item.item.in_test_failover for item in items)


async def _theirs(azure: Azure, drills: tuple[Drill, ...]) -> ResourceId:
    plan = plan_of(drills[0].vault, "by-hand")
    await _made(azure, plan, drills)
    return plan


async def _made(azure: Azure, plan: ResourceId, drills: tuple[Drill, ...]) -> None:
    items = [item for drill in drills if (item := await read_drill_item(azure, drill.item))]

    async def make() -> StepResult:
        return await make_plan(azure, plan, drills, items) or Ready()

    await ready(make)


@pytest.mark.parametrize("vm", VMS)
async def test_a_member_with_an_open_record_of_another_drill_refuses_the_group(reach: Reach, vm: ResourceId) -> None:
    async with reach(grouped(), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        assert await prepare_drill(azure, REQUEST) == Ready()
        drills = {drill.vm: drill for drill in await azure.drills.together(VMS[0])}
        for each in set(VMS) - {vm}:
            await azure.drills.close(drills[each])
        await azure.drills.write(drills[vm].with_(token="t0"))
        refused = await prepare_drill(azure, REQUEST)
        unfinished = await start_drill(azure, DrillStep(vm_id=vm))
    assert isinstance(refused, Ready)
    assert [each.code for each in Refused.load(refused.value).findings] == ["DrillLeftovers"]
    assert isinstance(unfinished, Failed)
    assert unfinished.error.code == "DrillRecordMissing"


async def test_a_plan_that_a_person_has_changed_is_neither_tested_nor_removed(reach: Reach) -> None:
    async with reach(world("web-1", "web-2", **GROUP), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        assert await prepare_drill(azure, REQUEST) == Ready()
        drills = await azure.drills.together(VMS[0])
        assert drills[0].plan
        await _made(azure, drills[0].plan, drills)
        # To a record of the first one alone, the second is a stranger.
        await azure.drills.write(drills[0].with_(members=VMS[:1]))
        refused = await to_step_result(start_drill(azure, STEP), POLL)
        held = await finish_drill(azure, STEP, FakeDurableClient())
        record = await azure.drills.of(VMS[0])
        kept = await read_plan(azure, drills[0].plan)
    assert isinstance(refused, Failed)
    assert refused.error.code == "PlanChanged"
    assert isinstance(held, Pending)
    assert record
    assert record.cleanup_error
    assert record.cleanup_error.code == "PlanChanged"
    assert "replicationRecoveryPlans" in record.cleanup_error.action
    assert kept


async def test_a_vm_of_a_group_that_was_closed_before_the_host_was_killed_counts_all_the_same(reach: Reach) -> None:
    async with reach(grouped(), speed=SPEED, **SETTINGS) as reached:
        azure, now = reached.azure, datetime.now(UTC)
        assert await prepare_drill(azure, REQUEST) == Ready()
        first, second, third = await azure.drills.together(VMS[0])
        hung = second.with_(error=Error(code="TestVmNotReady", message="It hangs."), ended_at=now)
        await azure.drills.write(first.with_(ready_at=now))
        await azure.drills.close(third.with_(ready_at=now, ended_at=now))
        await azure.drills.close(hung)
        outcome = await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
    assert isinstance(outcome, Ready)
    assert Drill.load(outcome.value["drill"]) == hung


@pytest.mark.parametrize(
    ("lost", "drills", "notes"), [(True, True, ["OrphanedPlan"]), (False, True, []), (True, False, [])]
)
async def test_a_plan_whose_records_are_lost_is_reported_by_the_sweep_and_stays(
    reach: Reach, lost: bool, drills: bool, notes: list[str]
) -> None:
    async with reach(grouped(), speed=SPEED, **SETTINGS | {"mode": "cleanup"}) as reached:
        azure = reached.azure
        assert await prepare_drill(azure, REQUEST) == Ready()
        recorded = await azure.drills.together(VMS[0])
        assert recorded[0].plan
        await _made(azure, recorded[0].plan, recorded)
        theirs = await _theirs(azure, recorded)
        for drill in recorded if lost else ():
            await azure.drills.close(drill)
        azure.settings = azure.settings.model_copy(update={"drills": drills})
        before = len(reached.calls("replicationRecoveryPlans"))
        swept = await remove_orphans(azure, Sweep(poll_seconds=POLL, report=SweepReport(read_at=datetime.now(UTC))))
        asked = [each["method"] for each in reached.calls("replicationRecoveryPlans")[before:]]
        kept = [await read_plan(azure, plan) for plan in (recorded[0].plan, theirs)]
    assert isinstance(swept, Ready)
    report = Sweep.load(swept.value).report
    assert report
    assert [each.code for each in report.orphans] == notes
    assert [recorded[0].plan.name in each.message for each in report.orphans] == [True] * len(notes)
    assert asked == ["GET"] * drills
    assert all(kept)


async def test_a_plan_that_is_gone_does_not_stop_the_cleanup(reach: Reach) -> None:
    async with reach(grouped(), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        assert await prepare_drill(azure, REQUEST) == Ready()
        assert await followed(azure, await ready(lambda: start_drill(azure, STEP))) == Ready()
        drills = await azure.drills.together(VMS[0])
        assert drills[0].plan
        await _deleted(azure, drills[0].plan)
        assert await followed(azure, await ready(lambda: clean_up_drill(azure, STEP))) == Ready()
        outcome = await ready(lambda: finish_drill(azure, STEP, FakeDurableClient()))
        items = [await read_drill_item(azure, drill.item) for drill in drills]
    assert isinstance(outcome, Ready)
    assert not any(item and item.item.in_test_failover for item in items)


async def _deleted(azure: Azure, plan: ResourceId) -> None:
    plans = vault_of(azure, plan.parent).client.replication_recovery_plans
    await plans.begin_delete(plan.parent.resource_group, plan.parent.name, plan.name)

    async def gone() -> StepResult:
        return Pending(retry_after=POLL) if await read_plan(azure, plan) else Ready()

    await ready(gone)


async def test_what_refuses_a_drill_names_the_group_or_the_drill_that_it_is_about(reach: Reach) -> None:
    estate = grouped()
    estate["virtualMachines"][1]["tags"] |= {"dr-hold": "migration"}
    async with reach(estate, speed=SPEED, **SETTINGS) as reached:
        (held,) = (await preflight(reached.azure, VMS[0], ORDER)).findings
    async with reach(grouped(), speed=SPEED, **SETTINGS) as reached:
        azure = reached.azure
        assert await prepare_drill(azure, REQUEST) == Ready()
        assert await followed(azure, await ready(lambda: start_drill(azure, STEP))) == Ready()
        (under_way,) = (await preflight(azure, VMS[0], ORDER)).findings

    assert "web-2 is Protected, on hold. It is in the consistency group shop" in held.message
    assert "web-1 is Drilling. GET .../drill shows its drill" in under_way.message


async def test_by_schedule_a_group_is_due_as_one_with_its_most_overdue_vm(reach: Reach) -> None:
    estate = grouped()
    for item, days in zip(estate["siteRecovery"][0]["protectedItems"], (200, 10, 300), strict=True):
        item["condition"] = {"testedDaysAgo": days}
    now = datetime.now(UTC)
    async with reach(estate, speed=SPEED, **SETTINGS, profiles=scheduled(now)) as reached:
        report = await compliance_report(reached.azure)
        (due,) = await due_drills(reached.azure, report, now)
        assert await prepare_drill(reached.azure, REQUEST) == Ready()
        under_way = await due_drills(reached.azure, report, now)
    assert (due.need.vm, due.need.all_cores, len(due.need.others)) == (VMS[0], 6, 2)
    assert now - due.last > timedelta(days=299)
    assert under_way == []
