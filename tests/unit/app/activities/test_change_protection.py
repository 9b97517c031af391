"""Changing a protected item in place: one call, with what differs and nothing else, and never while it is busy."""

import json
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.recoveryservicessiterecovery import models

from activities.change_protection import change_protection
from shared.arm.errors import WriteRefusedError
from shared.model import resource_types
from shared.model.activity_io import ChangeRequest
from shared.model.changes import Changes, ItemUpdate
from shared.model.replication import ReplicatedDisk, ReplicatedNic
from shared.model.resource_id import ResourceId
from shared.model.step_result import Pending, Ready, StepResult
from shared.site_recovery.replicated_items import find_item
from shared.site_recovery.vault import vault_of
from tests.unit.app.examples import (
    CONTAINER,
    DATA_DISK,
    ELSEWHERE,
    NETWORK,
    NIC,
    OS_DISK,
    SUBSCRIPTION,
    VAULT_ID,
    VM_ID,
    settings,
)
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, job_body

UPDATE, ADD = "update replication_protected_items", "add disks to replication_protected_items"
CACHE = ResourceId.of(SUBSCRIPTION, "caches", resource_types.ACCOUNT, "cache")
GROUP = ResourceId.of(SUBSCRIPTION, "web-asr")
GUARD, FRONT, OLD_FRONT = (
    ResourceId.of(SUBSCRIPTION, "web-asr", kind, name)
    for kind, name in (
        (resource_types.SECURITY_GROUP, "g"),
        (resource_types.PUBLIC_IP, "new"),
        (resource_types.PUBLIC_IP, "old"),
    )
)
SIZE = Changes(update=ItemUpdate(size="Standard_D4s_v5"))
LATE = ReplicatedDisk(id=DATA_DISK, replica_sku="Standard_LRS", target_sku="Premium_LRS")
OF_NIC = {
    "nicId": "nic-1",
    "sourceNicArmId": str(NIC),
    "vMNetworkName": str(NETWORK),
    "enableAcceleratedNetworkingOnRecovery": True,
    "tfoNetworkSecurityGroupId": "guard-of-tests",
    "ipConfigs": [
        {
            "name": "ipconfig",
            "isPrimary": True,
            "subnetName": "web",
            "recoverySubnetName": "web",
            "recoveryPublicIPAddressId": str(OLD_FRONT),
            "tfoSubnetName": "tests",
        },
        {"name": "second", "isPrimary": False, "recoverySubnetName": "db", "recoveryStaticIPAddress": "10.1.2.4"},
    ],
}


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.add_region_pair()
    disk = {"diskId": str(OS_DISK), "primaryStagingAzureStorageAccountId": str(CACHE)}
    cloud.vault["replication_protected_items"].append(
        item_body(
            "Protected",
            protectedManagedDisks=[disk],
            vmNics=[OF_NIC],
            recoveryAzureResourceGroupId=str(GROUP),
        )
    )
    return cloud


async def change(cloud: Cloud, changes: Changes = SIZE, **of_app: Any) -> StepResult:
    azure = FakeAzure(settings(**of_app), cloud)
    return await change_protection(azure, ChangeRequest(vm_id=VM_ID, changes=changes))


async def sent(cloud: Cloud, update: ItemUpdate) -> dict[str, Any]:
    """The properties of the one update that was sent."""
    assert await change(cloud, Changes(update=update)) == Ready(value={"job": "update-1"})
    ((what, (*path, body)),) = cloud.writes
    assert what == UPDATE
    assert path == ["dr", "vault", "east", CONTAINER.name, "made-in-the-portal"]
    properties: dict[str, Any] = body.as_dict()["properties"]
    return properties


