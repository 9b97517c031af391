"""The settings of a VM's replicated item and its policy, by the names that they have in a plan."""

from collections.abc import Callable, Mapping
from typing import Any

Json = Mapping[str, Any]

_SOURCES: dict[str, Callable[[Json], Any]] = {
    "targetLocation": lambda details: details["recoveryFabricLocation"],
    "targetResourceGroup": lambda details: details["recoveryAzureResourceGroupId"],
    "targetVnet": lambda details: details["selectedRecoveryAzureNetworkId"],
    "targetZone": lambda details: details["recoveryAvailabilityZone"],
    "targetAvailabilitySet": lambda details: details["recoveryAvailabilitySet"],
    "targetSize": lambda details: details["recoveryAzureVMSize"],
    "targetName": lambda details: details["recoveryAzureVMName"],
    "targetIp": lambda details: details["vmNics"][0]["ipConfigs"][0]["recoveryStaticIPAddress"],
    "targetDiskType": lambda details: details["protectedManagedDisks"][0]["recoveryTargetDiskAccountType"],
    "consistencyGroup": lambda details: details["multiVmGroupName"],
}
_OF_POLICY = {
    "recoveryPointRetention": "recoveryPointHistory",
    "appConsistentFrequency": "appConsistentFrequencyInMinutes",
}
SETTINGS = (*_SOURCES, *_OF_POLICY)
"""What can be read. Of interfaces and disks it is the first one's, of resources the name."""


def settings_of(item: Json, policy: Json) -> dict[str, str]:
    """The settings of a protected item; "" for one that it does not have."""
    details = item["properties"]["providerSpecificDetails"]
    settings = {name: str(read(details) or "").rsplit("/", 1)[-1] for name, read in _SOURCES.items()}
    hours = {name: policy["properties"]["providerSpecificDetails"][key] // 60 for name, key in _OF_POLICY.items()}
    return settings | {name: f"{value} h" for name, value in hours.items()}


def vm_of(item: Json) -> str:
    """The ID of the VM that an item protects, in lower case."""
    return str(item["properties"]["providerSpecificDetails"]["fabricObjectId"]).lower()
