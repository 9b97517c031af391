"""What can be deleted, what is in use and cannot, and what a resource group takes along."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from tests.integration.simulator.azure import (
    CACHE,
    COMPUTE,
    GROUP,
    NETWORK,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT_GROUP,
    Azure,
    azure,
    error_code,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
)

SET, PLACEMENT = f"{COMPUTE}/availabilitySets/set", f"{COMPUTE}/proximityPlacementGroups/near"
VERSIONS = {"availabilitySets": "2026-04-01", "proximityPlacementGroups": "2026-04-01", "storageAccounts": "2026-09-01"}
PLACED = {
    "resources": [{"id": PLACEMENT, "location": "eastus"}],
    "availabilitySets": [{"id": SET, "location": "eastus", "proximityPlacementGroup": PLACEMENT}],
}
ITEM = (VAULT_GROUP, "vault-dr", "primary", "here", "item-web-1")


async def delete(clients: Azure, resource: str) -> None:
    version = VERSIONS.get(resource.split("/")[-2], "2026-03-01")
    await (await clients.resources.resources.begin_delete_by_id(resource, api_version=version)).result()


async def refused(clients: Azure, resource: str) -> tuple[int | None, str | None]:
    with pytest.raises(HttpResponseError) as raised:
        await delete(clients, resource)
    return raised.value.status_code, error_code(raised.value)


async def names(clients: Azure, group: str) -> set[str]:
    found = clients.resources.resources.list_by_resource_group(group.rsplit("/", 1)[-1])
    return {resource.name async for resource in found}


async def test_a_network_with_an_interface_in_it_stays() -> None:
    async with azure() as clients:
        _, shown, _ = await clients.call("GET", f"{NETWORK}?api-version=2026-03-01")
        assert await refused(clients, NETWORK) == (400, "InUseSubnetCannotBeDeleted")
        await delete(clients, TARGET_NETWORK)
        await delete(clients, TARGET_NETWORK)
        with pytest.raises(ResourceNotFoundError):
            await clients.resources.resources.get_by_id(TARGET_NETWORK, api_version="2026-03-01")

    web, data = shown["properties"]["subnets"]
    nic = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/web-1-nic/ipConfigurations/ipconfig1"
    assert web["properties"]["ipConfigurations"] == [{"id": nic}]
    assert "ipConfigurations" not in data["properties"]


async def test_a_set_with_a_vm_stays_and_so_does_a_placement_group_with_a_set() -> None:
    vm = machine("web-1", availabilitySet=SET, proximityPlacementGroup=PLACEMENT)
    async with azure(estate(vm, **PLACED)) as clients:
        found = await clients.compute.availability_sets.get("rg-app", "set")
        near = await clients.compute.proximity_placement_groups.get("rg-app", "near")
        assert await refused(clients, SET) == (409, "OperationNotAllowed")
        assert await refused(clients, PLACEMENT) == (409, "OperationNotAllowed")
        await (await clients.compute.virtual_machines.begin_delete("rg-app", "web-1")).result()
        assert await refused(clients, PLACEMENT) == (409, "OperationNotAllowed")
        await delete(clients, SET)
        await delete(clients, PLACEMENT)
        assert {"set", "near"} & await names(clients, GROUP) == set()

    assert [each.id for each in found.properties.virtual_machines] == [vm_id("web-1")]
    assert [each.id for each in near.properties.virtual_machines] == [vm_id("web-1")]
    assert [each.id for each in near.properties.availability_sets] == [SET]


async def test_an_account_reports_what_is_in_it_and_goes_with_that() -> None:
    account = {"id": CACHE, "location": "eastus", "containers": ["one", "two"], "shares": ["home"]}
    async with azure(estate(storageAccounts=[account])) as clients:
        listed = {}
        for kind in ("blobServices/default/containers", "fileServices/default/shares", "tableServices/default/tables"):
            _, body, _ = await clients.call("GET", f"{CACHE}/{kind}?api-version=2026-09-01")
            listed[kind.rsplit("/", 1)[-1]] = [each["name"] for each in body["value"]]
        await delete(clients, CACHE)
        await delete(clients, CACHE)
        assert "cacheapp" not in await names(clients, GROUP)

    assert listed == {"containers": ["one", "two"], "shares": ["home"], "tables": []}


async def test_a_premium_account_has_no_shares() -> None:
    premium = {"id": CACHE, "location": "eastus", "kind": "BlockBlobStorage", "sku": "Premium_LRS"}
    async with azure(estate(storageAccounts=[premium])) as clients:
        path = f"{CACHE}/fileServices/default/shares?api-version=2026-09-01"
        status, body, _ = await clients.call("GET", path)
    assert (status, body["error"]["code"]) == (400, "FeatureNotSupportedForAccount")


async def test_a_group_goes_with_everything_in_it() -> None:
    async with azure(estate(siteRecovery=ready_vault([protected("web-1")])), speed=1) as clients:
        assert await names(clients, TARGET_GROUP) == {"vnet-app-asr", "web-1-os-ASRReplica"}
        poller = await clients.resources.resource_groups.begin_delete("rg-app-asr")
        group = await clients.resources.resource_groups.get("rg-app-asr")
        body: Any = {"location": "westus2", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}}
        status, answer, _ = await clients.call("PUT", f"{TARGET_NETWORK}-2?api-version=2026-03-01", body)
        await clients.call("PATCH", "/sim/clock", {"speed": 3000})
        await poller.result()
        _, state, _ = await clients.call("GET", "/sim/state")
        assert not await clients.resources.resource_groups.check_existence("rg-app-asr")

    assert group.properties.provisioning_state == "Deleting"
    assert (status, answer["error"]["code"]) == (409, "ResourceGroupBeingDeleted")
    assert not [each for each in state["resources"] if each["id"].startswith(f"{TARGET_GROUP}/")]


@pytest.mark.parametrize("group", [VAULT_GROUP, "rg-net"])
async def test_a_group_stays_whole_when_something_in_it_cannot_go(group: str) -> None:
    """A vault with an item in it; a network that an interface of another group is in."""
    network = NETWORK.replace("rg-app", "rg-net")
    there = estate(siteRecovery=ready_vault([protected("web-1")]))
    there["networks"].append({**there["networks"][0], "id": network})
    there["virtualMachines"].append(machine("web-2", nics=[{"name": "web-2-nic", "subnet": f"{network}/subnets/web"}]))
    async with azure(there) as clients:
        before = await names(clients, group)
        with pytest.raises(HttpResponseError) as raised:
            await (await clients.resources.resource_groups.begin_delete(group)).result()
        after = await clients.resources.resource_groups.get(group)
        assert await names(clients, group) == before

    assert error_code(raised.value) == "ResourceGroupDeletionBlocked"
    assert after.properties.provisioning_state == "Succeeded"


async def test_a_lock_inside_keeps_the_group() -> None:
    lock = {"id": f"{TARGET_NETWORK}/providers/Microsoft.Authorization/locks/keep", "level": "CanNotDelete"}
    async with azure(estate(locks=[lock])) as clients:
        with pytest.raises(HttpResponseError) as raised:
            await clients.resources.resource_groups.begin_delete("rg-app-asr")
        assert await names(clients, TARGET_GROUP) == {"vnet-app-asr"}
    assert (raised.value.status_code, error_code(raised.value)) == (409, "ScopeLocked")


async def test_asked_for_by_a_tag_resources_come_without_their_tags() -> None:
    async with azure() as clients:
        resources = clients.resources.resources
        found = [each async for each in resources.list(filter="tagName eq 'dr' and tagValue eq 'true'")]
        first = [each async for each in resources.list_by_resource_group("rg-app", top=1)]
        status, body, _ = await clients.call("GET", f"{GROUP}/resources?api-version=2025-04-01&$top=none")
    assert [(each.name, each.tags) for each in found] == [("web-1", None)]
    assert len(first) == 1
    assert (status, body["error"]["code"]) == (400, "InvalidQueryParameterValue")


@pytest.mark.parametrize("replicas_stay", [False, True])
async def test_what_disabling_leaves_in_the_target(replicas_stay: bool) -> None:
    async with azure(estate(siteRecovery=ready_vault())) as clients:
        switches = {"replicasLeftWhenDisabled": replicas_stay, "seedDisksLeft": True}
        await clients.call("PATCH", "/sim/behaviour", switches)
        await clients.call("POST", "/sim/estate", estate(siteRecovery=ready_vault([protected("web-1")])))
        disks = [disk async for disk in clients.compute.disks.list_by_resource_group("rg-app-asr")]
        body: Any = {"properties": {}}
        await (await clients.recovery.replication_protected_items.begin_delete(*ITEM, body)).result()
        after = await names(clients, TARGET_GROUP)
        _, cache, _ = await clients.call("GET", f"{CACHE}/blobServices/default/containers?api-version=2026-09-01")

    replica, seed = sorted(disk.name for disk in disks if disk.name)[::-1]
    assert (replica, seed.startswith("ms-asr-")) == ("web-1-os-ASRReplica", True)
    assert {disk.properties.disk_state for disk in disks if disk.properties} == {"ActiveSAS"}
    assert all("ASR-ReplicaDisk" in (disk.tags or {}) for disk in disks)
    assert after == {"vnet-app-asr", seed} | ({replica} if replicas_stay else set())
    assert len(cache["value"]) == 1
