"""What must exist before a VM is protected: resource group, network, cache, and what Site Recovery needs for a region
pair. Each piece can be read, and its creation begun."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.bench.rivals.azure import Azure

PRIMARY, RECOVERY = "primary", "recovery"
HERE, THERE = "primary-container", "recovery-container"
POLICY = "policy"

_LOCATIONS = {PRIMARY: "eastus", RECOVERY: "westus2"}
_CONTAINERS = {PRIMARY: HERE, RECOVERY: THERE}
_GROUP = "app-recovery"
_POLICY = {
    "instanceType": "A2A",
    "recoveryPointHistory": 1440,
    "appConsistentFrequencyInMinutes": 240,
    "crashConsistentFrequencyInMinutes": 5,
    "multiVmSyncStatus": "Enable",
}
_NETWORK = {
    "location": _LOCATIONS[RECOVERY],
    "properties": {
        "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]},
        "subnets": [{"name": "app", "properties": {"addressPrefix": "10.1.0.0/20"}}],
    },
}
_CACHE = {"location": _LOCATIONS[PRIMARY], "kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": {}}


@dataclass(frozen=True)
class Piece:
    """`begin` returns the SDK's poller, or what was created at once."""

    read: Callable[[], Any]
    begin: Callable[[], Any]

    def create(self) -> None:
        """Waits to the end of its creation."""
        begun = self.begin()
        if hasattr(begun, "result"):
            begun.result()


def target_group(azure: Azure) -> str:
    return f"/subscriptions/{azure.task.subscription}/resourceGroups/{_GROUP}"


def target_network(azure: Azure) -> str:
    return f"{target_group(azure)}/providers/Microsoft.Network/virtualNetworks/vnet-recovery"


def cache(azure: Azure) -> str:
    group = azure.task.network.split("/providers/")[0]
    return f"{group}/providers/Microsoft.Storage/storageAccounts/cacheforrecovery"


def container(azure: Azure, fabric: str) -> str:
    return f"{azure.task.vault}/replicationFabrics/{fabric}/replicationProtectionContainers/{_CONTAINERS[fabric]}"


def waves(azure: Azure) -> tuple[tuple[Piece, ...], ...]:
    """The pieces of a wave may be created at the same time; they need those of the waves before."""
    groups = azure.resources.resource_groups
    group = Piece(
        lambda: groups.get(_GROUP), lambda: groups.create_or_update(_GROUP, {"location": _LOCATIONS[RECOVERY]})
    )
    both = ((PRIMARY, RECOVERY), (RECOVERY, PRIMARY))
    return (
        (
            group,
            _resource(azure, cache(azure), "2023-05-01", _CACHE),
            _site_recovery(azure, "replication_policies", POLICY, properties={"providerSpecificInput": _POLICY}),
            *(_fabric(azure, fabric) for fabric in _LOCATIONS),
        ),
        (
            _resource(azure, target_network(azure), "2024-05-01", _NETWORK),
            *(_container(azure, fabric) for fabric in _LOCATIONS),
        ),
        (
            *(_mapping(azure, fabric, other) for fabric, other in both),
            *(_network_mapping(azure, fabric, other) for fabric, other in both),
        ),
    )


def _resource(azure: Azure, resource_id: str, version: str, body: dict[str, Any]) -> Piece:
    resources = azure.resources.resources
    return Piece(
        lambda: resources.get_by_id(resource_id, api_version=version),
        lambda: resources.begin_create_or_update_by_id(resource_id, body, api_version=version),
    )


def _site_recovery(azure: Azure, kind: str, *names: str, properties: dict[str, Any]) -> Piece:
    """`kind` is the SDK's group of operations; `names` are those of what the piece is in, and its own."""
    operations = getattr(azure.recovery, kind)
    return Piece(
        lambda: operations.get(*azure.vault, *names),
        lambda: operations.begin_create(*azure.vault, *names, {"properties": properties}),
    )


def _fabric(azure: Azure, fabric: str) -> Piece:
    details = {"instanceType": "Azure", "location": _LOCATIONS[fabric]}
    return _site_recovery(azure, "replication_fabrics", fabric, properties={"customDetails": details})


def _container(azure: Azure, fabric: str) -> Piece:
    names, details = (fabric, _CONTAINERS[fabric]), [{"instanceType": "A2A"}]
    return _site_recovery(
        azure, "replication_protection_containers", *names, properties={"providerSpecificInput": details}
    )


def _mapping(azure: Azure, fabric: str, other: str) -> Piece:
    names = (fabric, _CONTAINERS[fabric], f"{fabric}-mapping")
    properties = {
        "policyId": f"{azure.task.vault}/replicationPolicies/{POLICY}",
        "targetProtectionContainerId": container(azure, other),
        "providerSpecificInput": {"instanceType": "A2A", "agentAutoUpdateStatus": "Disabled"},
    }
    return _site_recovery(azure, "replication_protection_container_mappings", *names, properties=properties)


def _network_mapping(azure: Azure, fabric: str, other: str) -> Piece:
    networks = {PRIMARY: azure.task.network, RECOVERY: target_network(azure)}
    properties = {
        "recoveryFabricName": other,
        "recoveryNetworkId": networks[other],
        "fabricSpecificDetails": {"instanceType": "AzureToAzure", "primaryNetworkId": networks[fabric]},
    }
    names = (fabric, "azureNetwork", f"{fabric}-networks")
    return _site_recovery(azure, "replication_network_mappings", *names, properties=properties)
