"""POST of a plan for many VMs: each in short, all of it added up, and nothing written."""

import json
from typing import Any

import pytest

from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from tests.unit.app.asking import answer_to, post, problem_of
from tests.unit.app.examples import DATA_DISK, OS_DISK, SUBSCRIPTION, TARGET, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name, usage_body
from triggers.protections_plan import MOST_PLANNED, post_protections_plan

OFF, SECOND, MISSING = (ResourceId.of(SUBSCRIPTION, "web", VIRTUAL_MACHINE, name) for name in ("off", "two", "missing"))


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_vm()
    cloud.add_vm({"dr": "true"}, vm=SECOND)
    cloud.add_vm(vm=OFF, power="deallocated")
    return cloud


async def plans(cloud: Cloud, *vms: ResourceId, body: Any = None, **app: Any) -> dict[str, Any]:
    given = body or {"virtualMachines": list(map(str, vms))}
    return await answer_to(post_protections_plan(FakeAzure(settings(**app), cloud), post("protections/plan", given)))


async def test_each_vm_is_reported_in_short_and_all_of_it_is_added_up(cloud: Cloud) -> None:
    view = await plans(cloud, VM_ID, SECOND, OFF, MISSING)

    reported = {row["vmId"].rsplit("/", 1)[-1]: row for row in view["value"]}
    assert {name: (row["exists"], row["tagged"], row["blocked"]) for name, row in reported.items()} == {
        "missing": (False, False, True),
        "off": (True, False, True),
        "two": (True, True, False),
        "web-1": (True, False, False),
    }
    assert (view["total"], view["blocked"], view["findings"]) == (4, 2, {"VmNotRunning": 1})
    each = reported["web-1"]["cost"]["month"]
    assert each > 0
    assert view["cost"]["month"] == round(2 * each, 2)
    assert cloud.writes == []


async def test_a_vm_without_a_place_for_the_tag_is_blocked(cloud: Cloud) -> None:
    cloud.add_vm({f"t{each}": "x" for each in range(50)})

    view = await plans(cloud, VM_ID, SECOND)

    assert {row["vmId"]: row["blocked"] for row in view["value"]} == {str(VM_ID): True, str(SECOND): False}
    assert view["findings"] == {"TooManyTags": 1}


async def test_the_cores_of_the_batch_are_added_to_those_that_are_protected_already(cloud: Cloud) -> None:
    """Two of two cores beside one that is protected: five are left of the family's quota."""
    third = ResourceId.of(SUBSCRIPTION, "web", VIRTUAL_MACHINE, "three")
    cloud.add_vm({"dr": "true"}, vm=third)
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"
    details = {
        "fabricObjectId": str(third),
        "recoveryAzureResourceGroupId": group,
        "recoveryFabricLocation": TARGET,
        "recoveryAzureVMSize": "Standard_D2s_v5",
    }
    cloud.vault["replication_protected_items"].append(item_body("Protected", **details))
    cloud.usages = [usage_body("cores", 100, 10), usage_body("standardDSv5Family", 9, 4)]
    cloud.add_vm({"dr-priority": "low"})

    view = await plans(cloud, VM_ID, SECOND, OFF)

    assert [
        (load["quota"], load["needed"], load["planned"], load["limit"], load["used"]) for load in view["cores"]
    ] == [
        ("standardDSv5Family", 6, 4, 9, 4),
        ("cores", 6, 4, 100, 10),
    ]
    over = {row["vmId"].rsplit("/", 1)[-1]: [each["code"] for each in row["findings"]] for row in view["value"]}
    assert over == {"web-1": ["TargetQuotaExceeded"], "two": [], "off": ["VmNotRunning"]}
    (finding,) = next(row["findings"] for row in view["value"] if row["vmId"] == str(VM_ID))
    assert (finding["severity"], view["blocked"], view["gaps"]) == ("warning", 1, [])
    assert "of priority low" in finding["message"]


async def test_a_quota_of_a_batch_that_cannot_be_read_is_a_gap(cloud: Cloud) -> None:
    """A row of it: the VM's own plan goes by the other quotas."""
    cloud.usages = [usage_body("cores", 100, 10), {"name": {"value": "standardDSv5Family"}, "currentValue": 4}]

    view = await plans(cloud, VM_ID)

    assert (view["findings"], view["cores"], view["blocked"]) == ({"TargetQuotaUnknown": 1}, [], 0)
    assert [gap.split(" of ")[0] for gap in view["gaps"]] == ["The quotas"]


