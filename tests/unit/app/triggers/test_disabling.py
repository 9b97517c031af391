"""DELETE of one VM's protection: what it says before, what it refuses, and what it does once it is confirmed."""

import json
from typing import Any

import azure.functions as func
import pytest

from shared.config.settings import Mode
from shared.orchestrations import instance_of
from shared.reconcile.run_state import RunState
from tests.unit.app.asking import problem_of
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name, point_body
from tests.unit.app.fake_durable import FakeDurableClient, RefusesToStart
from triggers.disabling import delete_protection
from triggers.problems import Problem

PATH = f"/api{VM_ID}/protection"
URL = f"https://app.example{PATH}"
RPO_READ = {"lastRpoCalculatedTime": "2026-05-01T12:00:00Z"}


def protected(tags: dict[str, str] | None, state: str = "Protected", name: str = "", **details: Any) -> Cloud:
    """A VM with these tags, or none at all, and the item that protects it."""
    cloud = Cloud()
    if tags is not None:
        cloud.add_vm(tags=tags)
    cloud.vault["replication_protected_items"].append(item_body(state, name or our_item_name(), **RPO_READ, **details))
    return cloud


def request(subscription: str = SUBSCRIPTION, name: str = "web-1", **query: str) -> func.HttpRequest:
    route = {"subscription": subscription, "group": "web", "name": name}
    params = {"code": "s3cret-key", **query}
    return func.HttpRequest("DELETE", f"{URL}?code=s3cret-key", params=params, route_params=route, body=b"")


async def delete(cloud: Cloud, client: FakeDurableClient, **app: Any) -> func.HttpResponse:
    return await delete_protection(FakeAzure(settings(**app), cloud), client, request(confirm="true"))


async def refused(cloud: Cloud, given: func.HttpRequest, **app: Any) -> tuple[int, dict[str, Any]]:
    """The problem that it comes to. Nothing is done then."""
    client = FakeDurableClient()
    reported = await problem_of(delete_protection(FakeAzure(settings(**app), cloud), client, given))
    assert cloud.writes == []
    assert (client.started, client.raised) == ([], [])
    return reported


async def test_a_vm_that_has_no_place_for_the_tag_that_says_no_is_refused() -> None:
    cloud = protected({f"t{each}": "x" for each in range(50)})

    status, problem = await refused(cloud, request(confirm="true"))

    assert (status, problem["code"]) == (409, "DisableRefused")
    assert [finding["code"] for finding in problem["findings"]] == ["TooManyTags"]


@pytest.mark.parametrize("mode", [Mode.PROTECT, Mode.CLEANUP])
async def test_confirmed_it_tags_the_vm_and_starts_a_run_that_carries_the_confirmation(mode: Mode) -> None:
    cloud, client = protected({"dr": "true", "owner": "alice"}), FakeDurableClient()

    response = await delete(cloud, client, mode=mode)

    ((name, instance, given),) = client.started
    assert response.status_code == 202
    reported = json.loads(response.get_body())
    assert (reported["vmId"], reported["instanceId"]) == (str(VM_ID), instance_of(VM_ID))
    assert (name, instance) == ("protect_vm", instance_of(VM_ID))
    assert (RunState.load(given).confirmed, RunState.load(given).orders) == (True, (reported["order"],))
    assert cloud.resources[VM_ID.key]["tags"] == {"dr": "false", "owner": "alice"}
    assert (response.headers["Location"], response.headers["Retry-After"]) == (PATH, "10")
    assert "s3cret" not in str(dict(response.headers))


async def test_unconfirmed_it_says_what_would_be_lost() -> None:
    cloud = protected({"dr": "true"})
    cloud.recovery_points = [point_body(f"2026-05-0{day}T12:00:00Z") for day in (2, 1, 3)]

    status, problem = await refused(cloud, request())

    assert (status, problem["code"]) == (409, "ConfirmationNeeded")
    for reported in (our_item_name(), "3 recovery points from 2026-05-01 12:00 to 2026-05-03 12:00", "confirm=true"):
        assert reported in problem["detail"]
    assert "dr=false" in problem["detail"]


@pytest.mark.parametrize(
    ("cloud", "reported"),
    [
        (protected({"dr": "true"}, "EnablingFailed"), "no recovery point"),
        (protected(None), "web-1 is gone"),
    ],
)
async def test_unconfirmed_it_says_what_else_is_the_matter(cloud: Cloud, reported: str) -> None:
    cloud.vault["replication_protected_items"][0]["properties"]["providerSpecificDetails"].pop("lastRpoCalculatedTime")

    _, problem = await refused(cloud, request(confirm="false"))

    assert reported in problem["detail"]


