"""Parses the body of an enable request into an item. A missing field or a wrong type is an error at once."""

from local.simulator import checks, ids
from local.simulator.ids import stable_guid
from local.simulator.recovery import disk_checks, errors, scope
from local.simulator.store import VirtualMachine
from local.simulator.vault.model import Container, Policy, ProtectedDisk, ProtectedItem
from local.simulator.wire import Json
from local.simulator.world import World

# Optional fields of the request, by their names in the item's details.
_OPTIONAL = (
    "recoveryAvailabilitySetId",
    "recoveryAvailabilityZone",
    "recoveryProximityPlacementGroupId",
    "recoveryBootDiagStorageAccountId",
    "recoveryVirtualMachineScaleSetId",
    "recoveryCapacityReservationGroupId",
    "recoveryAzureNetworkId",
    "recoverySubnetName",
    "autoProtectionOfDataDisk",
)
_REQUIRED_OF_DISK = ("diskId", "primaryStagingAzureStorageAccountId", "recoveryResourceGroupId")
_OPTIONAL_OF_DISK = (
    "recoveryReplicaDiskAccountType",
    "recoveryTargetDiskAccountType",
    "recoveryDiskEncryptionSetId",
)
# Of API 2026-02-01 and newer: how the replica and the failover disk can be reached, and the disk's own names for it.
ACCESS = {
    "recoveryNetworkAccessPolicy": "networkAccessPolicy",
    "recoveryDiskAccessId": "diskAccessId",
    "recoveryPublicNetworkAccess": "publicNetworkAccess",
}
_KEYS = {
    "diskEncryptionKeyInfo": ("secretIdentifier", "keyVaultResourceArmId"),
    "keyEncryptionKeyInfo": ("keyIdentifier", "keyVaultResourceArmId"),
}


def parse(body: Json, api_version: str) -> tuple[str, str, Json]:
    """VM ID, policy ID and the provider's details. Raises ArmError 400."""
    policy = checks.get(body, "properties.policyId", str, required=True)
    details = checks.get(body, "properties.providerSpecificDetails", dict, required=True)
    scope.only(body["properties"], ("policyId", "protectableItemId", "providerSpecificDetails"))
    scope.a2a(checks.get(details, "instanceType", str, required=True))
    vm = checks.get(details, "fabricObjectId", str, required=True)
    texts = (*_OPTIONAL, "recoveryContainerId", "recoveryResourceGroupId", "multiVmGroupName", "multiVmGroupId")
    for name in texts:
        checks.get(details, name, str)
    scope.only(
        details,
        (*texts, "instanceType", "fabricObjectId", "vmManagedDisks", "diskEncryptionInfo", "platformFaultDomain"),
    )
    checks.get(details, "platformFaultDomain", int)
    parse_keys(details)
    if details.get("autoProtectionOfDataDisk") not in ("Enabled", "Disabled", None):
        raise errors.bad_request("autoProtectionOfDataDisk must be Enabled or Disabled.")
    for disk in checks.get(details, "vmManagedDisks", list) or []:
        parse_disk(disk, api_version)
    if ids.parse(vm) is None:
        raise errors.bad_request(f"The fabric object ID '{vm}' is not a valid resource ID.")
    return vm, policy, details


def parse_disk(disk: Json, api_version: str) -> None:
    """Raises ArmError 400."""
    access = tuple(ACCESS) if api_version >= "2026-02-01" else ()
    for name in _REQUIRED_OF_DISK:
        checks.get(disk, name, str, required=True)
    for name in (*_OPTIONAL_OF_DISK, *access):
        checks.get(disk, name, str)
    scope.only(disk, (*_REQUIRED_OF_DISK, *_OPTIONAL_OF_DISK, *access, "diskEncryptionInfo"))
    parse_keys(disk)


def parse_keys(holder: Json) -> None:
    """diskEncryptionInfo of a VM or of one disk. Raises ArmError 400."""
    for part, names in _KEYS.items():
        for name in names:
            checks.get(holder, f"diskEncryptionInfo.{part}.{name}", str)


def item(
    world: World, container: Container, name: str, vm: VirtualMachine, policy: Policy, target: Container, details: Json
) -> ProtectedItem:
    keys = details.get("diskEncryptionInfo")
    disks = [disk(world, vm, each, keys) for each in details.get("vmManagedDisks") or []]
    high_churn = any(disk_checks.premium(world.store.get(each.cache_account)) for each in disks)
    group = details.get("recoveryResourceGroupId") or disks[0].recovery_group
    settings: Json = {option: details[option] for option in _OPTIONAL if details.get(option)}
    group_name = details.get("multiVmGroupName") or ""
    zone = (vm.body.get("zones") or [None])[0]
    settings |= {
        "multiVmGroupName": group_name,
        "multiVmGroupId": details.get("multiVmGroupId")
        or stable_guid("multi-VM group", container.vault.id, group_name or vm.id),
        "recoveryAzureVMName": vm.name,
        "recoveryAzureVMSize": vm.properties["hardwareProfile"]["vmSize"],
        "tfoAzureVMName": f"{vm.name}-test",
        "primaryAvailabilityZone": zone,
        "initialPrimaryZone": zone or "",
        "initialRecoveryZone": details.get("recoveryAvailabilityZone") or "",
        "churnOptionSelected": "High" if high_churn else "Normal",
        "platformFaultDomain": details.get("platformFaultDomain"),
    }
    return ProtectedItem(
        container=container,
        name=name,
        vm_id=vm.id,
        vm_name=vm.name,
        os=vm.properties["storageProfile"]["osDisk"]["osType"],
        policy=policy,
        recovery_container=target,
        recovery_group=group,
        disks=disks,
        settings=settings,
        since=world.clock.now(),
        initial=(container.fabric.location, target.fabric.location),
    )


def disk(world: World, vm: VirtualMachine, given: Json, keys: Json | None = None) -> ProtectedDisk:
    """A disk of the item. Missing account types are the source's (CLI-SELF #147). The disk must exist."""
    source = world.store.get(given["diskId"])
    if source is None:
        raise errors.bad_request(f"The disk '{given['diskId']}' could not be found.")
    os_disk = ids.key(vm.properties["storageProfile"]["osDisk"]["managedDisk"]["id"]) == ids.key(source.id)
    sku = source.body["sku"]["name"]
    return ProtectedDisk(
        id=source.id,
        name=source.name,
        size=source.properties["diskSizeGB"],
        os_disk=os_disk,
        cache_account=given["primaryStagingAzureStorageAccountId"],
        recovery_group=given["recoveryResourceGroupId"],
        replica_sku=given.get("recoveryReplicaDiskAccountType") or sku,
        target_sku=given.get("recoveryTargetDiskAccountType") or sku,
        encryption_set=given.get("recoveryDiskEncryptionSetId"),
        source_encryption_set=disk_checks.encryption_set(source),
        encrypted=disk_checks.encrypted(source),
        keys=given.get("diskEncryptionInfo") or keys or {},
        access={own: given[name] for name, own in ACCESS.items() if given.get(name)},
    )
