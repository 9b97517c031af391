"""The network interfaces of an item: where each source interface is after a failover."""

import ipaddress
from typing import Any

from local.simulator import ids
from local.simulator.ids import stable_guid
from local.simulator.recovery.enable_checks import mapped_network
from local.simulator.vault.model import ProtectedItem
from local.simulator.wire import Json
from local.simulator.world import World


def of(world: World, item: ProtectedItem, *, settled: bool) -> list[Json]:
    """vmNics of an item; while it replicates after a reprotect they are not `settled` yet."""
    vm = world.store.vm(item.vm_id)
    if vm is None:
        return []
    references: list[Json] = vm.properties["networkProfile"]["networkInterfaces"]
    found = [_nic(world, item, reference["id"], index) for index, reference in enumerate(references)]
    if not settled:
        for nic in found:
            nic |= {"vMNetworkName": None, "selectionType": "NotSelected"}
            for configuration in nic["ipConfigs"]:
                configuration |= {"name": None, "subnetName": None, "staticIPAddress": None}
    return found


def _nic(world: World, item: ProtectedItem, nic_id: str, index: int) -> Json:
    nic = world.store.get(nic_id)
    configurations: list[Json] = nic.properties["ipConfigurations"] if nic else [{"name": None, "properties": {}}]
    subnet_id = configurations[0]["properties"].get("subnet", {}).get("id", "")
    network_id = subnet_id.rsplit("/", 2)[0] or None
    chosen = item.settings.get("selectedRecoveryAzureNetworkId") or item.settings.get("recoveryAzureNetworkId")
    recovery = chosen or (network_id and mapped_network(item.container, item.recovery_container, network_id))
    subnet = _recovery_subnet(world, item, recovery, ids.last_segment(subnet_id))
    return {
        "nicId": stable_guid("nic", nic_id),
        "replicaNicId": None,
        "sourceNicArmId": nic_id,
        "vMNetworkName": network_id,
        "recoveryVMNetworkId": recovery,
        "ipConfigs": [
            _configuration(item, configuration, subnet, primary=place == 0)
            for place, configuration in enumerate(configurations)
        ],
        "selectionType": "SelectedByUserOverride" if index == 0 else "SelectedByUser",
        "recoveryNetworkSecurityGroupId": None,
        "enableAcceleratedNetworkingOnRecovery": False,
        "tfoVMNetworkId": None,
        "tfoNetworkSecurityGroupId": None,
        "enableAcceleratedNetworkingOnTfo": None,
        "recoveryNicName": None,
        "recoveryNicResourceGroupName": None,
        "reuseExistingNic": False,
        "tfoRecoveryNicName": None,
        "tfoRecoveryNicResourceGroupName": None,
        "tfoReuseExistingNic": False,
        "targetNicName": None,
    }


def _configuration(item: ProtectedItem, configuration: Json, subnet: Json | None, *, primary: bool) -> Json:
    """Only the primary one is selected for a failover (support matrix of 2025-06)."""
    source = configuration["properties"]
    address = source.get("privateIPAddress")
    turned = item.container.fabric.location != item.initial[0]
    static = primary and source.get("privateIPAllocationMethod") == "Static" and _fits(address, subnet)
    return {
        "name": configuration["name"],
        "isPrimary": primary,
        "subnetName": ids.last_segment(source.get("subnet", {}).get("id", "")) or None,
        "staticIPAddress": address,
        "ipAddressType": source.get("privateIPAllocationMethod", "Dynamic"),
        "isSeletedForFailover": primary,
        "recoverySubnetName": subnet["name"] if subnet else None,
        # The same static address if the target subnet contains it; how it is shown is an inference.
        "recoveryStaticIPAddress": address if static else "",
        "recoveryIPAddressType": "Static" if static else "Dynamic",
        "recoveryPublicIPAddressId": None,
        # null at first, a list once replication was reversed (CLI-A2A #73, #111).
        "recoveryLBBackendAddressPoolIds": [] if turned else None,
        "tfoSubnetName": None,
        "tfoStaticIPAddress": None,
        "tfoPublicIPAddressId": None,
        "tfoLBBackendAddressPoolIds": None,
    }


def _recovery_subnet(world: World, item: ProtectedItem, network_id: Any, source_subnet: str) -> Json | None:
    """The requested subnet, else the one of the same name, else the first in alphabetical order
    (azure-to-azure-network-mapping). That this one may be reserved for a service is an inference: no page says that it
    is passed over. So is that the one subnet of a request is for every interface."""
    network = world.store.get(network_id) if isinstance(network_id, str) else None
    if network is None:
        return None
    subnets: list[Json] = network.properties["subnets"]
    asked = ids.last_segment(item.settings.get("recoverySubnetName") or source_subnet).lower()
    in_order = sorted(subnets, key=lambda each: str(each["name"]).lower())
    return next((each for each in in_order if each["name"].lower() == asked), next(iter(in_order), None))


def _fits(address: str | None, subnet: Json | None) -> bool:
    if address is None or subnet is None:
        return False
    return ipaddress.ip_address(address) in ipaddress.ip_network(subnet["properties"]["addressPrefix"])
