"""The body of a replicated item; keys, nulls and casings as recorded (CLI-A2A #68-#73, #111-#121)."""

from local.simulator import latencies
from local.simulator.ids import lowered, stable_guid
from local.simulator.recovery import item_health, test_view
from local.simulator.vault.condition import ago
from local.simulator.vault.model import CONTAINER_TYPE, ProtectedDisk, ProtectedItem
from local.simulator.vault.phases import Phase
from local.simulator.wire import Json
from local.simulator.world import World

TYPE = f"{CONTAINER_TYPE}/replicationProtectedItems"
# Percentages seen five minutes apart while a VM replicated (CLI-A2A #112-#119): the last one stays, 100 never comes.
_PERCENT = (0, 4, 32, 33, 43)
_REPLICATED = (Phase.PROTECTED, Phase.FAILING_OVER, Phase.FAILED_OVER, Phase.COMMITTING, Phase.COMMITTED)


def shown(world: World, item: ProtectedItem) -> bool:
    """Whether a client can read the item: no source says so for the time of the enable job."""
    return item.phase is not Phase.ENABLING or not world.behaviour.items_hidden_while_enabling


def view(world: World, item: ProtectedItem) -> Json:
    fabric, recovery = item.container.fabric, item.recovery_container.fabric
    state, description, _, _, _ = item.phase.value
    health, failover_health, health_errors = item_health.of(world, item)
    provider = stable_guid("provider", fabric.id)
    body: Json = {
        "id": item.id,
        "name": item.name,
        "type": TYPE,
        "properties": {
            "friendlyName": item.vm_name,
            "protectedItemType": "",
            "protectableItemId": None,
            "recoveryServicesProviderId": f"{fabric.id}/replicationRecoveryServicesProviders/{provider}",
            "primaryFabricFriendlyName": fabric.friendly_name,
            "primaryFabricProvider": "AzureFabric",
            "recoveryFabricFriendlyName": recovery.friendly_name,
            "recoveryFabricId": recovery.id,
            "primaryProtectionContainerFriendlyName": item.container.name,
            "recoveryProtectionContainerFriendlyName": item.recovery_container.name,
            "protectionState": state,
            "protectionStateDescription": description,
            "activeLocation": "Recovery" if item.phase in (Phase.FAILED_OVER, Phase.COMMITTED) else "Primary",
            "switchProviderState": "None",
            "switchProviderStateDescription": None,
            "replicationHealth": health,
            "failoverHealth": failover_health,
            "healthErrors": health_errors,
            "policyId": item.policy.id,
            "policyFriendlyName": item.policy.name,
            "providerSpecificDetails": _details(world, item),
            "recoveryContainerId": item.recovery_container.id,
            "eventCorrelationId": stable_guid("event correlation", item.id),
            **test_view.of(world, item),
        },
    }
    return world.shown(body)


def percent(world: World, item: ProtectedItem) -> int | None:
    """The progress of initial replication: None at first, then rising; it keeps its last value."""
    if item.replication_started is None:
        return None
    reports = item.replication_started + latencies.REPLICATION_REPORTS * item.pace
    now = world.clock.now()
    if now < reports:
        return None
    span = (latencies.FIRST_RECOVERY_POINT_PENDING - latencies.REPLICATION_REPORTS) * item.pace
    step = int((now - reports) / span * len(_PERCENT))
    return _PERCENT[min(step, len(_PERCENT) - 1)]


