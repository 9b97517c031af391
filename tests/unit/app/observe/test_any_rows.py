"""Rows spoiled in every way: none is lost without a gap, none stops a sweep, and nothing is enabled, disabled or
removed on them."""

from contextlib import suppress
from typing import Any

import pytest
from azure.core.exceptions import AzureError
from hypothesis import given
from hypothesis import strategies as st

from activities.remove_orphans import remove_orphans
from shared.arm.errors import WriteRefusedError
from shared.config.settings import Mode
from shared.model import naming
from shared.model.decision import Action, State
from shared.model.resource_id import ResourceId
from shared.observe.inventory import compliance_report, read_inventory
from shared.observe.vm import observe, plan_for
from shared.reconcile.sweep import Summary, Sweep, SweepReport
from shared.site_recovery.vault import vault_of
from tests import properties
from tests.unit.app import examples
from tests.unit.app.examples import DATA_DISK, NETWORK, NIC, VAULT_ID, VM_ID
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, job_body, lock_body
from tests.unit.app.rows import CACHE, full_item, full_vm, spoiled

MANY, SOME = properties.examples(500), properties.examples(100)

LONG_AGO = {naming.MADE_BY: naming.maker(examples.DEPLOYMENT), naming.MADE_AT: "2026-01-01T00:00:00+00:00"}


def estate(tags: dict[str, str], *items: Any) -> tuple[Cloud, FakeAzure]:
    """The VM, what protects it, and a cache account of this app's that nothing but the item names."""
    cloud = Cloud()
    cloud.add_region_pair()
    cloud.add_vm(tags=tags)
    cloud.add(ResourceId(CACHE), {"location": "eastus", "kind": "StorageV2", "tags": LONG_AGO, "properties": {}})
    cloud.vault["replication_protected_items"] += items
    return cloud, FakeAzure(examples.settings(mode=Mode.CLEANUP, untag_grace_hours=0), cloud)


def text_of(row: Any) -> str:
    return str(row.get("id")) if isinstance(row, dict) else ""


# Items


@MANY
@given(spoiled(full_item()), st.sampled_from([{"dr": "true"}, {"dr": "false"}, {}]))
async def test_an_item_is_read_or_a_gap_and_its_vm_is_not_enabled_nor_its_cache_removed(
    row: Any, tags: dict[str, str]
) -> None:
    cloud, azure = estate(tags, row)

    listing = (await vault_of(azure, VAULT_ID).items.get()).listing
    report = await compliance_report(azure)
    (status,) = (each for each in report.vm_statuses if each.vm_id == VM_ID)
    swept = await remove_orphans(azure, Sweep(poll_seconds=30, report=SweepReport(read_at=report.read_at)))
    observed = await observe(azure, VM_ID)

    assert len(listing.records) + len(listing.unread) == 1
    assert [str(row) for row in listing.unread] == list(report.gaps)
    if listing.unread and listing.unread[0].shows_id:
        assert text_of(row).strip() in report.gaps[0]
    known = [item for item in listing if item.source == VM_ID]
    if known or listing.unread:
        assert status.action is not Action.ENABLE
    if listing.unread:
        assert status.action is Action.NONE
        assert observed.item is None
        assert swept.value["report"].get("removed", []) == []  # type: ignore[union-attr]
        if tags == {"dr": "true"}:
            assert status.state is State.UNKNOWN
            assert [finding.code for finding in observed.decision.findings] == ["ProtectionNotRead"]
    for item in known:
        named = {disk.cache_account for disk in item.disks} or {None}
        assert named & {ResourceId(CACHE), None}
        assert ResourceId(CACHE).key in cloud.resources
    assert Summary.of(report.vm_statuses).total >= 1
    assert cloud.writes == [("delete " + ResourceId(CACHE).key, None)] * (ResourceId(CACHE).key not in cloud.resources)


# The other lists of a vault

LISTS = {
    "replication_jobs": "jobs",
    "replication_fabrics": "fabrics",
    "replication_protection_containers": "containers",
    "replication_policies": "policies",
    "replication_protection_container_mappings": "container_mappings",
    "replication_network_mappings": "network_mappings",
}


