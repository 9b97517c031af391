"""Publish the end of a sweep: the estate in numbers, and each VM that is not compliant."""

from shared.arm.client import Azure
from shared.arm.topic import publish
from shared.config.intervals import TTL_SLOW
from shared.model.step_result import Ready, StepResult
from shared.observe.inventory import compliance_report
from shared.reconcile.sweep import Sweep, unhealthy
from shared.reporting import audit_log, metrics
from shared.reporting.events import of_sweep


async def publish_sweep(azure: Azure, request: Sweep) -> StepResult:
    """Publishes as `publish_outcome` does. The VMs come from the cached report: a sweep carries no list of them.

    A failed sweep publishes only its failure.
    """
    report = request.report
    if report is None:
        return Ready()
    found = None if report.error else await compliance_report(azure, azure.settings.poll_seconds * TTL_SLOW)
    if not request.publish_attempts:
        audit_log.swept(report)
        await azure.metrics.send(metrics.of_sweep(report, found))
    return await publish(azure, of_sweep(report, unhealthy(found) if found else (), azure.settings.vault_ids[0]))
