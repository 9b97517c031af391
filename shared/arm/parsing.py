"""Parses the lists of a vault into records: only the fields that the app uses, and each ID parsed once.

There may be ten thousand items and as many jobs, and they are read again and again: those two are read from the JSON
itself. Building the SDK's models of them took ten times as long.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.model import naming
from shared.model.replicated_item import Agent, HealthError, ItemDisk, ItemNic, ItemSettings, Job, ProtectedItem
from shared.model.replication import Policy
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.step_result import Error

Json = dict[str, Any]

_FIRST_YEAR = 1970


@dataclass(frozen=True)
class VaultRecord:
    location: str
    has_identity: bool


@dataclass(frozen=True)
class FabricRecord:
    id: ResourceId
    location: str


@dataclass(frozen=True)
class PolicyRecord:
    id: ResourceId
    policy: Policy


@dataclass(frozen=True)
class ContainerMappingRecord:
    id: ResourceId
    source_container: ResourceId
    target_container: ResourceId
    policy: ResourceId
    paired: bool
    automation_account: ResourceId | None = None


@dataclass(frozen=True)
class NetworkMappingRecord:
    id: ResourceId
    source_network: ResourceId
    target_network: ResourceId
    source_location: str
    target_location: str


def region(location: str | None) -> str:
    """A region's name as ARM's own IDs write it: `East US 2` is `eastus2`."""
    return (location or "").replace(" ", "").lower()


def time_of(text: str | None) -> datetime | None:
    """A time in UTC. Azure writes some without their zone (`agentExpiryDate`), and the years 1 and 1753 for never."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    if found.year < _FIRST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _id(text: str | None) -> ResourceId | None:
    return ResourceId(text) if text else None


def _vm_in(group: ResourceId | None, name: str | None) -> ResourceId | None:
    """The VMs that a failover, a test failover or a failback of the item creates."""
    return ResourceId.of(group.subscription, group.resource_group, VIRTUAL_MACHINE, name) if group and name else None


def incarnation_of(body: Json) -> str:
    """What tells a resource from one of the same ID that is made later, or "" where Azure has nothing of the kind.

    A network has a GUID, an account and what compute keeps the time of their creation, a resource group neither.
    """
    properties = body.get("properties") or {}
    return str(properties.get("resourceGuid") or properties.get("creationTime") or _created(body) or "")


def created_at_of(body: Json) -> datetime | None:
    """The creation time of a resource, where Azure tells it."""
    return time_of((body.get("properties") or {}).get("creationTime") or _created(body))


def _created(body: Json) -> str | None:
    return (body.get("systemData") or {}).get("createdAt")


def item_of(found: Json, deployment: str) -> ProtectedItem | None:
    item = found["properties"]
    a2a = item.get("providerSpecificDetails") or {}
    if a2a.get("instanceType") != "A2A" or not a2a.get("fabricObjectId"):
        return None
    own = ResourceId(found["id"])
    source, group = ResourceId(a2a["fabricObjectId"]), _id(a2a.get("recoveryAzureResourceGroupId"))
    # After a reprotect the original is named by resource group and name only: no ID marks it as the inactive side.
    failover_vms = (
        _id(a2a.get("recoveryFabricObjectId")),
        _id(a2a.get("testFailoverRecoveryFabricObjectId")),
        _vm_in(group, a2a.get("recoveryAzureVMName")),
        _vm_in(group, a2a.get("tfoAzureVMName")),
    )
    rpo_at = time_of(a2a.get("lastRpoCalculatedTime"))
    return ProtectedItem(
        id=own,
        source=source,
        is_ours=own.name.lower() == naming.item_name(source, deployment),
        # A reprotect changes it (recorded traffic): what was failed over and back counts as another's.
        incarnation=a2a.get("managementId") or "",
        failover_vms=tuple(dict.fromkeys(copy for copy in failover_vms if copy and copy != source)),
        state=item.get("protectionState") or "",
        state_description=item.get("protectionStateDescription") or "",
        test_failover=item.get("testFailoverState") or "",
        active_location=item.get("activeLocation") or "",
        direction_reversed=_is_reversed(a2a),
        replication_health=item.get("replicationHealth") or "",
        policy_id=_id(item.get("policyId")),
        disks=tuple(map(_item_disk, a2a.get("protectedManagedDisks") or ())),
        nics=tuple(_item_nic(nic) for nic in a2a.get("vmNics") or () if nic.get("sourceNicArmId")),
        settings=_item_settings(a2a),
        held_recovery_points=bool(rpo_at or time_of(item.get("lastSuccessfulFailoverTime"))),
        job=_job_name(item.get("currentScenario")),
        percent=a2a.get("monitoringPercentageCompletion"),
        rpo_seconds=a2a.get("rpoInSeconds"),
        rpo_at=rpo_at,
        tested_at=time_of(item.get("lastSuccessfulTestFailoverTime")),
        agent=Agent(
            version=a2a.get("agentVersion") or "",
            expires=time_of(a2a.get("agentExpiryDate")),
            outdated=bool(a2a.get("isReplicationAgentUpdateRequired")),
            certificate_outdated=bool(a2a.get("isReplicationAgentCertificateUpdateRequired")),
        ),
        errors=tuple(map(_health_error, item.get("healthErrors") or ())),
    )


