"""Why jobs failed, for the statuses that name it: a list of jobs holds no error, so a failed job is read by its name.

An inventory without failed jobs of VMs that need something costs no call, and any other a bounded number: a job is read
once in the life of the process.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from shared.arm.client import Azure
from shared.config.settings import Settings
from shared.model.changes import RETRY
from shared.model.replicated_item import ENABLE, Job, JobStage
from shared.model.step_result import Error
from shared.observe.failed_disks import disk_errors, failed_to_add
from shared.reconcile.health import last_of
from shared.reconcile.inventory import Inventory
from shared.site_recovery.vault import Vault, vaults_of

MOST = 100
"""The most jobs to enable, and the most VMs with disks to add, whose errors one report reads."""

T = TypeVar("T")


async def with_errors(azure: Azure, estate: Inventory) -> Inventory:
    """The inventory with the errors of failed jobs, the newest first. One that cannot be read is left out."""
    enables = _failed_enables(azure.settings, estate)[:MOST]
    since = datetime.now(UTC) - RETRY
    adds = {job.target.lower() for job in estate.jobs if failed_to_add(job, since)}
    items = {item.source: item for item in estate.items} if adds else {}
    late = [(vm, items[vm.id]) for vm in estate.vms if vm.id in items and vm.id.name.lower() in adds][:MOST]
    found = await _readable(_error_of(vaults_of(azure), job) for job in enables)
    disks = await _readable(disk_errors(azure, vm, item, (), retry=False) for vm, item in late)
    return replace(
        estate,
        job_errors={name: error for each in found if each for name, error in [each]},
        disk_errors={disk: error for each in disks for disk, error in each.items()},
    )


def _failed_enables(settings: Settings, estate: Inventory) -> list[Job]:
    """The last job to enable each tagged VM that nothing protects, if it failed."""
    protected = {item.source for item in estate.items}
    tagged = (vm for vm in estate.vms if vm.id not in protected and settings.requests_protection(vm.tags))
    names = {vm.id.name.lower() for vm in tagged}
    enables: defaultdict[str, list[Job]] = defaultdict(list)
    for job in estate.jobs if names else ():
        if job.scenario == ENABLE and job.target.lower() in names:
            enables[job.target.lower()].append(job)
    last = [job for job in map(last_of, enables.values()) if job and job.started and job.stage is JobStage.FAILED]
    return sorted(last, key=lambda job: str(job.started), reverse=True)


async def _error_of(vaults: list[Vault], job: Job) -> tuple[str, Error] | None:
    for vault in vaults:
        if (await vault.jobs.get()).named(job.name):
            return job.name, await vault.job_error(job.name)
    return None


async def _readable(reads: Iterable[Awaitable[T]]) -> list[T]:
    results = await asyncio.gather(*reads, return_exceptions=True)
    return [each for each in results if not isinstance(each, BaseException)]
