"""When a VM was first seen to be protected, by its item's record of origin or the archive: a vault forgets the job that
enabled it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from shared.arm.archive import ArchiveError
from shared.arm.archive_days import protected_since
from shared.arm.client import Azure
from shared.arm.origin_store import OriginStoreError
from shared.arm.origins import name_of
from shared.config.intervals import SPEAKS_FOR, TTL_STATIC
from shared.model.replicated_item import ENABLE, ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.reconcile.inventory import Inventory

log = logging.getLogger("dr.inventory")


async def with_first_seen(azure: Azure, estate: Inventory) -> Inventory:
    """The inventory with the times at which VMs were first seen to be protected: only of those that were never tested,
    and whose enable job no list shows."""
    enabled = {job.target.lower() for job in estate.jobs if job.scenario == ENABLE}
    asked = [
        item
        for item in estate.items
        if item.stage is Stage.PROTECTED and not item.tested_at and item.source.name.lower() not in enabled
    ]
    found = await first_seen(azure, asked)
    return replace(estate, protected_since={**found, **estate.protected_since}) if found else estate


async def first_seen(azure: Azure, items: Iterable[ProtectedItem]) -> Mapping[ResourceId, datetime]:
    """By the VM: when the record of its item was confirmed, else since when the archive shows it as protected. No call
    to Azure: at most every two hours a list of the one store and a file of the other."""
    asked = list(items)
    found = await _written(azure, [item for item in asked if item.is_ours])
    rest = {item.source for item in asked} - found.keys()
    archived = await _archived(azure) if rest and azure.archive else {}
    return {**{vm: at for vm, at in archived.items() if vm in rest}, **found}


async def _archived(azure: Azure) -> Mapping[ResourceId, datetime]:
    """By the VM. Without the archive it is not known."""
    poll = azure.settings.poll_seconds
    try:
        return await azure.shared(
            "protected since", lambda: protected_since(azure.archive, int(SPEAKS_FOR * poll)), poll * TTL_STATIC
        )
    except (ArchiveError, ValueError) as fault:
        log.warning("Since when VMs are protected could not be read from the archive: %s", fault)
        return {}


async def _written(azure: Azure, items: Iterable[ProtectedItem]) -> Mapping[ResourceId, datetime]:
    """By the VM. Without the records it is not known."""
    names = {name_of(item.id): item.source for item in items}
    if not names:
        return {}
    try:
        within = azure.settings.poll_seconds * TTL_STATIC
        written = await azure.shared("records of origin", azure.origins.written, within)
    except OriginStoreError as fault:
        log.warning("When VMs were protected could not be read: %s", fault)
        return {}
    return {vm: at for name, vm in names.items() if (at := written.get(name))}
