"""The states that a client must leave alone: failover, commit, reprotect."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    CACHE,
    GROUP,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
    why_failed,
)

WHERE = (VAULT_GROUP, VAULT, "primary", "here", "item-web-1")
TARGET_CACHE = f"{TARGET_GROUP}/providers/Microsoft.Storage/storageAccounts/cachewest"
REVERSE = {
    "fabric": "secondary",
    "name": "net-back",
    "recoveryFabric": "primary",
    "primaryNetwork": TARGET_NETWORK,
    "recoveryNetwork": f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-app",
}


def world() -> dict[str, Any]:
    recovery = ready_vault([protected("web-1")])
    recovery[0]["networkMappings"].append(REVERSE)
    accounts = [{"id": CACHE, "location": "eastus"}, {"id": TARGET_CACHE, "location": "westus2"}]
    return estate(machine("web-1"), siteRecovery=recovery, storageAccounts=accounts)


async def item(clients: Azure) -> Any:
    return (await clients.recovery.replication_protected_items.get(*WHERE)).properties


FRONT = f"{TARGET_GROUP}/providers/Microsoft.Network/publicIPAddresses/front"


@pytest.mark.parametrize(
    ("nic", "code"),
    [({"subnet": "AzureBastionSubnet"}, "159101"), ({"subnet": "jobs"}, "159101"), ({"publicIp": FRONT}, "159102")],
)
async def test_a_failover_into_what_takes_no_vm_fails(nic: dict[str, Any], code: str) -> None:
    existing = world()
    existing["siteRecovery"][0]["protectedItems"] = [protected("web-1", nics=[{"name": "web-1-nic", **nic}])]
    used = {
        "ipConfiguration": {"id": f"{TARGET_GROUP}/providers/Microsoft.Network/networkInterfaces/x/ipConfigurations/i"}
    }
    existing["resources"] = [{"id": FRONT, "location": "westus2", "properties": used}]
    existing["networks"][1]["subnets"] = [
        *existing["networks"][1]["subnets"],
        {"name": "AzureBastionSubnet", "prefix": "10.1.3.0/24"},
        {"name": "jobs", "prefix": "10.1.4.0/24", "delegations": ["Microsoft.Web/serverFarms"]},
    ]
    async with azure(existing) as clients:
        items = clients.recovery.replication_protected_items
        error = await why_failed(clients, failed_over(items, FAILOVER), code)

    assert error["message"]


SET = f"{TARGET_GROUP}/providers/Microsoft.Compute/availabilitySets/set-asr"


@pytest.mark.parametrize(("gone", "code"), [(TARGET_NETWORK, "159021"), (SET, "159010"), (TARGET_GROUP, "159008")])
async def test_a_failover_without_its_target_fails(gone: str, code: str) -> None:
    """It was deleted after the item was enabled: no item keeps anything from being deleted."""
    existing = world() | {"availabilitySets": [{"id": SET, "location": "westus2"}]}
    existing["siteRecovery"][0]["protectedItems"] = [protected("web-1", recoveryAvailabilitySet=SET)]
    versions = {TARGET_NETWORK: "2026-03-01", SET: "2026-04-01", TARGET_GROUP: "2025-04-01"}
    async with azure(existing) as clients:
        await (await clients.resources.resources.begin_delete_by_id(gone, api_version=versions[gone])).result()
        items = clients.recovery.replication_protected_items
        error = await why_failed(clients, failed_over(items, FAILOVER), code)

    assert gone.rsplit("/", 1)[1].lower() in error["message"].lower()


FAILOVER: Any = {
    "properties": {
        "failoverDirection": "PrimaryToRecovery",
        "sourceSiteOperations": "NotRequired",
        "providerSpecificDetails": {"instanceType": "A2A"},
    }
}


async def failed_over(items: Any, body: Any) -> None:
    await (await items.begin_unplanned_failover(*WHERE, body)).result()


async def test_failover_commit_and_reprotect() -> None:
    async with azure(world()) as clients:
        items = clients.recovery.replication_protected_items
        await (await items.begin_unplanned_failover(*WHERE, FAILOVER)).result()
        found = await item(clients)
        assert (found.protection_state, found.active_location) == ("UnplannedFailoverCommitRequired", "Recovery")
        copy = await clients.compute.virtual_machines.get("rg-app-asr", "web-1")
        assert found.provider_specific_details.recovery_fabric_object_id == copy.id.lower()
        with pytest.raises(HttpResponseError):
            await items.begin_unplanned_failover(*WHERE, FAILOVER)
        await (await items.begin_failover_commit(*WHERE)).result()
        assert (await item(clients)).protection_state == "UnplannedFailoverCommitted"
        container = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here"
        switch: Any = {
            "properties": {
                "replicationProtectedItemName": "item-web-1",
                "providerSpecificDetails": {
                    "instanceType": "A2A",
                    "recoveryContainerId": container,
                    "recoveryResourceGroupId": GROUP,
                    "policyId": f"{VAULT_ID}/replicationPolicies/gold",
                    "vmManagedDisks": [
                        {
                            "diskId": copy.storage_profile.os_disk.managed_disk.id,
                            "primaryStagingAzureStorageAccountId": TARGET_CACHE,
                            "recoveryResourceGroupId": GROUP,
                        }
                    ],
                },
            }
        }
        containers = clients.recovery.replication_protection_containers
        await (await containers.begin_switch_protection(VAULT_GROUP, VAULT, "primary", "here", switch)).result()
        there = await items.get(VAULT_GROUP, VAULT, "secondary", "there", "item-web-1")
        details = there.properties.provider_specific_details
        assert details.fabric_object_id == copy.id.lower()
        assert (details.primary_fabric_location, details.initial_primary_fabric_location) == ("westus2", "eastus")
        with pytest.raises(HttpResponseError) as raised:
            await items.get(*WHERE)
        assert raised.value.status_code == 404


async def test_settings_of_a_protected_item_change_in_place() -> None:
    async with azure(world()) as clients:
        items = clients.recovery.replication_protected_items
        nic = (await item(clients)).provider_specific_details.vm_nics[0]
        body: Any = {
            "properties": {
                "recoveryAzureVMName": "web-1-dr",
                "recoveryAzureVMSize": "Standard_D4s_v5",
                "vmNics": [
                    {
                        "nicId": nic.nic_id,
                        "ipConfigs": [{"recoverySubnetName": "data", "recoveryStaticIPAddress": "10.1.2.9"}],
                    }
                ],
                "providerSpecificDetails": {"instanceType": "A2A", "tfoAzureVMName": "web-1-drill"},
            }
        }
        await (await items.begin_update(*WHERE, body)).result()
        details = (await item(clients)).provider_specific_details
        assert (details.recovery_azure_vm_name, details.recovery_azure_vm_size) == ("web-1-dr", "Standard_D4s_v5")
        assert details.tfo_azure_vm_name == "web-1-drill"
        configuration = details.vm_nics[0].ip_configs[0]
        assert (configuration.recovery_subnet_name, configuration.recovery_static_ip_address) == ("data", "10.1.2.9")
        assert configuration.recovery_ip_address_type == "Static"
        body = {"properties": {"vmNics": [{"nicId": "00000000-0000-0000-0000-000000000000"}]}}
        with pytest.raises(HttpResponseError):
            await (await items.begin_update(*WHERE, body)).result()


async def test_a_new_disk_is_reported_and_can_be_added() -> None:
    async with azure(world()) as clients:
        disk = {"lun": 0, "createOption": "Empty", "diskSizeGB": 32, "name": "web-1-data"}
        change: Any = {"properties": {"storageProfile": {"dataDisks": [disk]}}}
        vm = await (await clients.compute.virtual_machines.begin_update("rg-app", "web-1", change)).result()
        found = await item(clients)
        assert [error.error_code for error in found.health_errors] == ["161011", "153039"]
        assert found.provider_specific_details.unprotected_disks[0].disk_lun_id == 0
        add: Any = {
            "properties": {
                "providerSpecificDetails": {
                    "instanceType": "A2A",
                    "vmManagedDisks": [
                        {
                            "diskId": vm.storage_profile.data_disks[0].managed_disk.id,
                            "primaryStagingAzureStorageAccountId": CACHE,
                            "recoveryResourceGroupId": TARGET_GROUP,
                        }
                    ],
                }
            }
        }
        items = clients.recovery.replication_protected_items
        await (await items.begin_add_disks(*WHERE, add)).result()
        details = (await item(clients)).provider_specific_details
        assert [disk.disk_type for disk in details.protected_managed_disks] == ["OperatingSystem", "Data"]
        assert details.unprotected_disks is None
        points = clients.recovery.recovery_points.list_by_replication_protected_items(*WHERE)
        kinds = [point.properties.recovery_point_type async for point in points]
        assert kinds[0] == "ApplicationConsistent"
        assert vm_id("web-1").lower() == details.fabric_object_id
