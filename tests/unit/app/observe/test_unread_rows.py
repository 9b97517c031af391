"""A row that cannot be read is a gap that names it: what it may concern is left alone until it can be read, or until
an operator has acknowledged it."""

from typing import Any

import pytest

from activities.create_target_resources import create_target_resource
from activities.disable_protection import disable_protection
from activities.enable_protection import enable_protection
from activities.remove_orphans import remove_orphans
from shared.arm.errors import MalformedResponseError, to_step_result
from shared.arm.listing import NotKnownError
from shared.config.settings import Mode
from shared.model.activity_io import EnableRequest, VmRequest
from shared.model.decision import Action, State
from shared.model.replicated_item import JobStage, Stage
from shared.model.resource_id import ResourceId
from shared.model.step_result import Failed, Ready
from shared.model.target_resources import Fabric
from shared.observe.inventory import compliance_report, read_inventory
from shared.observe.vm import observe, plan_for
from shared.readers.resource_groups import read_group
from shared.reconcile.sweep import Sweep, SweepReport
from shared.reconcile.sweep_window import waits
from shared.site_recovery.parsing import OTHER_KINDS
from shared.site_recovery.replicated_items import find_item, find_protection, remove
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import CONTAINER, SOURCE, SUBSCRIPTION, VAULT_ID, VM_ID, open_settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, item_body, job_body
from tests.unit.app.observe.test_any_rows import LONG_AGO
from tests.unit.app.rows import CACHE, full_item

ITEM = f"{CONTAINER}/replicationProtectedItems/theirs"
ELSEWHERE = f"{VAULT_ID}/replicationFabrics/far/replicationProtectionContainers/far/replicationProtectedItems/theirs"


def unread(row_id: Any = ITEM, **details: Any) -> dict[str, Any]:
    """An item of which nothing is known but what is given."""
    a2a = {"instanceType": "A2A", **details}
    return {"id": row_id, "name": "theirs", "properties": {"providerSpecificDetails": a2a}}


KELVIN = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/\u212a8s"
OF_THE_VM = unread(fabricObjectId=str(VM_ID), protectedManagedDisks="all of them", primaryFabricLocation=SOURCE)
OF_ANOTHER = unread(fabricObjectId=f"{VM_ID}0", protectedManagedDisks="all of them")


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_region_pair()
    cloud.add_vm(tags={"dr": "true"})
    return cloud


def app(cloud: Cloud, *rows: Any, **changes: Any) -> FakeAzure:
    cloud.vault["replication_protected_items"] += rows
    return FakeAzure(open_settings(**{"mode": Mode.CLEANUP, "untag_grace_hours": 0, **changes}), cloud)


# What a row concerns

CONCERNED: list[Any] = [OF_THE_VM, unread(), unread(ELSEWHERE), unread(None), unread("x"), None, 5, "text", []]


@pytest.mark.parametrize("row", CONCERNED, ids=str)
async def test_a_vm_that_an_unread_item_may_protect_is_not_enabled(cloud: Cloud, row: Any) -> None:
    known = app(cloud)
    observed = await observe(known, VM_ID)
    assert observed.vm
    plan = await plan_for(known, observed.vm)
    assert plan.replication
    azure = app(cloud, row)

    again = await observe(azure, VM_ID)
    request = EnableRequest(vm_id=VM_ID, replication=plan.replication)
    outcome = await to_step_result(enable_protection(azure, request), 30)
    report = await compliance_report(azure)

    assert again.decision.state is State.UNKNOWN
    assert [finding.code for finding in again.decision.findings] == ["ProtectionNotRead"]
    assert isinstance(outcome, Failed)
    assert (outcome.error.code, outcome.by_settings) == ("ProtectionNotRead", True)
    (status,) = report.vm_statuses
    assert (status.state, status.action) == (State.UNKNOWN, Action.NONE)
    (gap,) = report.gaps
    assert gap in f"{status.findings[0].message}"
    assert cloud.writes == []
    with pytest.raises(NotKnownError):
        await find_protection(azure, VM_ID)
    with pytest.raises(NotKnownError):
        await find_item(vault_of(azure, VAULT_ID), VM_ID)


@pytest.mark.parametrize("row", [OF_ANOTHER, unread()], ids=["another VM", "another region"])
async def test_a_vm_that_it_cannot_concern_goes_on(cloud: Cloud, row: Any) -> None:
    if row != OF_ANOTHER:
        cloud.resources[VM_ID.key]["location"] = "uksouth"
    azure = app(cloud, row, region_map={})

    (status,) = (await compliance_report(azure)).vm_statuses

    assert status.action is Action.ENABLE
    assert (await observe(azure, VM_ID)).decision.action is Action.ENABLE