def _details(world: World, item: ProtectedItem) -> Json:
    fabric, recovery = item.container.fabric, item.recovery_container.fabric
    _, _, vm_state, vm_description, _ = item.phase.value
    replicated = item.phase in _REPLICATED
    now = world.clock.now()
    done = percent(world, item)
    settings = item.settings
    automatic = settings.get("autoProtectionOfDataDisk") or "Disabled"
    luns = item_health.unprotected(world, item) if replicated else []
    details: Json = {
        "instanceType": "A2A",
        "fabricObjectId": lowered(item.vm_id),
        "initialPrimaryZone": settings["initialPrimaryZone"],
        "initialPrimaryFabricLocation": item.initial[0],
        "initialRecoveryZone": settings["initialRecoveryZone"],
        "initialPrimaryExtendedLocation": None,
        "initialRecoveryExtendedLocation": None,
        "initialRecoveryFabricLocation": item.initial[1],
        "multiVmGroupId": settings["multiVmGroupId"],
        "multiVmGroupName": settings["multiVmGroupName"],
        "multiVmGroupCreateOption": "UserSpecified" if settings["multiVmGroupName"] else "AutoCreated",
        "managementId": stable_guid("management", item.vm_id, item.made),
        "protectedDisks": None,
        "unprotectedDisks": [{"diskLunId": lun, "diskAutoProtectionStatus": automatic} for lun in luns] or None,
        "protectedManagedDisks": [_disk(world, item, disk, done) for disk in item.disks],
        "recoveryBootDiagStorageAccountId": settings.get("recoveryBootDiagStorageAccountId"),
        "primaryFabricLocation": fabric.location,
        "recoveryFabricLocation": recovery.location,
        "osType": item.os,
        "recoveryAzureVMSize": settings["recoveryAzureVMSize"],
        "recoveryAzureVMName": settings["recoveryAzureVMName"],
        "recoveryAzureResourceGroupId": item.recovery_group,
        "recoveryCloudService": None,
        "recoveryAvailabilitySet": settings.get("recoveryAvailabilitySetId"),
        "selectedRecoveryAzureNetworkId": settings.get("selectedRecoveryAzureNetworkId") if replicated else None,
        "selectedTfoAzureNetworkId": settings.get("selectedTfoAzureNetworkId"),
        "vmNics": item.nics,
        "vmSyncedConfigDetails": {"tags": item.tags, "inputEndpoints": []},
        "monitoringPercentageCompletion": done,
        "monitoringJobType": None if done is None else "InitialReplication",
        "lastHeartbeat": _heartbeat(world, item, now),
        **item.condition.agent(world.clock),
        "recoveryFabricObjectId": lowered(item.recovery_vm) if item.recovery_vm else None,
        "vmProtectionState": vm_state,
        "vmProtectionStateDescription": vm_description,
        "lifecycleId": stable_guid("lifecycle", item.made) if replicated else None,
        "testFailoverRecoveryFabricObjectId": lowered(item.test.vm) if item.test and item.test.vm else None,
        "rpoInSeconds": None,
        "lastRpoCalculatedTime": None,
        "primaryAvailabilityZone": settings.get("primaryAvailabilityZone"),
        "recoveryAvailabilityZone": settings.get("recoveryAvailabilityZone"),
        "primaryExtendedLocation": None,
        "recoveryExtendedLocation": None,
        # Encryption by an Azure AD application, the two-pass kind, is retired.
        "vmEncryptionType": "OnePassEncrypted" if any(disk.encrypted for disk in item.disks) else "NotEncrypted",
        "tfoAzureVMName": settings["tfoAzureVMName"],
        "recoveryAzureGeneration": "V1",
        "recoveryProximityPlacementGroupId": settings.get("recoveryProximityPlacementGroupId"),
        "autoProtectionOfDataDisk": automatic,
        "recoveryVirtualMachineScaleSetId": settings.get("recoveryVirtualMachineScaleSetId"),
        "recoveryCapacityReservationGroupId": settings.get("recoveryCapacityReservationGroupId"),
        "churnOptionSelected": settings["churnOptionSelected"],
    }
    if settings.get("platformFaultDomain") is not None:
        details["platformFaultDomain"] = settings["platformFaultDomain"]
    if replicated:
        minute = now - now % 60
        details["agentCertificateExpiryDate"] = "2029-01-15T08:53:51Z"
        rpo, hours = item.condition.rpo_seconds, item.condition.rpo_calculated_hours
        # Seen between 95 and 393; it moves every minute here.
        details["rpoInSeconds"] = 95 + int(minute / 60) * 37 % 299 if rpo is None else rpo
        details["lastRpoCalculatedTime"] = world.clock.stamp(minute if hours is None else ago(world.clock, hours))
    return details


def _heartbeat(world: World, item: ProtectedItem, now: float) -> str | None:
    if item.replication_started is None:
        return None
    return world.clock.stamp(now - (now - item.replication_started) % latencies.HEARTBEAT)


def _disk(world: World, item: ProtectedItem, disk: ProtectedDisk, done: int | None) -> Json:
    added = disk.replicating_until is not None and world.clock.now() < disk.replicating_until
    replicated = item.phase in _REPLICATED and not added
    monitored = done is not None and not replicated
    if replicated:
        state = "Protected"
    elif item.replication_started is None:
        state = "Unavailable"
    else:
        state = "InitialReplicationPending"
    secret = disk.keys.get("diskEncryptionKeyInfo") or {}
    key = disk.keys.get("keyEncryptionKeyInfo") or {}
    return {
        "diskId": lowered(disk.id),
        "recoveryResourceGroupId": disk.recovery_group,
        "recoveryTargetDiskId": None,
        "recoveryReplicaDiskId": disk.replica_id,
        # The service's spelling. After a reprotect it is the old disk during replication, then "" (CLI-A2A #111, #121).
        "recoveryOrignalTargetDiskId": "" if disk.original_target and replicated else disk.original_target,
        "recoveryReplicaDiskAccountType": disk.replica_sku,
        "recoveryTargetDiskAccountType": disk.target_sku,
        "recoveryDiskEncryptionSetId": disk.encryption_set,
        "primaryDiskEncryptionSetId": disk.source_encryption_set,
        "diskName": disk.name,
        "diskCapacityInBytes": disk.size * 1024**3,
        "primaryStagingAzureStorageAccountId": disk.cache_account,
        "diskType": "OperatingSystem" if disk.os_disk else "Data",
        "resyncRequired": False,
        # A percentage of 0 is shown for the VM only, not for its disks (CLI-A2A #71, #112).
        "monitoringPercentageCompletion": (done or None) if monitored else None,
        "monitoringJobType": "InitialReplication" if monitored else None,
        "dataPendingInStagingStorageAccountInMB": 0.0,
        "dataPendingAtSourceAgentInMB": 1.234375 if done is not None else 0.0,
        "diskState": state,
        "allowedDiskLevelOperation": [],
        "isDiskEncrypted": disk.encrypted,
        "secretIdentifier": secret.get("secretIdentifier"),
        "dekKeyVaultArmId": secret.get("keyVaultResourceArmId"),
        "isDiskKeyEncrypted": bool(key),
        "keyIdentifier": key.get("keyIdentifier"),
        "kekKeyVaultArmId": key.get("keyVaultResourceArmId"),
        "failoverDiskName": disk.failover_name or disk.name,
        "tfoDiskName": disk.test_name or f"{disk.name}-ASRtest",
    }
