"""Which VMs are drilled together: those of a consistency group. The first of them leads: the drill is its run."""

from shared.arm.client import Azure
from shared.config.intervals import TTL_SLOW
from shared.model.resource_id import ResourceId
from shared.site_recovery.vault import vaults_of


async def lead_of(azure: Azure, vm: ResourceId) -> ResourceId:
    """The VM whose run the drill of this VM is: by the record of the drill under way, else by the lists of items.
    Raises HttpResponseError, OriginStoreError."""
    drill = await azure.drills.of(vm)
    return drill.lead if drill else (await listed_with(azure, vm))[0]


async def listed_with(azure: Azure, vm: ResourceId) -> tuple[ResourceId, ...]:
    """All VMs of its consistency group by the lists of items; itself alone without one. They may be minutes old:
    a VM is put into a group when it is enabled only, and a drill begins by its own checks."""
    for vault in vaults_of(azure):
        items = await vault.items.get(azure.settings.poll_seconds * TTL_SLOW)
        item = items.of(vm)
        if item and item.settings.consistency_group:
            return tuple(sorted(member.id for member in items.in_group(item.settings.consistency_group)))
    return (vm,)