async def test_a_failover_vm_of_an_unread_item_is_not_enabled(cloud: Cloud) -> None:
    original = str(VM_ID).replace("/web/", "/other/")
    row = unread(fabricObjectId=original, recoveryFabricObjectId=str(VM_ID), vmNics=5)

    assert [each.code for each in (await observe(app(cloud, row), VM_ID)).decision.findings] == ["ProtectionNotRead"]


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize("row", [unread(), unread(None)], ids=["its region pair", "anything"])
async def test_nothing_that_it_may_concern_is_disabled(cloud: Cloud, row: Any, confirmed: bool) -> None:
    cloud.add_vm(tags={"dr": "false"})
    azure = app(cloud, full_item(), row)

    outcome = await disable_protection(azure, VmRequest(vm_id=VM_ID, confirmed=confirmed))
    (item,) = await vault_of(azure, VAULT_ID).items.get()
    with pytest.raises(NotKnownError):
        await remove(azure, item, confirmed=confirmed)
    (status,) = (await compliance_report(azure)).vm_statuses

    assert outcome == Ready(value={"job": ""})
    assert (status.state, status.action) == (State.UNTAGGED, Action.NONE)
    assert "ProtectionNotRead" in {finding.code for finding in status.findings}
    assert cloud.writes == []


async def test_a_row_about_another_vm_holds_up_no_disable_of_the_sweep(cloud: Cloud) -> None:
    cloud.add_vm(tags={"dr": "false"})

    report = await compliance_report(app(cloud, full_item(), OF_ANOTHER))

    assert [each.action for each in report.vm_statuses] == [Action.DISABLE]
    assert report.gaps
    assert waits(report, {})


# Acknowledged


def named(row: Any) -> str:
    return str(row["id"]) if isinstance(row, dict) and isinstance(row.get("id"), str) else ""


@pytest.mark.parametrize("row", CONCERNED, ids=str)
async def test_an_acknowledged_row_holds_up_nothing(cloud: Cloud, row: Any) -> None:
    (unread_row,) = (await read_inventory(app(cloud, row))).unread_items
    assert named(row) in {unread_row.id, ""}
    azure = FakeAzure(open_settings(acknowledged_rows=f"x, {unread_row.id.upper()}"), cloud)

    report = await compliance_report(azure)

    assert report.gaps == ()
    assert [each.action for each in report.vm_statuses] == [Action.ENABLE]
    assert (await observe(azure, VM_ID)).decision.action is Action.ENABLE


async def swept(azure: FakeAzure) -> SweepReport:
    report = SweepReport(read_at=(await compliance_report(azure)).read_at)
    outcome = await remove_orphans(azure, Sweep(poll_seconds=30, report=report))
    assert isinstance(outcome, Ready)
    found = Sweep.load(outcome.value).report
    assert found
    return found


@pytest.mark.parametrize("acknowledged", ["", ITEM])
@pytest.mark.parametrize("uses", [CACHE, f"{CACHE}/blobServices/default", ""])
async def test_what_an_unread_item_uses_is_never_removed(cloud: Cloud, acknowledged: str, uses: str) -> None:
    cloud.add_vm(tags={})
    cloud.add(ResourceId(CACHE), {"location": SOURCE, "kind": "StorageV2", "tags": LONG_AGO, "properties": {}})
    disks = [{"diskId": 5, "primaryStagingAzureStorageAccountId": uses}]
    azure = app(cloud, unread(protectedManagedDisks=disks), acknowledged_rows=acknowledged or ())

    removed = [str(each) for each in (await swept(azure)).removed]

    assert removed == ([CACHE] if acknowledged and not uses else [])


# Fields


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"monitoringPercentageCompletion": 99.5}, {"percent": 99}),
        ({"rpoInSeconds": "95"}, {"rpo_seconds": 95}),
        ({"rpoInSeconds": "soon"}, {"rpo_seconds": None}),
        ({"recoveryAzureVMSize": 5, "agentVersion": []}, {}),
        ({"recoveryAvailabilityZone": {"a": 1}}, {}),
    ],
)
async def test_an_odd_field_costs_that_field_only(cloud: Cloud, change: Any, shown: dict[str, Any]) -> None:
    row = full_item()
    row["properties"]["providerSpecificDetails"] |= change

    (item,) = await vault_of(app(cloud, row), VAULT_ID).items.get()

    assert {name: getattr(item, name) for name in shown} == shown
    assert item.stage is Stage.PROTECTED


@pytest.mark.parametrize(
    "given", ["11/29/2026 7:50:46 AM", "2026-11-29T07:50:46Z", "2026-11-29T08:50:46.0000000+01:00"]
)
async def test_a_time_is_read_in_each_form(cloud: Cloud, given: str) -> None:
    row = full_item()
    row["properties"]["providerSpecificDetails"]["lastRpoCalculatedTime"] = given

    (item,) = await vault_of(app(cloud, row), VAULT_ID).items.get()

    assert item.rpo_at
    assert (item.rpo_at.isoformat(), item.held_recovery_points) == ("2026-11-29T07:50:46+00:00", True)


async def test_a_time_in_no_known_form_may_be_that_of_a_recovery_point(cloud: Cloud) -> None:
    """Else the item counted as a failed attempt, which is removed without a confirmation."""
    row = item_body("EnablingFailed", lastRpoCalculatedTime="29. November")

    (item,) = await vault_of(app(cloud, row), VAULT_ID).items.get()

    assert (item.rpo_at, item.stage) == (None, Stage.FROZEN)