async def test_a_vm_that_nothing_protects_is_tagged_so_that_no_sweep_enables_it() -> None:
    cloud, client = Cloud(), FakeDurableClient()
    cloud.add_vm(tags={"dr": "true"})
    _, problem = await refused(cloud, request())

    response = await delete(cloud, client)

    assert "Nothing protects web-1" in problem["detail"]
    assert response.status_code == 202
    assert cloud.resources[VM_ID.key]["tags"] == {"dr": "false"}
    assert len(client.started) == 1


async def test_of_a_vm_that_is_gone_what_still_protects_it_is_disabled() -> None:
    cloud, client = protected(None), FakeDurableClient()

    response = await delete(cloud, client)

    assert response.status_code == 202
    assert cloud.writes == []
    assert RunState.load(client.started[0][2]).confirmed


@pytest.mark.parametrize("says", ["false", "FALSE", "no", "0"])
async def test_a_tag_that_says_no_already_is_left_as_it_is(says: str) -> None:
    cloud, client = protected({"DR": says}), FakeDurableClient()

    await delete(cloud, client)

    assert cloud.writes == []
    assert len(client.started) == 1


async def test_what_is_written_means_no_whatever_means_yes() -> None:
    cloud = protected({"recovery": "gold"})

    await delete(cloud, FakeDurableClient(), tag_name="recovery", tag_values="gold")

    assert cloud.resources[VM_ID.key]["tags"] == {"recovery": "false"}


@pytest.mark.parametrize(
    ("cloud", "code"),
    [
        (protected({"dr": "true", "dr-hold": "true"}), "OnHold"),
        (protected({"dr-hold": "true"}), "OnHold"),
        (protected({"dr": "true"}, "UnplannedFailoverCommitted"), "ItemFrozen"),
        (protected(None, "UnplannedFailoverCommitted"), "ItemFrozen"),
        (protected({"dr": "true"}, name="made-in-the-portal"), "NotManagedByApp"),
        (
            protected({"dr": "true"}, "Protected", "x", fabricObjectId=f"{VM_ID}-0", recoveryFabricObjectId=str(VM_ID)),
            "FailoverVm",
        ),
    ],
)
@pytest.mark.parametrize("query", [{}, {"confirm": "true"}])
async def test_what_is_not_to_be_touched_is_refused_with_the_reason(
    cloud: Cloud, code: str, query: dict[str, str]
) -> None:
    status, problem = await refused(cloud, request(**query))

    assert (status, problem["code"]) == (409, "DisableRefused")
    assert [finding["code"] for finding in problem["findings"]] == [code]
    assert problem["findings"][0]["message"] in problem["detail"]


@pytest.mark.parametrize("off", [{"paused": True}, {"mode": "report"}])
@pytest.mark.parametrize("query", [{}, {"confirm": "true"}])
async def test_while_writes_are_off_it_is_a_conflict_and_nothing_is_read(
    off: dict[str, Any], query: dict[str, str]
) -> None:
    cloud = protected({"dr": "true"})

    status, problem = await refused(cloud, request(**query), **off)

    assert (status, problem["code"]) == (409, "WritesDisabled")
    assert cloud.reads == []


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        (request("not-a-guid"), 400, "MalformedResource"),
        (request(ELSEWHERE, confirm="true"), 404, "OutOfScope"),
        (request(name="missing", confirm="true"), 404, "VmNotFound"),
        (request(confirm="yes"), 400, "InvalidQuery"),
        (request(targetsOnly="true"), 400, "InvalidQuery"),
    ],
)
async def test_what_it_cannot_take_is_refused(given: func.HttpRequest, status: int, code: str) -> None:
    got, problem = await refused(protected({"dr": "true"}), given)

    assert (got, problem["code"]) == (status, code)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("read", 502, "AuthorizationFailed"),
        ("replication_protected_items", 409, "DisableRefused"),
        (f"recovery points of {our_item_name()}", 502, "AuthorizationFailed"),
    ],
)
async def test_nothing_is_disabled_while_azure_refuses_to_tell(fault: str, status: int, code: str) -> None:
    cloud = protected({"dr": "true"})
    cloud.faults[fault] = answer(403, "AuthorizationFailed")

    got, problem = await refused(cloud, request())

    assert (got, problem["code"]) == (status, code)


@pytest.mark.usefixtures("slept")
async def test_a_run_that_is_not_started_leaves_the_tag_and_says_so() -> None:
    cloud = protected({"dr": "true"})

    with pytest.raises(Problem) as problem:
        await delete(cloud, RefusesToStart())

    assert (problem.value.document["code"], cloud.written) == ("RunNotStarted", ["tags"])
    assert "The tag says no" in problem.value.document["detail"]
