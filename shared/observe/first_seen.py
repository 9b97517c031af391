"""When a VM was first seen to be protected, by its item's record of origin: a vault forgets the job that enabled it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from shared.arm.client import Azure
from shared.arm.origin_store import OriginStoreError
from shared.arm.origins import name_of
from shared.config.intervals import TTL_STATIC
from shared.model.replicated_item import ENABLE, ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.reconcile.inventory import Inventory

log = logging.getLogger("dr.inventory")


async def with_first_seen(azure: Azure, estate: Inventory) -> Inventory:
    """The inventory with the times at which the records of these items were confirmed: none of Azure, by one list of
    the store at most every two hours. Only of VMs that were never tested, and whose enable job no list shows."""
    enabled = {job.target.lower() for job in estate.jobs if job.scenario == ENABLE}
    asked = [
        item
        for item in estate.items
        if item.is_ours and item.stage is Stage.PROTECTED and not item.tested_at
        if item.source.name.lower() not in enabled
    ]
    found = await _written(azure, asked)
    return replace(estate, protected_since={**found, **estate.protected_since}) if found else estate


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
