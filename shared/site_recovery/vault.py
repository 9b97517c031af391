"""The contents of a Recovery Services vault, read by lists that all its VMs share.

A list costs one call however many VMs ask, so the state of an item is never polled by itself. What changes slowly
(fabrics, containers, policies, mappings) is remembered for a while; what moves (items, jobs) for one poll interval.
"""

import logging
from collections.abc import AsyncIterable, Callable
from functools import partial
from typing import Any, TypeVar

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.arm.get_or_create import GetOrCreate
from shared.arm.parsing import (
    VaultRecord,
    all_errors,
    container_mapping_of,
    fabric_of,
    item_of,
    job_error_of,
    job_of,
    network_mapping_of,
    policy_of,
    region,
)
from shared.arm.ttl_cache import TTL_SLOW, TTL_STATIC, TtlCache
from shared.model.replicated_item import Job, JobStage
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.site_recovery.items import Items
from shared.site_recovery.jobs import Jobs

Record = TypeVar("Record")
log = logging.getLogger("dr.vault")

_VAULT_API_VERSION = "2026-07-01"
API_VERSION = "2025-08-01"
"""The API version of Site Recovery: that of the SDK."""


class Vault:
    """The lists of one vault. All raise HttpResponseError; a vault that was never used reads as empty."""

    def __init__(self, azure: Azure, vault_id: ResourceId) -> None:
        self.id = vault_id
        self.azure = azure
        poll = azure.settings.poll_seconds
        self.enable_jobs: dict[ResourceId, str] = {}
        self.remove_jobs: dict[ResourceId, str] = {}
        self._ended_jobs: dict[str, Job] = {}
        self.get_or_create = GetOrCreate(poll, poll * TTL_SLOW)
        self.about = TtlCache(self._read_about, poll * TTL_STATIC)
        self.items = TtlCache(self._read_items, poll)
        self.jobs = TtlCache(self._read_jobs, poll)
        self.fabrics = TtlCache(lambda: self._list("replication_fabrics", fabric_of), poll * TTL_SLOW)
        self.containers = TtlCache(
            lambda: self._list("replication_protection_containers", lambda found: ResourceId(found.id)), poll * TTL_SLOW
        )
        self.policies = TtlCache(lambda: self._list("replication_policies", policy_of), poll * TTL_SLOW)
        self.container_mappings = TtlCache(
            lambda: self._list("replication_protection_container_mappings", container_mapping_of), poll * TTL_SLOW
        )
        self.network_mappings = TtlCache(
            lambda: self._list("replication_network_mappings", network_mapping_of), poll * TTL_SLOW
        )

    async def job(self, name: str) -> Job | None:
        """A job from the list, or by its own read if it is too new for the list. None if it does not exist.

        The result of a job does not change: it is read once.
        """
        if name in self._ended_jobs:
            return self._ended_jobs[name]
        job = (await self.jobs.get()).named(name) or await self._get_job(name)
        if job and job.stage is not JobStage.RUNNING:
            self._ended_jobs[name] = job
        return job

    async def _get_job(self, name: str) -> Job | None:
        try:
            return job_of(await self.azure.get(f"{self.id}/replicationJobs/{name}", API_VERSION))
        except HttpResponseError as answer:
            if is_missing(answer):
                return None
            raise

    async def job_error(self, name: str) -> Error:
        """Why a job failed: its most specific error; that of the operation (45005) says only that it failed."""
        job = await self.client.replication_jobs.get(self.id.resource_group, self.id.name, name)
        found = [error for error in map(job_error_of, all_errors(job.properties)) if error.message]
        title = job.properties.friendly_name or job.properties.scenario_name
        generic = Error(code="JobFailed", message=f"The job {title!r} ended as {job.properties.state}.")
        return next((error for error in found if error.code != "45005"), next(iter(found), generic))

    @property
    def client(self) -> Any:
        return self.azure.site_recovery(self.id.subscription)

    async def _read_about(self) -> VaultRecord:
        client = self.azure.resources(self.id.subscription)
        vault = await client.resources.get_by_id(str(self.id), api_version=_VAULT_API_VERSION)
        kind = vault.identity.type if vault.identity else None
        return VaultRecord(region(vault.location), has_identity=kind not in (None, "None"))

    async def _read_items(self) -> Items:
        listed = self.azure.list(f"{self.id}/replicationProtectedItems", API_VERSION)
        return Items(await self._records(listed, partial(item_of, deployment=self.azure.settings.deployment)))

    async def _read_jobs(self) -> Jobs:
        return Jobs(await self._records(self.azure.list(f"{self.id}/replicationJobs", API_VERSION), job_of))

    async def _list(self, operations: str, read: Callable[[Any], Record | None]) -> tuple[Record, ...]:
        return await self._records(getattr(self.client, operations).list(self.id.resource_group, self.id.name), read)

    async def _records(self, listed: AsyncIterable[Any], read: Callable[[Any], Record | None]) -> tuple[Record, ...]:
        try:
            return tuple([record async for found in listed if (record := _read(read, found)) is not None])
        except HttpResponseError as answer:
            if is_missing(answer) and answer.status_code != 404:
                return ()
            raise


def _read(read: Callable[[Any], Record | None], found: Any) -> Record | None:
    """The parsed records. A record that cannot be parsed is logged and skipped: a vault holds items of others, too."""
    try:
        return read(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("Not read: %s: %s", found.get("id"), error)
        return None


def vault_of(azure: Azure, vault_id: ResourceId) -> Vault:
    """The vault object of this process, shared by all VMs."""
    return azure.once(vault_id, lambda: Vault(azure, vault_id))


def vaults_of(azure: Azure) -> list[Vault]:
    """All configured vaults."""
    return [vault_of(azure, vault_id) for vault_id in azure.settings.vault_ids]
