"""The end of a sweep: remove orphaned target resources that this deployment created, a few at a time.

Only in the mode `cleanup`, networks for drills wherever drills are on, and only if the inventory was read in full. Else
they are only reported.
"""

import logging
from dataclasses import replace
from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.config.intervals import FRESH_FOR, TTL_SLOW
from shared.model.findings import Finding
from shared.model.naming import is_drill_network
from shared.model.origin import Origin
from shared.model.resource_id import ResourceId
from shared.model.step_result import Ready, StepResult
from shared.observe.inventory import compliance_report
from shared.observe.orphans import Networks, made_in_target, tagged_since, used_elsewhere
from shared.provision.registry import remove, usage
from shared.readers.locks import read_locks
from shared.reconcile.inventory import ComplianceReport
from shared.reconcile.orphans import notes_of, notes_of_plans, reason_to_keep, removal_disabled, unneeded
from shared.reconcile.sweep import Sweep
from shared.reporting.audit_log import decided
from shared.site_recovery.recovery_plans import lost_plans
from shared.site_recovery.replicated_items import refresh

log = logging.getLogger("dr.inventory")

MOST = 20
"""The most removals of one sweep."""

Kept = dict[ResourceId, str]
Proofs = dict[ResourceId, tuple[Origin, datetime | None]]
"""The record of each orphan, and when it was created as far as a list tells."""


async def remove_orphans(azure: Azure, request: Sweep) -> StepResult:
    """Ready holds the `Sweep`, with the removed orphans and the kept ones in its report.

    Idempotent, and safe to be killed: removed resources are skipped, and the next sweep continues.
    """
    settings, poll = azure.settings, azure.settings.poll_seconds
    proofs, kept = await _orphans(azure, await compliance_report(azure, poll * TTL_SLOW))
    removed: list[ResourceId] = []
    if any(not removal_disabled(orphan, settings) for orphan in proofs):
        refresh(azure)
        found = await compliance_report(azure, FRESH_FOR)
        proofs, kept = await _orphans(azure, found)
        removable = {orphan: proof for orphan, proof in proofs.items() if not removal_disabled(orphan, settings)}
        removed, used = await _remove(azure, found, removable)
        kept |= used
    for orphan in proofs:
        if why := removal_disabled(orphan, settings):
            kept[orphan] = f"{why}; cleanup removes it once it is old enough, unless something uses it"
    notes = (*notes_of(kept), *await _plans(azure))
    found_orphans = {"removed": tuple(removed), "orphans": notes}
    return Ready(value=request.with_(report=request.report and request.report.model_copy(update=found_orphans)).dump())


async def _plans(azure: Azure) -> tuple[Finding, ...]:
    """Notes about recovery plans of drills whose records are lost. A sweep that cannot list them does not fail."""
    try:
        return notes_of_plans(await lost_plans(azure))
    except Exception:
        log.warning("The recovery plans could not be listed", exc_info=True)
        return ()


async def _orphans(azure: Azure, found: ComplianceReport) -> tuple[Proofs, Kept]:
    """The orphans that this deployment has created by its records, and why the others are kept; none if the inventory
    has gaps, because an unread VM or item may need them."""
    proofs: Proofs = {}
    kept: Kept = {}
    if found.gaps:
        return proofs, kept
    made = await made_in_target(azure)
    for orphan in unneeded(made, found.referenced.needed, azure.settings):
        # An acknowledged row no longer holds up other VMs; the resources that it names are still in use.
        if any(row.names(orphan) for row in found.acknowledged_items):
            continue
        origin, gap = await azure.origins.proof(orphan)
        if origin and origin.proven_at:
            proofs[orphan] = origin, made[orphan]
        else:
            kept[orphan] = gap
    return proofs, kept


async def _remove(azure: Azure, found: ComplianceReport, orphans: Proofs) -> tuple[list[ResourceId], Kept]:
    removed: list[ResourceId] = []
    kept: Kept = {}
    try:
        tagged = await tagged_since(azure, found)
        elsewhere = await used_elsewhere(azure, orphans)
    except Exception as fault:
        return [], dict.fromkeys(orphans, f"whether it is used could not be read: {fault}")
    if tagged:
        return [], dict.fromkeys(orphans, f"{tagged} was tagged after the inventory was read, and may need it")
    networks = Networks(azure, found.referenced)
    for orphan, (origin, created_at) in orphans.items():
        if len(removed) >= MOST:
            kept[orphan] = f"a sweep removes {MOST} resources at most; the next one continues"
            continue
        try:
            why = elsewhere.get(orphan) or await _reason_to_keep(azure, orphan, origin, created_at, networks)
            if why == "":
                why = await remove(azure, orphan)
        except Exception as fault:
            why = f"whether it may be removed could not be read: {fault}"
        if why == "":
            decided("remove orphan", None, ("OrphanedTarget",), item=orphan)
            removed.append(orphan)
        elif why:
            kept[orphan] = why
    return removed, kept


async def _reason_to_keep(
    azure: Azure, orphan: ResourceId, origin: Origin, created_at: datetime | None, networks: Networks
) -> str | None:
    """The reason to keep an orphan, "" if it may be removed, None if it is gone. The resource itself is read last, and
    then the drills: one that begins has its record before anything shows in its network."""
    why = await networks.reason_to_keep(orphan)
    locks = await read_locks(azure, orphan.subscription, azure.settings.poll_seconds)
    made = await usage(azure, orphan) if not why else None
    if made is None:
        return why or None
    made = replace(made, created_at=made.created_at or created_at)
    kept = reason_to_keep(made, origin, locks, datetime.now(UTC), azure.settings)
    return kept or await _drill_in(azure, orphan)


async def _drill_in(azure: Azure, orphan: ResourceId) -> str:
    """Which drill under way names the network, or "". Raises OriginStoreError."""
    if not is_drill_network(orphan):
        return ""
    drills = await azure.drills.open()
    return next((f"a drill of {drill.vm.name} is under way in it" for drill in drills if drill.network == orphan), "")
