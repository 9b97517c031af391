"""Reads the inventory: the VMs by Resource Graph, the replicated items by the lists of the vaults.

The properties of items in Resource Graph are not documented, and it lags behind; the list of a vault is complete. So
Resource Graph is queried only for items of other vaults. A failed read is a gap in the inventory, not an error.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from azure.core.exceptions import AzureError, HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import error_of
from shared.arm.resource_graph import TruncatedError, query
from shared.config.settings import Settings
from shared.model.replicated_item import Job, ProtectedItem
from shared.model.replication import Policy
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.readers.virtual_machines import vm_of_row
from shared.reconcile.compliance import assess
from shared.reconcile.inventory import ComplianceReport, Group, Inventory
from shared.reconcile.orphans import references_of
from shared.site_recovery.item_origin import proven
from shared.site_recovery.vault import Vault, vaults_of

T = TypeVar("T")

_VMS = """resources
| where type =~ 'microsoft.compute/virtualmachines'
{within}
| project id, location, tags, zones, properties
| order by id asc"""

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

Gaps = dict[str, Exception]
"""The error of each read that was not complete."""

_KEY = "compliance report"


class _Held(NamedTuple):
    """The contents and the region of a vault."""

    items: tuple[ProtectedItem, ...]
    policies: dict[ResourceId, Policy]
    jobs: tuple[Job, ...]
    region: str


async def read_inventory(azure: Azure) -> Inventory:
    """Reads the inventory. Errors of Azure are not raised, but recorded in its `gaps`."""
    gaps: Gaps = {}
    read_at, vaults = datetime.now(UTC), vaults_of(azure)
    (vms, elsewhere, groups), held = await asyncio.gather(
        asyncio.gather(
            _vms(azure, gaps),
            _elsewhere(azure, gaps),
            _groups(azure, gaps),
        ),
        asyncio.gather(*(_of_vault(vault, gaps) for vault in vaults)),
    )
    return Inventory(
        vms=vms,
        items=tuple(item for each in held for item in each.items),
        read_at=read_at,
        elsewhere=elsewhere,
        policies={policy: values for each in held for policy, values in each.policies.items()},
        groups=groups,
        regions={vault.id: each.region for vault, each in zip(vaults, held, strict=True) if each.region},
        jobs=tuple(job for each in held for job in each.jobs),
        gaps=tuple(_in_words(what, fault) for what, fault in gaps.items()),
        vms_unread=_ALL_VMS in gaps,
        items_unread=any(_items_of(vault) in gaps for vault in vaults),
    )


async def _vms(azure: Azure, gaps: Gaps) -> tuple[SourceVm, ...]:
    """The VMs in the source scope, as far as they could be read."""
    within = " or ".join(f"id startswith '{member}/'" for member in azure.settings.source_scope)
    found, unread = {}, []
    async for row in _rows(azure, _VMS.format(within=f"| where {within}"), _subscriptions(azure), _ALL_VMS, gaps):
        vm = vm_of_row(row, azure.settings.tag_name)
        if vm:
            found[vm.id] = vm
        else:
            unread.append(row.get("id"))
    if unread:
        gaps.setdefault(_ALL_VMS, ValueError(f"{len(unread)} rows could not be parsed as a VM, among them {unread[0]}"))
    return tuple(found.values())


async def _elsewhere(azure: Azure, gaps: Gaps) -> dict[ResourceId, ResourceId]:
    """The VMs protected by items of vaults that are not configured, as far as Resource Graph knows."""
    text = items_of_others(azure.settings, "source = tostring(properties.providerSpecificDetails.fabricObjectId)")
    subscriptions = _subscriptions(azure) | {vault.subscription for vault in azure.settings.vault_ids}
    found = {}
    async for row in _rows(azure, text, subscriptions, "the items of other vaults", gaps):
        # Items replicated from outside Azure have a source that is not a resource.
        with suppress(ValueError):
            found[ResourceId(row["source"])] = ResourceId(row["id"])
    return found


async def _groups(azure: Azure, gaps: Gaps) -> dict[str, Group]:
    """The resource groups of all subscriptions, by one query."""
    return {
        row["id"].lower(): Group(tags=row["tags"] or {}, managed_by=row["managedBy"] or "")
        async for row in _rows(azure, _GROUPS, _subscriptions(azure), "the resource groups", gaps)
    }


def items_of_others(settings: Settings, columns: str) -> str:
    """The query for the items of vaults that are not configured: their IDs, and these columns."""
    others = "\n".join(f"| where id !startswith '{vault}/'" for vault in settings.vault_ids)
    return _ITEMS.format(others=others, columns=columns)


async def _rows(
    azure: Azure, text: str, subscriptions: set[str], what: str, gaps: Gaps
) -> AsyncIterator[dict[str, Any]]:
    """The rows of a query, as far as they could be read; a gap records that there are more."""
    try:
        async for row in query(azure, text, subscriptions):
            yield row
    except (AzureError, TruncatedError) as fault:
        gaps[what] = fault


def _items_of(vault: Vault) -> str:
    return f"the items of {vault.id}"


async def _of_vault(vault: Vault, gaps: Gaps) -> _Held:
    items, policies, jobs, about = await asyncio.gather(
        _or_gap(vault.items.get(), _items_of(vault), gaps, ()),
        _or_gap(vault.policies.get(), f"the policies of {vault.id}", gaps, ()),
        _or_gap(vault.jobs.get(), f"the jobs of {vault.id}", gaps, ()),
        _or_gap(vault.about.get(), f"the vault {vault.id}", gaps, None),
    )
    values = {record.id: record.policy for record in policies}
    return _Held(tuple(items), values, tuple(jobs), about.location if about else "")


async def _or_gap(read: Awaitable[T], what: str, gaps: Gaps, nothing: Any) -> T:
    try:
        return await read
    except AzureError as fault:
        gaps[what] = fault
        answer: T = nothing
        return answer


def _in_words(what: str, fault: Exception) -> str:
    error = error_of(fault) if isinstance(fault, HttpResponseError) else fault
    return f"{what[0].upper()}{what[1:]} could not be read in full: {error}"


def _subscriptions(azure: Azure) -> set[str]:
    return {member.subscription.lower() for member in azure.settings.source_scope}


async def compliance_report(azure: Azure, within: float | None = None) -> ComplianceReport:
    """The status of every VM in the source scope, at most `within` seconds old (by default two poll intervals).

    Errors of Azure are not raised, but recorded in the `gaps` of the report.
    """
    return await azure.shared(
        _KEY, lambda: _compliance_report(azure), 2 * azure.settings.poll_seconds if within is None else within
    )


async def _compliance_report(azure: Azure) -> ComplianceReport:
    estate = await _with_proofs(azure, await read_inventory(azure))
    group_tags = {key: group.tags for key, group in estate.groups.items()}
    return ComplianceReport(
        vm_statuses=assess(estate, azure.settings),
        read_at=estate.read_at,
        gaps=estate.gaps,
        referenced=references_of(estate.vms, estate.items, group_tags, azure.settings),
    )


async def _with_proofs(azure: Azure, estate: Inventory) -> Inventory:
    """The inventory, in which an item that might be disabled counts as ours only if its record proves it."""
    settings = azure.settings
    if estate.vms_unread or not settings.may_disable({}):
        return estate
    tagged = {vm.id for vm in estate.vms if settings.requests_protection(vm.tags)}
    candidates = [item for item in estate.items if item.source not in tagged and item.source in settings.source]
    checked = {item.id: item for item in await asyncio.gather(*(proven(azure, each) for each in candidates))}
    return replace(estate, items=tuple(checked.get(item.id, item) for item in estate.items))