def _is_reversed(a2a: Json) -> bool:
    """While its VM is reprotected, and afterwards, an item is in the states of any other, active location and all
    (recorded traffic): only its first direction tells."""
    first, now = region(a2a.get("initialPrimaryFabricLocation")), region(a2a.get("primaryFabricLocation"))
    return bool(first and now) and first != now


def _item_settings(a2a: Json) -> ItemSettings:
    # Every item is in a multi-VM group; the default group has no name.
    group = a2a.get("multiVmGroupName") if a2a.get("multiVmGroupCreateOption") == "UserSpecified" else ""
    return ItemSettings(
        target_group=_id(a2a.get("recoveryAzureResourceGroupId")),
        network=_id(a2a.get("selectedRecoveryAzureNetworkId")),
        availability_set=_id(a2a.get("recoveryAvailabilitySet")),
        zone=a2a.get("recoveryAvailabilityZone") or "",
        placement_group=_id(a2a.get("recoveryProximityPlacementGroupId")),
        capacity_reservation=_id(a2a.get("recoveryCapacityReservationGroupId")),
        boot_diagnostics=_id(a2a.get("recoveryBootDiagStorageAccountId")),
        consistency_group=group or "",
        size=a2a.get("recoveryAzureVMSize") or "",
        name=a2a.get("recoveryAzureVMName") or "",
        high_churn=a2a.get("churnOptionSelected") == "High",
        source_location=region(a2a.get("primaryFabricLocation")),
        target_location=region(a2a.get("recoveryFabricLocation")),
    )


def _item_disk(disk: Json) -> ItemDisk:
    return ItemDisk(
        id=ResourceId(disk["diskId"]),
        replica_sku=disk.get("recoveryReplicaDiskAccountType") or "",
        target_sku=disk.get("recoveryTargetDiskAccountType") or "",
        encryption_set=_id(disk.get("recoveryDiskEncryptionSetId")),
        cache_account=_id(disk.get("primaryStagingAzureStorageAccountId")),
    )


def _item_nic(nic: Json) -> ItemNic:
    configurations = nic.get("ipConfigs") or ()
    primary: Json = next((each for each in configurations if each.get("isPrimary")), next(iter(configurations), {}))
    return ItemNic(
        id=nic.get("nicId") or "",
        source=ResourceId(nic["sourceNicArmId"]),
        source_network=_id(nic.get("vMNetworkName")),
        network=_id(nic.get("recoveryVMNetworkId")),
        security_group=_id(nic.get("recoveryNetworkSecurityGroupId")),
        configuration=primary.get("name") or "",
        subnet=primary.get("subnetName") or "",
        address=primary.get("staticIPAddress") or "",
        static=primary.get("ipAddressType") == "Static",
        target_subnet=primary.get("recoverySubnetName") or "",
        target_address=primary.get("recoveryStaticIPAddress") or "",
        public_ip=_id(primary.get("recoveryPublicIPAddressId")),
        backend_pools=tuple(map(ResourceId, primary.get("recoveryLBBackendAddressPoolIds") or ())),
    )


