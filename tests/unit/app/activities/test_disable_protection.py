"""The end of a protection: what may be disabled, when, and how many in a day."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.disable_protection import disable_protection
from activities.enable_protection import enable_protection
from shared.arm.errors import WriteRefusedError
from shared.config.settings import Mode
from shared.model import naming
from shared.model.activity_io import EnableRequest, VmRequest
from shared.model.decision import State
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending, Ready
from shared.observe.vm import observe
from tests.unit.app.examples import DEPLOYMENT, SUBSCRIPTION, VM_ID, plan_of, planning_context, settings, source_vm
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, job_body, our_item_name

REQUEST, CONFIRMED = VmRequest(vm_id=VM_ID), VmRequest(vm_id=VM_ID, confirmed=True)
POINTS = {"lastRpoCalculatedTime": "2026-05-01T12:00:00Z"}


def cloud_with(tags: dict[str, str] | None, state: str = "Protected", name: str = "", **details: Any) -> Cloud:
    """A VM with these tags, or none at all, and the item that protects it."""
    cloud = Cloud()
    if tags is not None:
        cloud.add_vm(tags=tags)
    cloud.vault["replication_protected_items"].append(item_body(state, name or our_item_name(), **POINTS, **details))
    return cloud


def cleanup(cloud: Cloud, **changes: Any) -> FakeAzure:
    return FakeAzure(settings(mode=Mode.CLEANUP, max_disable_percent_per_day=100, **changes), cloud)


def disables_of(count: int, hours_ago: float = 1) -> list[dict[str, Any]]:
    started = (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()
    return [job_body("Succeeded", f"old-{number}", "DisableDr", startTime=started) for number in range(count)]


@pytest.mark.parametrize("tags", [{}, {"dr": "false"}, None], ids=["no tag", "a tag that says no", "no VM"])
async def test_in_cleanup_what_no_one_asks_for_is_disabled(tags: dict[str, str] | None) -> None:
    cloud = cloud_with(tags)

    assert await disable_protection(cleanup(cloud), REQUEST) == Ready(value={"job": "delete-1"})
    assert [what for what, _ in cloud.writes] == ["delete replication_protected_items"]


@pytest.mark.parametrize("mode", [Mode.REPORT, Mode.PROTECT])
async def test_in_no_other_mode_is_it_disabled(mode: Mode) -> None:
    cloud = cloud_with({})

    assert await disable_protection(FakeAzure(settings(mode=mode), cloud), REQUEST) == Ready(value={"job": ""})
    assert cloud.writes == []


@pytest.mark.parametrize("mode", [Mode.PROTECT, Mode.CLEANUP])
async def test_a_confirmation_disables_in_either_mode_whatever_the_share(mode: Mode) -> None:
    cloud = cloud_with({"dr": "false"})
    cloud.vault["replication_jobs"] += disables_of(50)

    azure = FakeAzure(settings(mode=mode, max_disable_percent_per_day=1), cloud)

    assert await disable_protection(azure, CONFIRMED) == Ready(value={"job": "delete-1"})


@pytest.mark.parametrize("changes", [{"paused": True}, {"mode": Mode.REPORT}])
async def test_with_writes_off_no_confirmation_helps(changes: dict[str, Any]) -> None:
    cloud = cloud_with({"dr": "false"})

    with pytest.raises(WriteRefusedError):
        await disable_protection(FakeAzure(settings(**changes), cloud), CONFIRMED)
    assert cloud.writes == []


@pytest.mark.parametrize("request_", [REQUEST, CONFIRMED])
@pytest.mark.parametrize(
    ("tags", "state", "name", "details"),
    [
        ({"dr": "true"}, "Protected", "", {}),
        ({"dr-hold": "1"}, "Protected", "", {}),
        ({}, "Protected", "made-in-the-portal", {}),
        ({}, "UnplannedFailoverCommitted", "", {}),
        ({}, "SomethingNew", "", {}),
        ({}, "DisablingProtection", "", {}),
    ],
    ids=["tagged", "on hold", "of others", "failed over", "an unknown state", "being disabled"],
)
async def test_what_may_not_be_disabled(
    request_: VmRequest, tags: dict[str, str], state: str, name: str, details: dict[str, Any]
) -> None:
    cloud = cloud_with(tags, state, name, **details)

    assert await disable_protection(cleanup(cloud), request_) == Ready(value={"job": ""})
    assert cloud.writes == []


async def test_an_item_under_test_failover_is_left() -> None:
    cloud = cloud_with({})
    cloud.vault["replication_protected_items"][0]["properties"]["testFailoverState"] = "Running"

    assert await disable_protection(cleanup(cloud), CONFIRMED) == Ready(value={"job": ""})
    assert cloud.writes == []


async def test_another_job_on_the_item_is_waited_for() -> None:
    cloud = cloud_with({})
    properties = cloud.vault["replication_protected_items"][0]["properties"]
    properties["currentScenario"] = {"scenarioName": "TestFailover", "jobId": "x/replicationJobs/job-1"}
    cloud.vault["replication_jobs"].append(job_body("InProgress", "job-1", "TestFailover"))

    assert isinstance(await disable_protection(cleanup(cloud), REQUEST), Pending)
    assert cloud.writes == []


async def test_never_more_than_the_share_in_a_day_though_at_least_one() -> None:
    cloud = cloud_with({})
    cloud.vault["replication_jobs"] += disables_of(1)
    azure = FakeAzure(settings(mode=Mode.CLEANUP, max_disable_percent_per_day=5), cloud)

    outcome = await disable_protection(azure, REQUEST)

    assert isinstance(outcome, Pending)
    assert outcome.error
    assert outcome.error.code == "DailyDisableLimitReached"
    assert "confirm=true" in outcome.error.action
    assert cloud.writes == []


async def test_what_was_disabled_a_day_ago_counts_no_more() -> None:
    cloud = cloud_with({})
    cloud.vault["replication_jobs"] += disables_of(3, hours_ago=25)
    azure = FakeAzure(settings(mode=Mode.CLEANUP, max_disable_percent_per_day=5), cloud)

    assert await disable_protection(azure, REQUEST) == Ready(value={"job": "delete-1"})


async def test_a_share_of_nothing_disables_nothing() -> None:
    cloud = cloud_with({})
    azure = FakeAzure(settings(mode=Mode.CLEANUP, max_disable_percent_per_day=0), cloud)

    assert isinstance(await disable_protection(azure, REQUEST), Pending)
    assert cloud.writes == []


async def test_an_old_list_of_jobs_lets_no_more_through_than_the_day_allows() -> None:
    """Two hundred VMs ask at once, and none of them sees the jobs of the others in the list."""
    cloud = Cloud()
    cloud.add_region_pair()
    azure = FakeAzure(settings(max_enables_per_day=50), cloud)
    plan = plan_of(source_vm(), planning_context(), settings())
    assert plan.replication
    vms = [ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"vm-{number}") for number in range(200)]

    outcomes = await asyncio.gather(
        *(enable_protection(azure, EnableRequest(vm_id=vm, replication=plan.replication)) for vm in vms)
    )

    assert sum(1 for outcome in outcomes if isinstance(outcome, Ready)) == 50
    assert len(cloud.writes) == 50
    waits = [outcome for outcome in outcomes if isinstance(outcome, Pending)]
    assert {outcome.error.code for outcome in waits if outcome.error} == {"DailyEnableLimitReached"}
    assert all(outcome.retry_after >= 600 for outcome in waits)


@pytest.mark.parametrize(
    ("tags", "changes", "grace"),
    [
        ({}, {}, 72 * 3600),
        ({}, {"untag_grace_hours": 1}, 3600),
        ({"dr": "false"}, {}, 3600),
        ({"DR": "no"}, {"opt_out_grace_hours": 0}, 0),
        (None, {}, 72 * 3600),
    ],
)
async def test_a_tag_that_says_no_is_meant_and_one_that_is_missing_may_be_a_mistake(
    tags: dict[str, str] | None, changes: dict[str, Any], grace: float
) -> None:
    source = await observe(cleanup(cloud_with(tags), **changes), VM_ID)

    assert source.decision.state is (State.SOURCE_GONE if tags is None else State.UNTAGGED)
    assert source.item
    assert source.item.id.name == naming.item_name(VM_ID, DEPLOYMENT)
    assert source.decision.grace_seconds == grace


async def test_out_of_cleanup_a_vm_without_the_tag_costs_one_read() -> None:
    cloud = cloud_with({})

    assert (await observe(FakeAzure(settings(), cloud), VM_ID)).item is None
    assert len(cloud.reads) == 1