THING = f"{GROUP}/providers/Microsoft.Network/things"
POOL = f"{GROUP}/providers/Microsoft.Network/loadBalancers/front/backendAddressPools/web"
HAS = {
    "recoveryAzureVMName": "web-1-dr",
    "recoveryAzureVMSize": "Standard_D2s_v5",
    "selectedRecoveryAzureNetworkId": f"{THING}/its-network",
    "selectedTfoAzureNetworkId": f"{THING}/its-network-of-tests",
    "recoveryAvailabilitySet": f"{THING}/its-set",
    "recoveryBootDiagStorageAccountId": f"{THING}/its-account",
    "recoveryProximityPlacementGroupId": f"{THING}/its-group",
    "recoveryCapacityReservationGroupId": f"{THING}/its-reservation",
    "recoveryVirtualMachineScaleSetId": f"{THING}/its-scale-set",
    "recoveryCloudService": f"{THING}/its-cloud-service",
    "recoveryAvailabilityZone": "2",
    "platformFaultDomain": 0,
    "tfoAzureVMName": "web-1-test",
    "protectedManagedDisks": [
        {
            "diskId": str(OS_DISK),
            "recoveryTargetDiskAccountType": "Premium_LRS",
            "recoveryReplicaDiskAccountType": "Standard_LRS",
            "secretIdentifier": "https://vault/secrets/s/1",
            "dekKeyVaultArmId": f"{THING}/its-vault-of-secrets",
            "keyIdentifier": "https://vault/keys/k/1",
            "kekKeyVaultArmId": f"{THING}/its-vault-of-keys",
            "failoverDiskName": "os-dr",
            "tfoDiskName": "os-test",
        }
    ],
    "vmNics": [
        {
            "nicId": "nic-1",
            "sourceNicArmId": str(NIC),
            "selectionType": "SelectedByUser",
            "recoveryNetworkSecurityGroupId": str(GUARD),
            "enableAcceleratedNetworkingOnRecovery": True,
            "tfoNetworkSecurityGroupId": "guard-of-tests",
            "enableAcceleratedNetworkingOnTfo": False,
            "recoveryNicName": "nic-dr",
            "recoveryNicResourceGroupName": "group-dr",
            "reuseExistingNic": False,
            "tfoRecoveryNicName": "nic-test",
            "tfoRecoveryNicResourceGroupName": "group-test",
            "tfoReuseExistingNic": True,
            "targetNicName": "nic-target",
            "ipConfigs": [
                {
                    "name": "ipconfig",
                    "isPrimary": True,
                    "isSeletedForFailover": True,
                    "recoverySubnetName": "web",
                    "recoveryStaticIPAddress": "10.1.1.4",
                    "recoveryPublicIPAddressId": str(OLD_FRONT),
                    "recoveryLBBackendAddressPoolIds": [POOL],
                    "tfoSubnetName": "tests",
                    "tfoStaticIPAddress": "10.9.1.4",
                    "tfoPublicIPAddressId": "front-of-tests",
                    "tfoLBBackendAddressPoolIds": [f"{POOL}-of-tests"],
                }
            ],
        }
    ],
}
SENT_BACK = {
    "recoveryAzureVMName": "web-1-dr",
    "recoveryAzureVMSize": "Standard_D4s_v5",
    "selectedRecoveryAzureNetworkId": f"{THING}/its-network",
    "selectedTfoAzureNetworkId": f"{THING}/its-network-of-tests",
    "recoveryAvailabilitySetId": f"{THING}/its-set",
    "vmNics": [
        {
            "nicId": "nic-1",
            "selectionType": "SelectedByUser",
            "recoveryNetworkSecurityGroupId": str(GUARD),
            "enableAcceleratedNetworkingOnRecovery": True,
            "tfoNetworkSecurityGroupId": "guard-of-tests",
            "enableAcceleratedNetworkingOnTfo": False,
            "recoveryNicName": "nic-dr",
            "recoveryNicResourceGroupName": "group-dr",
            "reuseExistingNic": False,
            "tfoNicName": "nic-test",
            "tfoNicResourceGroupName": "group-test",
            "tfoReuseExistingNic": True,
            "targetNicName": "nic-target",
            "ipConfigs": [
                {
                    "ipConfigName": "ipconfig",
                    "isPrimary": True,
                    "isSeletedForFailover": True,
                    "recoverySubnetName": "web",
                    "recoveryStaticIPAddress": "10.1.1.4",
                    "recoveryPublicIPAddressId": str(OLD_FRONT),
                    "recoveryLBBackendAddressPoolIds": [POOL],
                    "tfoSubnetName": "tests",
                    "tfoStaticIPAddress": "10.9.1.4",
                    "tfoPublicIPAddressId": "front-of-tests",
                    "tfoLBBackendAddressPoolIds": [f"{POOL}-of-tests"],
                }
            ],
        }
    ],
    "providerSpecificDetails": {
        "instanceType": "A2A",
        "recoveryResourceGroupId": str(GROUP),
        "recoveryBootDiagStorageAccountId": f"{THING}/its-account",
        "recoveryProximityPlacementGroupId": f"{THING}/its-group",
        "recoveryCapacityReservationGroupId": f"{THING}/its-reservation",
        "recoveryVirtualMachineScaleSetId": f"{THING}/its-scale-set",
        "recoveryCloudServiceId": f"{THING}/its-cloud-service",
        "recoveryAvailabilityZone": "2",
        "platformFaultDomain": 0,
        "tfoAzureVMName": "web-1-test",
        "managedDiskUpdateDetails": [
            {
                "diskId": str(OS_DISK),
                "recoveryTargetDiskAccountType": "Premium_LRS",
                "recoveryReplicaDiskAccountType": "Standard_LRS",
                "diskEncryptionInfo": {
                    "diskEncryptionKeyInfo": {
                        "secretIdentifier": "https://vault/secrets/s/1",
                        "keyVaultResourceArmId": f"{THING}/its-vault-of-secrets",
                    },
                    "keyEncryptionKeyInfo": {
                        "keyIdentifier": "https://vault/keys/k/1",
                        "keyVaultResourceArmId": f"{THING}/its-vault-of-keys",
                    },
                },
                "failoverDiskName": "os-dr",
                "tfoDiskName": "os-test",
            }
        ],
    },
}
NOT_SENT = {
    "selectedSourceNicId": "no item shows it: which interface is the primary one goes back as its selectionType",
    "enableRdpOnTargetOption": "an option of VMware and Hyper-V, which no item of Azure VMs shows",
    "licenseType": "an option of VMware and Hyper-V, which no item of Azure VMs shows",
    "providerSpecificDetails.diskEncryptionInfo": "the item shows the keys of its disks, and each disk sends its own",
}
"""What the SDK's update knows and is left out on purpose, with the reason."""


