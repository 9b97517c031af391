"""PUT of one VM's protection: what is refused, with nothing written, and what is not."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.arm.errors import ThrottledError
from shared.config.settings import Intent
from shared.model import naming
from shared.model.resource_id import ResourceId
from shared.observe.vm import observe
from shared.orchestrations import instance_of
from shared.reconcile.run_state import RunState
from tests.unit.app.asking import PATH, problem_of, request
from tests.unit.app.examples import ELSEWHERE, NETWORK, SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body
from tests.unit.app.fake_durable import FakeDurableClient, RefusesToStart, unreachable
from triggers.problems import Problem
from triggers.protection import put_protection

INSTANCE = naming.instance_id(VM_ID)


async def test_put_tags_the_vm_and_starts_it(cloud: Cloud, client: FakeDurableClient) -> None:
    response = await put_protection(FakeAzure(settings(), cloud), client, request())

    assert response.status_code == 202
    reported = json.loads(response.get_body())
    assert (reported["vmId"], reported["instanceId"]) == (str(VM_ID), INSTANCE)
    assert RunState.load(client.started[0][2]).orders == (reported["order"],)
    assert cloud.resources[VM_ID.key]["tags"] == {"dr": "true"}
    assert [instance for _, instance, _ in client.started] == [INSTANCE]


async def test_put_leads_to_a_place_to_look_without_the_key_that_was_used(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    response = await put_protection(FakeAzure(settings(), cloud), client, request())

    assert response.headers["Location"] == PATH
    assert "s3cret" not in str(dict(response.headers))


async def test_put_keeps_the_other_tags_and_writes_the_name_and_value_of_the_settings(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    cloud.add_vm(tags={"owner": "alice"})
    azure = FakeAzure(settings(tag_name="recovery", tag_values="gold,silver"), cloud)

    await put_protection(azure, client, request(b"{}"))

    assert cloud.resources[VM_ID.key]["tags"] == {"owner": "alice", "recovery": "gold"}


async def test_put_of_a_tagged_vm_writes_no_tag_and_starts_it(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.add_vm(tags={"DR": "True"})

    await put_protection(FakeAzure(settings(), cloud), client, request())

    assert cloud.writes == []
    assert len(client.started) == 1


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}", b" { } "])
async def test_put_takes_nothing_or_an_empty_object(cloud: Cloud, client: FakeDurableClient, body: bytes) -> None:
    response = await put_protection(FakeAzure(settings(), cloud), client, request(body))

    assert response.status_code == HTTPStatus.ACCEPTED


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_put_takes_json_with_parameters(cloud: Cloud, client: FakeDurableClient, content_type: str) -> None:
    response = await put_protection(FakeAzure(settings(), cloud), client, request(b"{}", content_type))

    assert response.status_code == HTTPStatus.ACCEPTED


@pytest.mark.parametrize(
    ("given", "status", "code", "reported"),
    [
        ({"body": b"{"}, 400, "MalformedBody", "invalid JSON"),
        ({"body": b"\xff\xfe"}, 400, "MalformedBody", "invalid JSON"),
        ({"body": b"[" * 60_000}, 400, "MalformedBody", "invalid JSON"),
        ({"body": b'{"a":' * 12_000}, 400, "MalformedBody", "invalid JSON"),
        ({"body": b"[" * 60_000 + b"]" * 60_000}, 413, "BodyTooLarge", "65536"),
        ({"body": b"[" * 30_000 + b"]" * 30_000}, 400, "MalformedBody", "invalid JSON"),
        ({"body": b"dr=true", "content_type": "text/plain"}, 415, "NotJson", "'text/plain'"),
        ({"body": b"{}", "content_type": ""}, 415, "NotJson", "application/json"),
        ({"body": b'{"a": "' + 70_000 * b"x" + b'"}'}, 413, "BodyTooLarge", "65536"),
        ({"body": b'{"targetRegion": "westus2"}'}, 422, "InvalidBody", "targetRegion"),
        ({"body": b"[]"}, 422, "InvalidBody", "body"),
        ({"body": b"null"}, 422, "InvalidBody", "body"),
        ({"body": b'"text"'}, 422, "InvalidBody", "body"),
        ({"confirm": "yes"}, 400, "InvalidQuery", "confirm"),
        ({"dryRun": "true"}, 400, "InvalidQuery", "dryRun"),
        ({"targetsOnly": "true", "confirm": "true"}, 400, "InvalidQuery", "confirm"),
        ({"targetsOnly": "true", "body": b'{"dr-target-zone": "2"}'}, 422, "BodyNeedsTags", "stored nowhere"),
        ({"subscription": "not-a-guid"}, 400, "MalformedResource", "not-a-guid"),
        ({"name": ".."}, 400, "MalformedResource", "/subscriptions/<guid>"),
        ({"name": "."}, 400, "MalformedResource", "/subscriptions/<guid>"),
        ({"name": "web-1/extensions/x"}, 400, "MalformedResource", "web-1/extensions/x"),
        ({"name": "web 1"}, 400, "MalformedResource", "web 1"),
        ({"group": "ends-in-a-dot."}, 400, "MalformedResource", "ends-in-a-dot."),
        ({"subscription": ELSEWHERE}, 404, "OutOfScope", "DR_SOURCE_SCOPE"),
        ({"name": "web-2"}, 404, "VmNotFound", "web-2"),
    ],
)
async def test_put_refuses_what_it_cannot_take_and_does_nothing(
    cloud: Cloud, client: FakeDurableClient, given: dict[str, Any], status: int, code: str, reported: str
) -> None:
    got, problem = await problem_of(put_protection(FakeAzure(settings(), cloud), client, request(**given)))

    assert (got, problem["status"], problem["code"]) == (status, status, code)
    assert reported in problem["detail"]
    assert cloud.writes == []
    assert client.started == []


@pytest.mark.parametrize("off", [{"paused": True}, {"mode": "report"}])
async def test_put_is_a_conflict_while_writes_are_off(
    cloud: Cloud, client: FakeDurableClient, off: dict[str, Any]
) -> None:
    status, problem = await problem_of(put_protection(FakeAzure(settings(**off), cloud), client, request()))

    assert (status, problem["code"]) == (409, "WritesDisabled")
    assert "DR_" in problem["detail"]
    assert cloud.reads == []
    assert client.started == []


def hold(cloud: Cloud) -> None:
    cloud.add_vm(tags={"dr-hold": "true"})


def stop(cloud: Cloud) -> None:
    cloud.add_vm(power="deallocated")


def manage_the_group(cloud: Cloud) -> None:
    cloud.add(VM_ID.group_id, {"location": "eastus", "managedBy": "/subscriptions/x/aks"})


def object_to_it(cloud: Cloud) -> None:
    cloud.eligibility_errors.append({"code": "150001", "message": "Too old.", "recommendedAction": "Upgrade."})


def make_it_a_copy(cloud: Cloud) -> None:
    original = str(VM_ID).replace("/web/", "/other/")
    cloud.vault["replication_protected_items"].append(
        item_body("UnplannedFailoverCommitted", fabricObjectId=original, recoveryFabricObjectId=str(VM_ID).lower())
    )


def detach_the_disks(cloud: Cloud) -> None:
    cloud.add_vm(storageProfile={"osDisk": {"vhd": {"uri": "https://x"}}, "dataDisks": [{"lun": 0}]})


@pytest.mark.parametrize(
    ("happened", "code"),
    [
        (hold, "OnHold"),
        (stop, "VmNotRunning"),
        (manage_the_group, "ManagedResourceGroup"),
        (object_to_it, "NotEligibleForReplication"),
        (make_it_a_copy, "FailoverVm"),
        (detach_the_disks, "UnmanagedDisks"),
    ],
)
async def test_put_of_a_vm_that_cannot_be_protected_says_why_and_writes_no_tag(
    cloud: Cloud, client: FakeDurableClient, happened: Callable[[Cloud], None], code: str
) -> None:
    happened(cloud)

    status, problem = await problem_of(put_protection(FakeAzure(settings(), cloud), client, request()))

    assert (status, problem["code"]) == (422, "NotEligible")
    assert [finding["code"] for finding in problem["findings"]] == [code]
    assert problem["findings"][0]["message"] in problem["detail"]
    assert cloud.writes == []
    assert client.started == []


async def test_put_of_a_vm_that_azure_is_busy_with_is_taken(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.add_vm(power="starting", provisioningState="Creating")

    response = await put_protection(FakeAzure(settings(), cloud), client, request())

    assert response.status_code == 202
    assert cloud.written == ["tags"]


async def test_put_of_a_vm_with_an_item_does_not_ask_whether_it_could_be_enabled(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    cloud.vault["replication_protected_items"].append(item_body("Protected"))
    cloud.add_vm(power="deallocated")

    response = await put_protection(FakeAzure(settings(), cloud), client, request())

    assert response.status_code == 202
    assert NETWORK.key not in {read.lower() for read in cloud.reads}


# PUT with a body

ZONES = {"profiles": '{"default": {"allow": {"target-zone": ["1", "2"]}}, "gold": {}}'}


async def test_what_the_body_asks_for_becomes_tags_in_one_call(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.add_vm(tags={"owner": "alice"})

    await put_protection(FakeAzure(settings(**ZONES), cloud), client, request(b'{"dr-target-zone": "2"}'))

    assert cloud.writes == [("tags", (str(VM_ID), {"dr-target-zone": "2", "dr": "true"}))]
    assert cloud.resources[VM_ID.key]["tags"] == {"owner": "alice", "dr": "true", "dr-target-zone": "2"}
    assert len(client.started) == 1


@pytest.mark.parametrize(
    ("tags", "written"),
    [
        ({"dr": "true", "DR-Target-Zone": "2"}, None),
        ({"dr": "true", "dr-target-zone": "1"}, {"dr-target-zone": "2"}),
        ({"dr-target-zone": "2"}, {"dr": "true"}),
    ],
)
async def test_only_what_the_vm_does_not_say_already_is_written(
    cloud: Cloud, client: FakeDurableClient, tags: dict[str, str], written: dict[str, str] | None
) -> None:
    cloud.add_vm(tags=tags)

    await put_protection(FakeAzure(settings(**ZONES), cloud), client, request(b'{"dr-target-zone": "2"}'))

    assert [tags for _, (_, tags) in cloud.writes] == ([written] if written else [])
    assert len(client.started) == 1


def others(number: int, **more: str) -> dict[str, str]:
    """So many tags of others, and more."""
    return {**{f"t{each}": "x" for each in range(number)}, **more}


@pytest.mark.parametrize(
    ("carried", "body", "removed"),
    [
        (others(50), b"{}", "50 tags already, and Azure allows 50: there is no place for dr."),
        (
            others(49),
            b'{"dr-target-zone": "2"}',
            "49 tags already, and Azure allows 50: there is no place for dr-target-zone, dr.",
        ),
        (
            others(49, DR="true"),
            b'{"dr-target-zone": "2"}',
            "50 tags already, and Azure allows 50: there is no place for",
        ),
    ],
)
@pytest.mark.parametrize("state", ["Succeeded", "Creating"])
async def test_a_vm_that_has_no_place_for_a_tag_is_refused_before_anything_is_written(
    cloud: Cloud, client: FakeDurableClient, carried: dict[str, str], body: bytes, removed: str, state: str
) -> None:
    cloud.add_vm(tags=carried, provisioningState=state)

    status, problem = await problem_of(put_protection(FakeAzure(settings(**ZONES), cloud), client, request(body)))

    assert (status, problem["code"]) == (422, "NotEligible")
    (finding,) = problem["findings"]
    assert finding["code"] == "TooManyTags"
    assert f"web-1 has {removed}" in finding["message"]
    assert finding["fix"] == "Remove a tag from the VM."
    assert (cloud.writes, client.started) == ([], [])


@pytest.mark.parametrize(
    ("carried", "body", "query"),
    [
        (others(49), b"{}", {}),
        (others(49, DR="true"), b"{}", {}),
        (others(48, dr="true", **{"DR-Target-Zone": "1"}), b'{"dr-target-zone": "2"}', {}),
        (others(50), b"", {"targetsOnly": "true"}),
    ],
)
async def test_a_vm_that_has_place_for_what_is_written_is_not_refused(
    cloud: Cloud, client: FakeDurableClient, carried: dict[str, str], body: bytes, query: dict[str, str]
) -> None:
    cloud.add_vm(tags=carried)

    response = await put_protection(FakeAzure(settings(**ZONES), cloud), client, request(body, **query))

    assert response.status_code == 202


@pytest.mark.parametrize("body", [b'{"dr-target-zone": "3"}', b'{"dr-profile": "gold", "dr-target-zone": "2"}'])
@pytest.mark.parametrize("situation", ["untagged", "protected", "settling"])
async def test_a_body_that_is_not_allowed_writes_no_tag_whatever_the_vm_is(
    cloud: Cloud, client: FakeDurableClient, body: bytes, situation: str
) -> None:
    if situation == "protected":
        cloud.add_region_pair()
        cloud.vault["replication_protected_items"].append(item_body("Protected"))
    if situation == "settling":
        cloud.add_vm(power="starting", provisioningState="Creating")

    status, problem = await problem_of(put_protection(FakeAzure(settings(**ZONES), cloud), client, request(body)))

    assert (status, problem["code"]) == (422, "NotEligible")
    assert [finding["code"] for finding in problem["findings"]] == ["OverrideNotAllowed"]
    assert cloud.writes == []
    assert client.started == []


async def test_a_target_that_cannot_serve_is_reported_before_a_tag_is_written(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    status, problem = await problem_of(
        put_protection(FakeAzure(settings(target_creation="none"), cloud), client, request())
    )

    assert (status, problem["code"]) == (422, "NotEligible")
    assert {finding["code"] for finding in problem["findings"]} == {"CreationDisabled"}
    assert cloud.writes == []


# PUT for the target resources alone


async def test_the_targets_alone_are_made_by_a_run_of_their_own_and_no_tag_is_written(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    response = await put_protection(FakeAzure(settings(), cloud), client, request(b"{}", targetsOnly="true"))

    ((_, instance, given),) = client.started
    assert response.status_code == 202
    assert instance == json.loads(response.get_body())["instanceId"] == instance_of(VM_ID, targets_only=True)
    assert instance != INSTANCE
    assert RunState.load(given).targets_only is True
    assert response.headers["Location"] == f"{PATH}?targetsOnly=true"
    assert cloud.writes == []


async def test_the_targets_of_a_vm_that_is_not_eligible_are_not_made(cloud: Cloud, client: FakeDurableClient) -> None:
    stop(cloud)

    status, problem = await problem_of(
        put_protection(FakeAzure(settings(), cloud), client, request(targetsOnly="true"))
    )

    assert (status, problem["code"]) == (422, "NotEligible")
    assert client.started == []


@pytest.mark.usefixtures("slept")
async def test_a_run_for_the_targets_that_cannot_be_started_says_that_no_tag_is_written(
    cloud: Cloud,
) -> None:
    status, problem = await problem_of(
        put_protection(FakeAzure(settings(), cloud), RefusesToStart(), request(targetsOnly="true"))
    )

    assert (status, problem["code"]) == (503, "RunNotStarted")
    assert "No tag" in problem["detail"]


# PUT that decides after a failover


@pytest.mark.parametrize(("query", "status"), [({}, 422), ({"confirm": "false"}, 422), ({"confirm": "true"}, 202)])
async def test_after_a_failover_that_was_disabled_only_a_confirmed_put_enables_and_keeps_the_word(
    cloud: Cloud, client: FakeDurableClient, query: dict[str, Any], status: int
) -> None:
    other = ResourceId.of(SUBSCRIPTION, "back", VM_ID.type, VM_ID.name)
    cloud.add_vm({"dr": "true"}, vm=other)
    cloud.vault["replication_jobs"].append(
        job_body("Succeeded", "1", "CommitFailover", startTime="2026-05-01T10:00:00Z")
    )
    azure = FakeAzure(settings(poll_seconds=0.01), cloud)

    call = put_protection(azure, client, request(**query))
    if status == 202:
        answered = (await call).status_code
    else:
        answered, problem = await problem_of(call)
        assert [finding["code"] for finding in problem["findings"]] == ["DisabledAfterFailover"]

    assert answered == status
    assert bool(client.started) is (status == 202)
    for vm, held in ((VM_ID, status != 202), (other, True)):
        found = (await observe(FakeAzure(settings(), cloud), vm, intent=Intent.YES)).decision.findings
        assert ("DisabledAfterFailover" in [each.code for each in found]) is held


# Azure or the storage fails


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry"),
    [
        (answer(429, "TooManyRequests"), 503, "TooManyRequests", "30"),
        (answer(429, "TooManyRequests", **{"Retry-After": "17"}), 503, "TooManyRequests", "17"),
        (ThrottledError("rate limit of reads reached", 7.2, lambda wait: wait), 503, "Throttled", "7"),
        (answer(403, "AuthorizationFailed"), 502, "AuthorizationFailed", None),
        (answer(500, "InternalServerError"), 502, "InternalServerError", None),
        (ServiceRequestError("no route to host 10.0.0.1"), 502, "ServiceRequestError", "30"),
    ],
)
async def test_what_goes_wrong_between_us_and_azure_is_a_fault_upstream(
    cloud: Cloud, client: FakeDurableClient, fault: Exception, status: int, code: str, retry: str | None
) -> None:
    cloud.faults["read"] = fault

    with pytest.raises(Problem) as problem:
        await put_protection(FakeAzure(settings(), cloud), client, request())

    response = problem.value.response()
    assert (response.status_code, problem.value.document["code"]) == (status, code)
    assert response.headers.get("Retry-After") == retry
    assert "10.0.0.1" not in problem.value.document["detail"]
    assert client.started == []


async def test_a_tag_that_cannot_be_written_starts_nothing(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.faults["write"] = answer(403, "AuthorizationFailed")

    status, problem = await problem_of(put_protection(FakeAzure(settings(), cloud), client, request()))

    assert (status, problem["code"]) == (502, "AuthorizationFailed")
    assert client.started == []


async def test_a_tag_that_somebody_else_added_meanwhile_is_a_conflict_that_the_caller_can_fix(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    cloud.faults["write"] = answer(400, "ExceededMaxTagCount", "The number of tags cannot exceed 50.")

    status, problem = await problem_of(put_protection(FakeAzure(settings(), cloud), client, request()))

    assert (status, problem["code"]) == (409, "TooManyTags")
    assert "Remove a tag from the VM." in problem["detail"]
    assert client.started == []


async def test_a_pause_that_comes_between_plan_and_tag_is_a_conflict(cloud: Cloud, client: FakeDurableClient) -> None:
    class PausedSoon(FakeAzure):
        def check_vm_write(self, vm: ResourceId) -> None:
            self.settings = settings(paused=True)
            super().check_vm_write(vm)

    status, problem = await problem_of(put_protection(PausedSoon(settings(), cloud), client, request()))

    assert (status, problem["code"]) == (409, "WritesDisabled")
    assert client.started == []


@pytest.mark.parametrize("tags", [{}, {"dr": "true"}])
@pytest.mark.usefixtures("slept")
async def test_a_run_that_cannot_be_started_is_reported_with_when_to_ask_again(
    cloud: Cloud, tags: dict[str, str]
) -> None:
    cloud.add_vm(tags=tags)

    with pytest.raises(Problem) as problem:
        await put_protection(FakeAzure(settings(), cloud), RefusesToStart(), request())

    response = problem.value.response()
    document = json.loads(response.get_body())
    assert (response.status_code, document["code"]) == (503, "RunNotStarted")
    assert response.headers["Retry-After"] == "10"
    assert "The tag is written" in document["detail"]
    assert cloud.resources[VM_ID.key]["tags"] == {"dr": "true"}


@pytest.mark.parametrize("call", ["get_status", "raise_event"])
@pytest.mark.usefixtures("slept")
async def test_storage_that_fails_after_the_tag_was_written_is_reported_with_when_to_ask_again(
    cloud: Cloud, client: FakeDurableClient, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(client, call, unreachable)
    client.status = Status.Running

    status, problem = await problem_of(put_protection(FakeAzure(settings(), cloud), client, request()))

    assert (status, problem["code"]) == (503, "RunNotStarted")
    assert "The tag is written" in problem["detail"]


@pytest.mark.usefixtures("slept")
async def test_what_was_not_started_is_started_by_asking_again(cloud: Cloud, client: FakeDurableClient) -> None:
    azure = FakeAzure(settings(), cloud)
    with pytest.raises(Problem):
        await put_protection(azure, RefusesToStart(), request())

    assert (await put_protection(azure, client, request())).status_code == HTTPStatus.ACCEPTED
    assert cloud.written == ["tags"]
    assert len(client.started) == 1
