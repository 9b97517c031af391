"""The disks whose replication somebody removed, by the evidence of the vault's jobs: they are not added again.

A job shows the name of its VM and no disk (recorded, Azure PowerShell's session A2ARemoveReplicationProtectedItemDisk).
So a disk counts as removed if such a job of its VM ended after the disk was made: what is younger was attached later.
"""

from shared.arm.client import Azure
from shared.config.intervals import TTL_STATIC
from shared.model.replicated_item import ENABLE, REMOVE_DISKS, JobStage, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.readers.disks import read_disks
from shared.reconcile.diff import late_disks
from shared.site_recovery.vault import vault_of


async def removed_disks(azure: Azure, vm: SourceVm, item: ProtectedItem) -> dict[ResourceId, str]:
    """The attached data disks whose replication was removed, each with the reason to leave it out.

    Reads nothing but the vault's lists without such a job. Raises HttpResponseError.
    """
    late = [disk.id for disk in late_disks(vm, item) if not disk.holds_os]
    if not late:
        return {}
    vault, name = vault_of(azure, item.vault), vm.id.name.lower()
    jobs = [job for job in (await vault.jobs.get()).about(vm.id) if job.stage is JobStage.SUCCEEDED]
    removals = {job.ended: job for job in jobs if job.scenario == REMOVE_DISKS and job.ended}
    if not removals or sum(each.source.name.lower() == name for each in await vault.items.get()) > 1:
        return {}
    ended, last = max(removals.items())
    if any(job.scenario == ENABLE and job.started and job.started > ended for job in jobs):
        return {}  # the VM was enabled again since, with all of its disks
    records = await read_disks(azure, late, azure.settings.poll_seconds * TTL_STATIC)
    reason = f"its replication was removed, by the job {last.name} of {ended:%Y-%m-%d %H:%M}"
    return {disk: reason for disk, found in records.items() if found.created_at and found.created_at < ended}
