"""PATCH of a replicated item: changes its failover settings in place."""

import re

from local.simulator import checks, ids, latencies
from local.simulator.arm import sizes
from local.simulator.recovery import (
    disk_checks,
    enable_input,
    errors,
    item_view,
    jobs,
    nic_changes,
    replication,
    scope,
    target_checks,
)
from local.simulator.routing import Routes
from local.simulator.vault.job import Failure
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_SCALE_SET = "recoveryVirtualMachineScaleSetId"
_PROPERTIES = ("recoveryAzureVMName", "recoveryAzureVMSize", "recoveryAvailabilitySetId")
NETWORKS = {"recovery": "selectedRecoveryAzureNetworkId", "tfo": "selectedTfoAzureNetworkId"}
# Accepted without effect; no item's details show them.
_IGNORED = ("selectedSourceNicId", "enableRdpOnTargetOption", "licenseType")
_DETAILS = (
    "tfoAzureVMName",
    "recoveryBootDiagStorageAccountId",
    "recoveryProximityPlacementGroupId",
    _SCALE_SET,
    "recoveryCapacityReservationGroupId",
    "recoveryAvailabilityZone",
)
_DISK = (
    "diskId",
    "recoveryTargetDiskAccountType",
    "recoveryReplicaDiskAccountType",
    "failoverDiskName",
    "tfoDiskName",
)
# The rule for names of VMs in Azure, as far as it matters: 64 characters, none that a URL would need escaped.
_VM_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,62}\w|[A-Za-z0-9]", re.ASCII)


@routes.route("PATCH", scope.ITEM)
def update(world: World, call: Call) -> Answer:
    """Interfaces can be changed only once the item is protected: before that it has none."""
    item = scope.item(world, call)
    properties = checks.get(checks.body(call), "properties", dict, required=True)
    details = _parse(properties)
    nics = nic_changes.parse(properties)
    if not item.operations or item.test:
        raise errors.conflict(f"'{item.name}' cannot be changed in state {item.phase.value[0]}.")
    networks = {prefix: properties.get(name) for prefix, name in NETWORKS.items()}
    after = nic_changes.merged(world, item, nics, networks)

    def done(_moment: float) -> None:
        if world.behaviour.omitted_in_update == "clear":
            _clear(item)
        item.settings |= {name: properties[name] for name in (*_PROPERTIES, *NETWORKS.values()) if properties.get(name)}
        item.settings |= {name: details[name] for name in _DETAILS if details.get(name)}
        if details.get("platformFaultDomain") is not None:
            item.settings["platformFaultDomain"] = details["platformFaultDomain"]
        item.recovery_group = details.get("recoveryResourceGroupId") or item.recovery_group
        for disk in item.disks:
            disk.keys = details.get("diskEncryptionInfo") or disk.keys
        _change_disks(item, details.get("managedDiskUpdateDetails") or [])
        # Read again: the item may have become protected, and have interfaces, by now.
        item.nics = nic_changes.merged(world, item, nics, networks)

    failure = _failure(world, item, properties, details) or _nic_failure(world, item, nics, after)
    return start_change(world, call, item, "UpdateDr", latencies.UPDATE_ITEM, done, failure)


def start_change(
    world: World,
    call: Call,
    item: ProtectedItem,
    scenario: str,
    seconds: float,
    done: jobs.AtEnd,
    failure: Failure | None,
) -> Answer:
    """Starts the job of a change in place. Raises ArmError 409 while another job of the item runs (invented)."""
    if item.job and item.job.running:
        raise errors.conflict(f"The job '{item.job.scenario}' of '{item.name}' is still running.")
    item.job, answer = jobs.start(
        world,
        call,
        item.vault,
        scenario,
        resource=item.id,
        target=(item.internal_id, item.vm_name),
        seconds=seconds,
        done=done,
        result=lambda: item_view.view(world, item),
        failure=failure,
        affected=replication.affected(item),
    )
    return answer


def _parse(properties: Json) -> Json:
    """Returns `providerSpecificDetails`, {} if there are none.

    Raises ArmError 400 for a malformed body, and for what an update cannot change: the policy, the multi-VM group, the
    cache account.
    """
    texts = (*_PROPERTIES, *NETWORKS.values(), *_IGNORED)
    for name in texts:
        checks.get(properties, name, str)
    scope.only(properties, (*texts, "vmNics", "providerSpecificDetails"))
    details: Json = checks.get(properties, "providerSpecificDetails", dict) or {}
    if details:
        scope.a2a(checks.get(details, "instanceType", str, required=True))
    texts = (*_DETAILS, "recoveryResourceGroupId", "recoveryCloudServiceId")
    for name in texts:
        checks.get(details, name, str)
    checks.get(details, "platformFaultDomain", int)
    enable_input.parse_keys(details)
    others = ("instanceType", "managedDiskUpdateDetails", "diskEncryptionInfo", "platformFaultDomain")
    scope.only(details, (*texts, *others))
    for change in checks.get(details, "managedDiskUpdateDetails", list) or []:
        checks.get(change, "diskId", str, required=True)
        for name in _DISK:
            checks.get(change, name, str)
        enable_input.parse_keys(change)
        scope.only(change, (*_DISK, "diskEncryptionInfo"))
    return details


