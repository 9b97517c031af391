"""Reads the inventory: the VMs by Resource Graph, the replicated items by the lists of the vaults.

The properties of items in Resource Graph are not documented, and it lags behind; the list of a vault is complete. So
Resource Graph is queried only for items of other vaults. A failed read is a gap in the inventory, not an error.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from shared.arm.client import Azure
from shared.arm.errors import ThrottledError
from shared.arm.fields import Json, part, required, text
from shared.arm.listing import Listing, read_listing
from shared.arm.origin_store import OriginStoreError
from shared.arm.resource_graph import query
from shared.config.intervals import TTL_SLOW
from shared.config.settings import Settings
from shared.model.drill import Drill
from shared.model.replicated_item import Job, ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.unread_row import UnreadRow
from shared.model.vm import SourceVm
from shared.observe.capacity import read_capacity
from shared.observe.failovers import with_failovers
from shared.observe.first_seen import with_first_seen
from shared.observe.gaps import Gaps, in_words, or_gap, record
from shared.observe.job_errors import with_errors
from shared.observe.missing import read_missing
from shared.observe.removed_disks import removed_disks
from shared.observe.targets import read_targets
from shared.readers.target_vms import read_vms_in
from shared.readers.virtual_machines import vm_of_row, vms_where
from shared.reconcile.compliance import assess, target_groups
from shared.reconcile.fleet import losses, with_quotas
from shared.reconcile.inventory import ComplianceReport, Group, Inventory
from shared.reconcile.orphans import named_by, references_of
from shared.site_recovery.infrastructure_records import PolicyRecord
from shared.site_recovery.item_origin import proven
from shared.site_recovery.items import Items
from shared.site_recovery.vault import Vault, VaultNotFoundError, vaults_of

T = TypeVar("T")
log = logging.getLogger("dr.inventory")

_ITEMS = """recoveryservicesresources
| where type =~ 'microsoft.recoveryservices/vaults/replicationfabrics/replicationprotectioncontainers/\
replicationprotecteditems'
{others}
| project id, {columns}
| order by id asc"""

_GROUPS = """resourcecontainers
| where type =~ 'microsoft.resources/subscriptions/resourcegroups'
| project id, tags, managedBy
| order by id asc"""

_ALL_VMS = "the VMs"
_EMPTY = "it has no subscription that the app may read"

_KEY = "compliance report"

_VAULTS_AT_ONCE = 2
"""Of those whose items are read: a page of a thousand items takes some 40 MB until it is parsed."""

_MOST_ROWS = 20


class _Held(NamedTuple):
    """The contents and the region of a vault."""

    items: Listing[ProtectedItem]
    policies: Listing[PolicyRecord]
    jobs: Listing[Job]
    region: str


async def read_inventory(azure: Azure) -> Inventory:
    """Reads the inventory. Errors of Azure are not raised, but recorded in its `gaps`."""
    source = azure.settings.source
    gaps: Gaps = {f"the scope {group}": LookupError(_EMPTY) for group in source.empty_groups}
    read_at, vaults = datetime.now(UTC), vaults_of(azure)
    turn = asyncio.Semaphore(_VAULTS_AT_ONCE)
    (vms, elsewhere, groups), held = await asyncio.gather(
        asyncio.gather(
            _vms(azure, gaps),
            _elsewhere(azure, gaps),
            _groups(azure, gaps),
        ),
        asyncio.gather(*(_of_vault(vault, gaps, turn) for vault in vaults)),
    )
    listed = {vm.id: vm for vm in vms}
    items = tuple(item for each in held for item in each.items)
    missing = await or_gap(read_missing(azure, items, listed), "the protected VMs that are not listed", gaps)
    listed |= missing.found if missing else {}
    regions = {vault.id: each.region for vault, each in zip(vaults, held, strict=True) if each.region}
    taken = read_vms_in(azure, target_groups(listed.values(), items, dict(groups), azure.settings, regions))
    target_vms = await or_gap(taken, "the VMs in target groups", gaps)
    targets, fault = await read_targets(azure, items)
    if fault:
        record(gaps, "the target resources of protected VMs", fault)
    unread_items = tuple(row for each in held for row in (*each.items.unread, *each.jobs.unread)) + elsewhere.unread
    drills = await _drills(azure)
    removed = await _removed_disks(azure, items, listed, gaps)
    rows = [*vms.unread, *unread_items, *groups.unread, *(row for each in held for row in each.policies.unread)]
    return Inventory(
        vms=tuple(listed.values()),
        items=items,
        read_at=read_at,
        elsewhere=dict(elsewhere),
        policies={record.id: record.policy for each in held for record in each.policies},
        groups=dict(groups),
        regions=regions,
        jobs=tuple(job for each in held for job in each.jobs),
        gaps=(*(in_words(what, fault) for what, fault in gaps.items()), *_shown(rows)),
        vms_unread=_ALL_VMS in gaps,
        items_unread=any(_items_of(vault) in gaps for vault in vaults),
        # A row that is acknowledged is no gap, and its VM exists all the same.
        unread_vms=(*vms.unread, *(row for row in vms.acknowledged if row.vm)),
        unread_items=unread_items,
        acknowledged_items=tuple(row for each in held for row in each.items.acknowledged),
        removed_disks=removed,
        missing_vaults=frozenset(vault.id for vault in vaults if _is_absent(gaps.get(_about(vault)))),
        only_rows=all(map(_is_absent, gaps.values())),
        absent=missing.absent if missing else frozenset(),
        namesakes=missing.namesakes if missing else (),
        target_vms=target_vms or frozenset(),
        drills={drill.vm: drill for drill in drills},
        targets=targets,
    )


def _shown(rows: list[UnreadRow]) -> list[str]:
    """What a report says of the rows: it may be carried in the state of an orchestration."""
    more = [f"{len(rows) - _MOST_ROWS} more rows could not be read: see the log"] if len(rows) > _MOST_ROWS else []
    return [*map(str, rows[:_MOST_ROWS]), *more]


async def _vms(azure: Azure, gaps: Gaps) -> Listing[SourceVm]:
    """The VMs in the source scope, as far as they could be read."""
    which, name = vms_where(_within(azure.settings.source.members)), azure.settings.tag_name
    return await _rows(azure, which, _subscriptions(azure), _ALL_VMS, gaps, lambda row: vm_of_row(row, name))


def _within(scope: tuple[ResourceId, ...]) -> str:
    """The condition of a query to the subscriptions of a scope. A management group may have hundreds, so only those are
    named of which the scope has single resource groups."""
    groups = [f"id startswith '{member}/'" for member in scope if member.resource_group]
    whole = {member.subscription for member in scope if not member.resource_group}
    parts = sorted({member.subscription for member in scope} - whole)
    rest = ["id startswith '/subscriptions/'", *(f"id !startswith '/subscriptions/{each}/'" for each in parts)]
    return " or ".join([*groups, " and ".join(rest)] if whole else groups)


async def _elsewhere(azure: Azure, gaps: Gaps) -> Listing[tuple[ResourceId, ResourceId]]:
    """The VMs protected by items of vaults that are not configured, as far as Resource Graph knows."""
    which = items_of_others(azure.settings, "source = tostring(properties.providerSpecificDetails.fabricObjectId)")
    subscriptions = _subscriptions(azure) | {vault.subscription for vault in azure.settings.vault_ids}
    return await _rows(azure, which, subscriptions, "the items of other vaults", gaps, _protected_elsewhere)


def _protected_elsewhere(row: Json) -> tuple[ResourceId, ResourceId] | None:
    item, source = required(row["id"]), row["source"]
    if not isinstance(source, str):
        raise ValueError(f"its source is {source!r}")
    # Items replicated from outside Azure have a source that is not a resource.
    with suppress(ValueError):
        return ResourceId(source), item
    return None


async def _groups(azure: Azure, gaps: Gaps) -> Listing[tuple[str, Group]]:
    """The resource groups of all subscriptions, by one query."""
    return await _rows(azure, _GROUPS, _subscriptions(azure), "the resource groups", gaps, _group)


def _group(row: Json) -> tuple[str, Group]:
    tags = {name: text(value) for name, value in part(row, "tags").items()}
    return required(row["id"]).key, Group(tags=tags, managed_by=text(row.get("managedBy")))


def items_of_others(settings: Settings, columns: str) -> str:
    """The query for the items of vaults that are not configured: their IDs, and these columns."""
    others = "\n".join(f"| where id !startswith '{vault}/'" for vault in settings.vault_ids)
    return _ITEMS.format(others=others, columns=columns)


async def _rows(
    azure: Azure, which: str, subscriptions: set[str], what: str, gaps: Gaps, parse: Callable[[Json], T | None]
) -> Listing[T]:
    """The rows of a query, as far as they could be read; a gap records that there are more."""

    async def until_fault() -> AsyncIterator[Any]:
        try:
            async for row in query(azure, which, subscriptions):
                yield row
        except ThrottledError:
            raise
        except Exception as fault:
            record(gaps, what, fault)

    return await read_listing(until_fault(), what, parse, azure.settings.acknowledged_rows)


async def _drills(azure: Azure) -> tuple[Drill, ...]:
    """The open records of drills. Without them an item in test failover counts as a person's, which is left alone, and
    a VM's own run reads them again before it is enabled: so that is no gap."""
    try:
        return await azure.drills.open()
    except OriginStoreError:
        log.warning("The records of drills could not be read", exc_info=True)
        return ()


