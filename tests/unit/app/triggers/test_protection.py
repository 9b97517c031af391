"""GET and PUT of one VM's protection: what is refused, with nothing written, and what is not."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import azure.functions as func
import pytest
from azure.core.exceptions import ServiceRequestError
from azure.durable_functions import OrchestrationRuntimeStatus as Status

from shared.arm.errors import ThrottledError
from shared.config.settings import Intent
from shared.model import naming
from shared.model.names import DEFAULT_NAMES
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.observe.vm import observe
from shared.orchestrations import instance_of
from shared.planning.catalog import finding_of
from shared.reconcile.run_state import LastChange, RunOutcome, RunResult, RunState
from tests.unit.app.asking import problem_of
from tests.unit.app.examples import ELSEWHERE, NETWORK, SUBSCRIPTION, VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body
from tests.unit.app.fake_durable import FakeDurableClient
from triggers.plan import post_plan
from triggers.problems import Problem
from triggers.protection import get_protection, put_protection

INSTANCE = naming.instance_id(VM_ID)
PATH = f"/api{VM_ID}/protection"
URL = f"https://app.example{PATH}"


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm()
    return cloud


@pytest.fixture
def client() -> FakeDurableClient:
    return FakeDurableClient()


def request(
    body: bytes = b"",
    content_type: str = "application/json",
    subscription: str = SUBSCRIPTION,
    group: str = "web",
    name: str = "web-1",
    **query: str,
) -> func.HttpRequest:
    route = {"subscription": subscription, "group": group, "name": name}
    headers = {"Content-Type": content_type} if content_type else {}
    params = {"code": "s3cret-key", **query}
    url = f"{URL}?{urlencode(params)}"
    return func.HttpRequest("PUT", url, headers=headers, params=params, route_params=route, body=body)


# PUT


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


# PUT that confirms the edit of a policy


def protect_under(cloud: Cloud, name: str, retention: int = 12, app_consistent: int = 4) -> None:
    """Two VMs are under a policy of that name and those values."""
    policy = str(VAULT_ID.child("replicationPolicies", name))
    values = {
        "instanceType": "A2A",
        "recoveryPointHistory": retention * 60,
        "appConsistentFrequencyInMinutes": app_consistent * 60,
        "crashConsistentFrequencyInMinutes": 5,
    }
    cloud.vault["replication_policies"].append(
        {"id": policy, "name": name, "properties": {"providerSpecificDetails": values}}
    )
    for number, vm in enumerate((str(VM_ID), str(VM_ID).replace("web-1", "web-2"))):
        item = item_body("Protected", f"item-{number}", fabricObjectId=vm)
        item["properties"]["policyId"] = policy.lower()
        cloud.vault["replication_protected_items"].append(item)
    cloud.prove(ResourceId(policy))


OURS = DEFAULT_NAMES.policy_of(12, 4)


async def confirm(cloud: Cloud, client: FakeDurableClient, **changes: Any) -> func.HttpResponse:
    return await put_protection(
        FakeAzure(settings(poll_seconds=0.01, **changes), cloud), client, request(confirm="true")
    )


async def nothing_to_confirm(cloud: Cloud, client: FakeDurableClient, **changes: Any) -> None:
    """A confirmation of nothing is refused, and nothing is done of what came with it."""
    status, problem = await problem_of(confirm(cloud, client, **changes))

    assert (status, problem["code"]) == (409, "NothingToConfirm")
    assert (cloud.writes, client.started) == ([], [])


async def test_a_confirmed_change_of_the_profile_edits_the_policy_that_the_app_made(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    protect_under(cloud, OURS)

    response = await confirm(cloud, client)

    assert response.status_code == 202
    assert cloud.written == ["update replication_policies", "tags"]
    *path, body = cloud.writes[0][1]
    values = body.properties.replication_provider_settings
    assert path == ["dr", "vault", OURS]
    assert (values.recovery_point_history, values.app_consistent_frequency_in_minutes) == (24 * 60, 4 * 60)
    assert values.multi_vm_sync_status == "Enable"


async def test_a_plan_shows_the_policy_that_would_be_edited_and_how_many_items_are_under_it(cloud: Cloud) -> None:
    protect_under(cloud, OURS)

    response = await post_plan(FakeAzure(settings(), cloud), request())

    view = json.loads(response.get_body())
    (policy,) = [each for each in view["resources"] if each["kind"] == "replication policy"]
    assert (policy["action"], policy["name"].rsplit("/", 1)[1]) == ("change in place", OURS)
    assert "12 h → 24 h" in policy["detail"]
    assert "2 item(s)" in policy["detail"]
    assert "confirm=true" in policy["detail"]
    assert "PolicyMismatch" in {finding["code"] for finding in view["findings"]}
    assert cloud.writes == []


async def test_without_confirmation_no_policy_is_edited(cloud: Cloud, client: FakeDurableClient) -> None:
    protect_under(cloud, OURS)

    await put_protection(FakeAzure(settings(), cloud), client, request(confirm="false"))

    assert cloud.written == ["tags"]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("24-hour-retention-policy", {}),
        ("somebody-s", {}),
        (OURS, {"profiles": '{"bronze": {"recoveryPointRetentionHours": 12}}'}),
    ],
    ids=["the portal's", "somebody's", "still asked for by another profile"],
)
async def test_a_policy_that_is_not_for_us_to_edit_is_not_edited_any_client_confirms(
    cloud: Cloud, client: FakeDurableClient, name: str, changes: dict[str, Any]
) -> None:
    protect_under(cloud, name)

    await nothing_to_confirm(cloud, client, **changes)


async def test_a_policy_that_merely_has_such_a_name_is_not_edited(cloud: Cloud, client: FakeDurableClient) -> None:
    """Another deployment has made it, or the record is lost."""
    protect_under(cloud, OURS)
    cloud.records.texts.clear()

    await nothing_to_confirm(cloud, client)


async def test_a_policy_that_fits_is_not_edited(cloud: Cloud, client: FakeDurableClient) -> None:
    protect_under(cloud, OURS, retention=24)

    await nothing_to_confirm(cloud, client)


async def test_a_vm_without_an_item_has_no_policy_to_edit(cloud: Cloud, client: FakeDurableClient) -> None:
    await nothing_to_confirm(cloud, client)


async def test_one_vm_that_is_given_another_profile_takes_no_policy_with_it(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    """No profile asks for the values of the old default any more: still the policy is that of all VMs of default."""
    protect_under(cloud, OURS)
    azure = FakeAzure(settings(profiles=json.dumps({"gold": {"recoveryPointRetentionHours": 72}})), cloud)

    status, problem = await problem_of(
        put_protection(azure, client, request(b'{"dr-profile": "gold"}', confirm="true"))
    )

    assert (status, problem["code"]) == (409, "NothingToConfirm")
    assert (cloud.writes, client.started) == ([], [])


async def test_a_policy_that_could_not_be_edited_is_reported_and_no_tag_is_written(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    protect_under(cloud, OURS)
    error = {"serviceErrorDetails": {"code": "150261", "message": "Out of range."}}
    cloud.vault["replication_jobs"].append(job_body("Failed", "update-1", "UpdateProtectionProfile", errors=[error]))

    status, problem = await problem_of(confirm(cloud, client))

    assert (status, problem["code"]) == (502, "150261")
    assert "no tag was written" in problem["detail"]
    assert cloud.written == ["update replication_policies"]
    assert client.started == []


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


class RefusesToStart(FakeDurableClient):
    async def start_new(self, *_: Any, **__: Any) -> str:
        raise Exception("The storage account is not reachable.")


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


async def test_get_says_that_where_a_run_stands_cannot_be_read(
    cloud: Cloud, client: FakeDurableClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "get_status", unreachable)

    status, problem = await problem_of(get_protection(FakeAzure(settings(), cloud), client, request()))

    assert (status, problem["code"]) == (503, "StatusNotRead")


async def unreachable(*_: Any) -> None:
    raise OSError("The storage account is not reachable.")


@pytest.mark.usefixtures("slept")
async def test_what_was_not_started_is_started_by_asking_again(cloud: Cloud, client: FakeDurableClient) -> None:
    azure = FakeAzure(settings(), cloud)
    with pytest.raises(Problem):
        await put_protection(azure, RefusesToStart(), request())

    assert (await put_protection(azure, client, request())).status_code == HTTPStatus.ACCEPTED
    assert cloud.written == ["tags"]
    assert len(client.started) == 1


# GET


async def view_of(cloud: Cloud, client: FakeDurableClient) -> dict[str, Any]:
    response = await get_protection(FakeAzure(settings(), cloud), client, request())
    assert response.status_code == 200
    view: dict[str, Any] = json.loads(response.get_body())
    return view


async def test_get_of_a_vm_that_nothing_protects(cloud: Cloud, client: FakeDurableClient) -> None:
    assert await view_of(cloud, client) == {
        "vmId": str(VM_ID),
        "exists": True,
        "tagged": False,
        "item": None,
        "details": None,
        "settings": [],
        "findings": [finding_of("NotTagged", "web-1 is not tagged: nothing protects it.").dump()],
        "running": False,
        "run": None,
        "lastChange": None,
        "reason": None,
    }


@pytest.mark.parametrize("running", [False, True])
async def test_get_shows_the_last_change_beside_a_later_run_that_found_nothing_to_do(
    cloud: Cloud, client: FakeDurableClient, running: bool
) -> None:
    client.status, client.last_updated = Status.Completed, datetime(2026, 5, 2, tzinfo=UTC)
    client.output = RunResult(outcome=RunOutcome.DISABLED, vm_id=VM_ID, acted=True).dump()
    await put_protection(FakeAzure(settings(), cloud), client, request())
    last_change = RunState.load(client.started[0][2]).last_change

    assert last_change == LastChange(outcome=RunOutcome.DISABLED, at=datetime(2026, 5, 2, tzinfo=UTC))
    later = RunState(vm_id=VM_ID, poll_seconds=30, last_change=last_change)
    if running:
        client.status, client.custom_status = Status.Running, later.status()
    else:
        client.status, client.output = Status.Completed, later.finish(RunOutcome.NOT_TAGGED).result.dump()  # type: ignore[union-attr]

    view = await view_of(cloud, client)

    assert view["lastChange"] == {"outcome": "Disabled", "at": "2026-05-02T00:00:00Z"}
    assert view["running"] is running


async def test_get_shows_what_the_last_run_itself_changed(cloud: Cloud, client: FakeDurableClient) -> None:
    error = Error(code="151066", message="The agent could not be installed.", action="Install it.")
    before = LastChange(outcome=RunOutcome.DISABLED, at=datetime(2026, 5, 1, tzinfo=UTC))
    result = RunResult(outcome=RunOutcome.FAILED, vm_id=VM_ID, acted=True, error=error, last_change=before)
    client.status, client.output = Status.Completed, result.dump()
    client.last_updated = datetime(2026, 5, 2, tzinfo=UTC)

    view = await view_of(cloud, client)

    assert view["lastChange"] == {"outcome": "Failed", "at": "2026-05-02T00:00:00Z", "error": error.dump()}


@pytest.mark.parametrize(
    ("status", "shown", "code", "next_try"),
    [
        (Status.Completed, {"output": RunOutcome.FAILED}, "151066", None),
        (Status.Completed, {"output": RunOutcome.PROTECTED}, None, None),
        (
            Status.Running,
            {"lastError": {"code": "Conflict", "message": "Busy."}, "resumeAt": "2026-05-01T13:00:00Z"},
            *("Conflict", "2026-05-01T13:00:00Z"),
        ),
        (Status.Terminated, {"output": "Somebody."}, "RunEnded", None),
    ],
)
async def test_get_names_the_reason_and_the_next_attempt_of_a_vm_that_nothing_protects(
    cloud: Cloud,
    client: FakeDurableClient,
    status: Status,
    shown: dict[str, Any],
    code: str | None,
    next_try: str | None,
) -> None:
    cloud.add_vm(tags={"dr": "true"})
    error = Error(code="151066", message="The agent could not be installed.")
    client.status, client.custom_status = status, {"step": "Enabling protection", **shown}
    client.output = shown.get("output")
    if isinstance(client.output, RunOutcome):
        failed = {"error": error} if client.output is RunOutcome.FAILED else {}
        client.output = RunResult(outcome=client.output, vm_id=VM_ID, **failed).dump()

    reason = (await view_of(cloud, client))["reason"]

    assert (reason["code"] or None, reason.get("nextTry")) == (code, next_try)
    assert reason["text"]
    assert bool(reason["fix"]) is (code is not None)


async def test_get_shows_why_a_run_failed_without_the_stack_trace(cloud: Cloud, client: FakeDurableClient) -> None:
    client.status = Status.Failed
    client.output = 'Orchestrator function failed: a bug\nStack:   File "/home/site/wwwroot/x.py", line 7, in f'

    view = await view_of(cloud, client)

    assert view["run"] == "Orchestrator function failed: a bug"


async def test_get_shows_the_item_that_protects_it(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.add_vm(tags={"dr": "true"})
    cloud.vault["replication_protected_items"].append(item_body("Protected", rpoInSeconds=95))

    view = await view_of(cloud, client)

    assert view["tagged"] is True
    assert (view["item"]["state"], view["item"]["rpoSeconds"]) == ("Protected", 95)


async def test_get_of_a_protected_vm_shows_its_settings_and_what_differs(
    cloud: Cloud, client: FakeDurableClient
) -> None:
    cloud.add_vm(tags={"dr-profile": "platinum"})
    cloud.add_region_pair()
    cloud.vault["replication_protected_items"].append(item_body("Protected"))

    view = await view_of(cloud, client)

    assert {setting["name"] for setting in view["settings"]} >= {"targetLocation", "recoveryPointRetention"}
    assert {finding["code"] for finding in view["findings"]} == {
        "OverrideInvalid",
        "DiskNotProtected",
        "NotManagedByApp",
        "UntaggedButProtected",
    }


async def test_get_of_a_failed_over_vm_says_that_it_is_left_alone(cloud: Cloud, client: FakeDurableClient) -> None:
    cloud.vault["replication_protected_items"].append(item_body("UnplannedFailoverCommitted"))

    view = await view_of(cloud, client)

    assert ([finding["code"] for finding in view["findings"]], view["settings"]) == (
        ["ItemFrozen", "NotManagedByApp"],
        [],
    )


async def test_get_shows_the_run_for_the_targets_alone_where_it_is_asked_for(cloud: Cloud) -> None:
    class Runs(FakeDurableClient):
        async def get_status(self, instance: str, *, show_input: bool = False) -> Any:
            self.status, self.output = Status.Completed, {"instance": instance}
            return await super().get_status(instance, show_input=show_input)

    targets = instance_of(VM_ID, targets_only=True)
    for asked, instance in ((request(), INSTANCE), (request(targetsOnly="true"), targets)):
        response = await get_protection(FakeAzure(settings(), cloud), Runs(), asked)
        assert json.loads(response.get_body())["run"] == {"instance": instance}


async def test_get_shows_where_a_run_stands_and_then_how_it_ended(cloud: Cloud, client: FakeDurableClient) -> None:
    client.status, client.custom_status = Status.Running, {"step": "Initial replication", "percent": 43}
    view = await view_of(cloud, client)
    assert (view["running"], view["run"]) == (True, {"step": "Initial replication", "percent": 43})

    client.status, client.output = Status.Completed, {"outcome": "Protected"}
    view = await view_of(cloud, client)
    assert (view["running"], view["run"]) == (False, {"outcome": "Protected"})


async def test_get_of_a_vm_that_is_gone_shows_how_its_run_ended(client: FakeDurableClient) -> None:
    client.status, client.output = Status.Completed, {"outcome": "Gone"}

    view = await view_of(Cloud(), client)

    assert (view["exists"], view["tagged"], view["run"]) == (False, False, {"outcome": "Gone"})


async def test_get_of_a_vm_that_is_gone_shows_what_still_protects_it(client: FakeDurableClient) -> None:
    cloud = Cloud()
    cloud.vault["replication_protected_items"].append(item_body("Protected"))

    view = await view_of(cloud, client)

    assert (view["exists"], view["item"]["state"]) == (False, "Protected")
    assert view["details"]["recoveryPoints"] == []


async def test_get_of_a_vm_that_never_was_is_not_found(client: FakeDurableClient) -> None:
    status, problem = await problem_of(get_protection(FakeAzure(settings(), Cloud()), client, request()))

    assert (status, problem["code"]) == (404, "VmNotFound")


@pytest.mark.parametrize(
    ("given", "status"), [({"subscription": "x"}, 400), ({"subscription": ELSEWHERE}, 404), ({"confirm": "true"}, 400)]
)
async def test_get_refuses_what_it_does_not_look_after(
    cloud: Cloud, client: FakeDurableClient, given: dict[str, Any], status: int
) -> None:
    got, _ = await problem_of(get_protection(FakeAzure(settings(), cloud), client, request(**given)))

    assert got == status
    assert cloud.reads == []


async def test_get_works_while_writes_are_off(cloud: Cloud, client: FakeDurableClient) -> None:
    response = await get_protection(FakeAzure(settings(paused=True), cloud), client, request())

    assert response.status_code == 200
    assert cloud.writes == []
