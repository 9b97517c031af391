"""Changes of an item's interfaces: the result, and its errors. The codes are invented."""

import copy
import ipaddress
from typing import Any

from local.simulator import checks, ids
from local.simulator.ids import key
from local.simulator.recovery import scope, target_checks
from local.simulator.recovery.target_checks import LOAD_BALANCER, PUBLIC_ADDRESS, SECURITY_GROUP
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem
from local.simulator.wire import Json
from local.simulator.world import World

# The property of a NIC in the request, and in the details where its name differs.
_NIC = {
    "selectionType": str,
    "recoveryNetworkSecurityGroupId": str,
    "enableAcceleratedNetworkingOnRecovery": bool,
    "tfoNetworkSecurityGroupId": str,
    "enableAcceleratedNetworkingOnTfo": bool,
    "recoveryNicName": str,
    "recoveryNicResourceGroupName": str,
    "reuseExistingNic": bool,
    "tfoNicName": str,
    "tfoNicResourceGroupName": str,
    "tfoReuseExistingNic": bool,
    "targetNicName": str,
}
_SHOWN = {
    "tfoNicName": "tfoRecoveryNicName",
    "tfoNicResourceGroupName": "tfoRecoveryNicResourceGroupName",
}
_IP = {
    "isPrimary": bool,
    "isSeletedForFailover": bool,
    "recoverySubnetName": str,
    "recoveryStaticIPAddress": str,
    "recoveryPublicIPAddressId": str,
    "recoveryLBBackendAddressPoolIds": list,
    "tfoSubnetName": str,
    "tfoStaticIPAddress": str,
    "tfoPublicIPAddressId": str,
    "tfoLBBackendAddressPoolIds": list,
}
NETWORKS = {"recovery": "recoveryVMNetworkId", "tfo": "tfoVMNetworkId"}
_NIC_TYPE = "Microsoft.Network/networkInterfaces"


def parse(properties: Json) -> list[Json]:
    """The vmNics of a change. Raises ArmError 400."""
    nics: list[Json] = checks.get(properties, "vmNics", list) or []
    for nic in nics:
        checks.get(nic, "nicId", str, required=True)
        _typed(nic, _NIC, "nicId", "ipConfigs")
        for configuration in checks.get(nic, "ipConfigs", list) or []:
            _typed(configuration, _IP, "ipConfigName")
    return nics


def _typed(source: Json, known: dict[str, type], *others: str) -> None:
    for name, kind in known.items():
        checks.get(source, name, kind)
    scope.only(source, (*known, *others))


def merged(world: World, item: ProtectedItem, changes: list[Json], networks: dict[str, str | None]) -> list[Json]:
    """The interfaces after a change. Interfaces and fields that it does not name stay, but the network is that of the
    whole item. An address outside its new subnet becomes dynamic.
    """
    given = {change["nicId"].lower(): change for change in changes}
    found = copy.deepcopy(item.nics)
    for nic in found:
        change = given.get(nic["nicId"].lower(), {})
        nic.update({field: networks[prefix] for prefix, field in NETWORKS.items() if networks.get(prefix)})
        nic.update({_SHOWN.get(name, name): change[name] for name in _NIC if name in change})
        for index, configuration in enumerate(nic["ipConfigs"]):
            _merge(world, nic, configuration, _configuration(change, configuration, index))
    return found


def _configuration(change: Json, shown: Json, index: int) -> Json:
    """The IP configuration by its name, or by its position without one."""
    for place, given in enumerate(change.get("ipConfigs") or []):
        name = given.get("ipConfigName")
        if name == shown["name"] if name else place == index:
            found: Json = given
            return found
    return {}


def _merge(world: World, nic: Json, shown: Json, given: Json) -> None:
    shown.update({name: given[name] for name in _IP if name in given})
    for prefix, field in NETWORKS.items():
        address = f"{prefix}StaticIPAddress"
        if address not in given and shown[address] and not _usable(shown[address], _subnet(world, nic, shown, prefix)):
            shown[address] = ""
        if nic[field] and shown[f"{prefix}SubnetName"]:
            shown[f"{prefix}SubnetName"] = ids.last_segment(shown[f"{prefix}SubnetName"])
    shown["recoveryIPAddressType"] = "Static" if shown["recoveryStaticIPAddress"] else "Dynamic"


def _subnet(world: World, nic: Json, configuration: Json, prefix: str) -> Json | None:
    network = world.store.get(nic[NETWORKS[prefix]] or "")
    return target_checks.subnet(network, configuration[f"{prefix}SubnetName"] or "")


def _usable(address: str, subnet: Json | None) -> bool:
    """Azure keeps the first four addresses of a subnet, and the last."""
    if subnet is None:
        return False
    try:
        place = int(ipaddress.ip_address(address))
    except ValueError:
        return False
    prefix = ipaddress.ip_network(subnet["properties"]["addressPrefix"])
    return 4 <= place - int(prefix.network_address) < prefix.num_addresses - 1