def _failure(world: World, item: ProtectedItem, properties: Json, details: Json) -> Failure | None:
    """Why the job of the update will fail, or None. The error codes are invented."""
    location = item.recovery_container.fabric.location
    zone, set_id = details.get("recoveryAvailabilityZone"), properties.get("recoveryAvailabilitySetId")
    other_zone = bool(zone) and zone != item.settings.get("recoveryAvailabilityZone")
    # The how-to forbids another availability type; the API of 2025-08 takes a zone (recorded 2025-12, in a scale set).
    takes_zone = world.behaviour.zone_in_update == "succeed" and not item.settings.get("recoveryAvailabilitySetId")
    into_set = set_id and not item.settings.get("recoveryAvailabilitySetId")
    into_scale_set = details.get(_SCALE_SET) and not item.settings.get(_SCALE_SET)
    if (other_zone and not takes_zone) or into_set or into_scale_set:
        message = "The availability type of a protected virtual machine cannot be changed."
        return Failure("159060", message, "", "Disable replication, and enable it with the new availability type.")
    for name in filter(None, (properties.get("recoveryAzureVMName"), details.get("tfoAzureVMName"))):
        if not _VM_NAME.fullmatch(name):
            return Failure("159061", f"'{name}' is no name that a virtual machine can have.")
    group = details.get("recoveryResourceGroupId")
    size, own_zone = properties.get("recoveryAzureVMSize"), item.settings.get("recoveryAvailabilityZone")
    placed = {"recoveryAvailabilitySetId": set_id, "recoveryAvailabilityZone": zone or own_zone}
    return (
        target_checks.groups(world, item.container.fabric.location, location, {group} if group else set())
        or target_checks.place(world, location, {**details, **placed})
        or _size_failure(world, item, size, zone if other_zone else None)
        or (_unfit_size(world, item, size) if size and size != item.settings.get("recoveryAzureVMSize") else None)
        or _network_failure(world, location, properties)
        or _disk_failure(world, item, details)
    )


def _size_failure(world: World, item: ProtectedItem, size: str | None, new_zone: str | None) -> Failure | None:
    location, zone = item.recovery_container.fabric.location, new_zone or item.settings.get("recoveryAvailabilityZone")
    checked = size or (item.settings.get("recoveryAzureVMSize") if new_zone else None)
    return target_checks.size(world, item.recovery_group, location, checked, zone) if checked else None


def _unfit_size(world: World, item: ProtectedItem, name: str) -> Failure | None:
    """A size that the VM could not have where it is either. That an update checks it is invented."""
    vm, size = world.store.vm(item.vm_id), sizes.size_of(name)
    if vm is None:
        return None
    profile, own = vm.properties["storageProfile"], sizes.size_of(vm.properties["hardwareProfile"]["vmSize"])
    security = vm.properties.get("securityProfile") or {}
    takes = {
        "data disks": len(item.disks) - 1 <= size.data_disks,
        "interfaces": len(vm.properties["networkProfile"]["networkInterfaces"]) <= size.interfaces,
        "premium disks": size.premium or not any(disk.target_sku.startswith("Premium") for disk in item.disks),
        "processor": own.arm == size.arm,
        "generation": vm.generation in size.generations,
        "disk controller": profile.get("diskControllerType", "SCSI") in size.controllers,
        "Trusted Launch": size.trusted_launch or security.get("securityType") != "TrustedLaunch",
    }
    if lacking := [what for what, fits in takes.items() if not fits]:
        return Failure("159084", f"The size '{name}' does not fit '{item.vm_name}': {', '.join(lacking)}.")
    return None


def _network_failure(world: World, location: str, properties: Json) -> Failure | None:
    for name in NETWORKS.values():
        if properties.get(name) and (failure := target_checks.network(world, location, properties[name], None)):
            return failure
    return None


def _nic_failure(world: World, item: ProtectedItem, nics: list[Json], after: list[Json]) -> Failure | None:
    if nics and item.phase is not Phase.PROTECTED:
        return Failure("159027", f"The interfaces of '{item.vm_name}' can be changed once it is protected.")
    return nic_changes.failure(world, item, nics, after)


def _disk_failure(world: World, item: ProtectedItem, details: Json) -> Failure | None:
    for change in details.get("managedDiskUpdateDetails") or []:
        if item.disk(change["diskId"]) is None:
            return not_protected(item, change["diskId"])
        source = world.store.get(change["diskId"])
        if failure := disk_checks.account_types(change, source, disk_checks.place_of(item)):
            return failure
    return None


def not_protected(item: ProtectedItem, disk_id: str) -> Failure:
    return Failure("159062", f"The disk '{ids.last_segment(disk_id)}' is not protected by '{item.name}'.")


def _clear(item: ProtectedItem) -> None:
    """Removes every setting that is optional for a VM."""
    without = {"recoveryAvailabilitySetId", *NETWORKS.values(), *_DETAILS, "platformFaultDomain"} - {"tfoAzureVMName"}
    item.settings = {name: value for name, value in item.settings.items() if name not in without}
    for disk in item.disks:
        disk.keys = {}


def _change_disks(item: ProtectedItem, changes: list[Json]) -> None:
    for change in changes:
        disk = item.disk(change["diskId"])
        if disk is not None:
            disk.target_sku = change.get("recoveryTargetDiskAccountType") or disk.target_sku
            disk.replica_sku = change.get("recoveryReplicaDiskAccountType") or disk.replica_sku
            disk.failover_name = change.get("failoverDiskName") or disk.failover_name
            disk.test_name = change.get("tfoDiskName") or disk.test_name
            disk.keys = change.get("diskEncryptionInfo") or disk.keys
