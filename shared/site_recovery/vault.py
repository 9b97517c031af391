"""The contents of a Recovery Services vault, read by lists that all its VMs share.

A list costs one call however many VMs ask, so the state of an item is never polled by itself. What changes slowly
(fabrics, containers, policies, mappings) is remembered for a while; what moves (items, jobs) for one poll interval.
That is harmless where a state is reported or waited for: the next poll shows what came since. Before a write both are
read again.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, TypeVar

from azure.core.exceptions import AzureError, HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError, absent_from_vault, error_of, is_missing, proves_absence
from shared.arm.fields import Json, state, text
from shared.arm.get_or_create import GetOrCreate
from shared.arm.listing import Listing, read_listing, read_one
from shared.arm.ttl_cache import TtlCache
from shared.config.intervals import LONGEST_TICK, NEW_FABRIC, TTL_SLOW, TTL_STATIC, TTL_TARGETS
from shared.model.replicated_item import Job, JobError, JobStage
from shared.model.replication import ReplicatedDisk
from shared.model.resource_id import ResourceId
from shared.model.unread_row import UnreadRow
from shared.planning.preflight import vault_not_found
from shared.site_recovery.infrastructure_records import (
    FabricRecord,
    VaultRecord,
    container_mapping_of,
    container_of,
    fabric_of,
    network_mapping_of,
    policy_of,
    vault_of_body,
)
from shared.site_recovery.items import Items
from shared.site_recovery.jobs import Jobs
from shared.site_recovery.parsing import all_errors, item_of, job_error_of, job_of

Record = TypeVar("Record")

_VAULT_API_VERSION = "2026-07-01"
API_VERSION = "2025-08-01"
"""The API version of Site Recovery: that of the SDK."""
_PRIVATE_DISKS = "2026-02-01"
"""The first one whose disks tell who may reach their replicas; Azure PowerShell enables with it (recorded 2025-12)."""


async def read_if_there(
    azure: Azure, resource: ResourceId, what: str, parse: Callable[[Json], Record]
) -> Record | None:
    """A resource of a vault as it is now, by a read of its own; None if it is proven not to be there. `what` names its
    kind. Raises HttpResponseError, MalformedResponseError."""
    try:
        found = await azure.get(str(resource), API_VERSION)
    except HttpResponseError as answer:
        if absent_from_vault(answer):
            return None
        raise
    return read_one(found, f"{what} {resource}", parse)


class VaultNotFoundError(WriteRefusedError):
    """There is no vault of that ID: it is misspelt, or the vault was deleted or moved."""

    def __init__(self, vault: ResourceId) -> None:
        found = vault_not_found(vault)
        super().__init__(found.code, found.message, found.fix)


class Vault:
    """The lists of one vault. All raise HttpResponseError; a vault that was never used, or does not exist, reads as
    empty. `about` raises VaultNotFoundError."""

    def __init__(self, azure: Azure, vault_id: ResourceId) -> None:
        self.id = vault_id
        self.azure = azure
        poll = azure.settings.poll_seconds
        self.enable_jobs: dict[ResourceId, str] = {}
        self.remove_jobs: dict[ResourceId, str] = {}
        self._new_fabrics: dict[ResourceId, float] = {}
        self._made: dict[str, Listing[Any]] = {}
        self._ended_jobs: dict[str, Job] = {}
        self._job_errors: dict[str, JobError] = {}
        self.get_or_create = GetOrCreate(poll, poll * TTL_TARGETS, poll * TTL_SLOW)
        self.about = TtlCache(self._read_about, poll * TTL_STATIC)
        self.items = TtlCache(self._read_items, poll)
        self.jobs = TtlCache(self._read_jobs, poll)
        self.fabrics = TtlCache(lambda: self._list("replicationFabrics", fabric_of), poll * TTL_SLOW)
        self.policies = TtlCache(lambda: self._list("replicationPolicies", policy_of), poll * TTL_TARGETS)
        self.containers = self._of_fabrics("containers", "replicationProtectionContainers", container_of)
        self.container_mappings = self._of_fabrics(
            "container_mappings", "replicationProtectionContainerMappings", container_mapping_of
        )
        # An operator may map a network to another one and tag a VM then: no attempt fails because of an old mapping.
        self.network_mappings = self._of_fabrics(
            "network_mappings", "replicationNetworkMappings", network_mapping_of, TTL_SLOW
        )

    def forget_all(self, *, if_before: float) -> None:
        """Invalidates all lists and resources that were read before that monotonic time."""
        self.get_or_create.forget_all(if_before=if_before)
        for cached in vars(self).values():
            if isinstance(cached, TtlCache):
                cached.forget(if_before=if_before)

    def made(self, listed: str, record: Any) -> None:
        """A job of the app has created it: the list of that name shows it from now on, without another read."""
        getattr(self, listed).revise(lambda found: found.with_record(record))
        if isinstance(record, FabricRecord):
            self._new_fabrics[record.id] = self.jobs.requested_at
            # What was in a fabric of that name before went with it.
            self._made = {name: found.without(record.id) for name, found in self._made.items()}
        self._made[listed] = self._made.get(listed, Listing()).with_record(record)

    def others_under_way(self) -> int:
        """About how many VMs besides one the vault enables or replicates for the first time, by the lists that were
        read last.

        Not how many runs this process follows: several processes that share the work would each go on more often than
        one.
        """
        within = LONGEST_TICK * self.azure.settings.poll_seconds
        items, jobs = self.items.known(within), self.jobs.known(within)
        return max(items.in_progress if items else 0, jobs.enabling_count if jobs else 0, 1) - 1

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
            return read_one(await self.read_job(name), f"the job {name}", _job_now)
        except HttpResponseError as answer:
            if is_missing(answer):
                return None
            raise

    async def read_job(self, name: str) -> Json:
        """The body of a job, which shows more than its row in the list."""
        return await self.azure.get(f"{self.id}/replicationJobs/{name}", API_VERSION)

    async def job_error(self, name: str) -> JobError:
        """Why an ended job failed: its most specific error; that of the operation (45005) says only that it failed.
        Read once."""
        if name not in self._job_errors:
            self._job_errors[name] = read_one(await self.read_job(name), f"the job {name}", _error_of)
        return self._job_errors[name]

    async def request_of(self, name: str) -> str:
        """The client request ID of the call that started a job: only a read of the job itself shows it, before the
        service's own ID (recorded traffic)."""
        return read_one(await self.read_job(name), f"the job {name}", _request_of)

    @property
    def client(self) -> Any:
        return self.azure.site_recovery(self.id.subscription)

    def client_for(self, disks: Iterable[ReplicatedDisk]) -> Any:
        """The client for a request with these disks: private ones need a newer API version than the SDK's own."""
        newer = {"api_version": _PRIVATE_DISKS} if any(disk.access for disk in disks) else {}
        return self.azure.site_recovery(self.id.subscription, **newer)

    async def _read_about(self) -> VaultRecord:
        try:
            found = await self.azure.get(str(self.id), _VAULT_API_VERSION)
        except HttpResponseError as answer:
            if proves_absence(answer):
                raise VaultNotFoundError(self.id) from None
            raise
        return read_one(found, f"the vault {self.id}", vault_of_body)

    async def _read_items(self) -> Items:
        """The items. A vault whose items may not be read may protect any VM, and does not stop the other vaults."""
        parse = partial(item_of, deployment=self.azure.settings.deployment)
        try:
            found = await self._list("replicationProtectedItems", parse)
        except HttpResponseError as answer:
            if answer.status_code != HTTPStatus.FORBIDDEN:
                raise
            return Items(Listing(unread=(UnreadRow(str(self.id), str(error_of(answer)), "", what="vault"),)))
        return Items(replace(found, unread=tuple([await self._placed(row) for row in found.unread])))

    async def _placed(self, row: UnreadRow) -> UnreadRow:
        """An unread item with the regions of its VM, if the ID of its container shows them: those of its fabric, and of
        the fabrics that this one is mapped to. Known only if all fabrics and mappings are."""
        if row.vm or not row.shows_id:
            return row
        with suppress(AzureError, ValueError):
            container = ResourceId(row.id.rsplit("/", 2)[0])
            fabrics, mappings = await self.fabrics.get(), await self.container_mappings.get()
            pairs = [{mapping.source_container, mapping.target_container} for mapping in mappings]
            ends = {container.parent, *(end.parent for pair in pairs if container in pair for end in pair)}
            found = {fabric.id: fabric.location for fabric in fabrics}
            if ends <= found.keys() and not (fabrics.unread or mappings.unread):
                return replace(row, regions=frozenset(found[end] for end in ends))
        return row

    async def _read_jobs(self) -> Jobs:
        return Jobs(await self._list("replicationJobs", job_of))

    def _of_fabrics(
        self, listed: str, name: str, parse: Callable[[Json], Record | None], polls: int = TTL_TARGETS
    ) -> TtlCache[Listing[Record]]:
        """The list of what lies in fabrics, kept for that many poll intervals: not read while it is known that nothing
        does but what this process has created."""

        async def read() -> Listing[Record]:
            fabrics = self._without_others()
            if fabrics is None:
                return await self._list(name, parse)
            return self._made.get(listed, Listing()) if fabrics else Listing()

        return TtlCache(read, self.azure.settings.poll_seconds * polls)

    def _without_others(self) -> tuple[FabricRecord, ...] | None:
        """The fabrics of the vault if it is known that none holds what this process has not created: there are none, or
        all are new. Else None.

        What another process of this deployment puts into a new fabric has the same name, and a second PUT of it changes
        nothing (recorded traffic); what others put there meanwhile is found when the job to create the same fails.
        """
        poll = self.azure.settings.poll_seconds
        if (listed := self.fabrics.known()) is None or listed.unread or listed.acknowledged:
            return None
        born = [self._new_fabrics.get(fabric.id, float("-inf")) for fabric in listed]
        is_known = monotonic() - min(born) < NEW_FABRIC * poll if born else self.fabrics.known(poll) is not None
        return listed.records if is_known else None

    async def _list(self, name: str, parse: Callable[[Json], Record | None]) -> Listing[Record]:
        path = f"{self.id}/{name}"
        try:
            return await read_listing(
                self.azure.list(path, API_VERSION), path, parse, self.azure.settings.acknowledged_rows
            )
        except HttpResponseError as answer:
            never_used = is_missing(answer) and answer.status_code != HTTPStatus.NOT_FOUND
            if never_used or (proves_absence(answer) and await self._is_absent()):
                return Listing()
            raise

    async def _is_absent(self) -> bool:
        """Whether the vault itself says so, too: of one list alone it is not known."""
        try:
            await self.about.get(0)
        except VaultNotFoundError:
            return True
        return False


