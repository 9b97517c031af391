"""Whether a VM is one of the two that a failover left, when nothing protects either any more."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Container, Mapping
from dataclasses import replace

from azure.core.exceptions import AzureError

from shared.arm.client import Azure
from shared.arm.errors import text_of
from shared.arm.failovers import UnreadableRecordError
from shared.arm.origin_store import OriginStoreError
from shared.config.intervals import TTL_SLOW
from shared.model.failover import Failover, are_of_others, begun_at, failovers_of
from shared.model.replicated_item import Job, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.unread_row import UnreadRow
from shared.observe.missing import read_namesakes
from shared.readers.virtual_machines import read_vm
from shared.reconcile.inventory import Inventory
from shared.site_recovery.jobs import Jobs
from shared.site_recovery.vault import vaults_of

log = logging.getLogger("dr.inventory")

MOST = 100
"""The most VMs of failovers that one report reads, of those that no list shows: the others may exist."""


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
    return (await _open(azure, {vm: await azure.failovers.of(vm)})).get(vm)


async def _open(
    azure: Azure, records: Mapping[ResourceId, Failover | None], there: Container[ResourceId] = ()
) -> dict[ResourceId, Failover]:
    """The same for many VMs, with their records: by one query for all, and no read of a VM that is `there`."""
    found = {vm: known for vm, known in records.items() if known and not known.confirmed_at}
    begun = {vm: await _begun(azure, vm, known) for vm, known in records.items() if vm not in found}
    jobs = {vm: failovers for vm, failovers in begun.items() if failovers}
    namesakes = {each.id for each in await read_namesakes(azure, jobs)}
    by_name: defaultdict[str, list[ResourceId]] = defaultdict(list)
    for each in sorted(namesakes):
        by_name[each.name.lower()].append(each)
    known_of = {**await _records_of(azure, namesakes - records.keys()), **records}
    # The record may be about the failover of a plan then, and a job of the name about another VM.
    by_plan = any(known.failed_over_plan for known in await _jobs(azure)) if jobs else False
    for vm, failovers in jobs.items():
        others = tuple(each for each in by_name[vm.name.lower()] if each != vm)
        recorded = [known for each in others if (known := known_of.get(each))]
        if (seen_at := begun_at(failovers)) and (by_plan or not are_of_others(vm, failovers, recorded)):
            found[vm] = Failover(vm=vm, others=others, seen_at=seen_at)
    named = {other for each in found.values() for other in each.others}
    unlisted = sorted(other for other in named if other not in there and other not in namesakes)[:MOST]
    exist = await asyncio.gather(*(_may_exist(azure, other) for other in unlisted))
    gone = {other for other, exists in zip(unlisted, exist, strict=True) if not exists}
    return {vm: each for vm, each in found.items() if not gone.issuperset(each.others)}


async def _may_exist(azure: Azure, vm: ResourceId) -> bool:
    try:
        return await read_vm(azure, vm) is not None
    except AzureError:
        return True


async def _begun(azure: Azure, vm: ResourceId, known: Failover | None) -> tuple[Job, ...]:
    """The failovers of the VM by the jobs of the vaults, which name a VM by its name only; none if a caller has
    confirmed what to do since."""
    found = [job for jobs in await _jobs(azure) for job in failovers_of(jobs.about(vm))]
    seen_at = begun_at(found)
    is_settled = seen_at is None or (known and known.confirmed_at and seen_at <= known.confirmed_at)
    return () if is_settled else tuple(found)


async def _jobs(azure: Azure) -> list[Jobs]:
    return [await vault.jobs.get(azure.settings.poll_seconds * TTL_SLOW) for vault in vaults_of(azure)]


async def _records_of(azure: Azure, vms: Collection[ResourceId]) -> dict[ResourceId, Failover | None]:
    """The records of the VMs that have one; one that cannot be read tells nothing."""
    recorded = await azure.failovers.recorded(vms) if vms else []
    read = zip(recorded, await asyncio.gather(*(_record_of(azure, vm) for vm in recorded)), strict=True)
    return {vm: each for vm, each in read if not isinstance(each, UnreadRow)}


async def with_failovers(azure: Azure, estate: Inventory) -> Inventory:
    """The inventory with the failovers that left VMs which nothing protects. Records the items that are failed over."""
    protected = {vm for item in estate.items for vm in (item.source, *item.failover_vms)}
    tagged = [vm.id for vm in estate.vms if azure.settings.requests_protection(vm.tags)]
    try:
        await asyncio.gather(*(azure.failovers.note(item) for item in estate.items if item.failed_over))
        unprotected = [vm for vm in tagged if vm not in protected]
        recorded = await azure.failovers.recorded(unprotected) if unprotected else []
        read: dict[ResourceId, Failover | UnreadRow | None] = dict.fromkeys(unprotected)
        read |= zip(recorded, await asyncio.gather(*(_record_of(azure, vm) for vm in recorded)), strict=True)
        records = {vm: each for vm, each in read.items() if not isinstance(each, UnreadRow)}
        found = await _open(azure, records, estate.target_vms.union(vm.id for vm in estate.vms))
    except (AzureError, OriginStoreError) as fault:
        gap = f"The failovers whose replication was disabled could not be read: {text_of(fault)}"
        return replace(estate, gaps=(*estate.gaps, gap), only_rows=False, failovers_unread=True)
    rows = tuple(each for each in read.values() if isinstance(each, UnreadRow))
    return replace(
        estate,
        failovers=found,
        unread_items=(*estate.unread_items, *rows),
        gaps=(*estate.gaps, *map(str, rows)),
    )


async def _record_of(azure: Azure, vm: ResourceId) -> Failover | UnreadRow | None:
    """The record of the VM; one that cannot be read holds up this VM alone."""
    try:
        return await azure.failovers.of(vm)
    except UnreadableRecordError as fault:
        return UnreadRow(str(vm), str(fault), "", vm=vm, what="failover record of")
