"""What happens to an item by itself: the enable job's side effects, initial replication, and becoming Protected."""

import ipaddress
from typing import Any

from local.simulator import ids, latencies
from local.simulator.arm import bodies, locks
from local.simulator.arm.compute import TYPE as VM_TYPE
from local.simulator.ids import stable_guid
from local.simulator.recovery import jobs
from local.simulator.recovery.enable_checks import mapped_network
from local.simulator.recovery.jobs import Job, TaskPlan
from local.simulator.recovery.model import Phase, ProtectedItem
from local.simulator.store import Resource
from local.simulator.wire import Json
from local.simulator.world import World

ENABLE_TASKS = tuple(
    TaskPlan(task, name, friendly, seconds)
    for (task, name, friendly), seconds in zip(
        (
            (
                "EnableProtectionPreflightChecksTask",
                "EnableProtectionPrerequisitesCheck",
                "Prerequisites check for enabling protection",
            ),
            (
                "CreateProtectionTargetTask",
                "CreateProtectionTarget",
                "Installing Mobility Service and preparing target",
            ),
            ("EnableProtectionTask", "EnableProtection", "Enable replication"),
            ("StartInitialReplicationTask", "VmStartInitialReplication", "Starting initial replication"),
            ("UpdateDraStateTask", "UpdateDraState", "Updating the provider states"),
        ),
        latencies.ENABLE_TASKS,
        strict=True,
    )
)
_FINALIZE_TASKS = tuple(
    TaskPlan(task, name, friendly, seconds)
    for (task, name, friendly), seconds in zip(
        (
            ("CompleteInitialReplicationTask", "CompleteInitialReplication", "Complete initial replication"),
            (
                "ReplicaConfigurationPreflightChecksTask",
                "FailWorkflowOnIRFailureTask",
                "Finalizing initial replication",
            ),
            (
                "ReplicaConfigurationTask",
                "ReplicaConfiguration",
                "Complete network and post-replication configuration",
            ),
            ("UpdateDraStateTask", "UpdateDraState", "Updating the provider states"),
        ),
        latencies.FINALIZE_TASKS,
        strict=True,
    )
)


def affected(item: ProtectedItem) -> Json:
    """affectedObjectDetails of the jobs of an item."""
    fabric, recovery = item.container.fabric, item.recovery_container.fabric
    return {
        "PrimaryVmId": item.internal_id,
        "PrimaryVmName": item.vm_name,
        "RecoveryVmId": "",
        "RecoveryVmName": item.settings["recoveryAzureVMName"],
        "ProtectionProfileId": stable_guid("policy", item.policy.id),
        "PrimaryCloudId": stable_guid("container", item.container.id),
        "PrimaryCloudName": item.container.name,
        "RecoveryCloudId": stable_guid("container", item.recovery_container.id),
        "RecoveryCloudName": item.recovery_container.name,
        "PrimaryVmmId": stable_guid("fabric", fabric.id),
        "PrimaryVmmName": fabric.friendly_name,
        "RecoveryVmmId": stable_guid("fabric", recovery.id),
        "RecoveryVmmName": recovery.friendly_name,
        "PrimaryFabricProviderId": "Azure",
        "RecoveryFabricProviderId": "Azure",
    }


def follow_enable(world: World, item: ProtectedItem, job: Job) -> None:
    """Side effects on the source VM while the enable job runs: the link first, then the Mobility extension."""
    first = job.started + latencies.ENABLE_TASKS[0]
    second = first + latencies.ENABLE_TASKS[1]
    if first < job.ends:
        world.clock.at(first, lambda _moment: _prepare_source(world, item))
    if second < job.ends:
        world.clock.at(second, lambda _moment: _source_prepared(world, item))


def _prepare_source(world: World, item: ProtectedItem) -> None:
    vm = world.store.vm(item.vm_id)
    if item.gone or vm is None:
        return
    link_source(world, item)
    parsed = bodies.child(vm.id, f"/extensions/SiteRecovery-{item.os}")
    settings = {
        "publicObject": None,
        "module": "a2a",
        "timeStamp": world.clock.stamp(),
        "commandToExecute": "InstallAndConfigure",
        "taskId": stable_guid("extension task", item.id),
    }
    properties: Json = {
        "autoUpgradeMinorVersion": False,
        "provisioningState": "Creating",
        "publisher": "Microsoft.Azure.RecoveryServices.SiteRecovery",
        "type": item.os,
        "typeHandlerVersion": "1.0",
        "settings": settings,
    }
    body: Json = {
        "name": parsed.name,
        "id": parsed.text,
        "type": f"{VM_TYPE}/extensions",
        "location": vm.location,
        "properties": properties,
    }
    world.store.add(Resource(parsed.text, body["type"], body))


def link_source(world: World, item: ProtectedItem) -> None:
    """The link under the source VM that tells that it is protected, and by what."""
    world.store.add(locks.link(item.vm_id, f"ASR-Protect-{item.name}", f"{item.id}/"))


def _source_prepared(world: World, item: ProtectedItem) -> None:
    extension = world.store.get(f"{item.vm_id}/extensions/SiteRecovery-{item.os}")
    if item.gone or extension is None:
        return
    extension.properties["provisioningState"] = "Succeeded"
    world.raise_event(extension, "write")
    make_replicas(world, item)


def make_replicas(world: World, item: ProtectedItem) -> None:
    """The replica disks in the target resource group."""
    for disk in item.disks:
        parsed = bodies.child(disk.replica_id, "")
        location = item.recovery_container.fabric.location
        world.store.add(
            bodies.disk(parsed, location, disk.size, disk.replica_sku, world.clock.stamp(), create_option="Upload")
        )