def _job_now(found: Json) -> Job:
    """As its own read shows it: a job may be accepted, and have neither scenario nor target yet (recorded traffic)."""
    job = found["properties"]
    if job["scenarioName"] is None and job["state"] == "NotStarted":
        return Job(name=found["name"], scenario="", title="not planned yet", state=job["state"])
    return job_of(found)


def _request_of(found: Json) -> str:
    return text(found["properties"].get("activityId")).partition(" ")[0]


def _error_of(found: Json) -> JobError:
    job = found["properties"]
    errors = [error for error in map(job_error_of, all_errors(job)) if error.message]
    title = text(job.get("friendlyName")) or text(job.get("scenarioName"))
    generic = JobError(code="JobFailed", message=f"The job {title!r} ended as {state(job.get('state'))}.")
    return next((error for error in errors if error.code != "45005"), next(iter(errors), generic))


def vault_of(azure: Azure, vault_id: ResourceId) -> Vault:
    """The vault object of this process, shared by all VMs."""
    return azure.once(vault_id, lambda: Vault(azure, vault_id))


def read_again(azure: Azure, *, if_before: float) -> None:
    """Invalidates all that was read before that monotonic time, of all vaults and of what is outside them."""
    azure.forget_all(if_before=if_before)
    for vault in vaults_of(azure):
        vault.forget_all(if_before=if_before)


def vaults_of(azure: Azure) -> list[Vault]:
    """All configured vaults."""
    return [vault_of(azure, vault_id) for vault_id in azure.settings.vault_ids]