async def test_a_policy_name_with_a_blank_costs_the_policy_only(cloud: Cloud) -> None:
    row, policy = full_item(), f"{VAULT_ID}/replicationPolicies/Gold 24h"
    row["properties"]["policyId"] = policy
    cloud.vault["replication_policies"].append({**cloud.vault["replication_policies"][0], "id": policy})
    azure = app(cloud, row)

    report = await compliance_report(azure)

    assert (await observe(azure, VM_ID)).item
    assert ([each.state for each in report.vm_statuses], report.gaps) == ([State.PROTECTED], ())


@pytest.mark.parametrize("field", ["protectionState", "testFailoverState", "activeLocation"])
@pytest.mark.parametrize("odd", ["Brandnew", 5, {}])
async def test_a_state_that_nobody_knows_is_frozen(cloud: Cloud, field: str, odd: Any) -> None:
    row = full_item()
    row["properties"][field] = odd

    (item,) = await vault_of(app(cloud, row), VAULT_ID).items.get()

    assert (item.stage, item.may_be_disabled) == (Stage.FROZEN, False)


async def test_items_of_other_kinds_are_no_gap(cloud: Cloud) -> None:
    rows = [{"id": ITEM, "properties": {"providerSpecificDetails": {"instanceType": kind}}} for kind in OTHER_KINDS]

    assert (await compliance_report(app(cloud, *rows))).gaps == ()


def test_other_kinds_are_those_of_the_sdk() -> None:
    from azure.mgmt.recoveryservicessiterecovery import models

    details = (
        models.ReplicationProviderSpecificSettings,
        models.FabricSpecificDetails,
        models.PolicyProviderSpecificDetails,
        models.ProtectionContainerMappingProviderSpecificDetails,
        models.NetworkMappingFabricSpecificSettings,
    )
    known = {kind for model in details for kind in model.__mapping__}
    assert known - {"A2A", "Azure", "AzureToAzure"} == OTHER_KINDS


# Other lists


@pytest.mark.parametrize("row", [None, {"id": f"{VAULT_ID}/replicationFabrics/f", "properties": None}])
async def test_nothing_is_created_beside_what_may_be_there(cloud: Cloud, row: Any) -> None:
    cloud.vault["replication_fabrics"] = [row]
    wanted = Fabric(vault=VAULT_ID, location="uksouth")

    outcome = await to_step_result(create_target_resource(app(cloud), wanted), 30)

    assert isinstance(outcome, Failed)
    assert outcome.error.code == "ProtectionNotRead"
    assert cloud.writes == []


async def test_a_job_that_cannot_be_read_may_be_enabling_any_vm(cloud: Cloud) -> None:
    cloud.vault["replication_jobs"] += [job_body("InProgress", scenario=None)]  # type: ignore[arg-type]

    (status,) = (await compliance_report(app(cloud))).vm_statuses

    assert (status.state, status.action) == (State.UNKNOWN, Action.NONE)
    assert "job-1" in status.findings[0].message


@pytest.mark.parametrize("row", [None, {"location": SOURCE}, {"id": KELVIN}])
async def test_a_group_that_cannot_be_read_takes_no_other_along(cloud: Cloud, row: Any) -> None:
    class Listed(FakeAzure):
        async def get(self, path: str, api_version: str, **query: str) -> dict[str, Any]:
            page = await super().get(path, api_version, **query)
            return {"value": [row, *page["value"]]} if path.endswith("/resourcegroups") else page

    azure = Listed(open_settings(), cloud)

    assert await read_group(azure, VM_ID.group_id)
    absent = ResourceId.of(SUBSCRIPTION, "k8s")
    if isinstance(row, dict) and "id" in row:
        assert await read_group(azure, absent) is None
    else:
        with pytest.raises(NotKnownError):
            await read_group(azure, absent)


@pytest.mark.parametrize("body", [{}, {"id": f"{VM_ID}0", "location": SOURCE}])
async def test_a_body_that_is_not_the_vm_s_is_no_untagged_vm(cloud: Cloud, body: Any) -> None:
    cloud.bodies[VM_ID.key] = body

    with pytest.raises(MalformedResponseError, match=VM_ID.name):
        await observe(app(cloud, full_item()), VM_ID)


# Jobs


@pytest.mark.parametrize("state", ["Other", "InProgress", "Brandnew"])
async def test_a_job_with_an_end_has_ended_whatever_its_state(cloud: Cloud, state: str) -> None:
    cloud.vault["replication_jobs"] += [
        job_body(state, endTime="11/29/2026 7:50:46 AM"),
        job_body(state, "never-ended", endTime="0001-01-01T00:00:00"),
    ]

    ended, other = await vault_of(app(cloud), VAULT_ID).jobs.get()

    assert ended.stage is JobStage.FAILED
    assert (other.stage is JobStage.RUNNING) == (state != "Other")