async def test_all_that_the_item_has_is_sent_back(cloud: Cloud) -> None:
    cloud.vault["replication_protected_items"][0]["properties"]["providerSpecificDetails"] |= HAS

    assert await sent(cloud, ItemUpdate(size="Standard_D4s_v5")) == SENT_BACK


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (models.UpdateReplicationProtectedItemInputProperties, ()),
        (models.A2AUpdateReplicationProtectedItemInput, ("providerSpecificDetails",)),
        (models.A2AVmManagedDiskUpdateDetails, ("providerSpecificDetails", "managedDiskUpdateDetails", 0)),
        (models.VMNicInputDetails, ("vmNics", 0)),
        (models.IPConfigInputDetails, ("vmNics", 0, "ipConfigs", 0)),
        *(
            (model, ("providerSpecificDetails", "managedDiskUpdateDetails", 0, "diskEncryptionInfo", *path))
            for model, path in (
                (models.DiskEncryptionInfo, ()),
                (models.DiskEncryptionKeyInfo, ("diskEncryptionKeyInfo",)),
                (models.KeyEncryptionKeyInfo, ("keyEncryptionKeyInfo",)),
            )
        ),
    ],
)
def test_every_field_of_the_sdk_s_update_is_sent_back_or_left_out_for_a_reason(
    model: type[Any], path: tuple[str | int, ...]
) -> None:
    """A field that a later SDK adds fails here: map it in `changes`, or give the reason."""
    part: Any = SENT_BACK
    for step in path:
        part = part[step]
    left_out = {name.rpartition(".")[2] for name in NOT_SENT if name.rpartition(".")[0] == ".".join(map(str, path))}

    # The names on the wire, which the SDK's own serialization uses.
    assert {field._rest_name for field in model()._attr_to_rest_field.values()} == set(part) | left_out