def rows_of(operations: str) -> list[Any]:
    cloud = Cloud()
    cloud.add_region_pair()
    cloud.vault["replication_jobs"].append(job_body("Succeeded", startTime="2026-11-01T10:00:00Z", endTime=None))
    cloud.vault["replication_network_mappings"].append(
        {
            "id": f"{VAULT_ID}/replicationFabrics/f/replicationNetworks/azureNetwork/replicationNetworkMappings/m",
            "name": "m",
            "properties": {
                "primaryNetworkId": str(NETWORK),
                "recoveryNetworkId": f"{NETWORK}-asr",
                "fabricSpecificSettings": {
                    "instanceType": "AzureToAzure",
                    "primaryFabricLocation": "eastus",
                    "recoveryFabricLocation": "westus2",
                },
            },
        }
    )
    return cloud.vault[operations]


@pytest.mark.parametrize("operations", LISTS)
@SOME
@given(st.data())
async def test_a_row_of_any_list_is_read_or_a_gap(operations: str, data: st.DataObject) -> None:
    row = rows_of(operations)[0]
    odd = data.draw(spoiled(row))
    cloud, azure = estate({"dr": "true"}, full_item())
    cloud.vault[operations] = [odd, row]

    found = await getattr(vault_of(azure, VAULT_ID), LISTS[operations]).get()
    listing = found.listing if operations == "replication_jobs" else found
    report = await compliance_report(azure)

    # A policy whose ID is none that this app could use serves only the items of others.
    others = operations == "replication_policies" and len(listing.records) == 1 and not listing.unread
    assert len(listing.records) + len(listing.unread) == 2 - others
    assert [each.action for each in report.vm_statuses if each.vm_id == VM_ID] == [Action.NONE]
    if listing.unread and operations in {"replication_jobs", "replication_policies"}:
        assert any(listing.unread[0].id in gap for gap in report.gaps)
    assert cloud.writes == []


# VMs, and what surrounds them


@MANY
@given(spoiled(full_vm({"dr": "true", "dr-target-zone": "2"})))
async def test_a_vm_is_read_or_a_gap_and_never_gone_or_untagged(row: Any) -> None:
    cloud, azure = estate({}, full_item())
    cloud.graph_rows = [row]
    cloud.faults[str(VM_ID)] = answer(403, "AuthorizationFailed")

    found = await read_inventory(azure)
    report = await compliance_report(azure)

    assert len(found.vms) + len(found.unread_vms) == 1
    if found.unread_vms:
        assert found.unread_vms[0].id in report.gaps[0]
        status = next((each for each in report.vm_statuses if each.vm_id == VM_ID), None)
        assert status is None or not (found.unread_vms[0].concerns(VM_ID) and status.action is not Action.NONE)


@MANY
@given(spoiled(full_vm({"dr": "true"})))
async def test_a_vm_s_own_body_is_read_or_not_known(body: Any) -> None:
    cloud, azure = estate({}, full_item())
    cloud.resources[VM_ID.key] = body
    cloud.graph_rows = []

    with suppress(AzureError):
        observed = await observe(azure, VM_ID)
        assert observed.vm
        assert observed.vm.id == VM_ID


@pytest.mark.parametrize("what", [NIC, NETWORK, DATA_DISK, VM_ID.group_id], ids=lambda what: what.name)
@SOME
@given(st.data())
async def test_what_surrounds_a_vm_is_read_or_not_known(what: ResourceId, data: st.DataObject) -> None:
    cloud, azure = estate({"dr": "true"})
    cloud.bodies[what.key] = data.draw(spoiled(cloud.resources[what.key]))
    cloud.locks = [data.draw(st.one_of(st.just(lock_body(VM_ID)), spoiled(lock_body(VM_ID))))]
    observed = await observe(azure, VM_ID)
    assert observed.vm

    with suppress(AzureError, WriteRefusedError):
        await plan_for(azure, observed.vm)
