"""What a Recovery Services vault holds, read by lists that all its VMs share.

A list costs one call however many VMs ask, so the state of an item is never polled by itself. What changes slowly
(fabrics, containers, policies, mappings) is remembered for a while; what moves (items, jobs) for one poll interval.
"""

import logging
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import HttpResponseError

from shared.azure.answers import is_missing
from shared.azure.ensure import Ensurer
from shared.azure.remembered import SLOW, Remembered
from shared.domain.outcome import Error
from shared.domain.protected_item import Job, JobStage, ProtectedItem
from shared.domain.resource_id import VIRTUAL_MACHINE, ResourceId

if TYPE_CHECKING:
    from shared.azure.gateway import Azure

Record = TypeVar("Record")
log = logging.getLogger("dr.vault")

_VAULT_API_VERSION = "2026-07-01"


@dataclass(frozen=True)
class FabricRecord:
    id: ResourceId
    location: str


@dataclass(frozen=True)
class PolicyRecord:
    id: ResourceId
    retention_minutes: int
    app_consistent_minutes: int
    crash_consistent_minutes: int


@dataclass(frozen=True)
class ContainerMappingRecord:
    id: ResourceId
    source_container: ResourceId
    target_container: ResourceId
    policy: ResourceId
    paired: bool


@dataclass(frozen=True)
class NetworkMappingRecord:
    id: ResourceId
    source_network: ResourceId
    target_network: ResourceId
    source_location: str
    target_location: str


class Vault:
    """The lists of one vault. What they raise is azure.core's HttpResponseError; a vault never used reads as empty."""

    def __init__(self, azure: "Azure", vault_id: ResourceId) -> None:
        self.id = vault_id
        self.azure = azure
        poll = azure.settings.poll_seconds
        self.enable_jobs: dict[ResourceId, str] = {}
        self.remove_jobs: dict[ResourceId, str] = {}
        self._ended_jobs: dict[str, Job] = {}
        self.ensurer = Ensurer(poll, poll * SLOW)
        self.location = Remembered(self._read_location, float("inf"))
        self.items = Remembered(lambda: self._list("replication_protected_items", _item), poll)
        self.jobs = Remembered(lambda: self._list("replication_jobs", _job), poll)
        self.fabrics = Remembered(lambda: self._list("replication_fabrics", _fabric), poll * SLOW)
        self.containers = Remembered(
            lambda: self._list("replication_protection_containers", lambda found: ResourceId(found.id)), poll * SLOW
        )
        self.policies = Remembered(lambda: self._list("replication_policies", _policy), poll * SLOW)
        self.container_mappings = Remembered(
            lambda: self._list("replication_protection_container_mappings", _container_mapping), poll * SLOW
        )
        self.network_mappings = Remembered(
            lambda: self._list("replication_network_mappings", _network_mapping), poll * SLOW
        )

    async def job(self, name: str) -> Job | None:
        """A job as the list tells of it; one too new for the list is asked for by itself. None if there is none.

        How a job ended does not change: it is asked for once.
        """
        if name in self._ended_jobs:
            return self._ended_jobs[name]
        job = next((job for job in await self.jobs.get() if job.name == name), None) or await self._get_job(name)
        if job and job.stage is not JobStage.RUNNING:
            self._ended_jobs[name] = job
        return job

    async def _get_job(self, name: str) -> Job | None:
        try:
            return _job(await self.client.replication_jobs.get(self.id.resource_group, self.id.name, name))
        except HttpResponseError as answer:
            if is_missing(answer):
                return None
            raise

    async def job_error(self, name: str) -> Error:
        """Why a job failed: the most telling error in it, for the operation's own (45005) says only that it did."""
        job = await self.client.replication_jobs.get(self.id.resource_group, self.id.name, name)
        found = [error for error in map(_job_error, _all_errors(job.properties)) if error.message]
        title = job.properties.friendly_name or job.properties.scenario_name
        generic = Error(code="JobFailed", message=f"The job {title!r} ended as {job.properties.state}.")
        return next((error for error in found if error.code != "45005"), next(iter(found), generic))

    @property
    def client(self) -> Any:
        return self.azure.site_recovery(self.id.subscription)

    async def _read_location(self) -> str:
        client = self.azure.resources(self.id.subscription)
        vault = await client.resources.get_by_id(str(self.id), api_version=_VAULT_API_VERSION)
        return region(vault.location)

    async def _list(self, operations: str, read: Callable[[Any], Record | None]) -> tuple[Record, ...]:
        pages: AsyncIterable[Any] = getattr(self.client, operations).list(self.id.resource_group, self.id.name)
        try:
            return tuple([record async for found in pages if (record := _read(read, found)) is not None])
        except HttpResponseError as answer:
            if is_missing(answer) and answer.status_code != 404:
                return ()
            raise


