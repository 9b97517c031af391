"""PUT that confirms the edit of the policy that the app made."""

import json
from typing import Any

import azure.functions as func
import pytest

from shared.model.names import DEFAULT_NAMES
from shared.model.resource_id import ResourceId
from tests.unit.app.asking import problem_of, request
from tests.unit.app.examples import VAULT_ID, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, job_body
from tests.unit.app.fake_durable import FakeDurableClient
from triggers.plan import post_plan
from triggers.protection import put_protection


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
