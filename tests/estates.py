"""Small estates for tests, in the format that the simulator documents."""

from collections.abc import Iterable
from typing import Any

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
TENANT = "99999999-9999-4999-8999-999999999999"
SOURCE, TARGET = "eastus", "westus2"
VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/dr-vault"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/app"


def network_id(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.Network/virtualNetworks/{name}"


def vm_id(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.Compute/virtualMachines/{name}"


def vm(name: str, *, network: str = "vnet-app", disks: int = 1, tagged: bool = True, **more: Any) -> dict[str, Any]:
    """A running Linux VM with one NIC. `more` are further keys of the estate format."""
    return {
        "id": vm_id(name),
        "location": SOURCE,
        "size": "Standard_D2s_v5",
        "os": "Linux",
        "tags": {"dr": "true"} if tagged else {},
        "power": "running",
        "disks": [{"name": f"{name}-disk{number}", "sizeGB": 64, "sku": "Premium_LRS"} for number in range(disks)],
        "nics": [{"name": f"{name}-nic", "subnet": f"{network_id(network)}/subnets/web"}],
        **more,
    }


def estate(vms: Iterable[dict[str, Any]], *, networks: Iterable[str] = ("vnet-app",), **more: Any) -> dict[str, Any]:
    """One subscription, one vault in the target region, networks of a subnet each."""
    return {
        "tenantId": TENANT,
        "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
        "vaults": [{"id": VAULT, "location": TARGET}],
        "networks": [
            {
                "id": network_id(name),
                "location": SOURCE,
                "addressSpace": [f"10.{number}.0.0/16"],
                "subnets": [{"name": "web", "prefix": f"10.{number}.1.0/24"}],
            }
            for number, name in enumerate(networks, start=1)
        ],
        "virtualMachines": list(vms),
        **more,
    }
