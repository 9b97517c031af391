"""The plan: what PUT would make and what it would use, said and not done."""

import json
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from shared.model.findings import Finding, Severity
from shared.model.plan import Plan, ResourcePreview
from shared.model.target_resources import CacheAccount, ResourceGroup, TargetResource, VirtualNetwork
from shared.observe.vm import preview
from tests.unit.app.examples import (
    DATA_DISK,
    ELSEWHERE,
    OS_DISK,
    SUBSCRIPTION,
    TARGET,
    VM_ID,
    plan_of,
    planning_context,
    settings,
    source_vm,
)
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name, sku_body
from triggers.plan import post_plan
from triggers.problems import Problem

PLAN = plan_of(source_vm(), planning_context(), settings())
WANTED: list[TargetResource] = [resource for wave in PLAN.resources for resource in wave]
NETWORK_WANTED = next(resource for resource in WANTED if isinstance(resource, VirtualNetwork))


async def previewed(cloud: Cloud, plan: Plan = PLAN, **changes: Any) -> tuple[dict[str, str], list[Finding]]:
    """What becomes of each kind of resource, and what keeps the plan from being done."""
    previews, findings = await preview(FakeAzure(settings(**changes), cloud), plan)
    assert cloud.writes == []
    return {each.kind: each.action for each in previews}, list(findings)


def put(cloud: Cloud, location: str = TARGET, state: str = "Succeeded") -> None:
    """The target network is there."""
    subnets = [{"name": subnet, "properties": {"addressPrefix": "10.0.0.0/24"}} for subnet in NETWORK_WANTED.subnets]
    cloud.add(NETWORK_WANTED.id, {"location": location, "properties": {"provisioningState": state, "subnets": subnets}})


# What would become of each resource


async def test_what_is_missing_would_be_made_under_the_name_that_was_derived(cloud: Cloud) -> None:
    previews, findings = await preview(FakeAzure(settings(), cloud), PLAN)

    assert findings == ()
    assert len(previews) == len(WANTED)
    assert {(each.kind, each.name, each.action) for each in previews} == {
        (resource.kind, resource.name, "create") for resource in WANTED
    }


async def test_what_is_there_would_be_used_whatever_it_is_called(cloud: Cloud) -> None:
    cloud.add_region_pair()
    put(cloud)

    previews, findings = await preview(FakeAzure(settings(), cloud), PLAN)

    used = {each.kind: each.name for each in previews if each.action == "reuse"}
    assert findings == ()
    assert used["virtual network"] == str(NETWORK_WANTED.id)
    assert used["fabric"].endswith(("/east", "/west"))
    assert {"protection container", "container mapping", "replication policy"} <= {kind.lower() for kind in used}
    assert {each.kind for each in previews if each.action == "create"} >= {"network mapping", "cache storage account"}


async def test_what_is_there_and_cannot_serve_blocks_and_is_neither_made_nor_used(cloud: Cloud) -> None:
    put(cloud, location="norwayeast")

    actions, (finding,) = await previewed(cloud)

    assert "virtual network" not in actions
    assert (finding.code, finding.severity) == ("IncompatibleTargetResource", Severity.BLOCKER)
    assert "norwayeast" in finding.message
    assert finding.fix


async def test_what_somebody_is_changing_is_there_and_would_be_used(cloud: Cloud) -> None:
    put(cloud, state="Updating")

    previews, findings = await preview(FakeAzure(settings(), cloud), PLAN)

    (network,) = [each for each in previews if each.kind == "virtual network"]
    assert network == ResourcePreview(kind="virtual network", action="reuse", name=NETWORK_WANTED.name)
    assert findings == ()


@pytest.mark.parametrize(
    ("create", "kept"),
    [
        ("none", {"resource group", "virtual network", "cache storage account"}),
        ("cache", {"resource group", "virtual network"}),
    ],
)
async def test_what_is_missing_and_may_not_be_made_blocks(cloud: Cloud, create: str, kept: set[str]) -> None:
    _, findings = await previewed(cloud, target_creation=create)

    assert {(finding.code, finding.severity) for finding in findings} == {("CreationDisabled", Severity.BLOCKER)}
    reported = " ".join(finding.message for finding in findings)
    assert {kind for kind in ("resource group", "virtual network", "cache storage account") if kind in reported} == kept
    assert f"DR_TARGET_CREATION={create}" in reported


async def test_what_is_there_is_used_although_it_could_not_be_made(cloud: Cloud) -> None:
    for resource in WANTED:
        if isinstance(resource, ResourceGroup | VirtualNetwork | CacheAccount):
            kind = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}} if isinstance(resource, CacheAccount) else {}
            cloud.add(resource.id, {"location": resource.location, "properties": {}, **kind})

    actions, findings = await previewed(cloud, target_creation="none")

    assert findings == []
    assert actions["virtual network"] == actions["cache storage account"] == actions["resource group"] == "reuse"


async def test_a_plan_without_resources_costs_no_read(cloud: Cloud) -> None:
    assert await previewed(cloud, Plan(vm=source_vm())) == ({}, [])
    assert cloud.reads == []


# The door


