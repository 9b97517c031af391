"""Taking back a failed attempt: only one that failed, and only one of ours."""

import pytest
from azure.core.exceptions import HttpResponseError

from activities.remove_failed_item import remove_failed_item
from shared.arm.errors import WriteRefusedError
from shared.model import naming
from shared.model.activity_io import VmRequest
from shared.model.resource_id import ResourceId
from shared.model.step_result import Ready
from tests.unit.app.examples import DEPLOYMENT, SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body, our_item_name

REQUEST = VmRequest(vm_id=VM_ID)


def cloud_with(state: str, name: str) -> Cloud:
    cloud = Cloud()
    cloud.vault["replication_protected_items"].append(item_body(state, name))
    return cloud


@pytest.mark.parametrize("state", ["EnablingFailed", "InitialReplicationFailed"])
async def test_a_failed_item_of_ours_is_removed(state: str) -> None:
    cloud = cloud_with(state, our_item_name())

    assert await remove_failed_item(FakeAzure(settings(), cloud), REQUEST) == Ready(value={"job": "delete-1"})
    ((what, path_and_body),) = cloud.writes
    assert what == "delete replication_protected_items"
    assert path_and_body[:5] == ("dr", "vault", "east", "east-container", our_item_name())


async def test_an_item_that_somebody_else_made_is_left() -> None:
    cloud = cloud_with("EnablingFailed", "made-in-the-portal")

    assert await remove_failed_item(FakeAzure(settings(), cloud), REQUEST) == Ready()
    assert cloud.writes == []


@pytest.mark.parametrize(
    "state",
    ["EnablingProtection", "InitialReplicationInProgress", "Protected", "DisablingProtection", "SomethingNew", ""],
)
async def test_an_item_that_may_hold_recovery_points_is_never_removed(state: str) -> None:
    cloud = cloud_with(state, our_item_name())

    assert await remove_failed_item(FakeAzure(settings(), cloud), REQUEST) == Ready()
    assert cloud.writes == []


async def test_a_failed_item_under_test_failover_is_never_removed() -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    cloud.vault["replication_protected_items"][0]["properties"]["testFailoverState"] = "Running"

    assert await remove_failed_item(FakeAzure(settings(), cloud), REQUEST) == Ready()
    assert cloud.writes == []


async def test_where_there_is_no_item_nothing_is_to_be_done() -> None:
    cloud = Cloud()

    assert await remove_failed_item(FakeAzure(settings(), cloud), REQUEST) == Ready()
    assert cloud.writes == []


@pytest.mark.parametrize("off", [{"paused": True}, {"mode": "report"}])
async def test_nothing_is_removed_while_writes_are_off(off: dict[str, object]) -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())

    with pytest.raises(WriteRefusedError):
        await remove_failed_item(FakeAzure(settings(**off), cloud), REQUEST)
    assert cloud.writes == []


# A history, and jobs on the item


@pytest.mark.parametrize("state", ["EnablingFailed", "InitialReplicationFailed"])
@pytest.mark.parametrize(
    ("of_item", "of_provider"),
    [
        ({}, {"lastRpoCalculatedTime": "2026-11-01T10:00:00Z"}),
        ({"lastSuccessfulFailoverTime": "2026-11-01T10:00:00Z"}, {}),
    ],
)
async def test_an_item_that_once_held_recovery_points_is_never_removed(
    state: str, of_item: dict[str, str], of_provider: dict[str, str]
) -> None:
    cloud = Cloud()
    body = item_body(state, our_item_name(), **of_provider)
    body["properties"] |= of_item
    cloud.vault["replication_protected_items"].append(body)

    assert await remove_failed_item(FakeAzure(settings(), cloud), REQUEST) == Ready()
    assert cloud.writes == []


def put_job_on_item(cloud: Cloud, name: str) -> None:
    scenario = {"scenarioName": "Anything", "jobId": f"{VAULT_ID}/replicationJobs/{name}"}
    cloud.vault["replication_protected_items"][0]["properties"]["currentScenario"] = scenario


@pytest.mark.parametrize("state", ["NotStarted", "InProgress", "Cancelling"])
async def test_nothing_is_removed_while_a_job_is_on_the_item(state: str) -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    put_job_on_item(cloud, "job-7")
    cloud.vault["replication_jobs"].append(job_body(state, "job-7"))

    assert await remove_failed_item(FakeAzure(settings(), cloud), REQUEST) == Ready()
    assert cloud.writes == []


async def test_an_item_whose_job_has_ended_is_removed() -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    put_job_on_item(cloud, "job-7")
    cloud.vault["replication_jobs"].append(job_body("Failed", "job-7"))

    await remove_failed_item(FakeAzure(settings(), cloud), REQUEST)

    assert cloud.written == ["delete replication_protected_items"]


@pytest.mark.parametrize("name", ["None", "unknown-job"])
async def test_a_job_that_is_none_keeps_nothing_from_being_removed(name: str) -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    put_job_on_item(cloud, name)

    await remove_failed_item(FakeAzure(settings(), cloud), REQUEST)

    assert cloud.written == ["delete replication_protected_items"]


async def test_a_job_that_cannot_be_read_is_not_taken_for_ended() -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    put_job_on_item(cloud, "job-7")
    cloud.faults["replication_jobs"] = answer(403, "AuthorizationFailed")

    with pytest.raises(HttpResponseError):
        await remove_failed_item(FakeAzure(settings(), cloud), REQUEST)
    assert cloud.writes == []


async def test_a_removal_is_not_asked_for_twice_while_our_own_runs() -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    azure = FakeAzure(settings(), cloud)

    await remove_failed_item(azure, REQUEST)
    cloud.vault["replication_jobs"].append(job_body("InProgress", "delete-1", "DisableDr"))

    assert [await remove_failed_item(azure, REQUEST) for _ in range(3)] == [Ready()] * 3
    assert len(cloud.writes) == 1


async def test_a_removal_that_failed_is_asked_for_again() -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    azure = FakeAzure(settings(), cloud)

    await remove_failed_item(azure, REQUEST)
    cloud.vault["replication_jobs"].append(job_body("Failed", "delete-1", "DisableDr"))

    assert await remove_failed_item(azure, REQUEST) == Ready(value={"job": "delete-2"})


async def test_the_removal_of_one_item_holds_up_no_other() -> None:
    cloud = cloud_with("EnablingFailed", our_item_name())
    vm = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "web-2")
    body = item_body("EnablingFailed", naming.item_name(vm, DEPLOYMENT), fabricObjectId=str(vm))
    cloud.vault["replication_protected_items"].append(body)
    azure = FakeAzure(settings(), cloud)

    await remove_failed_item(azure, REQUEST)
    cloud.vault["replication_jobs"].append(job_body("InProgress", "delete-1", "DisableDr"))

    assert await remove_failed_item(azure, VmRequest(vm_id=vm)) == Ready(value={"job": "delete-2"})
