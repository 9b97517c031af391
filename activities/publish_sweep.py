"""Publish the end of a sweep: the estate in numbers, each VM that is not compliant, and the evidence of all."""

from functools import partial

from shared.arm.archive import ArchiveError, not_writable
from shared.arm.archive_days import seal
from shared.arm.client import Azure
from shared.arm.messages import Due, keep, messages_of_sweep
from shared.arm.topic import publish
from shared.config.intervals import SPEAKS_FOR, TTL_SLOW
from shared.model.step_result import Ready, StepResult
from shared.observe.by_hand import write_page
from shared.observe.inventory import compliance_report
from shared.planning.catalog import of_error
from shared.reconcile.inventory import ComplianceReport
from shared.reconcile.sweep import Sweep, SweepReport, unhealthy
from shared.reporting import audit_log, metrics
from shared.reporting.archive import Stream
from shared.reporting.events import of_sweep
from shared.reporting.rollup import of_sweep as evidence_of
from shared.reporting.rollup import rows_of


async def publish_sweep(azure: Azure, request: Sweep) -> StepResult:
    """Publishes as `publish_outcome` does. The VMs come from the cached report: a sweep carries no list of them.

    A failed sweep publishes only its failure. The evidence is kept at the first attempt only: what could not be kept is
    a gap until the next sweep. The published report says so; Ready holds it, if it says more than the `request`.
    """
    report = request.report
    if report is None:
        return Ready()
    found = None if report.error else await compliance_report(azure, azure.settings.poll_seconds * TTL_SLOW)
    if not request.publish_attempts:
        audit_log.swept(report)
        await azure.metrics.send(metrics.of_sweep(report, found))
        report = await _keep(azure, report, found)
    due = await messages_of_sweep(azure, report, found) if found else Due()
    report = report.with_(stopped=(*report.stopped, *due.stopped))
    published = await publish(azure, due.events)
    if not isinstance(published, Ready):
        return published
    # Before the other events, which may be many: if those fail, no message is repeated.
    await keep(azure, due, report)
    events = of_sweep(report, unhealthy(found) if found else (), azure.settings.vault_ids[0])
    published = await publish(azure, events)
    return Ready(value=report.dump()) if isinstance(published, Ready) and report != request.report else published


async def _keep(azure: Azure, report: SweepReport, found: ComplianceReport | None) -> SweepReport:
    """Archives the sweep, and sums up the days before it. Returns the report, which says if that failed."""
    poll, day = azure.settings.poll_seconds, report.read_at.date()
    rows = partial(rows_of, found, azure.settings) if found else tuple
    kept = await azure.archive.keep(Stream.SWEEPS, evidence_of(report), rows, retry_after=poll, day=day)
    if not isinstance(kept, Ready):
        return report.with_(stopped=(*report.stopped, *([of_error(kept.error)] if kept.error else [])))
    try:
        await seal(azure.archive, report.read_at, int(SPEAKS_FOR * poll))
        if found:
            await write_page(azure, found)
    except ArchiveError as fault:
        not_writable("the days before this one, or the page of what to do by hand,", fault)
    return report
