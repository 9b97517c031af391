"""The estate that is measured: one region pair, one network, VMs with one disk and one NIC, none of them tagged."""

from typing import Any

SUBSCRIPTION = "3c80ad74-8f2e-4c3e-9f8d-5b3e1c9d0003"
_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/app"
NETWORK = f"{_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-app"
_VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/dr-vault"


def vm_ids(count: int) -> list[str]:
    return [f"{_GROUP}/providers/Microsoft.Compute/virtualMachines/vm-{number:03}" for number in range(count)]


def estate(count: int) -> dict[str, Any]:
    """`count` VMs in East US, an unused vault in West US 2."""
    return {
        "tenantId": "8b0c1d2e-3f4a-4b5c-8d6e-7f8091a2b3c4",
        "subscriptions": [{"id": SUBSCRIPTION, "name": "Bench"}],
        "vaults": [{"id": _VAULT, "location": "westus2"}],
        "networks": [
            {
                "id": NETWORK,
                "location": "eastus",
                "addressSpace": ["10.1.0.0/16"],
                "subnets": [{"name": "app", "prefix": "10.1.0.0/20"}],
            }
        ],
        "virtualMachines": [_vm(vm_id) for vm_id in vm_ids(count)],
    }


def _vm(vm_id: str) -> dict[str, Any]:
    name = vm_id.rsplit("/", 1)[-1]
    return {
        "id": vm_id,
        "location": "eastus",
        "size": "Standard_D2s_v5",
        "os": "Linux",
        "tags": {},
        "power": "running",
        "disks": [{"name": f"{name}-os", "sizeGB": 64, "sku": "Premium_LRS"}],
        "nics": [{"name": f"{name}-nic", "subnet": f"{NETWORK}/subnets/app"}],
    }
