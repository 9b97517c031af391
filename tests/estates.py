"""Small estates for tests, in the format that the simulator documents."""

from collections.abc import Iterable
from typing import Any

SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
TENANT = "99999999-9999-4999-8999-999999999999"
SOURCE, TARGET = "eastus", "westus2"
VAULT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/dr-vault"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/app"

CACHES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/asr-cache-{SOURCE}"
SHARED = {"DR_TARGET_SCOPE": f"/subscriptions/{SUBSCRIPTION},{CACHES}"}
"""Targets anywhere in the subscription of the VMs (sharedSubscription): the app makes the groups itself."""


def network_id(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.Network/virtualNetworks/{name}"


def vm_id(name: str) -> str:
    return f"{GROUP}/providers/Microsoft.Compute/virtualMachines/{name}"


def resource_id(kind: str, name: str, group: str = GROUP) -> str:
    """As `resource_id("Microsoft.Network/routeTables", "out")`."""
    return f"{group}/providers/{kind}/{name}"


def network(number: int, name: str, location: str = SOURCE, group: str = GROUP, **subnet: Any) -> dict[str, Any]:
    """10.<number>.0.0/16 with a subnet `web`. `subnet` are further keys of it."""
    return {
        "id": resource_id("Microsoft.Network/virtualNetworks", name, group),
        "location": location,
        "addressSpace": [f"10.{number}.0.0/16"],
        "subnets": [{"name": "web", "prefix": f"10.{number}.1.0/24", **subnet}],
    }


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
        "networks": [network(number, name) for number, name in enumerate(networks, start=1)],
        "virtualMachines": list(vms),
        **more,
    }


def site_recovery(vault: str = VAULT, *, items: Iterable[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
    """What a vault holds already, under names that this app would not give: fabrics, containers, a policy of the
    default profile's values, mappings there and back. `items` are of that policy, `more` replaces whole lists."""
    here, there = {"fabric": "primary", "container": "here"}, {"fabric": "secondary", "container": "there"}
    of_item = here | {"policy": "terraform-policy", "recoveryFabric": "secondary", "recoveryContainer": "there"}
    return {
        "vault": vault,
        "fabrics": [{"name": "primary", "location": SOURCE}, {"name": "secondary", "location": TARGET}],
        "containers": [{"fabric": end["fabric"], "name": end["container"]} for end in (here, there)],
        "policies": [{"name": "terraform-policy"}],
        "containerMappings": [
            {
                **start,
                "name": f"from-{start['container']}",
                "targetFabric": end["fabric"],
                "targetContainer": end["container"],
                "policy": "terraform-policy",
            }
            for start, end in ((here, there), (there, here))
        ],
        "protectedItems": [of_item | item for item in items],
        **more,
    }
