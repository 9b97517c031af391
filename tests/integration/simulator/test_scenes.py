"""Changes to a running scene: lists that lag, a VM that moves, items and jobs in a state on demand."""

from typing import Any

import pytest

from tests.integration.simulator.azure import (
    SUBSCRIPTION,
    TARGET_GROUP,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    enable,
    enable_body,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
)

OTHER_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-app-asr"
COMPUTE_API = "?api-version=2026-04-01"
ITEM = (
    f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems/item-web-1"
)


def scene(*items: dict[str, Any]) -> dict[str, Any]:
    groups = [{"id": TARGET_GROUP, "location": "westus2"}]
    machines = (machine("web-1"), machine("web-2"))
    return estate(*machines, siteRecovery=ready_vault(list(items)), resourceGroups=groups)


async def names(listed: Any) -> list[str]:
    return [each.name async for each in listed]


async def test_the_lists_of_a_vault_lag_and_a_get_does_not() -> None:
    async with azure(scene(protected("web-1"))) as clients:
        items, jobs = clients.recovery.replication_protected_items, clients.recovery.replication_jobs
        await clients.call("PATCH", "/sim/behaviour", {"vaultListsLagSeconds": 1_000_000_000})
        points = clients.recovery.recovery_points.list_by_replication_protected_items
        assert await names(points(VAULT_GROUP, VAULT, "primary", "here", "item-web-1"))
        await enable(clients, enable_body("web-2"), "item-web-2")
        await clients.call("DELETE", ITEM)
        assert (await items.get(VAULT_GROUP, VAULT, "primary", "here", "item-web-2")).name == "item-web-2"
        in_container = items.list_by_replication_protection_containers(VAULT_GROUP, VAULT, "primary", "here")
        assert await names(items.list(VAULT_GROUP, VAULT)) == await names(in_container) == ["item-web-1"]
        assert await names(jobs.list(VAULT_GROUP, VAULT)) == []
        assert await names(jobs.list(VAULT_GROUP, VAULT, filter="JobStatus eq InProgress")) == []
        await clients.call("PATCH", "/sim/behaviour", {"vaultListsLagSeconds": 0})
        assert "item-web-2" in await names(items.list(VAULT_GROUP, VAULT))
        assert await names(jobs.list(VAULT_GROUP, VAULT))


async def test_what_is_written_reaches_the_lists_when_the_lag_is_over() -> None:
    async with azure(scene(protected("web-1"))) as clients:
        await clients.call("PATCH", "/sim/behaviour", {"vaultListsLagSeconds": 10_000_000})
        policies = clients.recovery.replication_policies
        body = {"properties": {"providerSpecificInput": {"instanceType": "A2A", "multiVmSyncStatus": "Enable"}}}
        await (await policies.begin_create(VAULT_GROUP, VAULT, "silver", body)).result()
        assert await names(policies.list(VAULT_GROUP, VAULT)) == ["gold"]
        await clients.call("PATCH", "/sim/clock", {"speed": 1_000_000_000})
        while await names(policies.list(VAULT_GROUP, VAULT)) != ["gold", "silver"]:
            pass


async def test_a_vm_moves_to_another_group_and_its_item_stays_with_the_old_id() -> None:
    async with azure(scene(protected("web-1"))) as clients:
        before = await clients.compute.virtual_machines.get("rg-app", "web-1")
        status, moved, _ = await clients.call("POST", "/sim/move", {"id": vm_id("web-1"), "resourceGroup": OTHER_GROUP})
        assert (status, moved) == (200, {"id": vm_id("web-1").replace("rg-app", "rg-app-asr")})
        assert (await clients.call("GET", vm_id("web-1") + COMPUTE_API))[0] == 404
        after = await clients.compute.virtual_machines.get("rg-app-asr", "web-1")
        assert (after.vm_id, after.time_created, after.tags) == (before.vm_id, before.time_created, before.tags)
        assert [vm.name async for vm in clients.compute.virtual_machines.list("rg-app")] == ["web-2"]
        _, disk, _ = await clients.call(
            "GET", f"{after.storage_profile.os_disk.managed_disk.id}?api-version=2025-01-02"
        )
        assert disk["managedBy"] == after.id
        _, item, _ = await clients.call("GET", ITEM)
        assert item["properties"]["providerSpecificDetails"]["fabricObjectId"] == vm_id("web-1").lower()
        status, answer, _ = await clients.call("POST", "/sim/move", {"id": vm_id("none"), "resourceGroup": OTHER_GROUP})
        assert (status, "none" in answer["error"]) == (400, True)


async def test_items_and_jobs_look_as_they_are_ordered_to_everywhere() -> None:
    async with azure(scene(protected("web-1"))) as clients:
        await enable(clients, enable_body("web-2"), "item-web-2")
        listed = clients.recovery.replication_jobs.list(VAULT_GROUP, VAULT)
        (job,) = [job async for job in listed if job.properties.scenario_name == "EnableDr"]
        changes = {"properties.state": "Other", "properties.endTime": "2026-01-01T00:00:00Z"}
        await order(clients, job.id, set=changes)
        await order(clients, ITEM, set={"properties.protectionState": "Odd"}, delete=["properties.policyId"])
        _, one, _ = await clients.call("GET", job.id)
        _, every, _ = await clients.call("GET", f"{VAULT_ID}/replicationJobs")
        query = {"query": "RecoveryServicesResources | where name == 'item-web-1' | project id, properties"}
        (row,) = (await clients.graph.resources(query)).data
        (shown,) = [each for each in every["value"] if each["id"] == job.id]
        assert [each["properties"]["state"] for each in (one, shown)] == ["Other", "Other"]
        assert one["properties"]["endTime"] == "2026-01-01T00:00:00Z"
        assert (row["properties"]["protectionState"], "policyId" in row["properties"]) == ("Odd", False)
        await clients.call("DELETE", "/sim/overrides")
        _, one, _ = await clients.call("GET", job.id)
        assert one["properties"]["state"] == "Succeeded"
        status, answer, _ = await clients.call("POST", "/sim/overrides", {"id": vm_id("web-1")})
        assert (status, "item" in answer["error"]) == (400, True)


async def order(clients: Azure, resource: str, **changes: Any) -> None:
    status, answer, _ = await clients.call("POST", "/sim/overrides", {"id": resource, **changes})
    assert status == 200, answer


@pytest.mark.parametrize(
    "given", [{}, {"boot": "sometimes"}, {"cleanup": True}, {"slow": 0}, {"points": 1}, {"id": "/unknown"}, {"more": 1}]
)
async def test_how_test_failovers_go_is_checked(given: dict[str, Any]) -> None:
    async with azure(estate(machine("web-1"), siteRecovery=ready_vault([protected("web-1")]))) as clients:
        known = {"id": vm_id("web-1")} if given else {}
        status, answer, _ = await clients.call("POST", "/sim/test-failovers", {**known, **given})

    assert (status, list(answer)) == (400, ["error"])
