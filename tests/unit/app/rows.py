"""Rows as the lists of Azure hold them, with every field that the app reads, and ways to spoil them."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from tests.unit.app.examples import CONTAINER, DATA_DISK, NETWORK, NIC, OS_DISK, SOURCE, SUBSCRIPTION, TARGET, VM_ID
from tests.unit.app.fake_azure import POLICY, our_item_name

Json = dict[str, Any]

TARGETS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"
CACHE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/asr-cache-{SOURCE}"
    "/providers/Microsoft.Storage/storageAccounts/asrcachecf8764f16e757809"
)


def full_item() -> Json:
    """The item of the VM, protected by this app."""
    disks = [
        {
            "diskId": str(disk),
            "recoveryReplicaDiskAccountType": "Premium_LRS",
            "recoveryTargetDiskAccountType": "Premium_LRS",
            "recoveryDiskEncryptionSetId": None,
            "primaryStagingAzureStorageAccountId": CACHE,
        }
        for disk in (OS_DISK, DATA_DISK)
    ]
    configuration = {
        "name": "ipconfig",
        "isPrimary": True,
        "subnetName": "web",
        "staticIPAddress": "10.1.1.4",
        "ipAddressType": "Dynamic",
        "recoverySubnetName": "web",
        "recoveryStaticIPAddress": "",
        "recoveryPublicIPAddressId": None,
        "recoveryLBBackendAddressPoolIds": None,
    }
    nic = {
        "nicId": "e0eddf5f",
        "sourceNicArmId": str(NIC),
        "vMNetworkName": str(NETWORK),
        "recoveryVMNetworkId": f"{TARGETS}/providers/Microsoft.Network/virtualNetworks/vnet-asr",
        "recoveryNetworkSecurityGroupId": None,
        "ipConfigs": [configuration],
    }
    a2a = {
        "instanceType": "A2A",
        "fabricObjectId": str(VM_ID).lower(),
        "initialPrimaryFabricLocation": SOURCE,
        "primaryFabricLocation": SOURCE,
        "recoveryFabricLocation": TARGET,
        "multiVmGroupName": "",
        "multiVmGroupCreateOption": "AutoCreated",
        "protectedManagedDisks": disks,
        "vmNics": [nic],
        "recoveryAzureResourceGroupId": TARGETS,
        "recoveryAzureVMName": VM_ID.name,
        "recoveryAzureVMSize": "Standard_D2s_v5",
        "recoveryAvailabilitySet": None,
        "recoveryAvailabilityZone": None,
        "recoveryProximityPlacementGroupId": None,
        "recoveryCapacityReservationGroupId": None,
        "recoveryBootDiagStorageAccountId": None,
        "selectedRecoveryAzureNetworkId": f"{TARGETS}/providers/Microsoft.Network/virtualNetworks/vnet-asr",
        "recoveryFabricObjectId": None,
        "testFailoverRecoveryFabricObjectId": None,
        "tfoAzureVMName": f"{VM_ID.name}-test",
        "monitoringPercentageCompletion": 43,
        "rpoInSeconds": 95,
        "lastRpoCalculatedTime": "2026-11-01T10:00:00.0251955Z",
        "agentVersion": "9.62.1",
        "agentExpiryDate": "9999-12-31T23:59:59.9999999",
        "isReplicationAgentUpdateRequired": False,
        "isReplicationAgentCertificateUpdateRequired": False,
        "churnOptionSelected": "Normal",
    }
    properties = {
        "friendlyName": VM_ID.name,
        "protectionState": "Protected",
        "protectionStateDescription": "Protected",
        "testFailoverState": "None",
        "activeLocation": "Primary",
        "replicationHealth": "Normal",
        "policyId": str(POLICY),
        "currentScenario": {"scenarioName": "None", "jobId": "/x/replicationJobs/None"},
        "lastSuccessfulTestFailoverTime": None,
        "lastSuccessfulFailoverTime": None,
        "healthErrors": [
            {
                "errorCode": "161011",
                "errorMessage": "Never tested.",
                "recommendedAction": "Test it.",
                "creationTimeUtc": "2026-11-01T10:00:00Z",
            }
        ],
        "providerSpecificDetails": a2a,
    }
    name = our_item_name()
    return {"id": f"{CONTAINER}/replicationProtectedItems/{name}", "name": name, "properties": properties}


def full_vm(tags: dict[str, str]) -> Json:
    """The VM, as ARM and Resource Graph show it."""
    data_disk = {"lun": 0, "diskSizeGB": 32, "managedDisk": {"id": str(DATA_DISK), "storageAccountType": "Premium_LRS"}}
    properties = {
        "provisioningState": "Succeeded",
        "timeCreated": "2026-01-01T10:00:00.123+00:00",
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "securityProfile": {"securityType": "TrustedLaunch", "encryptionAtHost": False},
        "storageProfile": {
            "osDisk": {
                "osType": "Windows",
                "diskSizeGB": 64,
                "managedDisk": {"id": str(OS_DISK), "storageAccountType": "Premium_LRS", "diskEncryptionSet": None},
            },
            "dataDisks": [data_disk],
        },
        "networkProfile": {"networkInterfaces": [{"id": str(NIC)}]},
        "osProfile": {"windowsConfiguration": {"provisionVMAgent": True}, "allowExtensionOperations": True},
        "instanceView": {"statuses": [{"code": "PowerState/running"}], "disks": []},
        "extended": {"instanceView": {"powerState": {"code": "PowerState/running"}}},
        "availabilitySet": None,
    }
    return {"id": str(VM_ID), "location": SOURCE, "tags": tags, "zones": ["1"], "properties": properties}


def places(body: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every member, of whatever depth."""
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in members:
        yield (*at, key)
        yield from places(value, (*at, key))


MISSING = object()

ODD: tuple[Any, ...] = (
    *(MISSING, None, True, 0, -1, 99.5, 1e300, "", " ", "x", "99.5", "Brandnew", [], {}, [None], [[]], ["x"]),
    {"id": 5},
    *("11/29/2026 7:50:46 AM", "11/29/2026", "0001-01-01T00:00:00", "2026-11-29T07:50:46.1234567+02:00", "9999-12-31"),
    *("/subscriptions/x", f"{POLICY.parent}/replicationPolicies/Gold 24h", "None", "<html>"),
    *("\u212aelvin", "\ud800", "web-\udc00-1"),
)
"""What may stand in place of a value: nothing, other types, other forms of numbers and times, unknown words."""


@st.composite
def spoiled(draw: st.DrawFn, row: Any) -> Any:
    """The row with up to three of its members made odd, or odd as a whole."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.sampled_from([odd for odd in ODD if odd is not MISSING]))
    body = copy.deepcopy(row)
    for _ in range(draw(st.integers(1, 3))):
        paths = list(places(body))
        if not paths:
            return body
        *parents, last = draw(st.sampled_from(paths))
        holder = body
        for key in parents:
            holder = holder[key]
        odd = draw(st.sampled_from(ODD))
        if odd is MISSING:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(odd)
    return body