def _items_of(vault: Vault) -> str:
    return f"the items of {vault.id}"


async def _removed_disks(
    azure: Azure, items: tuple[ProtectedItem, ...], vms: dict[ResourceId, SourceVm], gaps: Gaps
) -> dict[ResourceId, str]:
    """The disks of all VMs whose replication somebody removed. One at a time: there are few."""
    found: dict[ResourceId, str] = {}
    for item in items:
        if vm := vms.get(item.source):
            read = removed_disks(azure, vm, item)
            found |= await or_gap(read, f"the disks of {vm.id.name} that were removed", gaps) or {}
    return found


def _about(vault: Vault) -> str:
    return f"the vault {vault.id}"


def _is_absent(fault: Exception | None) -> bool:
    """Whether that is why a vault was not read: it holds nothing, and that is known."""
    return isinstance(fault, VaultNotFoundError)


async def _in_turn(vault: Vault, turn: asyncio.Semaphore) -> Items:
    async with turn:
        return await vault.items.get()


async def _of_vault(vault: Vault, gaps: Gaps, turn: asyncio.Semaphore) -> _Held:
    items, policies, jobs, about = await asyncio.gather(
        or_gap(_in_turn(vault, turn), _items_of(vault), gaps),
        or_gap(vault.policies.get(vault.azure.settings.poll_seconds * TTL_SLOW), f"the policies of {vault.id}", gaps),
        or_gap(vault.jobs.get(), f"the jobs of {vault.id}", gaps),
        or_gap(vault.about.get(), _about(vault), gaps),
    )
    return _Held(
        items.listing if items else Listing(),
        policies or Listing(),
        jobs.listing if jobs else Listing(),
        about.location if about else "",
    )