async def test_a_disk_that_is_not_encrypted_sends_no_keys(cloud: Cloud) -> None:
    (disk,) = (await sent(cloud, ItemUpdate(name="web-1-dr")))["providerSpecificDetails"]["managedDiskUpdateDetails"]

    assert disk == {"diskId": str(OS_DISK)}


async def test_each_setting_of_the_item_has_its_field(cloud: Cloud) -> None:
    named = {
        "network": ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.NETWORK, "hub"),
        "availability_set": ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.AVAILABILITY_SET, "set"),
        "placement_group": ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.PLACEMENT_GROUP, "near"),
        "capacity_reservation": ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.RESERVATION, "kept"),
        "scale_set": ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.SCALE_SET, "flexible"),
        "boot_diagnostics": ResourceId.of(SUBSCRIPTION, "web-asr", resource_types.ACCOUNT, "diag"),
    }
    disk = ReplicatedDisk(id=OS_DISK, replica_sku="Standard_LRS", target_sku="Premium_LRS")

    properties = await sent(cloud, ItemUpdate(target_group=GROUP, name="web-1-dr", disks=(disk,), **named))

    assert [nic["nicId"] for nic in properties.pop("vmNics")] == ["nic-1"]
    assert properties == {
        "recoveryAzureVMName": "web-1-dr",
        "selectedRecoveryAzureNetworkId": str(named["network"]),
        "recoveryAvailabilitySetId": str(named["availability_set"]),
        "providerSpecificDetails": {
            "instanceType": "A2A",
            "recoveryResourceGroupId": str(GROUP),
            "recoveryProximityPlacementGroupId": str(named["placement_group"]),
            "recoveryCapacityReservationGroupId": str(named["capacity_reservation"]),
            "recoveryVirtualMachineScaleSetId": str(named["scale_set"]),
            "recoveryBootDiagStorageAccountId": str(named["boot_diagnostics"]),
            "managedDiskUpdateDetails": [
                {
                    "diskId": str(OS_DISK),
                    "recoveryTargetDiskAccountType": "Premium_LRS",
                    "recoveryReplicaDiskAccountType": "Standard_LRS",
                }
            ],
        },
    }


async def test_an_interface_is_sent_whole_with_what_it_has_where_nothing_else_is_asked_for(cloud: Cloud) -> None:
    wanted = ReplicatedNic(id=NIC, address="10.1.1.9", security_group=GUARD)
    stranger = ReplicatedNic(id=ResourceId(f"{NIC}-2"), address="10.1.1.10")

    (nic,) = (await sent(cloud, ItemUpdate(nics=(wanted, stranger))))["vmNics"]

    configuration, second = nic.pop("ipConfigs")
    assert nic == {
        "nicId": "nic-1",
        "recoveryNetworkSecurityGroupId": str(GUARD),
        "enableAcceleratedNetworkingOnRecovery": True,
        "tfoNetworkSecurityGroupId": "guard-of-tests",
    }
    assert configuration["tfoSubnetName"] == "tests"
    assert (second["ipConfigName"], second["recoverySubnetName"]) == ("second", "db")
    assert (second["isPrimary"], second["recoveryStaticIPAddress"]) == (False, "10.1.2.4")
    assert configuration["ipConfigName"] == "ipconfig"
    assert configuration["isPrimary"] is True
    assert configuration["recoverySubnetName"] == "web"
    assert configuration["recoveryStaticIPAddress"] == "10.1.1.9"
    assert configuration["recoveryPublicIPAddressId"] == str(OLD_FRONT)
    assert "recoveryLBBackendAddressPoolIds" not in configuration


