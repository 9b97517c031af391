"""From an empty vault to a protected VM, as a client of the real SDKs sees it."""

import asyncio
from typing import Any

from tests.integration.simulator.azure import (
    CACHE,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    disk_id,
    enable_body,
    estate,
    ready_vault,
    vm_id,
)
from tests.waiting import longer

FABRICS = {"primary": "eastus", "secondary": "westus2"}


async def build_pair(clients: Azure) -> None:
    """Fabrics, containers, policy, mappings there and back, network mapping: what an empty vault needs."""
    client = clients.recovery
    where = (VAULT_GROUP, VAULT)
    for name, location in FABRICS.items():
        body: Any = {"properties": {"customDetails": {"instanceType": "Azure", "location": location}}}
        made = await (await client.replication_fabrics.begin_create(*where, name, body)).result()
        assert made.name == name
    for fabric, container in (("primary", "here"), ("secondary", "there")):
        body = {"properties": {"providerSpecificInput": [{"instanceType": "A2A"}]}}
        poller = await client.replication_protection_containers.begin_create(*where, fabric, container, body)
        assert (await poller.result()).properties.pairing_status == "NotPaired"
    policy: Any = {
        "properties": {
            "providerSpecificInput": {
                "instanceType": "A2A",
                "recoveryPointHistory": 1440,
                "appConsistentFrequencyInMinutes": 240,
                "crashConsistentFrequencyInMinutes": 5,
                "multiVmSyncStatus": "Enable",
            }
        }
    }
    made_policy = await (await client.replication_policies.begin_create(*where, "gold", policy)).result()
    assert made_policy.properties.provider_specific_details.recovery_point_history == 1440
    for fabric, container, other in (
        ("primary", "here", f"{VAULT_ID}/replicationFabrics/secondary/replicationProtectionContainers/there"),
        ("secondary", "there", f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here"),
    ):
        body = {
            "properties": {
                "policyId": made_policy.id,
                "targetProtectionContainerId": other,
                "providerSpecificInput": {"instanceType": "A2A", "agentAutoUpdateStatus": "Disabled"},
            }
        }
        mappings = client.replication_protection_container_mappings
        poller = await mappings.begin_create(*where, fabric, container, f"{fabric}-gold", body)
        assert (await poller.result()).properties.state == "Paired"
    body = {
        "properties": {
            "recoveryFabricName": "secondary",
            "recoveryNetworkId": TARGET_NETWORK,
            "fabricSpecificDetails": {"instanceType": "AzureToAzure", "primaryNetworkId": NETWORK},
        }
    }
    networks = client.replication_network_mappings
    made_mapping = await (await networks.begin_create(*where, "primary", "azureNetwork", "net", body)).result()
    assert made_mapping.properties.primary_network_id == NETWORK.lower()


async def until_protected(clients: Azure, item: str) -> list[str]:
    """The protection states that were seen on the way."""
    states: list[str] = []
    async with asyncio.timeout(longer(20)):
        while not states or states[-1] != "Protected":
            found = await clients.recovery.replication_protected_items.get(VAULT_GROUP, VAULT, "primary", "here", item)
            state = found.properties.protection_state
            if not states or states[-1] != state:
                states.append(state)
            await asyncio.sleep(0.005)
    return states


async def test_an_empty_vault_is_filled_and_a_vm_becomes_protected() -> None:
    async with azure(speed=600) as clients:
        await build_pair(clients)
        items = clients.recovery.replication_protected_items
        poller = await items.begin_create(VAULT_GROUP, VAULT, "primary", "here", "web-1", enable_body("web-1"))
        first = await poller.result()
        assert first.properties.protection_state == "InitialReplicationInProgress"
        assert first.id.startswith(f"/Subscriptions/{SUBSCRIPTION}/")
        assert first.properties.provider_specific_details.fabric_object_id == vm_id("web-1").lower()
        assert first.properties.provider_specific_details.vm_nics == []
        states = await until_protected(clients, "web-1")
        # A slow machine may miss a state, never see them in another order.
        order = ["InitialReplicationInProgress", "InitialReplicationRecoveryCompletionPending", "Protected"]
        assert states == order[-len(states) :]
        done = await items.get(VAULT_GROUP, VAULT, "primary", "here", "web-1")
        details = done.properties.provider_specific_details
        assert details.vm_nics[0].recovery_vm_network_id == TARGET_NETWORK
        assert details.vm_nics[0].ip_configs[0].recovery_subnet_name == "web"
        assert details.rpo_in_seconds > 0
        disk = details.protected_managed_disks[0]
        assert (disk.disk_id, disk.disk_state) == (disk_id("web-1-os").lower(), "Protected")
        assert disk.recovery_replica_disk_account_type == "Premium_LRS"
        assert disk.primary_staging_azure_storage_account_id == CACHE
        vm = await clients.compute.virtual_machines.get("rg-app", "web-1")
        assert [extension.name for extension in vm.resources] == ["SiteRecovery-Linux"]
        replica = await clients.compute.disks.get("rg-app-asr", "web-1-os-ASRReplica")
        assert replica.location == "westus2"
        _, links, _ = await clients.call(
            "GET", f"{vm_id('web-1')}/providers/Microsoft.Resources/links?api-version=2016-09-01"
        )
        assert [link["name"] for link in links["value"]] == ["ASR-Protect-web-1"]


async def test_jobs_of_an_enable() -> None:
    async with azure(
        estate(siteRecovery=ready_vault(), resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}])
    ) as clients:
        items = clients.recovery.replication_protected_items
        poller = await items.begin_create(VAULT_GROUP, VAULT, "primary", "here", "web-1", enable_body("web-1"))
        await poller.result()
        await until_protected(clients, "web-1")
        listed = [job async for job in clients.recovery.replication_jobs.list(VAULT_GROUP, VAULT)]
        assert [job.properties.scenario_name for job in listed] == ["SecondaryIrCompletion", "EnableDr"]
        assert [job.properties.tasks for job in listed] == [[], []]
        job = await clients.recovery.replication_jobs.get(VAULT_GROUP, VAULT, listed[1].name)
        assert [task.state for task in job.properties.tasks] == ["Succeeded"] * 5
        assert job.properties.tasks[1].friendly_name == "Installing Mobility Service and preparing target"
        assert job.properties.custom_details.affected_object_details["primaryVmName"] == "web-1"
        assert job.properties.state_description == "Completed"