def failure(world: World, item: ProtectedItem, changes: list[Json], after: list[Json]) -> Failure | None:
    before = {nic["nicId"].lower(): nic for nic in item.nics}
    for change in changes:
        nic = before.get(change["nicId"].lower())
        if nic is None:
            return Failure("159028", f"The interface '{change['nicId']}' does not belong to '{item.vm_name}'.")
        names = {configuration["name"] for configuration in nic["ipConfigs"]}
        for configuration in change.get("ipConfigs") or []:
            name = configuration.get("ipConfigName")
            if name and name not in names:
                return Failure("159057", f"The interface '{change['nicId']}' has no IP configuration '{name}'.")
    for nic in after:
        if nic != before[nic["nicId"].lower()] and (found := _nic_failure(world, item, nic, after)):
            return found
    return None


def _nic_failure(world: World, item: ProtectedItem, nic: Json, after: list[Json]) -> Failure | None:
    location = item.recovery_container.fabric.location
    for prefix in NETWORKS:
        group = nic[f"{prefix}NetworkSecurityGroupId"]
        if group and (found := target_checks.resource(world, SECURITY_GROUP, group, location)):
            return found
        for configuration in nic["ipConfigs"]:
            found = (
                _subnet_failure(world, nic, configuration, prefix)
                or _public_failure(world, location, configuration, prefix)
                or _address_failure(world, item, nic, configuration, prefix, after)
            )
            if found:
                return found
    return None


def _subnet_failure(world: World, nic: Json, configuration: Json, prefix: str) -> Failure | None:
    name = configuration[f"{prefix}SubnetName"]
    if name and _subnet(world, nic, configuration, prefix) is None:
        network = ids.last_segment(nic[NETWORKS[prefix]] or "")
        return Failure("159023", f"The target virtual network '{network}' has no subnet '{name}'.")
    return None


def _public_failure(world: World, location: str, configuration: Json, prefix: str) -> Failure | None:
    public = configuration[f"{prefix}PublicIPAddressId"]
    if public and (found := target_checks.resource(world, PUBLIC_ADDRESS, public, location)):
        return found
    for pool in configuration[f"{prefix}LBBackendAddressPoolIds"] or []:
        balancer_id, _, name = str(pool).partition("/backendAddressPools/")
        if found := target_checks.resource(world, LOAD_BALANCER, balancer_id, location):
            return found
        balancer = world.store.get(balancer_id)
        pools: list[Json] = balancer.properties.get("backendAddressPools") or [] if balancer else []
        if name.lower() not in [each["name"].lower() for each in pools]:
            return Failure(LOAD_BALANCER.missing, f"The target backend address pool '{pool}' could not be found.")
    return None


def _address_failure(
    world: World, item: ProtectedItem, nic: Json, configuration: Json, prefix: str, after: list[Json]
) -> Failure | None:
    address = configuration[f"{prefix}StaticIPAddress"]
    if not address:
        return None
    subnet = _subnet(world, nic, configuration, prefix)
    if subnet is None or not _usable(address, subnet):
        name = configuration[f"{prefix}SubnetName"]
        return Failure("159058", f"The address '{address}' is none that a VM can have in the target subnet '{name}'.")
    if prefix == "recovery" and _taken(world, item, subnet["id"], address, after):
        return Failure("159059", f"The address '{address}' is in use, or another virtual machine is to get it.")
    return None


def _taken(world: World, item: ProtectedItem, subnet_id: str, address: str, after: list[Json]) -> bool:
    wanted = (key(subnet_id), address)
    interfaces = world.store.of_type(subnet_id.split("/")[2], _NIC_TYPE)
    in_use = (_source_place(configuration) for nic in interfaces for configuration in _configurations(nic.properties))
    others = (other for vault in world.recovery.values() for other in vault.items() if other is not item)
    planned = [place for nic in after for place in _target_places(nic)]
    return (
        wanted in in_use
        or planned.count(wanted) > 1
        or any(wanted in _target_places(nic) for other in others for nic in other.nics)
    )


def _configurations(properties: Json) -> list[Json]:
    found: list[Json] = properties["ipConfigurations"]
    return found


def _source_place(configuration: Json) -> tuple[str, Any]:
    properties = configuration["properties"]
    return key(properties["subnet"]["id"]), properties.get("privateIPAddress")


def _target_places(nic: Json) -> list[tuple[str, str]]:
    return [
        (key(f"{nic['recoveryVMNetworkId']}/subnets/{each['recoverySubnetName']}"), each["recoveryStaticIPAddress"])
        for each in nic["ipConfigs"]
        if each["recoveryStaticIPAddress"]
    ]