async def test_what_they_share_is_made_once(cloud: Cloud) -> None:
    view = await plans(cloud, VM_ID, SECOND)

    first, second = ({each["name"] for each in row["resources"]} for row in view["value"])
    assert first & second
    made = [each["name"] for each in view["resources"]]
    assert sorted(made) == sorted(first | second)
    assert {each["action"] for each in view["resources"]} == {"create"}


@pytest.mark.parametrize(("value", "found"), [("hunter2", True), ("Hunter2", False), ("hunter", False), ("", False)])
async def test_a_selector_finds_an_exact_value_of_a_tag_and_no_response_shows_the_tags_of_others(
    cloud: Cloud, value: str, found: bool
) -> None:
    cloud.resources[VM_ID.key]["tags"] = {"drupal-admin": "hunter2", "owner": "alice"}
    request = post("protections/plan", {"tag": {"name": "drupal-admin", "value": value}})

    if found:
        response = await post_protections_plan(FakeAzure(settings(), cloud), request)
        assert json.loads(response.get_body())["total"] == 1
        assert b"alice" not in response.get_body()
        assert b"hunter2" not in response.get_body()
    else:
        assert (await problem_of(post_protections_plan(FakeAzure(settings(), cloud), request)))[0] in {404, 422}


async def test_what_is_there_is_not_reported(cloud: Cloud) -> None:
    cloud.add_region_pair()

    view = await plans(cloud, VM_ID)

    assert "reuse" not in {each["action"] for each in view["resources"]}
    assert "fabric" not in {each["kind"] for each in view["resources"]}


async def test_the_body_is_tried_on_each_as_a_put_would(cloud: Cloud) -> None:
    body = {"subscriptionId": SUBSCRIPTION, "resourceGroup": "web", "protection": {"dr-target-zone": "2"}}

    view = await plans(cloud, body=body)

    assert (view["total"], view["blocked"]) == (3, 3)
    assert view["findings"]["OverrideNotAllowed"] == 3
    assert view["cost"]["month"] == 0


async def test_of_a_protected_vm_it_is_reported_what_would_be_changed(cloud: Cloud) -> None:
    cloud.add_region_pair()
    disks = [{"diskId": str(OS_DISK), "diskType": "OperatingSystem"}]
    cloud.vault["replication_protected_items"].append(
        item_body("Protected", our_item_name(), protectedManagedDisks=disks)
    )
    profile = cloud.resources[VM_ID.key]["properties"]["storageProfile"]
    profile["dataDisks"] = [{"managedDisk": {"id": str(DATA_DISK), "storageAccountType": "Premium_LRS"}}]

    (row,) = (await plans(cloud, VM_ID))["value"]

    assert row["blocked"] is False
    assert [each["setting"] for each in row["changes"]] == ["disks/web-1-data"]
    assert [(each["kind"], each["action"]) for each in row["resources"]] == [("replicated item", "change in place")]


async def test_in_report_mode_it_is_reported_and_why_nothing_may_be_done(cloud: Cloud) -> None:
    view = await plans(cloud, VM_ID, mode="report")

    assert "DR_MODE" in view["writesDisabled"]
    assert view["blocked"] == 0


async def test_what_azure_refuses_of_one_vm_is_reported_that_one(cloud: Cloud) -> None:
    cloud.faults[str(OFF)] = answer(403, "AuthorizationFailed", "No right.")

    view = await plans(cloud, VM_ID, OFF)

    reported = {row["vmId"].rsplit("/", 1)[-1]: row for row in view["value"]}
    assert (reported["off"]["blocked"], reported["off"]["error"]["message"]) == (True, "No right.")
    assert (reported["web-1"]["blocked"], view["blocked"]) == (False, 1)


async def test_a_part_of_a_plan_is_none(cloud: Cloud) -> None:
    cloud.faults[str(OFF)] = answer(429, "TooManyRequests")
    body = {"virtualMachines": [str(VM_ID), str(OFF)]}

    status, _ = await problem_of(post_protections_plan(FakeAzure(settings(), cloud), post("protections/plan", body)))

    assert status == 503


async def test_no_more_are_planned_than_a_call_has_time_for(cloud: Cloud) -> None:
    many = [str(ResourceId.of(SUBSCRIPTION, "web", VIRTUAL_MACHINE, f"vm-{n}")) for n in range(MOST_PLANNED + 1)]

    status, problem = await problem_of(
        post_protections_plan(FakeAzure(settings(), cloud), post("protections/plan", {"virtualMachines": many}))
    )
    view = await plans(cloud, body={"virtualMachines": many[:-1]})

    assert (status, problem["code"]) == (422, "TooManyVms")
    assert str(MOST_PLANNED) in problem["detail"]
    assert (view["total"], view["blocked"]) == (MOST_PLANNED, MOST_PLANNED)