def _read(read: Callable[[Any], Record | None], found: Any) -> Record | None:
    """One record that cannot be read does not take the others from us: in a vault there is more than ours."""
    try:
        return read(found)
    except (AttributeError, TypeError, ValueError) as error:
        log.warning("Not read: %s: %s", found.id, error)
        return None


def region(location: str | None) -> str:
    """A region's name as ARM's own IDs write it: `East US 2` is `eastus2`."""
    return (location or "").replace(" ", "").lower()


def _id(text: str | None) -> ResourceId | None:
    return ResourceId(text) if text else None


def _vm_in(group: ResourceId | None, name: str | None) -> ResourceId | None:
    """Where a failover, a test failover or a failback of the item puts its VM."""
    return ResourceId.of(group.subscription, group.resource_group, VIRTUAL_MACHINE, name) if group and name else None


def _item(found: Any) -> ProtectedItem | None:
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
        replication_health=item.replication_health or "",
        policy_id=_id(item.policy_id),
        disks=tuple(ResourceId(disk.disk_id) for disk in a2a.protected_managed_disks or ()),
        held_recovery_points=bool(a2a.last_rpo_calculated_time or item.last_successful_failover_time),
        job=_job_name(item.current_scenario),
        percent=a2a.monitoring_percentage_completion,
        rpo_seconds=a2a.rpo_in_seconds,
        errors=tuple(_health_error(error) for error in item.health_errors or ()),
    )


def _job_name(scenario: Any) -> str:
    """The job that the service says is under way on the item, or ""; its ID ends in `None` where there is none."""
    name = (scenario.job_id or "").rsplit("/", 1)[-1] if scenario else ""
    return "" if name == "None" else name


def _health_error(found: Any) -> Error:
    return Error(code=found.error_code or "", message=found.error_message or "", action=found.recommended_action or "")


def _job(found: Any) -> Job:
    return Job(
        name=found.name,
        scenario=found.properties.scenario_name or "",
        title=found.properties.friendly_name or "",
        state=found.properties.state or "",
        target=found.properties.target_object_name or "",
    )


def _all_errors(job: Any) -> list[Any]:
    """Tasks first: theirs name the cause."""
    return [*(error for task in job.tasks or () for error in _task_errors(task)), *(job.errors or ())]


def _task_errors(task: Any) -> list[Any]:
    """Innermost first: a task may be a group of others."""
    group = task.group_task_custom_details
    inner = [error for child in (group.child_tasks if group else None) or () for error in _task_errors(child)]
    return [*inner, *(task.errors or ())]


def _job_error(found: Any) -> Error:
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


def _fabric(found: Any) -> FabricRecord | None:
    details = found.properties.custom_details
    if details is None or details.instance_type != "Azure":
        return None
    return FabricRecord(ResourceId(found.id), region(details.location))


def _policy(found: Any) -> PolicyRecord | None:
    values = found.properties.provider_specific_details
    if values is None or values.instance_type != "A2A":
        return None
    return PolicyRecord(
        id=ResourceId(found.id),
        retention_minutes=values.recovery_point_history or 0,
        app_consistent_minutes=values.app_consistent_frequency_in_minutes or 0,
        crash_consistent_minutes=values.crash_consistent_frequency_in_minutes or 0,
    )


def _container_mapping(found: Any) -> ContainerMappingRecord | None:
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
    )


def _network_mapping(found: Any) -> NetworkMappingRecord | None:
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