def _job_name(scenario: Json | None) -> str:
    """The name of the job in progress on the item, or "". The service writes an ID that ends in `None` for no job."""
    name: str = ((scenario or {}).get("jobId") or "").rsplit("/", 1)[-1]
    return "" if name == "None" else name


def _health_error(found: Json) -> HealthError:
    return HealthError(
        code=found.get("errorCode") or "",
        message=found.get("errorMessage") or "",
        action=found.get("recommendedAction") or "",
        since=time_of(found.get("creationTimeUtc")),
    )


def job_of(found: Json) -> Job:
    job = found["properties"]
    return Job(
        name=found["name"],
        scenario=job.get("scenarioName") or "",
        title=job.get("friendlyName") or "",
        state=job.get("state") or "",
        target=job.get("targetObjectName") or "",
        started=time_of(job.get("startTime")),
        ended=time_of(job.get("endTime")),
    )


def all_errors(job: Any) -> list[Any]:
    """The errors of a job, those of its tasks first: they name the cause."""
    return [*(error for task in job.tasks or () for error in _task_errors(task)), *(job.errors or ())]


def _task_errors(task: Any) -> list[Any]:
    """The tasks, innermost first: a task may be a group of tasks."""
    group = task.group_task_custom_details
    inner = [error for child in (group.child_tasks if group else None) or () for error in _task_errors(child)]
    return [*inner, *(task.errors or ())]


def job_error_of(found: Any) -> Error:
    service, provider = found.service_error_details, found.provider_error_details
    if service and service.message:
        return Error(code=service.code or "", message=service.message, action=service.recommended_action or "")
    if provider:
        return Error(
            code=str(provider.error_code or ""),
            message=provider.error_message or "",
            action=provider.recommended_action or "",
        )
    return Error(code="", message="")


def fabric_of(found: Any) -> FabricRecord | None:
    details = found.properties.custom_details
    if details is None or details.instance_type != "Azure":
        return None
    return FabricRecord(ResourceId(found.id), region(details.location))


def policy_of(found: Any) -> PolicyRecord | None:
    values = found.properties.provider_specific_details
    if values is None or values.instance_type != "A2A":
        return None
    own = ResourceId(found.id)
    policy = Policy(
        name=own.name,
        retention_minutes=values.recovery_point_history or 0,
        app_consistent_minutes=values.app_consistent_frequency_in_minutes or 0,
        crash_consistent_minutes=values.crash_consistent_frequency_in_minutes or 0,
    )
    return PolicyRecord(own, policy)


def container_mapping_of(found: Any) -> ContainerMappingRecord | None:
    mapping, own = found.properties, ResourceId(found.id)
    details = mapping.provider_specific_details
    if details is None or details.instance_type != "A2A":
        return None
    return ContainerMappingRecord(
        id=own,
        source_container=own.parent,
        target_container=ResourceId(mapping.target_protection_container_id),
        policy=ResourceId(mapping.policy_id),
        paired=mapping.state == "Paired",
        automation_account=_id(details.automation_account_arm_id)
        if details.agent_auto_update_status == "Enabled"
        else None,
    )


def network_mapping_of(found: Any) -> NetworkMappingRecord | None:
    mapping = found.properties
    places = mapping.fabric_specific_settings
    if places is None or places.instance_type != "AzureToAzure":
        return None
    return NetworkMappingRecord(
        id=ResourceId(found.id),
        source_network=ResourceId(mapping.primary_network_id),
        target_network=ResourceId(mapping.recovery_network_id),
        source_location=region(places.primary_fabric_location),
        target_location=region(places.recovery_fabric_location),
    )
