"""The progress of an item: side effects of the enable job, initial replication, and the change to Protected."""

from local.simulator import latencies
from local.simulator.arm import bodies, locks
from local.simulator.arm.compute import TYPE as VM_TYPE
from local.simulator.ids import stable_guid
from local.simulator.recovery import interfaces, jobs
from local.simulator.store import Resource, StorageAccount
from local.simulator.vault.job import Job, TaskPlan
from local.simulator.vault.model import ProtectedDisk, ProtectedItem
from local.simulator.vault.phases import Phase
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
    """affectedObjectDetails of the jobs of an item. In recordings before 2021 the keys begin with a capital."""
    fabric, recovery = item.container.fabric, item.recovery_container.fabric
    return {
        "primaryVmId": item.internal_id,
        "primaryVmName": item.vm_name,
        "recoveryVmId": "",
        "recoveryVmName": item.settings["recoveryAzureVMName"],
        "protectionProfileId": stable_guid("policy", item.policy.id),
        "primaryCloudId": stable_guid("container", item.container.id),
        "primaryCloudName": item.container.name,
        "recoveryCloudId": stable_guid("container", item.recovery_container.id),
        "recoveryCloudName": item.recovery_container.name,
        "primaryVmmId": stable_guid("fabric", fabric.id),
        "primaryVmmName": fabric.friendly_name,
        "recoveryVmmId": stable_guid("fabric", recovery.id),
        "recoveryVmmName": recovery.friendly_name,
        "primaryFabricProviderId": "Azure",
        "recoveryFabricProviderId": "Azure",
    }


def follow_enable(world: World, item: ProtectedItem, job: Job) -> None:
    """Side effects on the source VM while the enable job runs: the link first, then the Mobility extension."""
    first = job.started + job.tasks[0].seconds
    second = first + job.tasks[1].seconds
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
    """Creates the link under the source VM that names the item which protects it."""
    world.store.add(locks.link(item.vm_id, f"ASR-Protect-{item.name}", f"{item.id}/"))


def _source_prepared(world: World, item: ProtectedItem) -> None:
    extension = world.store.get(f"{item.vm_id}/extensions/SiteRecovery-{item.os}")
    if item.gone or extension is None:
        return
    extension.properties["provisioningState"] = "Succeeded"
    world.raise_event(extension, "write")
    make_replicas(world, item)


def make_replicas(world: World, item: ProtectedItem) -> None:
    """Creates the replica disks in the target resource group, and a container in the cache account for each."""
    for disk in item.disks:
        _make_disk(world, item, disk, disk.replica_id)
        if world.behaviour.seed_disks_left:
            seed = f"{disk.recovery_group}/providers/Microsoft.Compute/disks/ms-asr-{stable_guid('seed', disk.id)}"
            _make_disk(world, item, disk, seed)
        account = world.store.get(disk.cache_account)
        if isinstance(account, StorageAccount):
            containers = account.content.setdefault("containers", [])
            # The name of the container is invented.
            if (name := stable_guid("cache", disk.id)) not in containers:
                containers.append(name)


def _make_disk(world: World, item: ProtectedItem, disk: ProtectedDisk, disk_id: str) -> None:
    """The tag is in exports of such disks, the state in azure-docs#83169: nothing else shows that they are in use."""
    location, time = item.recovery_container.fabric.location, world.clock.stamp()
    made = bodies.disk(bodies.child(disk_id, ""), location, disk.size, disk.replica_sku, time, create_option="Upload")
    made.body["tags"] = {"ASR-ReplicaDisk": stable_guid("replica", disk.id)}
    made.properties.update(disk.access, diskState="ActiveSAS")
    world.store.add(made)


def remove_traces(world: World, item: ProtectedItem, *, keep_links: bool) -> None:
    """Removes what disabling removes. The extension and the content of the cache account stay (azure-powershell
    #5613); azure-docs#96799 says that replica disks stay, too."""
    for disk in item.disks if not world.behaviour.replicas_left_when_disabled else ():
        world.store.remove(disk.replica_id)
    if not keep_links:
        world.store.remove(f"{item.vm_id}/providers/{locks.LINK}/ASR-Protect-{item.name}")


def start_replication(world: World, item: ProtectedItem, moment: float) -> None:
    """Starts initial replication after the enable or reprotect job has succeeded."""
    if item.gone:
        return
    item.enter(Phase.REPLICATING, moment)
    item.replication_started, item.pace = moment, world.pace("initial replication", item.vm_name)
    world.clock.at(
        moment + latencies.FIRST_RECOVERY_POINT_PENDING * item.pace,
        lambda at: _wait_for_first_point(world, item, at),
    )
    finalizing = sum(latencies.FINALIZE_TASKS)
    world.clock.at(moment + latencies.PROTECTED * item.pace - finalizing, lambda at: _finalize(world, item, at))


def _wait_for_first_point(world: World, item: ProtectedItem, moment: float) -> None:
    if not item.gone and item.phase is Phase.REPLICATING:
        item.enter(Phase.FIRST_POINT, moment)
        world.changed(item.id)


def _finalize(world: World, item: ProtectedItem, moment: float) -> None:
    """Starts the second job, with the activity ID of the first."""
    if item.gone or item.phase is not Phase.FIRST_POINT:
        return
    job = Job(
        vault_id=item.vault.id,
        scenario="SecondaryIrCompletion",
        started=moment,
        tasks=_FINALIZE_TASKS,
        target_id=item.internal_id,
        target_name=item.vm_name,
        affected=affected(item),
        result=lambda: None,
        activity_id=item.activity_id,
    )
    jobs.begin(world, item.vault, job, lambda at: protect(world, item, at), item.id)


def protect(world: World, item: ProtectedItem, moment: float) -> None:
    """The item is Protected, and shows its interfaces and the VM's tags from now on."""
    if item.gone or item.phase not in (Phase.FIRST_POINT, Phase.REPLICATING, Phase.ENABLING):
        return
    item.enter(Phase.PROTECTED, moment)
    item.protected_at = moment
    vm = world.store.vm(item.vm_id)
    if vm is not None:
        item.tags = dict(vm.tags)
        item.nics = interfaces.of(world, item, settled=True)
        chosen = next((nic["recoveryVMNetworkId"] for nic in item.nics), None)
        item.settings.setdefault("selectedRecoveryAzureNetworkId", chosen)
