"""The replicated items of an estate, with the settings that the portal would choose."""

from local.simulator import latencies
from local.simulator.arm import bodies
from local.simulator.arm.compute_parts import SET
from local.simulator.arm.network import NETWORK
from local.simulator.arm.storage import TYPE as ACCOUNT
from local.simulator.estate import conditions
from local.simulator.estate.fields import Fields
from local.simulator.ids import last_segment
from local.simulator.recovery import nic_changes, replication, test_failover
from local.simulator.store import Store, VirtualMachine
from local.simulator.vault.condition import TestOutcome, ago
from local.simulator.vault.model import ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Json
from local.simulator.world import World

# Key, the type that its ID is of, and the field of an enable call.
_PLACES = (
    ("recoveryNetwork", NETWORK, "recoveryAzureNetworkId"),
    ("recoveryAvailabilitySet", SET, "recoveryAvailabilitySetId"),
    (
        "recoveryProximityPlacementGroup",
        "Microsoft.Compute/proximityPlacementGroups",
        "recoveryProximityPlacementGroupId",
    ),
    (
        "recoveryCapacityReservationGroup",
        "Microsoft.Compute/capacityReservationGroups",
        "recoveryCapacityReservationGroupId",
    ),
    (
        "recoveryVirtualMachineScaleSet",
        "Microsoft.Compute/virtualMachineScaleSets",
        "recoveryVirtualMachineScaleSetId",
    ),
    ("recoveryBootDiagStorageAccount", ACCOUNT, "recoveryBootDiagStorageAccountId"),
)
_TEXTS = {
    "recoverySubnet": "recoverySubnetName",
    "recoveryAvailabilityZone": "recoveryAvailabilityZone",
    "multiVmGroupName": "multiVmGroupName",
}
_SETTINGS = {
    "recoveryVmName": "recoveryAzureVMName",
    "recoveryVmSize": "recoveryAzureVMSize",
    "testVmName": "tfoAzureVMName",
}
_REPLICATING = "InitialReplicationInProgress"
_STATES = ("Protected", _REPLICATING, "EnablingFailed", "UnplannedFailoverCommitted")
KEYS = " ".join(
    (
        "fabric container name virtualMachine policy recoveryFabric recoveryContainer state recoveryResourceGroup",
        "cacheStorageAccount disks nics condition testFailover",
        *(name for name, _, _ in _PLACES),
        *_TEXTS,
        *_SETTINGS,
    )
)


def read(store: Store, fields: Fields) -> tuple[VirtualMachine, Json]:
    """The VM, and the details of the enable request for it. Raises ValueError."""
    vm = store.vm(fields.id("virtualMachine", "Microsoft.Compute/virtualMachines").text)
    if vm is None:
        raise ValueError(f"{fields.where}: virtualMachine is not in the estate")
    if not bodies.has_managed_disks(vm):
        raise ValueError(f"{fields.where}: a VM with unmanaged disks is not protected here")
    group = fields.need("recoveryResourceGroup", str)
    if store.group(group) is None:
        raise ValueError(f"{fields.where}: recoveryResourceGroup is not in the estate")
    state = fields.choice("state", _STATES)
    details: Json = {wire: fields.get(name, str) for name, wire in _TEXTS.items()}
    for name, kind, wire in _PLACES:
        details[wire] = fields.id(name, kind).text if fields.get(name, str) else None
    nics = _nics(vm, fields)
    if nics and state != "Protected":
        raise ValueError(f"{fields.where}: nics are known of an item in state Protected only")
    if conditions.read(fields)[0].stalled_hours is not None and state != _REPLICATING:
        raise ValueError(f"{fields.where}: only an item in state {_REPLICATING} is stalled")
    return vm, {**details, "recoveryResourceGroupId": group, "vmManagedDisks": _disks(vm, fields, group)}