def request(body: bytes = b"", subscription: str = SUBSCRIPTION, name: str = "web-1", **query: str) -> func.HttpRequest:
    route = {"subscription": subscription, "group": "web", "name": name}
    headers = {"Content-Type": "application/json"}
    url = "https://app.example/api/plan"
    return func.HttpRequest("POST", url, headers=headers, params=query, route_params=route, body=body)


async def view_of(cloud: Cloud, body: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    asked = request(json.dumps(body or {}).encode())
    response = await post_plan(FakeAzure(settings(**changes), cloud), asked)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert cloud.writes == []
    view: dict[str, Any] = json.loads(response.get_body())
    return view


async def problem_of(cloud: Cloud, given: func.HttpRequest) -> tuple[int, str]:
    with pytest.raises(Problem) as problem:
        await post_plan(FakeAzure(settings(), cloud), given)
    assert cloud.writes == []
    return problem.value.status, problem.value.document["code"]


async def test_a_plan_reports_every_value_with_its_reason_and_every_resource(cloud: Cloud) -> None:
    view = await view_of(cloud)

    assert (view["vmId"], view["tagged"], view["blocked"], view["item"]) == (str(VM_ID), False, False, None)
    assert view["settings"]
    assert all(setting["origin"] and setting["reason"] for setting in view["settings"])
    assert {resource["action"] for resource in view["resources"]} == {"create"}
    assert view["writesDisabled"] == ""


@pytest.mark.parametrize("off", [{"paused": True}, {"mode": "report"}])
async def test_a_plan_is_reported_while_writes_are_off_and_says_so(cloud: Cloud, off: dict[str, Any]) -> None:
    view = await view_of(cloud, **off)

    assert view["resources"]
    assert "DR_" in view["writesDisabled"]


async def test_a_plan_of_a_tagged_vm_says_that_it_is(cloud: Cloud) -> None:
    cloud.add_vm(tags={"dr": "true"})

    assert (await view_of(cloud))["tagged"] is True


async def test_a_vm_that_cannot_be_protected_is_blocked_and_reported_why(cloud: Cloud) -> None:
    cloud.add_vm(power="deallocated")

    view = await view_of(cloud)

    assert (view["blocked"], [finding["code"] for finding in view["findings"]]) == (True, ["VmNotRunning"])
    assert values_of(view)["targetLocation"] == (TARGET, "default")
    assert view["resources"] == []


async def test_a_vm_on_hold_is_blocked_and_its_item_reported(cloud: Cloud) -> None:
    cloud.add_vm(tags={"dr-hold": "true"})
    cloud.vault["replication_protected_items"].append(item_body("Protected", our_item_name()))

    view = await view_of(cloud)

    assert (view["blocked"], [finding["code"] for finding in view["findings"]]) == (True, ["OnHold"])
    assert view["item"]["state"] == "Protected"


async def test_a_target_that_cannot_serve_blocks_the_plan_which_is_reported_all_the_same(cloud: Cloud) -> None:
    put(cloud, location="norwayeast")

    view = await view_of(cloud)

    assert (view["blocked"], [finding["code"] for finding in view["findings"]]) == (
        True,
        ["IncompatibleTargetResource"],
    )
    assert view["settings"]
    assert "virtual network" not in {resource["kind"] for resource in view["resources"]}


async def test_a_target_that_may_not_be_made_blocks_the_plan(cloud: Cloud) -> None:
    view = await view_of(cloud, target_creation="none")

    assert view["blocked"] is True
    assert {finding["code"] for finding in view["findings"]} == {"CreationDisabled"}


def allowing(**allow: list[str]) -> dict[str, str]:
    """Settings whose default profile allows that."""
    return {
        "profiles": json.dumps({"default": {"allow": {name.replace("_", "-"): some for name, some in allow.items()}}})
    }


def values_of(view: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {setting["name"]: (setting["value"], setting["origin"]) for setting in view["settings"]}


async def test_a_body_is_tried_as_if_the_vm_carried_it(cloud: Cloud) -> None:
    view = await view_of(cloud, {"dr-target-zone": "2"}, **allowing(target_zone=["1", "2"]))

    assert view["blocked"] is False
    assert values_of(view)["targetZone"] == ("2", "request")
    assert "tags" not in cloud.resources[VM_ID.key] or cloud.resources[VM_ID.key]["tags"] == {}


async def test_a_body_that_asks_for_what_the_profile_does_not_allow_is_blocked(cloud: Cloud) -> None:
    view = await view_of(cloud, {"dr-target-zone": "2"})

    (finding,) = view["findings"]
    assert (view["blocked"], finding["code"]) == (True, "OverrideNotAllowed")
    assert "request" in finding["message"]


async def test_a_plan_reports_what_it_costs(cloud: Cloud) -> None:
    view = await view_of(
        cloud, prices='{"currency": "EUR", "instance": 20, "cache": 1, "diskGb": {"Premium_LRS": 0.5}}'
    )

    assert view["cost"] == {
        "currency": "EUR",
        "month": 53.0,
        "instance": 20.0,
        "disks": 32.0,
        "cache": 1.0,
        "unpriced": [],
    }


# A VM that is protected


def protect(cloud: Cloud, state: str = "Protected", name: str = "made-in-the-portal", **details: Any) -> None:
    cloud.add_region_pair()
    disk = {"diskId": str(OS_DISK), "recoveryReplicaDiskAccountType": "Premium_LRS"}
    known = {"protectedManagedDisks": [{**disk, "recoveryTargetDiskAccountType": "Premium_LRS"}]}
    cloud.vault["replication_protected_items"].append(item_body(state, name, rpoInSeconds=95, **{**known, **details}))


async def test_a_protected_vm_that_is_as_it_should_be_would_be_left_as_it_is(cloud: Cloud) -> None:
    protect(cloud)

    view = await view_of(cloud)

    assert (view["item"]["state"], view["item"]["rpoSeconds"]) == ("Protected", 95)
    assert (view["blocked"], view["resources"], view["changes"]) == (False, [], [])
    assert [(finding["code"], finding["severity"]) for finding in view["findings"]] == [("NotManagedByApp", "note")]
    assert values_of(view)["recoveryPointRetention"] == ("24 h", "default")


async def test_what_would_change_about_an_item_is_reported_one_by_one_and_as_a_resource(cloud: Cloud) -> None:
    protect(cloud, recoveryAzureVMSize="Standard_D2s_v5")
    cloud.skus.append(sku_body("Standard_D4s_v5"))
    body = {"dr-target-size": "Standard_D4s_v5", "dr-target-disk-type": "StandardSSD_LRS"}

    view = await view_of(cloud, body, **allowing(target_size=["*"], target_disk_type=["*"]))

    assert view["changes"] == [
        {"setting": "targetSize", "current": "Standard_D2s_v5", "wanted": "Standard_D4s_v5"},
        {"setting": "targetDiskType/web-1-os", "current": "Premium_LRS", "wanted": "StandardSSD_LRS"},
    ]
    (resource,) = view["resources"]
    assert (resource["kind"], resource["action"]) == ("replicated item", "change in place")
    assert resource["name"] == view["item"]["id"]
    assert "Standard_D2s_v5 → Standard_D4s_v5" in resource["detail"]


async def test_a_disk_that_would_be_added_is_a_change(cloud: Cloud) -> None:
    profile = cloud.resources[VM_ID.key]["properties"]["storageProfile"]
    profile["dataDisks"] = [{"managedDisk": {"id": str(DATA_DISK), "storageAccountType": "Premium_LRS"}}]
    protect(cloud, name=our_item_name())
    tested = {"lastSuccessfulTestFailoverTime": datetime.now(UTC).isoformat()}
    cloud.vault["replication_protected_items"][0]["properties"] |= tested

    view = await view_of(cloud)

    assert view["changes"] == [{"setting": "disks/web-1-data", "current": "", "wanted": "replicated"}]
    assert [finding["code"] for finding in view["findings"]] == ["DiskNotProtected"]


async def test_what_cannot_be_changed_in_place_is_a_finding_and_no_change(cloud: Cloud) -> None:
    protect(cloud)

    view = await view_of(cloud, {"dr-target-location": "westeurope"}, **allowing(target_location=["*"]))

    assert (view["changes"], view["resources"]) == ([], [])
    assert {finding["code"] for finding in view["findings"]} == {"NotManagedByApp", "TargetMismatch"}


@pytest.mark.parametrize("state", ["EnablingProtection", "UnplannedFailoverCommitted"])
async def test_an_item_that_is_not_protected_yet_or_any_more_would_not_be_changed(cloud: Cloud, state: str) -> None:
    protect(cloud, state, recoveryAzureVMSize="Standard_D2s_v5")
    cloud.skus.append(sku_body("Standard_D4s_v5"))

    view = await view_of(cloud, {"dr-target-size": "Standard_D4s_v5"}, **allowing(target_size=["*"]))

    assert (view["changes"], view["resources"], view["item"]["state"]) == ([], [], state)


# Refusals


async def test_where_no_one_is_there_is_nothing_to_plan(cloud: Cloud) -> None:
    assert await problem_of(cloud, request(name="web-2")) == (404, "VmNotFound")


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        (request(subscription=ELSEWHERE), 404, "OutOfScope"),
        (request(name=".."), 400, "MalformedResource"),
        (request(b"{"), 400, "MalformedBody"),
        (request(b"[" * 60_000), 400, "MalformedBody"),
        (request(b'{"targetRegion": "westus2"}'), 422, "InvalidBody"),
        (request(confirm="true"), 400, "InvalidQuery"),
    ],
)
async def test_a_plan_refuses_what_it_cannot_take_and_reads_nothing(
    cloud: Cloud, given: func.HttpRequest, status: int, code: str
) -> None:
    assert await problem_of(cloud, given) == (status, code)
    assert cloud.reads == []


async def test_a_target_that_cannot_be_read_is_a_fault_upstream(cloud: Cloud) -> None:
    cloud.faults["replication_fabrics"] = answer(403, "AuthorizationFailed")

    assert await problem_of(cloud, request()) == (502, "AuthorizationFailed")