def _subscriptions(azure: Azure) -> set[str]:
    return {member.subscription.lower() for member in azure.settings.source.members}


async def compliance_report(azure: Azure, within: float | None = None) -> ComplianceReport:
    """The status of every VM in the source scope, at most `within` seconds old (by default two poll intervals).

    Errors of Azure are not raised, but recorded in the `gaps` of the report.
    """
    return await azure.shared(
        _KEY, lambda: _compliance_report(azure), 2 * azure.settings.poll_seconds if within is None else within
    )


async def _compliance_report(azure: Azure) -> ComplianceReport:
    # What was there before takes no part in the collections of garbage that so many new objects set off.
    gc.freeze()
    try:
        return await _read_report(azure)
    finally:
        gc.unfreeze()


async def _read_report(azure: Azure) -> ComplianceReport:
    estate = await with_failovers(azure, await _with_proofs(azure, await read_inventory(azure)))
    # Nor does the inventory, all of which lives until the report is made.
    gc.freeze()
    estate = await with_first_seen(azure, await with_errors(azure, estate))
    group_tags = {key: group.tags for key, group in estate.groups.items()}
    needed = references_of(estate.vms, estate.items, group_tags, azure.settings, estate.regions.values())
    vm_statuses, gaps, tag = assess(estate, azure.settings), Gaps(), azure.settings.tag_name
    capacity = await read_capacity(azure, (each.need for each in vm_statuses if each.need), gaps)
    return ComplianceReport(
        vm_statuses=with_quotas(vm_statuses, capacity, tag).vm_statuses,
        read_at=estate.read_at,
        gaps=(*estate.gaps, *(in_words(what, fault) for what, fault in gaps.items())),
        only_rows=estate.only_rows,
        referenced=replace(needed, needed=needed.needed | named_by(estate.items)),
        acknowledged_items=estate.acknowledged_items,
        losses=losses(vm_statuses, capacity, tag),
    )


async def _with_proofs(azure: Azure, estate: Inventory) -> Inventory:
    """The inventory, in which an item that might be disabled counts as ours only if its record proves it."""
    settings = azure.settings
    if estate.vms_unread or not settings.may_disable:
        return estate
    tagged = {vm.id for vm in estate.vms if settings.requests_protection(vm.tags)}
    candidates = [item for item in estate.items if item.source not in tagged and item.source in settings.source]
    checked = {item.id: item for item in await asyncio.gather(*(proven(azure, each) for each in candidates))}
    return replace(estate, items=tuple(checked.get(item.id, item) for item in estate.items))
