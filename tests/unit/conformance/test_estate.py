"""What must have existed before a recording began, reported by the recording itself."""

from typing import Any

import pytest

from local.conformance.estate import derive_estate
from local.conformance.exchange import Exchange

GROUP = "/subscriptions/s/resourceGroups/rg"
VAULT = f"{GROUP}/providers/Microsoft.RecoveryServices/vaults/v"
NETWORK = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/n"
CACHE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/cache"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web-1"
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/web-1-nic"
ITEM = f"{VAULT}/replicationFabrics/east/replicationProtectionContainers/c/replicationProtectedItems/i"

VM_BODY = {
    "location": "eastus",
    "properties": {
        "hardwareProfile": {"vmSize": "Standard_D2s_v5"},
        "storageProfile": {
            "osDisk": {
                "osType": "Linux",
                "name": "web-1-os",
                "diskSizeGB": 64,
                "managedDisk": {"storageAccountType": "Premium_LRS"},
            },
            "dataDisks": [],
        },
        "networkProfile": {"networkInterfaces": [{"id": NIC}]},
    },
}
ITEM_BODY = {
    "properties": {
        "providerSpecificDetails": {
            "recoveryAzureResourceGroupId": GROUP,
            "recoveryAzureVMName": "web-1-dr",
            "primaryFabricLocation": "eastus",
            "vmNics": [
                {
                    "sourceNicArmId": NIC,
                    "vMNetworkName": NETWORK,
                    "ipConfigs": [{"subnetName": "web", "staticIPAddress": "10.1.2.4"}],
                }
            ],
        }
    }
}


def exchange(method: str, path: str, *, sent: Any = None, status: int = 200, answer: Any = None) -> Exchange:
    return Exchange(0, method, f"https://management.azure.com{path}?api-version=1", sent, status, answer, {})


def fabric(name: str, location: str) -> Exchange:
    body = {"properties": {"customDetails": {"instanceType": "Azure", "location": location}}}
    return exchange("PUT", f"{VAULT}/replicationFabrics/{name}", sent=body, status=202)


RECORDING = [
    fabric("east", "eastus"),
    fabric("west", "westus2"),
    exchange("GET", VM, answer=VM_BODY),
    exchange(
        "PUT",
        ITEM,
        sent={
            "properties": {
                "providerSpecificDetails": {
                    "fabricObjectId": VM.upper().replace("/SUBSCRIPTIONS/S", "/subscriptions/s"),
                    "recoveryContainerId": f"{VAULT}/replicationFabrics/west/replicationProtectionContainers/c",
                }
            }
        },
        status=202,
    ),
    exchange("GET", ITEM, answer=ITEM_BODY),
    exchange("GET", f"{GROUP}/providers/Microsoft.Compute/virtualMachines/web-1-dr", answer=VM_BODY),
]


def test_what_is_named_and_not_made_existed() -> None:
    estate = derive_estate(RECORDING)
    assert estate["vaults"] == [{"id": VAULT, "location": "westus2"}]
    assert [vm["id"] for vm in estate["virtualMachines"]] == [VM]
    assert estate["virtualMachines"][0]["nics"] == [{"name": "web-1-nic", "subnet": f"{NETWORK}/subnets/web"}]
    assert estate["networks"] == [
        {
            "id": NETWORK,
            "location": "eastus",
            "addressSpace": ["10.1.2.0/24"],
            "subnets": [{"name": "web", "prefix": "10.1.2.0/24"}],
        }
    ]


@pytest.mark.parametrize(("status", "existed"), [(200, True), (201, False), (202, False)])
def test_a_put_answered_with_200_changed_what_was_there(status: int, *, existed: bool) -> None:
    body = {"location": "eastus", "kind": "Storage", "sku": {"name": "Premium_LRS"}}
    accounts = derive_estate([exchange("PUT", CACHE, sent={"location": "eastus"}, status=status, answer=body)])
    expected = [{"id": CACHE, "location": "eastus", "kind": "Storage", "sku": "Premium_LRS"}]
    assert accounts["storageAccounts"] == (expected if existed else [])


def test_a_vm_that_is_never_shown_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no GET of .*/virtualMachines/web-1$"):
        derive_estate([exchange("GET", VM, status=404)])


def test_what_the_recording_itself_made_was_not_there_but_its_subscription() -> None:
    made = [exchange("PUT", GROUP, status=201), exchange("PUT", VAULT, status=201), exchange("PUT", VM, status=201)]

    estate = derive_estate(made)

    assert [each["id"] for each in estate["subscriptions"]] == ["s"]
    assert not any(estate[kind] for kind in ("resourceGroups", "vaults", "networks", "virtualMachines"))
