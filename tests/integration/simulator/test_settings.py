"""Every setting of the portal's page: kept and shown by the item, or refused with its cause."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    CACHE,
    GROUP,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    azure,
    cause,
    disk_id,
    enable,
    enable_body,
    error_code,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
)
from tests.integration.simulator.test_enable_flow import until_protected

HERE = (VAULT_GROUP, VAULT, "primary", "here")
ITEMS = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems"
OTHER_VAULT = VAULT_ID + "-2"
SOURCE_SET = f"{GROUP}/providers/Microsoft.Compute/availabilitySets/set"
VNET = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-chosen"
KEYS = {
    "diskEncryptionKeyInfo": {"secretIdentifier": "https://kv.vault.azure.net/secrets/s", "keyVaultResourceArmId": "/k"}
}


def target(kind: str, name: str) -> str:
    return f"{TARGET_GROUP}/providers/{kind}/{name}"


def account(name: str, subscription: str = SUBSCRIPTION, **more: Any) -> dict[str, Any]:
    group = f"/subscriptions/{subscription}/resourceGroups/{GROUP.rsplit('/', 1)[1]}"
    return {"id": f"{group}/providers/Microsoft.Storage/storageAccounts/{name}", "location": "eastus", **more}


FAR = account("far", "22222222-2222-4222-8222-222222222222")
PREMIUM = account("fast", kind="BlockBlobStorage", sku="Premium_LRS")
PLACEMENT = target("Microsoft.Compute/proximityPlacementGroups", "close")
RESERVATION = target("Microsoft.Compute/capacityReservationGroups", "kept")
ENCRYPTION = target("Microsoft.Compute/diskEncryptionSets", "keys")
TARGET_SET = target("Microsoft.Compute/availabilitySets", "set-asr")
DIAGNOSTICS = target("Microsoft.Storage/storageAccounts", "diagnostics")
SOURCE_KEYS = f"{GROUP}/providers/Microsoft.Compute/diskEncryptionSets/keys"
RESOURCES = [
    *({"id": each, "location": "westus2"} for each in (PLACEMENT, RESERVATION, ENCRYPTION)),
    {"id": SOURCE_KEYS, "location": "eastus"},
    {"id": PLACEMENT + "-near", "location": "eastus"},
    {"id": RESERVATION + "-near", "location": "eastus"},
]


def disk(vm: str, **more: Any) -> dict[str, Any]:
    """The OS disk of a VM as an enable call names it."""
    found: list[dict[str, Any]] = enable_body(vm)["properties"]["providerSpecificDetails"]["vmManagedDisks"]
    return found[0] | more


def with_disk(name: str, **disk_settings: Any) -> dict[str, Any]:
    return machine(name, disks=[{"name": f"{name}-os"}, {"name": f"{name}-data", **disk_settings}])


def both(vm: str, **more: Any) -> list[dict[str, Any]]:
    return [disk(vm), disk(vm, diskId=disk_id(f"{vm}-data"), **more)]


def world(*machines: dict[str, Any], items: list[dict[str, Any]] | None = None, **more: Any) -> dict[str, Any]:
    base = estate(*machines)
    return {
        **base,
        "subscriptions": [*base["subscriptions"], {"id": FAR["id"].split("/")[2], "name": "Other"}],
        "resourceGroups": [{"id": TARGET_GROUP, "location": "westus2"}],
        "resources": RESOURCES,
        "availabilitySets": [
            {"id": SOURCE_SET, "location": "eastus"},
            {"id": TARGET_SET, "location": "westus2"},
        ],
        "networks": [
            *base["networks"],
            {
                "id": VNET,
                "location": "westus2",
                "addressSpace": ["10.9.0.0/16"],
                "subnets": [{"name": "a", "prefix": "10.9.1.0/24"}, {"name": "b", "prefix": "10.9.2.0/24"}],
            },
        ],
        "storageAccounts": [
            {"id": CACHE, "location": "eastus"},
            {"id": DIAGNOSTICS, "location": "westus2"},
            PREMIUM,
            account("undeletes", softDelete=True),
            account("keyless", sharedKeyAccess=False),
            account("walled", firewall="closed"),
            account("trusting", firewall="trusted", subnets=[f"{NETWORK}/subnets/Web"]),
            account("fenced", firewall="trusted", subnets=[f"{NETWORK}/subnets/data"]),
            account("empty", firewall="trusted"),
            account("unseen", publicAccess=False, subnets=[f"{NETWORK}/subnets/web"]),
            account("linked", publicAccess=False, privateEndpoint=True),
            FAR,
            account("pages", sku="Premium_LRS"),
        ],
        "siteRecovery": ready_vault(items),
        **more,
    }


async def test_what_is_chosen_is_kept_and_shown() -> None:
    vm = machine(
        "web-1",
        zone="1",
        disks=[
            {"name": "web-1-os", "encryptionSet": SOURCE_KEYS},
            {"name": "web-1-data", "sku": "UltraSSD_LRS", "azureDiskEncryption": True},
        ],
    )
    chosen: dict[str, Any] = {
        "recoveryAvailabilityZone": "2",
        "recoveryProximityPlacementGroupId": PLACEMENT,
        "recoveryCapacityReservationGroupId": RESERVATION,
        "recoveryBootDiagStorageAccountId": DIAGNOSTICS,
        "recoveryAzureNetworkId": VNET,
        "recoverySubnetName": "b",
        "multiVmGroupName": "together",
        "vmManagedDisks": [
            disk(
                "web-1",
                primaryStagingAzureStorageAccountId=PREMIUM["id"],
                recoveryReplicaDiskAccountType="Standard_LRS",
                recoveryTargetDiskAccountType="StandardSSD_LRS",
                recoveryDiskEncryptionSetId=ENCRYPTION,
            ),
            disk(
                "web-1",
                diskId=disk_id("web-1-data"),
                primaryStagingAzureStorageAccountId=PREMIUM["id"],
                diskEncryptionInfo=KEYS,
            ),
        ],
    }
    placed = machine("web-2", availabilitySet=SOURCE_SET)
    link = {
        "id": f"{vm_id('web-2')}/providers/Microsoft.Resources/links/ASR-Protect-x",
        "targetId": f"{ITEMS}/item-web-3/",
    }
    machines = (vm, placed, machine("web-3"))
    async with azure(world(*machines, items=[protected("web-3")], links=[link])) as clients:
        await enable(clients, enable_body("web-1", **chosen))
        await until_protected(clients, "item")
        found = await clients.recovery.replication_protected_items.get(*HERE, "item")
        details = found.properties.provider_specific_details
        assert (details.recovery_availability_zone, details.initial_recovery_zone) == ("2", "2")
        assert (details.primary_availability_zone, details.recovery_availability_set) == ("1", None)
        assert details.recovery_proximity_placement_group_id == PLACEMENT
        assert details.recovery_capacity_reservation_group_id == RESERVATION
        assert details.recovery_boot_diag_storage_account_id == DIAGNOSTICS
        assert details.selected_recovery_azure_network_id == VNET
        assert details.vm_nics[0].ip_configs[0].recovery_subnet_name == "b"
        assert (details.multi_vm_group_name, details.multi_vm_group_create_option) == ("together", "UserSpecified")
        assert (details.churn_option_selected, details.vm_encryption_type) == ("High", "OnePassEncrypted")
        system, data = details.protected_managed_disks
        assert system.recovery_replica_disk_account_type == "Standard_LRS"
        assert system.recovery_target_disk_account_type == "StandardSSD_LRS"
        assert (system.primary_disk_encryption_set_id, system.recovery_disk_encryption_set_id) == (
            SOURCE_KEYS,
            ENCRYPTION,
        )
        assert data.recovery_target_disk_account_type == "UltraSSD_LRS"
        assert (data.is_disk_encrypted, data.dek_key_vault_arm_id) == (True, "/k")
        # A link of an item that lives in this vault is not a stale one.
        second = await enable(clients, enable_body("web-2", recoveryAvailabilitySetId=TARGET_SET), "item-2")
        details = second.properties.provider_specific_details
        assert details.recovery_availability_set == TARGET_SET
        assert (details.churn_option_selected, details.multi_vm_group_create_option) == ("Normal", "AutoCreated")


# Code, VM, what its enable call has besides.
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("159031", "web-1", {"recoveryAvailabilityZone": "4"}),
    ("159031", "small-1", {"recoveryAvailabilityZone": "3"}),
    ("159032", "web-1", {"recoveryProximityPlacementGroupId": PLACEMENT + "-none"}),
    ("159032", "web-1", {"recoveryProximityPlacementGroupId": RESERVATION}),
    ("159033", "web-1", {"recoveryProximityPlacementGroupId": PLACEMENT + "-near"}),
    ("159034", "web-1", {"recoveryCapacityReservationGroupId": RESERVATION + "-none"}),
    ("159035", "web-1", {"recoveryCapacityReservationGroupId": RESERVATION + "-near"}),
    ("159036", "web-1", {"recoveryBootDiagStorageAccountId": DIAGNOSTICS + "0"}),
    ("159037", "web-1", {"recoveryBootDiagStorageAccountId": CACHE}),
    ("159066", "web-1", {"recoveryVirtualMachineScaleSetId": TARGET_SET}),
    ("159023", "web-1", {"recoverySubnetName": "none"}),
    ("159055", "web-1", {"recoveryAvailabilitySetId": TARGET_SET}),
    ("159013", "placed-1", {"recoveryAvailabilitySetId": TARGET_SET, "recoveryAvailabilityZone": "1"}),
    ("159038", "web-1", {"vmManagedDisks": [disk("web-1", recoveryDiskEncryptionSetId=ENCRYPTION + "-none")]}),
    ("159039", "web-1", {"vmManagedDisks": [disk("web-1", recoveryDiskEncryptionSetId=SOURCE_KEYS)]}),
    ("159047", "web-1", {"vmManagedDisks": [disk("web-1", recoveryReplicaDiskAccountType="Standard_GRS")]}),
    ("159047", "web-1", {"vmManagedDisks": [disk("web-1", recoveryTargetDiskAccountType="Premium")]}),
    *(
        (code, "web-1", {"vmManagedDisks": [disk("web-1", primaryStagingAzureStorageAccountId=account(name)["id"])]})
        for code, name in (
            *(("159048", "undeletes"), ("159049", "keyless"), ("159050", "walled"), ("159019", "pages")),
            *(("159103", "unseen"), ("159104", "fenced"), ("159104", "empty")),
        )
    ),
    ("159046", "shared-1", {"vmManagedDisks": both("shared-1")}),
    ("159051", "ultra-1", {"vmManagedDisks": both("ultra-1")}),
    ("159051", "second-1", {"vmManagedDisks": both("second-1")}),
    ("159052", "keyed-1", {"vmManagedDisks": both("keyed-1")}),
    ("159053", "ciphered-1", {"vmManagedDisks": both("ciphered-1", diskEncryptionInfo={"diskEncryptionKeyInfo": {}})}),
    ("150172", "tiny-1", {"vmManagedDisks": both("tiny-1")}),
    ("159065", "ephemeral-1", {}),
    ("159054", "secret-1", {}),
    ("150097", "dear-1", {}),
    ("150097", "small-2", {}),
    ("159024", "web-1", {"multiVmGroupName": "full"}),
    ("159056", "web-1", {"multiVmGroupName": "away"}),
    ("159025", "elsewhere-1", {}),
]


async def test_what_cannot_be_is_refused_by_the_prerequisites_check() -> None:
    full = [f"full-{number}" for number in range(16)]
    machines = [
        machine("web-1"),
        machine("web-2"),
        machine("web-3"),
        machine("placed-1", availabilitySet=SOURCE_SET),
        machine("small-1", size="Standard_F2s_v2"),
        machine("small-2", size="Standard_F4s_v2"),
        machine("dear-1", size="Standard_E4s_v5"),
        machine("secret-1", security="ConfidentialVM"),
        machine("elsewhere-1"),
        machine("ephemeral-1", disks=[{"name": "ephemeral-1-os", "ephemeral": True}]),
        with_disk("shared-1", maxShares=2),
        with_disk("ultra-1", sku="UltraSSD_LRS"),
        with_disk("second-1", sku="PremiumV2_LRS"),
        with_disk("keyed-1", encryptionSet=SOURCE_KEYS),
        with_disk("ciphered-1", azureDiskEncryption=True),
        with_disk("tiny-1", sizeGB=0),
        machine("away", location="westus2", nics=[{"name": "away-nic", "subnet": f"{TARGET_NETWORK}/subnets/web"}]),
        *map(machine, full),
    ]
    away = protected(
        "away",
        fabric="secondary",
        container="there",
        recoveryFabric="primary",
        recoveryContainer="here",
        recoveryResourceGroup=GROUP,
        multiVmGroupName="away",
    )
    items = [away, *(protected(name, multiVmGroupName="full") for name in full)]
    limits = {"subscription": SUBSCRIPTION, "location": "westus2"}
    existing = world(
        *machines,
        items=items,
        quotas=[{**limits, "name": "standardESv5Family", "limit": 3}],
        restrictedSizes=[
            {**limits, "size": "Standard_F2s_v2", "zones": ["3"]},
            {**limits, "size": "Standard_F4s_v2"},
        ],
    )
    existing["vaults"].append({"id": OTHER_VAULT, "location": "westus2", "identity": "SystemAssigned"})
    existing["siteRecovery"].append(ready_vault([protected("elsewhere-1")])[0] | {"vault": OTHER_VAULT})
    async with azure(existing) as clients:
        found = [await cause(clients, "PUT", f"{ITEMS}/item", enable_body(vm, **more)) for _, vm, more in REFUSED]
        assert found == [code for code, _, _ in REFUSED]
        _, listed, _ = await clients.call("GET", f"{VAULT_ID}/replicationProtectedItems")
        assert len(listed["value"]) == len(items)
        # What stands beside each of the refused is taken.
        for vm, account_id in (("web-1", account("trusting")), ("web-2", account("linked")), ("web-3", FAR)):
            disks = [disk(vm, primaryStagingAzureStorageAccountId=account_id["id"])]
            await enable(clients, enable_body(vm, vmManagedDisks=disks), f"item-{vm}")
        await enable(clients, enable_body("small-1", recoveryAvailabilityZone="2"), "item-small-1")
        ciphered = both("ciphered-1")
        await enable(clients, enable_body("ciphered-1", vmManagedDisks=ciphered, diskEncryptionInfo=KEYS), "item-c")


@pytest.mark.parametrize("change", [{"recoveryClowdServiceId": "x"}, {"platformFaultDomain": "1"}, {"vmDisks": [{}]}])
async def test_what_an_enable_call_does_not_have_is_refused_at_once(change: dict[str, Any]) -> None:
    async with azure(world()) as clients:
        with pytest.raises(HttpResponseError) as raised:
            await enable(clients, enable_body("web-1", **change))
        assert raised.value.status_code == 400
        assert next(iter(change)) in str(raised.value)


async def test_an_item_of_an_estate_has_the_settings_that_the_portal_gives() -> None:
    vm = machine(
        "web-1",
        availabilitySet=SOURCE_SET,
        disks=[{"name": "web-1-os"}, {"name": "web-1-data"}],
        nics=[{"name": f"web-1-{name}", "subnet": f"{NETWORK}/subnets/{name}"} for name in ("web", "data")],
    )
    item = protected(
        "web-1",
        recoveryNetwork=VNET,
        recoverySubnet="a",
        recoveryAvailabilitySet=TARGET_SET,
        recoveryProximityPlacementGroup=PLACEMENT,
        recoveryCapacityReservationGroup=RESERVATION,
        recoveryBootDiagStorageAccount=DIAGNOSTICS,
        multiVmGroupName="together",
        recoveryVmName="web-1-dr",
        recoveryVmSize="Standard_D4s_v5",
        testVmName="web-1-drill",
        cacheStorageAccount=PREMIUM["id"],
        disks=[{"name": "web-1-os", "targetType": "StandardSSD_LRS", "encryptionSet": ENCRYPTION}],
        nics=[{"name": "web-1-data", "subnet": "b", "staticIp": "10.9.2.7"}],
    )
    async with azure(world(vm, items=[item])) as clients:
        found = (await clients.recovery.replication_protected_items.get(*HERE, "item-web-1")).properties
        details = found.provider_specific_details
        assert [error.error_code for error in found.health_errors] == ["161011", "153039"]
        assert (details.recovery_availability_set, details.churn_option_selected) == (TARGET_SET, "High")
        assert (details.recovery_azure_vm_name, details.tfo_azure_vm_name) == ("web-1-dr", "web-1-drill")
        assert (details.recovery_azure_vm_size, details.multi_vm_group_name) == ("Standard_D4s_v5", "together")
        assert details.recovery_boot_diag_storage_account_id == DIAGNOSTICS
        shown = [nic.ip_configs[0] for nic in details.vm_nics]
        assert [(each.recovery_subnet_name, each.recovery_static_ip_address) for each in shown] == [
            ("a", ""),
            ("b", "10.9.2.7"),
        ]
        (replicated,) = details.protected_managed_disks
        assert (replicated.recovery_target_disk_account_type, replicated.recovery_disk_encryption_set_id) == (
            "StandardSSD_LRS",
            ENCRYPTION,
        )
        for wrong, named in (
            ({"disks": [{"name": "web-1-data"}]}, "OS disk"),
            ({"nics": [{"name": "eth0"}]}, "no interface"),
            ({"recoveryNetwork": DIAGNOSTICS}, "recoveryNetwork"),
        ):
            status, body, _ = await clients.call("POST", "/sim/estate", world(vm, items=[item | wrong]))
            assert status == 400
            assert named in body["error"]


async def test_a_policy_and_a_mapping_change_under_their_items() -> None:
    other = "22222222-2222-4222-8222-222222222222"
    automation = {
        name: {
            "id": f"/subscriptions/{owner}/resourceGroups/rg-vault/providers/Microsoft.Automation/"
            f"automationAccounts/{name}",
            "location": "westus2",
        }
        for name, owner in (("updates", SUBSCRIPTION), ("foreign", other))
    }
    existing = world(items=[protected("web-1")], resources=list(automation.values()))
    existing["subscriptions"].append({"id": other, "name": "Other"})
    async with azure(existing) as clients:
        client = clients.recovery
        points = client.recovery_points.list_by_replication_protected_items
        before = [point.properties.recovery_point_time async for point in points(*HERE, "item-web-1")]
        policies = client.replication_policies

        async def write(**values: Any) -> Any:
            settings = {"instanceType": "A2A", "multiVmSyncStatus": "Enable", **values}
            body: Any = {"properties": {"replicationProviderSettings": settings}}
            return await (await policies.begin_update(VAULT_GROUP, VAULT, "gold", body)).result()

        with pytest.raises(HttpResponseError) as raised:
            await write(recoveryPointHistory=60, appConsistentFrequencyInMinutes=240)
        assert error_code(raised.value) == "150261"
        changed = (await write(recoveryPointHistory=4320, appConsistentFrequencyInMinutes=60)).properties
        assert changed.provider_specific_details.recovery_point_history == 4320
        assert changed.provider_specific_details.app_consistent_frequency_in_minutes == 60
        after = [point async for point in points(*HERE, "item-web-1")]
        # Those of the last hour are thinned out as time passes: the oldest ones stay.
        assert min(before) in {point.properties.recovery_point_time for point in after}
        item = await client.replication_protected_items.get(*HERE, "item-web-1")
        assert item.properties.protection_state == "Protected"

        async def associate(**values: Any) -> Any:
            body: Any = {"properties": {"providerSpecificInput": {"instanceType": "A2A", **values}}}
            mappings = client.replication_protection_container_mappings
            poller = await mappings.begin_update(VAULT_GROUP, VAULT, "primary", "here", "primary-gold", body)
            return (await poller.result()).properties.provider_specific_details

        for code, account_id in (
            ("AutomationAccountMissing", None),
            ("AutomationAccountMissing", CACHE),
            ("AutomationAccountElsewhere", automation["foreign"]["id"]),
        ):
            with pytest.raises(HttpResponseError) as raised:
                await associate(agentAutoUpdateStatus="Enabled", automationAccountArmId=account_id)
            assert error_code(raised.value) == code
        agent = await associate(
            agentAutoUpdateStatus="Enabled",
            automationAccountArmId=automation["updates"]["id"],
            automationAccountAuthenticationType="SystemAssignedIdentity",
        )
        assert agent.automation_account_arm_id == automation["updates"]["id"]
        assert (await associate(agentAutoUpdateStatus="Disabled")).automation_account_arm_id is not None
