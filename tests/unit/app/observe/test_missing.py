"""A protected VM that no list shows is asked for by its ID: only Azure's own words prove that it is gone."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from activities.disable_protection import disable_protection
from shared.model.activity_io import VmRequest
from shared.model.decision import Action, State
from shared.model.resource_id import ResourceId
from shared.model.step_result import Ready
from shared.observe.inventory import compliance_report
from shared.observe.vm import observe
from shared.reconcile.inventory import ComplianceReport
from shared.reconcile.sweep_window import waits
from tests.unit.app.examples import OS_DISK, SOURCE, SUBSCRIPTION, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, our_item_name

DISKS = [{"diskId": str(OS_DISK)}]


def protected(**details: Any) -> Cloud:
    """A vault with the item of a VM that exists no more."""
    cloud = Cloud()
    cloud.graph_rows = []
    cloud.vault["replication_protected_items"].append(
        item_body(
            "Protected",
            our_item_name(),
            **{"primaryFabricLocation": SOURCE, "protectedManagedDisks": DISKS, **details},
        )
    )
    return cloud


def cleanup(cloud: Cloud, **changes: Any) -> FakeAzure:
    return FakeAzure(settings(mode="cleanup", max_disable_percent_per_day=100, **changes), cloud)


async def report_of(cloud: Cloud, **changes: Any) -> ComplianceReport:
    return await compliance_report(cleanup(cloud, **changes))


async def test_a_vm_that_azure_says_is_gone_is_disabled() -> None:
    (status,) = (await report_of(protected())).vm_statuses

    assert (status.state, status.action) == (State.SOURCE_GONE, Action.DISABLE)


async def test_one_that_the_lists_do_not_show_yet_is_found_by_its_id() -> None:
    cloud = protected()
    cloud.add_vm(tags={"dr": "true"})

    (status,) = (await report_of(cloud)).vm_statuses

    assert status.state is State.PROTECTED


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AuthorizationFailed"), (404, "SubscriptionNotFound"), (404, ""), (404, "NotFound"), (500, "Oops")],
)
async def test_nothing_else_proves_it(status: int, code: str) -> None:
    cloud = protected()
    for path in (str(VM_ID), str(VM_ID).lower()):
        cloud.faults[path] = answer(status, code)

    report = await report_of(cloud)

    (found,) = report.vm_statuses
    assert (found.state, found.action) == (State.UNKNOWN, Action.NONE)
    # It still counts as one that may fail over: the item here does not say where to.
    assert [finding.code for finding in found.findings] == ["SourceNotRead", "TargetQuotaUnknown"]
    with pytest.raises(HttpResponseError):
        await observe(cleanup(cloud), VM_ID)


async def test_too_many_at_once_are_a_gap_and_none_is_asked_for() -> None:
    """As when the right to read a subscription was lost."""
    cloud = protected()
    for number in range(4):
        another = f"{VM_ID}-{number}"
        cloud.vault["replication_protected_items"].append(
            item_body("Protected", f"item-{number}", fabricObjectId=another)
        )

    report = await report_of(cloud)

    assert {status.state for status in report.vm_statuses} == {State.UNKNOWN}
    assert "5 of 5" in " ".join(report.gaps)
    assert "DR_MAX_MISSING (3)" in " ".join(report.gaps)
    assert not waits(report, {})
    assert not [read for read in cloud.reads if "/virtualMachines/" in read]
    assert waits(await report_of(cloud, max_missing=5), {})


@pytest.mark.parametrize("in_scope", [True, False])
async def test_a_vm_that_was_moved_is_never_disabled_and_enabled_once_the_old_item_is_gone(in_scope: bool) -> None:
    cloud = protected()
    there = ResourceId.of(SUBSCRIPTION, "shop", VM_ID.type, VM_ID.name)
    cloud.graph_rows = None
    cloud.add_vm(tags={"dr": "true"}, vm=there)
    scope = f"/subscriptions/{SUBSCRIPTION}" + ("" if in_scope else f"/resourceGroups/{VM_ID.resource_group}")
    azure = cleanup(cloud, source_scope=scope)

    old = await observe(azure, VM_ID)
    outcome = await disable_protection(azure, VmRequest(vm_id=VM_ID))
    by_id = {status.vm_id: status for status in (await compliance_report(azure)).vm_statuses}

    assert (old.decision.state, old.decision.action) == (State.SOURCE_GONE, Action.NONE)
    assert [finding.code for finding in old.decision.findings] == ["SourceMoved"]
    assert outcome == Ready(value={"job": ""})
    assert by_id[VM_ID].action is Action.NONE
    if in_scope:
        new = await observe(azure, there)
        assert (new.decision.state, new.decision.action) == (State.NOT_ELIGIBLE, Action.NONE)
        assert by_id[there].state is State.NOT_ELIGIBLE
        cloud.vault["replication_protected_items"].clear()
        assert (await observe(cleanup(cloud), there)).decision.action is Action.ENABLE


async def test_a_namesake_beside_the_protected_vm_is_another_vm() -> None:
    cloud = protected()
    cloud.graph_rows = None
    cloud.add_vm(tags={"dr": "true"})
    there = ResourceId.of(SUBSCRIPTION, "shop", VM_ID.type, VM_ID.name)
    cloud.add_vm(tags={"dr": "true"}, vm=there)

    azure = cleanup(cloud)

    assert (await observe(azure, there)).decision.action is Action.ENABLE
    assert {status.state for status in (await compliance_report(azure)).vm_statuses} == {
        State.PROTECTED,
        State.UNPROTECTED,
    }


async def test_a_vm_with_the_name_of_a_target_is_no_failover_vm() -> None:
    """Before a failover the item only says what the VM will be called, as with an active pair of equal names."""
    cloud = protected(
        recoveryAzureResourceGroupId=str(VM_ID.group_id).replace("/web", "/pair"), recoveryAzureVMName="web-1"
    )
    cloud.graph_rows = None
    cloud.add_vm(tags={"dr": "true"})
    pair = ResourceId.of(SUBSCRIPTION, "pair", VM_ID.type, "web-1")
    cloud.add_vm(tags={"dr": "true"}, vm=pair)

    by_id = {status.vm_id: status for status in (await report_of(cloud)).vm_statuses}

    assert by_id[VM_ID].state is State.PROTECTED
    assert by_id[pair].counts
    assert (await observe(cleanup(cloud), pair)).decision.state is not State.FAILOVER_VM