async def test_what_is_asked_for_takes_the_place_of_what_an_interface_has(cloud: Cloud) -> None:
    (nic,) = (await sent(cloud, ItemUpdate(nics=(ReplicatedNic(id=NIC, public_ip=FRONT, subnet="db"),))))["vmNics"]

    configuration, _ = nic["ipConfigs"]
    assert (configuration["recoveryPublicIPAddressId"], configuration["recoverySubnetName"]) == (str(FRONT), "db")


@pytest.mark.parametrize(
    ("update", "address"),
    [
        ({"nics": (ReplicatedNic(id=NIC, security_group=GUARD),)}, "10.1.1.4"),
        ({"nics": (ReplicatedNic(id=NIC, subnet="WEB", security_group=GUARD),)}, "10.1.1.4"),
        ({"nics": (ReplicatedNic(id=NIC, subnet="db"),)}, None),
        ({"nics": (ReplicatedNic(id=NIC, subnet="web"),), "network": ResourceId(f"{NETWORK}-2")}, None),
        ({"nics": (ReplicatedNic(id=NIC, subnet="db", address="10.1.2.9"),)}, "10.1.2.9"),
    ],
)
async def test_an_address_stays_behind_where_its_interface_is_moved(
    cloud: Cloud, update: dict[str, Any], address: str | None
) -> None:
    """In another subnet Azure refuses the old one."""
    cloud.vault["replication_protected_items"][0] = json.loads(
        json.dumps(cloud.vault["replication_protected_items"][0]).replace(
            '"tfoSubnetName"', '"recoveryStaticIPAddress": "10.1.1.4", "tfoSubnetName"'
        )
    )

    (nic,) = (await sent(cloud, ItemUpdate(**update)))["vmNics"]

    assert nic["ipConfigs"][0].get("recoveryStaticIPAddress") == address


async def test_disks_are_added_with_the_cache_and_the_group_of_the_others(cloud: Cloud) -> None:
    assert await change(cloud, Changes(added_disks=(LATE,))) == Ready(value={"job": "add-1"})

    ((what, (*_, body)),) = cloud.writes
    assert what == ADD
    (disk,) = body.as_dict()["properties"]["providerSpecificDetails"]["vmManagedDisks"]
    assert disk == {
        "diskId": str(DATA_DISK),
        "primaryStagingAzureStorageAccountId": str(CACHE),
        "recoveryResourceGroupId": str(GROUP),
        "recoveryReplicaDiskAccountType": "Standard_LRS",
        "recoveryTargetDiskAccountType": "Premium_LRS",
    }


async def test_each_step_is_one_call_and_the_disks_come_first(cloud: Cloud) -> None:
    for step in SIZE.with_(added_disks=(LATE,)).steps:
        await change(cloud, step)

    assert cloud.written == [ADD, UPDATE]


@pytest.mark.parametrize("theirs", [str(CACHE), str(GROUP)])
async def test_no_disk_is_added_where_the_others_go_outside_the_target_scope(cloud: Cloud, theirs: str) -> None:
    (item,) = cloud.vault["replication_protected_items"]
    outside = json.loads(json.dumps(item).replace(theirs, theirs.replace(SUBSCRIPTION, ELSEWHERE)))
    cloud.vault["replication_protected_items"][:] = [outside]

    with pytest.raises(WriteRefusedError) as refused:
        await change(cloud, Changes(added_disks=(LATE,)))

    assert refused.value.error.code == "TargetOutOfScope"
    assert cloud.writes == []


