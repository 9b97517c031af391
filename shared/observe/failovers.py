"""Whether a VM is one of the two that a failover left, when nothing protects either any more."""

import asyncio
import logging
from dataclasses import replace

from azure.core.exceptions import AzureError

from shared.arm.client import Azure
from shared.arm.errors import text_of
from shared.arm.failovers import UnreadableRecordError
from shared.arm.origin_store import OriginStoreError
from shared.arm.resource_graph import TruncatedError
from shared.config.intervals import TTL_SLOW
from shared.model.failover import Failover, failed_over_at
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.unread_row import UnreadRow
from shared.observe.missing import read_namesakes
from shared.readers.virtual_machines import read_vm
from shared.reconcile.inventory import Inventory
from shared.site_recovery.vault import vaults_of

log = logging.getLogger("dr.inventory")


async def note(azure: Azure, item: ProtectedItem) -> None:
    """Records that the item is failed over. Raises nothing: a sweep tells if no record can be kept."""
    try:
        if item.failed_over:
            await azure.failovers.note(item)
    except OriginStoreError as fault:
        log.warning("That %s is failed over could not be recorded: %s", item.id, fault)


async def open_failover(azure: Azure, vm: ResourceId) -> Failover | None:
    """The failover of a VM that nothing protects, unless a caller has confirmed that the VM is to be protected, or no
    other VM of the failover exists any more. One that could not be read may exist.

    By the app's own record, or by the jobs of a vault: their list may be some minutes old, because a failover begins
    many minutes before its item is gone. Raises OriginStoreError, HttpResponseError, MalformedResponseError.
    """
    found = await azure.failovers.of(vm)
    if found is None or found.confirmed_at:
        found = await _by_jobs(azure, vm, found)
    if found is None:
        return None
    exist = await asyncio.gather(*(_may_exist(azure, other) for other in found.others))
    return found if any(exist) else None


async def _may_exist(azure: Azure, vm: ResourceId) -> bool:
    try:
        return await read_vm(azure, vm) is not None
    except AzureError:
        return True


async def _by_jobs(azure: Azure, vm: ResourceId, known: Failover | None) -> Failover | None:
    """The same by the jobs of a vault, which name a VM by its name only: the others are all VMs of that name."""
    within = azure.settings.poll_seconds * TTL_SLOW
    begun = [failed_over_at((await vault.jobs.get(within)).about(vm)) for vault in vaults_of(azure)]
    seen_at = max(filter(None, begun), default=None)
    if seen_at is None or (known and known.confirmed_at and seen_at <= known.confirmed_at):
        return None
    others = tuple(each.id for each in await read_namesakes(azure, [vm]) if each.id != vm)
    return Failover(vm=vm, others=others, seen_at=seen_at)


async def with_failovers(azure: Azure, estate: Inventory) -> Inventory:
    """The inventory with the failovers that left VMs which nothing protects. Records the items that are failed over."""
    protected = {vm for item in estate.items for vm in (item.source, *item.failover_vms)}
    tagged = [vm.id for vm in estate.vms if azure.settings.requests_protection(vm.tags)]
    try:
        await asyncio.gather(*(azure.failovers.note(item) for item in estate.items if item.failed_over))
        found = await asyncio.gather(*(_or_row(azure, vm) for vm in tagged if vm not in protected))
    except (AzureError, OriginStoreError, TruncatedError) as fault:
        gap = f"The failovers whose replication was disabled could not be read: {text_of(fault)}"
        return replace(estate, gaps=(*estate.gaps, gap), only_rows=False, failovers_unread=True)
    rows = tuple(each for each in found if isinstance(each, UnreadRow))
    return replace(
        estate,
        failovers={each.vm: each for each in found if isinstance(each, Failover)},
        unread_items=(*estate.unread_items, *rows),
        gaps=(*estate.gaps, *map(str, rows)),
    )


async def _or_row(azure: Azure, vm: ResourceId) -> Failover | UnreadRow | None:
    """The open failover of the VM, or its record as one that cannot be read: it holds up this VM alone."""
    try:
        return await open_failover(azure, vm)
    except UnreadableRecordError as fault:
        return UnreadRow(str(vm), str(fault), "", vm=vm, what="failover record of")
