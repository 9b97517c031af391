"""Whether one protected VM would come up after a failover: what a sweep says of it, read for it alone."""

import logging
from datetime import UTC, datetime

from shared.arm.client import Azure
from shared.model.findings import Finding
from shared.model.plan import Plan
from shared.model.replicated_item import ENABLE, JobStage, ProtectedItem, Stage
from shared.observe.first_seen import first_seen
from shared.observe.targets import read_targets
from shared.planning import claims
from shared.planning.catalog import on_protected
from shared.reconcile import readiness
from shared.reconcile.health import last_of, of_failover_health, of_tests
from shared.site_recovery.items import Items
from shared.site_recovery.vault import vault_of, vaults_of

log = logging.getLogger("dr.observe")


async def readiness_of(azure: Azure, plan: Plan | None, item: ProtectedItem | None) -> tuple[Finding, ...]:
    """The findings about the failover of the VM of the plan; none unless it is protected. What of its target cannot be
    read is logged: it says nothing. Raises HttpResponseError."""
    if plan is None or item is None or item.stage is not Stage.PROTECTED:
        return ()
    settings, name, known = azure.settings, item.source.name, [await each.items.get() for each in vaults_of(azure)]
    targets, fault = await read_targets(azure, [item])
    if fault:
        log.warning("The target resources of %s could not be read in full: %s", name, fault)
    wanted = tuple(claims.of_interfaces(item))
    shared = [claim for items in known for claim in items.claims.of_others(item.source, wanted)]
    since = await _protected_since(azure, item, known)
    return (
        *of_failover_health(name, item),
        *of_tests(name, item, settings.profiles[plan.profile], datetime.now(UTC), since),
        *on_protected(claims.findings(plan.vm, shared, settings)),
        *readiness.findings(item, targets, settings),
    )


async def _protected_since(azure: Azure, item: ProtectedItem, known: list[Items]) -> datetime | None:
    """The end of its last enable job, else when it was first seen. A job names only the VM: with two of one name, none
    can be attributed."""
    if item.tested_at:
        return None
    names = [each.source.name.lower() for items in known for each in items]
    jobs = (await vault_of(azure, item.vault).jobs.get()).about(item.source)
    enables = [job for job in jobs if job.scenario == ENABLE]
    if not enables:
        return (await first_seen(azure, [item])).get(item.source)
    last = last_of(job for job in enables if job.stage is JobStage.SUCCEEDED)
    return last.ended if last and names.count(item.source.name.lower()) == 1 else None