def remove_traces(world: World, item: ProtectedItem, *, keep_links: bool) -> None:
    """What disabling takes away; the extension stays on the VM."""
    for disk in item.disks:
        world.store.remove(disk.replica_id)
    if not keep_links:
        world.store.remove(f"{item.vm_id}/providers/{locks.LINK}/ASR-Protect-{item.name}")


def start_replication(world: World, item: ProtectedItem, moment: float) -> None:
    """Initial replication begins when the enable or reprotect job has ended well."""
    if item.gone:
        return
    item.enter(Phase.REPLICATING, moment)
    item.replication_started = moment
    world.clock.at(
        moment + latencies.FIRST_RECOVERY_POINT_PENDING,
        lambda at: _move(item, Phase.REPLICATING, Phase.FIRST_POINT, at),
    )
    finalizing = sum(latencies.FINALIZE_TASKS)
    world.clock.at(moment + latencies.PROTECTED - finalizing, lambda at: _finalize(world, item, at))


def _move(item: ProtectedItem, before: Phase, after: Phase, moment: float) -> None:
    if not item.gone and item.phase is before:
        item.enter(after, moment)


def _finalize(world: World, item: ProtectedItem, moment: float) -> None:
    """A second job appears by itself, with the activity of the first."""
    if item.gone or item.phase is not Phase.FIRST_POINT:
        return
    job = Job(
        vault=item.vault,
        scenario="SecondaryIrCompletion",
        started=moment,
        tasks=_FINALIZE_TASKS,
        target_id=item.internal_id,
        target_name=item.vm_name,
        affected=affected(item),
        result=lambda: None,
        activity_id=item.activity_id,
    )
    jobs.begin(world, job, lambda at: protect(world, item, at))


def protect(world: World, item: ProtectedItem, moment: float) -> None:
    """The item is Protected, and shows its interfaces and the VM's tags from now on."""
    if item.gone or item.phase not in (Phase.FIRST_POINT, Phase.REPLICATING, Phase.ENABLING):
        return
    item.enter(Phase.PROTECTED, moment)
    item.protected_at = moment
    vm = world.store.vm(item.vm_id)
    if vm is not None:
        item.tags = dict(vm.tags)
        item.nics = interfaces(world, item, settled=True)
        chosen = next((nic["recoveryVMNetworkId"] for nic in item.nics), None)
        item.settings.setdefault("selectedRecoveryAzureNetworkId", chosen)


def interfaces(world: World, item: ProtectedItem, *, settled: bool) -> list[Json]:
    """vmNics of an item; while it replicates after a reprotect they are there but not `settled` yet."""
    vm = world.store.vm(item.vm_id)
    if vm is None:
        return []
    references: list[Json] = vm.properties["networkProfile"]["networkInterfaces"]
    found = [_nic(world, item, reference["id"], index) for index, reference in enumerate(references)]
    if not settled:
        for nic in found:
            nic |= {"vMNetworkName": None, "selectionType": "NotSelected"}
            nic["ipConfigs"][0] |= {"name": None, "subnetName": None, "staticIPAddress": None}
    return found


def _nic(world: World, item: ProtectedItem, nic_id: str, index: int) -> Json:
    nic = world.store.get(nic_id)
    configuration = nic.properties["ipConfigurations"][0] if nic else {"name": None, "properties": {}}
    source = configuration["properties"]
    subnet_id = source.get("subnet", {}).get("id", "")
    network_id = subnet_id.rsplit("/", 2)[0] or None
    chosen = item.settings.get("recoveryAzureNetworkId")
    recovery = chosen or (network_id and mapped_network(item.container, item.recovery_container, network_id))
    subnet = _recovery_subnet(world, item, recovery, ids.last_segment(subnet_id))
    address = source.get("privateIPAddress")
    turned = item.container.fabric.location != item.initial[0]
    static = source.get("privateIPAllocationMethod") == "Static" and _fits(address, subnet)
    return {
        "nicId": stable_guid("nic", nic_id),
        "replicaNicId": None,
        "sourceNicArmId": nic_id,
        "vMNetworkName": network_id,
        "recoveryVMNetworkId": recovery,
        "ipConfigs": [
            {
                "name": configuration["name"],
                "isPrimary": True,
                "subnetName": ids.last_segment(subnet_id) or None,
                "staticIPAddress": address,
                "ipAddressType": source.get("privateIPAllocationMethod", "Dynamic"),
                "isSeletedForFailover": True,
                "recoverySubnetName": subnet["name"] if subnet else None,
                # The same static address where the target subnet has it; how it shows is an inference.
                "recoveryStaticIPAddress": address if static else "",
                "recoveryIPAddressType": "Static" if static else "Dynamic",
                "recoveryPublicIPAddressId": None,
                # null at first, a list once the item has changed its direction (CLI-A2A #73, #111).
                "recoveryLBBackendAddressPoolIds": [] if turned else None,
                "tfoSubnetName": None,
                "tfoStaticIPAddress": None,
                "tfoPublicIPAddressId": None,
                "tfoLBBackendAddressPoolIds": None,
            }
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


def _recovery_subnet(world: World, item: ProtectedItem, network_id: Any, source_subnet: str) -> Json | None:
    """The subnet that was asked for, else the one of the same name, else the first."""
    network = world.store.get(network_id) if isinstance(network_id, str) else None
    if network is None:
        return None
    subnets: list[Json] = network.properties["subnets"]
    asked = ids.last_segment(item.settings.get("recoverySubnetName") or source_subnet).lower()
    return next((each for each in subnets if each["name"].lower() == asked), subnets[0] if subnets else None)


def _fits(address: str | None, subnet: Json | None) -> bool:
    if address is None or subnet is None:
        return False
    return ipaddress.ip_address(address) in ipaddress.ip_network(subnet["properties"]["addressPrefix"])