def _disks(vm: VirtualMachine, fields: Fields, group: str) -> list[Json]:
    """The disks to protect; without `disks` all disks of the VM."""
    profile = vm.properties["storageProfile"]
    own = {last_segment(disk["managedDisk"]["id"]): disk["managedDisk"]["id"] for disk in _attached(profile)}
    known = "name cacheStorageAccount replicaType targetType encryptionSet"
    chosen = fields.parts("disks", known) or [Fields({"name": name}, fields.where, known) for name in own]
    cache = fields.id("cacheStorageAccount", ACCOUNT).text
    found = []
    for disk in chosen:
        if disk.need("name", str) not in own:
            raise ValueError(f"{disk.where}: the VM has no disk of this name")
        encryption = disk.get("encryptionSet", str) and disk.id("encryptionSet", "Microsoft.Compute/diskEncryptionSets")
        found.append(
            {
                "diskId": own[disk.raw["name"]],
                "primaryStagingAzureStorageAccountId": (
                    disk.id("cacheStorageAccount", ACCOUNT).text if disk.get("cacheStorageAccount", str) else cache
                ),
                "recoveryResourceGroupId": group,
                "recoveryReplicaDiskAccountType": disk.get("replicaType", str),
                "recoveryTargetDiskAccountType": disk.get("targetType", str),
                "recoveryDiskEncryptionSetId": encryption.text if encryption else None,
            }
        )
    if profile["osDisk"]["managedDisk"]["id"] not in [disk["diskId"] for disk in found]:
        raise ValueError(f"{fields.where}: the OS disk is among the disks of every item")
    return found


def _attached(profile: Json) -> list[Json]:
    return [profile["osDisk"], *profile["dataDisks"]]


def _nics(vm: VirtualMachine, fields: Fields) -> dict[str, Json]:
    """The changes of interfaces, as a PATCH would make them, by the ID of the source interface."""
    own = {
        last_segment(reference["id"]): reference["id"]
        for reference in vm.properties["networkProfile"]["networkInterfaces"]
    }
    found = {}
    for nic in fields.parts("nics", "name subnet staticIp networkSecurityGroup publicIp backendPools"):
        if nic.need("name", str) not in own:
            raise ValueError(f"{nic.where}: the VM has no interface of this name")
        configuration = {
            "recoverySubnetName": nic.get("subnet", str),
            "recoveryStaticIPAddress": nic.get("staticIp", str),
            "recoveryPublicIPAddressId": nic.get("publicIp", str),
            "recoveryLBBackendAddressPoolIds": nic.get("backendPools", list),
        }
        group = nic.get("networkSecurityGroup", str)
        found[own[nic.raw["name"]]] = {
            "recoveryNetworkSecurityGroupId": group,
            "ipConfigs": [{name: value for name, value in configuration.items() if value is not None}],
        }
    return found


def bring_to_state(world: World, item: ProtectedItem, fields: Fields) -> None:
    """Creates what enabling creates, and sets the state that the estate gives."""
    item.settings |= {wire: fields.raw[name] for name, wire in _SETTINGS.items() if fields.get(name, str)}
    state, now = fields.choice("state", _STATES), world.clock.now()
    item.condition, tested_days = conditions.read(fields)
    item.tested_at = None if tested_days is None else ago(world.clock, 24 * tested_days)
    replication.link_source(world, item)
    replication.make_replicas(world, item)
    if state == "EnablingFailed":
        item.enter(Phase.ENABLING_FAILED, now)
    elif item.condition.stalled_hours is not None:
        item.enter(Phase.REPLICATING, now)
        conditions.stall(world, item, item.condition.stalled_hours)
    elif state == _REPLICATING:
        replication.start_replication(world, item, now)
    else:
        item.replication_started = now - latencies.PROTECTED
        replication.protect(world, item, now)
        _change_nics(world, item, fields)
        if state == "UnplannedFailoverCommitted":
            item.enter(Phase.COMMITTED, now)
        _test(world, item, fields, state)


def _test(world: World, item: ProtectedItem, fields: Fields, state: str) -> None:
    """How its test failovers go; with a network one has been done there, and waits for its cleanup."""
    known = "network boot cleanup slow points diagnostics"
    given = Fields(fields.get("testFailover", dict, {}), f"{fields.where}: testFailover", known)
    item.test_outcome = TestOutcome.parse({name: value for name, value in given.raw.items() if name != "network"})
    region = item.recovery_container.fabric.location
    if network := given.reference("network", NETWORK, world.store, region):
        if state != "Protected":
            raise ValueError(f"{given.where}: only an item in state Protected is in a test failover")
        test_failover.done_before(world, item, network.id)


def _change_nics(world: World, item: ProtectedItem, fields: Fields) -> None:
    vm = world.store.vm(item.vm_id)
    given = _nics(vm, fields) if vm else {}
    changes = [
        {**given[nic["sourceNicArmId"]], "nicId": nic["nicId"]} for nic in item.nics if nic["sourceNicArmId"] in given
    ]
    item.nics = nic_changes.merged(world, item, changes, {})
