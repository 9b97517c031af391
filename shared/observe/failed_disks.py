"""The disks that could not be added to the replication of a VM: from the last run, and from the vault's failed jobs."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.model.changes import RETRY, DiskFailure
from shared.model.replicated_item import Job, JobStage, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import SourceVm
from shared.site_recovery.vault import vault_of


async def disk_errors(
    azure: Azure, vm: SourceVm, item: ProtectedItem, known: Iterable[DiskFailure], *, retry: bool
) -> dict[ResourceId, Error]:
    """The error of each disk that was attached later and failed lately. `known` are the failures that a run remembers;
    with `retry` only these count. Reads nothing without such a disk. Raises HttpResponseError."""
    replicated = {disk.id for disk in item.disks}
    late = [disk.id for disk in vm.disks if disk.id not in replicated and not disk.holds_os]
    since = datetime.now(UTC) - RETRY
    found = await _of_jobs(azure, vm, item, late, since) if late and not retry else {}
    return found | {failure.disk: failure.error for failure in known if failure.disk in late and failure.at > since}


def failed_to_add(job: Job, since: datetime) -> bool:
    """Whether it is a job about disks that has failed since then."""
    is_about = job.stage is JobStage.FAILED and "disk" in job.scenario.lower()
    return bool(is_about and job.ended and job.ended > since)


async def _of_jobs(
    azure: Azure, vm: SourceVm, item: ProtectedItem, late: list[ResourceId], since: datetime
) -> dict[ResourceId, Error]:
    """A job shows the name of its VM, and which disk it was about only in the text of its error."""
    vault = vault_of(azure, item.vault)
    failed = [job for job in (await vault.jobs.get()).about(vm.id) if failed_to_add(job, since)]
    found: dict[ResourceId, Error] = {}
    for job in sorted(failed, key=lambda job: job.ended or since):
        error = await vault.job_error(job.name)
        found |= {
            disk: error for disk in late if re.search(rf"(?<![\w-]){re.escape(disk.name)}(?![\w-])", error.message)
        }
    return found
