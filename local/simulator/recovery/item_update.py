"""PATCH of a replicated item: the settings of its failover, in place."""

from local.simulator import checks, latencies
from local.simulator.ids import key
from local.simulator.recovery import errors, item_view, jobs, replication, scope
from local.simulator.recovery.errors import Failure
from local.simulator.recovery.model import ProtectedItem
from local.simulator.recovery.phases import Phase
from local.simulator.routing import Routes
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_PROPERTIES = ("recoveryAzureVMName", "recoveryAzureVMSize", "recoveryAvailabilitySetId")
_NETWORKS = ("selectedRecoveryAzureNetworkId", "selectedTfoAzureNetworkId")
_DETAILS = (
    "tfoAzureVMName",
    "recoveryBootDiagStorageAccountId",
    "recoveryProximityPlacementGroupId",
    "recoveryVirtualMachineScaleSetId",
    "recoveryCapacityReservationGroupId",
)
_NIC = (
    "selectionType",
    "recoveryNetworkSecurityGroupId",
    "enableAcceleratedNetworkingOnRecovery",
    "tfoNetworkSecurityGroupId",
    "enableAcceleratedNetworkingOnTfo",
    "recoveryNicName",
    "recoveryNicResourceGroupName",
    "reuseExistingNic",
    "targetNicName",
)
_IP = (
    "isPrimary",
    "isSeletedForFailover",
    "recoverySubnetName",
    "recoveryStaticIPAddress",
    "recoveryPublicIPAddressId",
    "recoveryLBBackendAddressPoolIds",
    "tfoSubnetName",
    "tfoStaticIPAddress",
    "tfoPublicIPAddressId",
    "tfoLBBackendAddressPoolIds",
)


@routes.route("PATCH", scope.ITEM)
def update(world: World, call: Call) -> Answer:
    """Interfaces can be changed once the item is protected; before that it has none to change."""
    item = scope.item(world, call)
    properties = checks.get(checks.body(call), "properties", dict, required=True)
    for name in (*_PROPERTIES, *_NETWORKS):
        checks.get(properties, name, str)
    details = checks.get(properties, "providerSpecificDetails", dict) or {}
    if details:
        scope.a2a(checks.get(details, "instanceType", str, required=True))
    nics = checks.get(properties, "vmNics", list) or []
    if not item.phase.value[4] or item.test_vm:
        raise errors.conflict(f"'{item.name}' cannot be changed in state {item.phase.value[0]}.")

    def done(_moment: float) -> None:
        item.settings |= {name: properties[name] for name in (*_PROPERTIES, *_NETWORKS) if properties.get(name)}
        item.settings |= {name: details[name] for name in _DETAILS if details.get(name)}
        _change_disks(item, details.get("managedDiskUpdateDetails") or [])
        _change_nics(item, nics, properties.get("selectedRecoveryAzureNetworkId"))

    item.job, answer = jobs.start(
        world,
        call,
        item.vault,
        "UpdateDr",
        resource=item.id,
        target=(item.internal_id, item.vm_name),
        seconds=latencies.UPDATE_ITEM,
        done=done,
        result=lambda: item_view.view(world, item),
        failure=_failure(world, item, properties, nics),
        affected=replication.affected(item),
    )
    return answer


def _failure(world: World, item: ProtectedItem, properties: Json, nics: list[Json]) -> Failure | None:
    """Codes invented."""
    if nics and item.phase is not Phase.PROTECTED:
        return Failure("159027", f"The interfaces of '{item.vm_name}' can be changed once it is protected.")
    known = {nic["nicId"] for nic in item.nics}
    for nic in nics:
        if nic.get("nicId") not in known:
            return Failure("159028", f"The interface '{nic.get('nicId')}' does not belong to '{item.vm_name}'.")
    for name in _NETWORKS:
        network_id = properties.get(name)
        network = world.store.get(network_id) if network_id else None
        if network_id and (network is None or network.location != item.recovery_container.fabric.location):
            return Failure("159021", f"The target virtual network '{network_id}' could not be found.")
    set_id = properties.get("recoveryAvailabilitySetId")
    if set_id and world.store.get(set_id) is None:
        return Failure("159010", f"The target availability set '{set_id}' could not be found.")
    return None


def _change_disks(item: ProtectedItem, changes: list[Json]) -> None:
    for change in changes:
        for disk in item.disks:
            if key(disk.id) == key(change.get("diskId") or ""):
                disk.target_sku = change.get("recoveryTargetDiskAccountType") or disk.target_sku
                disk.replica_sku = change.get("recoveryReplicaDiskAccountType") or disk.replica_sku
                disk.failover_name = change.get("failoverDiskName") or disk.failover_name
                disk.test_name = change.get("tfoDiskName") or disk.test_name


def _change_nics(item: ProtectedItem, changes: list[Json], network_id: str | None) -> None:
    for nic in item.nics:
        if network_id:
            nic["recoveryVMNetworkId"] = network_id
        change = next((each for each in changes if each.get("nicId") == nic["nicId"]), None)
        if change is None:
            continue
        nic.update({name: change[name] for name in _NIC if name in change})
        for index, configuration in enumerate(change.get("ipConfigs") or []):
            if index < len(nic["ipConfigs"]):
                shown = nic["ipConfigs"][index]
                shown.update({name: configuration[name] for name in _IP if name in configuration})
                shown["recoveryIPAddressType"] = "Static" if shown["recoveryStaticIPAddress"] else "Dynamic"