async def test_disks_are_not_added_to_an_item_that_does_not_tell_where_they_would_go(cloud: Cloud) -> None:
    cloud.vault["replication_protected_items"][:] = [item_body("Protected")]

    with pytest.raises(WriteRefusedError) as refused:
        await change(cloud, Changes(added_disks=(LATE,)))

    assert refused.value.error.code == "ItemIncomplete"
    assert cloud.writes == []


# When nothing is sent


@pytest.mark.parametrize(
    "state", ["EnablingProtection", "InitialReplicationInProgress", "UnplannedFailoverCommitted", "SomethingNew"]
)
async def test_an_item_in_any_other_state_is_left_as_it_is(cloud: Cloud, state: str) -> None:
    cloud.vault["replication_protected_items"][0]["properties"]["protectionState"] = state

    assert await change(cloud) == Ready(value={"job": ""})
    assert cloud.writes == []


async def test_an_item_under_test_failover_is_left_as_it_is(cloud: Cloud) -> None:
    cloud.vault["replication_protected_items"][0]["properties"]["testFailoverState"] = "WaitingForCompletion"

    assert await change(cloud) == Ready(value={"job": ""})
    assert cloud.writes == []


async def test_an_item_that_is_gone_is_not_changed(cloud: Cloud) -> None:
    cloud.vault["replication_protected_items"].clear()

    assert await change(cloud) == Ready(value={"job": ""})


async def test_an_item_with_a_job_on_it_is_waited_for(cloud: Cloud) -> None:
    scenario = {"scenarioName": "TestFailover", "jobId": f"{VAULT_ID}/replicationJobs/job-7"}
    cloud.vault["replication_protected_items"][0]["properties"]["currentScenario"] = scenario
    cloud.vault["replication_jobs"].append(job_body("InProgress", "job-7", "TestFailover"))

    assert await change(cloud) == Pending(retry_after=30, step="Waiting for another job on the item")
    assert cloud.writes == []


@pytest.mark.parametrize(
    ("of_app", "code"),
    [
        ({"paused": True}, "WritesDisabled"),
        ({"mode": "report"}, "WritesDisabled"),
        ({"source_scope": f"/subscriptions/{ELSEWHERE}"}, "OutOfScope"),
    ],
)
@pytest.mark.parametrize("changes", [SIZE, Changes(added_disks=(LATE,))])
async def test_what_the_settings_forbid_is_not_sent(
    cloud: Cloud, of_app: dict[str, Any], code: str, changes: Changes
) -> None:
    with pytest.raises(WriteRefusedError) as refused:
        await change(cloud, changes, **of_app)

    assert refused.value.error.code == code
    assert cloud.writes == []


@pytest.mark.parametrize("field", ["target_group", "network", "availability_set", "boot_diagnostics"])
async def test_nothing_outside_the_target_scope_is_ever_sent(cloud: Cloud, field: str) -> None:
    theirs = ResourceId.of(ELSEWHERE, "theirs", resource_types.ACCOUNT, "x")
    for update in (ItemUpdate(**{field: theirs}), ItemUpdate(nics=(ReplicatedNic(id=NIC, security_group=theirs),))):
        with pytest.raises(WriteRefusedError) as refused:
            await change(cloud, Changes(update=update))
        assert refused.value.error.code == "TargetOutOfScope"
    assert cloud.writes == []


async def test_a_refusal_goes_through_and_is_sent_once(cloud: Cloud) -> None:
    cloud.faults["write"] = answer(400, "InvalidParameter")

    with pytest.raises(HttpResponseError):
        await change(cloud)
    assert cloud.written == [UPDATE]


async def test_after_a_change_the_item_is_read_again(cloud: Cloud) -> None:
    azure = FakeAzure(settings(), cloud)
    await change_protection(azure, ChangeRequest(vm_id=VM_ID, changes=SIZE))
    cloud.vault["replication_protected_items"].clear()

    assert await find_item(vault_of(azure, VAULT_ID), VM_ID) is None
