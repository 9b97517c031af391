"""What a vault's lists hold, read into records of our own: only what the app goes by, and IDs parsed once."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.domain.outcome import Error
from shared.domain.protected_item import Agent, HealthError, ItemDisk, ItemNic, ItemSettings, Job, ProtectedItem
from shared.domain.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.domain.target import Policy

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


def moment(found: datetime | None) -> datetime | None:
    """A time in UTC. Azure writes some without their zone (`agentExpiryDate`), and the years 1 and 1753 for never."""
    if found is None or found.year < _FIRST_YEAR:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _id(text: str | None) -> ResourceId | None:
    return ResourceId(text) if text else None


def _vm_in(group: ResourceId | None, name: str | None) -> ResourceId | None:
    """Where a failover, a test failover or a failback of the item puts its VM."""
    return ResourceId.of(group.subscription, group.resource_group, VIRTUAL_MACHINE, name) if group and name else None


def item_of(found: Any) -> ProtectedItem | None:
    item, a2a = found.properties, found.properties.provider_specific_details
    if a2a is None or a2a.instance_type != "A2A" or not a2a.fabric_object_id:
        return None
    source, group = ResourceId(a2a.fabric_object_id), _id(a2a.recovery_azure_resource_group_id)
    # After reprotect the original is named by group and name alone: that it is the inactive side, no ID tells.
    copies = (
        _id(a2a.recovery_fabric_object_id),
        _id(a2a.test_failover_recovery_fabric_object_id),
        _vm_in(group, a2a.recovery_azure_vm_name),
        _vm_in(group, a2a.tfo_azure_vm_name),
    )
    return ProtectedItem(
        id=ResourceId(found.id),
        source=source,
        copies=tuple(dict.fromkeys(copy for copy in copies if copy and copy != source)),
        state=item.protection_state or "",
        state_description=item.protection_state_description or "",
        test_failover=item.test_failover_state or "",
        active_location=item.active_location or "",
        turned=_is_turned(a2a),
        replication_health=item.replication_health or "",
        policy_id=_id(item.policy_id),
        disks=tuple(_item_disk(disk) for disk in a2a.protected_managed_disks or ()),
        nics=tuple(_item_nic(nic) for nic in a2a.vm_nics or () if nic.source_nic_arm_id),
        settings=_item_settings(a2a),
        held_recovery_points=bool(moment(a2a.last_rpo_calculated_time) or moment(item.last_successful_failover_time)),
        job=_job_name(item.current_scenario),
        percent=a2a.monitoring_percentage_completion,
        rpo_seconds=a2a.rpo_in_seconds,
        rpo_at=moment(a2a.last_rpo_calculated_time),
        tested_at=moment(item.last_successful_test_failover_time),
        agent=Agent(
            version=a2a.agent_version or "",
            expires=moment(a2a.agent_expiry_date),
            outdated=bool(a2a.is_replication_agent_update_required),
            certificate_outdated=bool(a2a.is_replication_agent_certificate_update_required),
        ),
        errors=tuple(_health_error(error) for error in item.health_errors or ()),
    )


def _is_turned(a2a: Any) -> bool:
    """While its VM is reprotected, and afterwards, an item is in the states of any other, active location and all
    (recorded traffic): only its first direction tells."""
    first, now = region(a2a.initial_primary_fabric_location), region(a2a.primary_fabric_location)
    return bool(first and now) and first != now


def _item_settings(a2a: Any) -> ItemSettings:
    # Every item is in a multi-VM group; one that nobody asked for has no name of its own.
    group = a2a.multi_vm_group_name if a2a.multi_vm_group_create_option == "UserSpecified" else ""
    return ItemSettings(
        target_group=_id(a2a.recovery_azure_resource_group_id),
        network=_id(a2a.selected_recovery_azure_network_id),
        availability_set=_id(a2a.recovery_availability_set),
        zone=a2a.recovery_availability_zone or "",
        placement_group=_id(a2a.recovery_proximity_placement_group_id),
        capacity_reservation=_id(a2a.recovery_capacity_reservation_group_id),
        boot_diagnostics=_id(a2a.recovery_boot_diag_storage_account_id),
        consistency_group=group or "",
        size=a2a.recovery_azure_vm_size or "",
        name=a2a.recovery_azure_vm_name or "",
        high_churn=a2a.churn_option_selected == "High",
        source_location=region(a2a.primary_fabric_location),
        target_location=region(a2a.recovery_fabric_location),
    )


def _item_disk(disk: Any) -> ItemDisk:
    return ItemDisk(
        id=ResourceId(disk.disk_id),
        replica_sku=disk.recovery_replica_disk_account_type or "",
        target_sku=disk.recovery_target_disk_account_type or "",
        encryption_set=_id(disk.recovery_disk_encryption_set_id),
        cache_account=_id(disk.primary_staging_azure_storage_account_id),
    )


def _item_nic(nic: Any) -> ItemNic:
    configurations = nic.ip_configs or ()
    primary = next((each for each in configurations if each.is_primary), next(iter(configurations), None))
    own = ItemNic(
        id=nic.nic_id or "",
        source=ResourceId(nic.source_nic_arm_id),
        source_network=_id(nic.v_m_network_name),
        network=_id(nic.recovery_vm_network_id),
        security_group=_id(nic.recovery_network_security_group_id),
    )
    if primary is None:
        return own
    more = {
        "configuration": primary.name or "",
        "subnet": primary.subnet_name or "",
        "address": primary.static_ip_address or "",
        "static": primary.ip_address_type == "Static",
        "target_subnet": primary.recovery_subnet_name or "",
        "target_address": primary.recovery_static_ip_address or "",
        "public_ip": _id(primary.recovery_public_ip_address_id),
        "backend_pools": tuple(ResourceId(pool) for pool in primary.recovery_lb_backend_address_pool_ids or ()),
    }
    return own.model_copy(update=more)


def _job_name(scenario: Any) -> str:
    """The job that the service says is under way on the item, or ""; its ID ends in `None` where there is none."""
    name = (scenario.job_id or "").rsplit("/", 1)[-1] if scenario else ""
    return "" if name == "None" else name


def _health_error(found: Any) -> HealthError:
    return HealthError(
        code=found.error_code or "",
        message=found.error_message or "",
        action=found.recommended_action or "",
        since=moment(found.creation_time_utc),
    )


def job_of(found: Any) -> Job:
    return Job(
        name=found.name,
        scenario=found.properties.scenario_name or "",
        title=found.properties.friendly_name or "",
        state=found.properties.state or "",
        target=found.properties.target_object_name or "",
        started=moment(found.properties.start_time),
        ended=moment(found.properties.end_time),
    )


def all_errors(job: Any) -> list[Any]:
    """Tasks first: theirs name the cause."""
    return [*(error for task in job.tasks or () for error in _task_errors(task)), *(job.errors or ())]


def _task_errors(task: Any) -> list[Any]:
    """Innermost first: a task may be a group of others."""
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
