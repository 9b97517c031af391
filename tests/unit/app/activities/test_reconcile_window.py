"""The steps of a sweep: what it looks at, whose runs it starts, whom it leaves, and what its report says."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from activities.reconcile_window import reconcile_window
from shared.arm.errors import to_step_result
from shared.config.settings import Mode
from shared.model import naming
from shared.model.decision import Action
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending, Ready, StepResult
from shared.orchestrations import instance_of
from shared.reconcile.run_state import Phase, RunOutcome, RunResult, RunState
from shared.reconcile.sweep import Sweep, SweepReport
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import CONTAINER, DEPLOYMENT, OS_DISK, SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body
from tests.unit.app.fake_durable import FakeHub

HELD = {
    "lastRpoCalculatedTime": datetime.now(UTC).isoformat(),
    "primaryFabricLocation": "East US",
    "protectedManagedDisks": [{"diskId": str(OS_DISK)}],
}


def vm(number: int) -> ResourceId:
    return ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"web-{number:02}")


def instances(*numbers: int) -> list[str]:
    return [instance_of(vm(number)) for number in numbers]


def cloud_of(tagged: int, *, protected: int = 0, untagged: int = 0) -> Cloud:
    """So many VMs that are tagged, of which the last ones are protected; and protected ones that are not tagged."""
    cloud = Cloud()
    for number in range(tagged + untagged):
        cloud.add_vm({"dr": "true"} if number < tagged else {}, vm=vm(number), timeCreated="2026-01-01T00:00:00Z")
        if number >= tagged - protected:
            protect(cloud, vm(number))
    return cloud


def protect(cloud: Cloud, source: ResourceId) -> None:
    body = item_body("Protected", naming.item_name(source, DEPLOYMENT), fabricObjectId=str(source), **HELD)
    body["properties"]["lastSuccessfulTestFailoverTime"] = datetime.now(UTC).isoformat()
    cloud.vault["replication_protected_items"].append(body)


async def step(azure: FakeAzure, hub: FakeHub, sweep: Sweep | None = None) -> Sweep:
    outcome = await reconcile_window(azure, sweep or Sweep(poll_seconds=30), hub)
    assert isinstance(outcome, Ready)
    return Sweep.load(outcome.value)


async def sweep_of(azure: FakeAzure, hub: FakeHub) -> SweepReport:
    """A whole sweep, in which each run ends as soon as it is waited for."""
    sweep = await step(azure, hub)
    while not sweep.done:
        sweep = await step(azure, hub, sweep)
        for work in sweep.under_way:
            ended = RunResult(outcome=RunOutcome.PROTECTED, vm_id=VM_ID).dump()
            hub.instances[work.instance] |= {"runtimeStatus": Status.Completed.name, "output": ended}
    assert sweep.report
    return sweep.report


async def test_the_first_step_looks_and_starts_nothing() -> None:
    hub, cloud = FakeHub(), cloud_of(3, protected=1)

    sweep = await step(FakeAzure(settings(), cloud), hub)

    assert sweep.report
    assert (sweep.report.summary.required, sweep.report.summary.compliant) == (3, 1)
    assert sweep.report.summary.by_action == {"enable": 2}
    assert (sweep.done, sweep.under_way, hub.started, cloud.writes) == (False, (), [], [])


async def test_where_nothing_is_to_be_done_one_step_is_all() -> None:
    hub, cloud = FakeHub(), cloud_of(3, protected=3)

    sweep = await step(FakeAzure(settings(), cloud), hub)

    assert sweep.done
    assert sweep.report
    assert (sweep.report.started, sweep.report.stopped) == ({}, ())
    assert (hub.started, cloud.writes) == ([], [])


@pytest.mark.parametrize("changes", [{"mode": Mode.REPORT}, {"paused": True, "mode": Mode.CLEANUP}])
async def test_with_writes_off_it_reports_and_starts_nothing(changes: dict[str, Any]) -> None:
    hub = FakeHub()
    azure = FakeAzure(settings(**changes), cloud_of(3, untagged=2))

    report = await sweep_of(azure, hub)

    assert report.writes_disabled == azure.settings.writes_disabled
    assert report.summary.by_finding["MissingProtection"] == 3
    assert hub.started == []


async def test_the_runs_it_starts_are_the_vms_own_and_leave_the_way_to_others() -> None:
    hub = FakeHub()

    report = await sweep_of(FakeAzure(settings(), cloud_of(3, protected=1)), hub)

    assert hub.started == instances(0, 1)
    assert report.started == {"enable": 2}
    run = RunState.load(json.loads(hub.instances[hub.started[0]]["input"]))
    assert (run.vm_id, run.low_priority, run.confirmed) == (vm(0), True, False)
    assert run.fingerprint


async def test_a_run_that_is_under_way_is_left_to_itself_and_counts_as_one_that_crowds() -> None:
    hub, azure = FakeHub(), FakeAzure(settings(), cloud_of(2, protected=1))
    hub.put(instance_of(vm(0)), Status.Running, customStatus={"phase": Phase.OBSERVE, "job": ""})

    sweep = await step(azure, hub, await step(azure, hub))

    assert hub.started == []
    assert [work.instance for work in sweep.under_way] == instances(0)
    assert sweep.report
    assert sweep.report.started == {}


async def test_in_a_new_pair_the_others_wait_until_the_first_has_asked() -> None:
    hub, azure = FakeHub(), FakeAzure(settings(), cloud_of(3))

    first = await step(azure, hub, await step(azure, hub))
    assert (hub.started, first.done) == (instances(0), False)

    second = await step(azure, hub, first)
    assert (hub.started, second.done) == (instances(0), False)

    hub.put(instance_of(vm(0)), Status.Running, customStatus={"phase": Phase.FOLLOW, "job": "enable-1"})
    third = await step(azure, hub, second)
    assert (hub.started, third.done) == (instances(0, 1, 2), True)


@pytest.mark.usefixtures("slept")
@pytest.mark.parametrize(("status", "hours"), [(Status.Suspended, 0), (Status.Suspended, 30), (Status.Running, 30)])
async def test_but_not_for_a_first_one_that_does_not_go_on(status: Status, hours: int) -> None:
    """Else the sweep would never end, and no other one would begin."""
    hub, azure = FakeHub(), FakeAzure(settings(), cloud_of(3))
    sweep = await step(azure, hub, await step(azure, hub))
    assert (hub.started, sweep.done) == (instances(0), False)
    at = datetime.now(UTC) - timedelta(hours=hours)
    hub.put(instance_of(vm(0)), status, customStatus={"phase": "observe"}, lastUpdatedTime=at.isoformat())

    sweep = await step(azure, hub, sweep)

    assert (hub.started, sweep.done) == (instances(0, 1, 2), True)


async def test_a_vm_whose_run_could_do_nothing_is_not_started_by_the_next_sweep() -> None:
    hub, cloud = FakeHub(), cloud_of(2, protected=1)
    await sweep_of(FakeAzure(settings(), cloud), hub)
    seen = RunState.load(json.loads(hub.instances[hub.started[0]]["input"])).fingerprint
    result = RunResult(outcome=RunOutcome.NOT_ELIGIBLE, vm_id=vm(0), fingerprint=seen)
    hub.started.clear()

    def ended(hours: float) -> None:
        at = (datetime.now(UTC) - timedelta(hours=hours)).isoformat()
        hub.put(instance_of(vm(0)), Status.Completed, output=result.dump(), lastUpdatedTime=at)

    ended(hours=1)
    report = await sweep_of(FakeAzure(settings(), cloud), hub)
    assert (hub.started, report.started, report.unchanged) == ([], {}, 1)

    ended(hours=7)
    report = await sweep_of(FakeAzure(settings(), cloud), hub)
    assert (hub.started, report.unchanged) == (instances(0), 0)

    hub.started.clear()
    ended(hours=1)
    cloud.add_vm({"dr": "true"}, vm=vm(0), hardwareProfile={"vmSize": "Standard_D4s_v5"})
    report = await sweep_of(FakeAzure(settings(), cloud), hub)
    assert (hub.started, report.unchanged) == (instances(0), 0)


async def test_a_run_that_cannot_be_started_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(FakeHub):
        async def start_new(self, name: str, instance: str, given: Any) -> str:
            if instance in instances(1):
                raise Exception("The task hub is full.")
            return await super().start_new(name, instance, given)

    hub = Broken()
    with caplog.at_level(logging.ERROR, logger="dr.sweep"):
        report = await sweep_of(FakeAzure(settings(), cloud_of(4, protected=1)), hub)

    assert hub.started == instances(0, 2)
    assert report.started == {"enable": 2}
    assert str(vm(1)) in caplog.text


@pytest.mark.usefixtures("slept")
async def test_a_run_that_shows_no_life_is_taken_up_again() -> None:
    hub = FakeHub()
    at = (datetime.now(UTC) - timedelta(hours=3)).isoformat()
    hub.put(instance_of(vm(0)), Status.Running, lastUpdatedTime=at)

    report = await sweep_of(FakeAzure(settings(), cloud_of(2, protected=1)), hub)

    assert (hub.terminated, hub.started, report.started) == (instances(0), instances(0), {"enable": 1})


async def test_no_more_are_enabled_than_the_day_allows_and_the_rest_wait_for_later_sweeps() -> None:
    hub, cloud = FakeHub(), cloud_of(9, protected=1)
    recently = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    cloud.vault["replication_jobs"] += [job_body("Succeeded", f"j{number}", startTime=recently) for number in range(3)]
    azure = FakeAzure(settings(max_enables_per_day=5), cloud)

    first = await step(azure, hub, await step(azure, hub))
    assert (hub.started, first.done) == (instances(0, 1), False)

    vault_of(azure, azure.settings.vault_ids[0]).jobs.forget()
    cloud.vault["replication_jobs"] += [job_body("InProgress", f"n{number}", startTime=recently) for number in range(2)]
    second = await step(azure, hub, first)

    assert (hub.started, second.done) == (instances(0, 1), True)
    assert second.report
    assert second.report.left == {"enable": 6}
    assert [finding.code for finding in second.report.stopped] == ["DailyEnableLimitReached"]


async def test_a_run_that_needs_no_enable_after_all_leaves_it_to_the_next() -> None:
    hub = FakeHub()

    report = await sweep_of(FakeAzure(settings(max_enables_per_day=1), cloud_of(4, protected=1)), hub)

    assert (hub.started, report.left) == (instances(0, 1, 2), {})


async def test_beyond_the_share_that_may_be_disabled_no_one_is_started_and_the_report_says_so() -> None:
    hub = FakeHub()
    azure = FakeAzure(
        settings(mode=Mode.CLEANUP, max_disable_percent_per_day=5), cloud_of(32, protected=32, untagged=8)
    )

    report = await sweep_of(azure, hub)

    assert hub.started == instances(32, 33)
    assert (report.started, report.left) == ({"disable": 2}, {"disable": 6})
    (reported,) = report.stopped
    assert reported.code == "DailyDisableLimitReached"
    assert "6 VMs" in reported.message


async def test_of_what_was_not_read_in_full_nothing_is_disabled_and_the_report_is_partial() -> None:
    hub, cloud = FakeHub(), cloud_of(2, protected=2, untagged=1)
    cloud.faults["replication_policies"] = answer(403, "AuthorizationFailed", "No.")

    report = await sweep_of(FakeAzure(settings(mode=Mode.CLEANUP), cloud), hub)

    assert hub.started == []
    assert report.summary.by_action == {"disable": 1}
    (gap,) = report.gaps
    assert "policies" in gap
    assert "AuthorizationFailed" in gap
    assert [finding.code for finding in report.stopped] == ["InventoryIncomplete"]


async def test_with_the_items_of_a_vault_unread_no_one_is_enabled() -> None:
    hub, cloud = FakeHub(), cloud_of(3, protected=3)
    cloud.faults["replication_protected_items"] = answer(500, "InternalServerError", "No.")

    report = await sweep_of(FakeAzure(settings(), cloud), hub)

    assert hub.started == []
    assert report.summary.by_state == {"Unknown": 3}
    assert report.gaps


async def test_without_the_list_of_jobs_no_one_is_enabled_and_it_is_tried_again() -> None:
    """What was enabled today is not known. The report of the look stays."""
    hub, cloud = FakeHub(), cloud_of(2, protected=1)
    cloud.faults["replication_jobs"] = answer(503, "ServiceUnavailable", "No.")
    azure = FakeAzure(settings(), cloud)
    sweep = await step(azure, hub)

    outcome: StepResult = await to_step_result(reconcile_window(azure, sweep, hub), 30)

    assert isinstance(outcome, Pending)
    assert hub.started == []
    assert sweep.report
    assert sweep.report.gaps


async def test_the_state_that_it_carries_stays_small() -> None:
    hub = FakeHub()
    azure = FakeAzure(settings(), cloud_of(90, protected=1))

    sweep = await step(azure, hub, await step(azure, hub))

    assert len(sweep.under_way) == 89
    assert {work.action for work in sweep.under_way} == {Action.ENABLE}
    assert len(json.dumps(sweep.dump())) < 35_000
    assert CONTAINER.parent.parent.key not in json.dumps(sweep.dump()["report"])
