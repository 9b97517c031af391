"""Taking back a failed attempt: only one that failed, and only one of ours."""

import pytest

from activities.remove_failed_item import remove_failed_item
from shared.azure.answers import WriteRefusedError
from shared.domain.messages import VmRequest
from shared.domain.outcome import Failed, Ready
from tests.unit.app.examples import VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, our_item_name

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


async def test_an_item_that_somebody_else_made_is_left_and_told() -> None:
    cloud = cloud_with("EnablingFailed", "made-in-the-portal")

    outcome = await remove_failed_item(FakeAzure(settings(), cloud), REQUEST)

    assert isinstance(outcome, Failed)
    assert outcome.error.code == "ForeignItemFailed"
    assert "made-in-the-portal" in outcome.error.message
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
