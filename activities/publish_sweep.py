"""The end of a sweep is told: the estate in numbers, and each VM that is not as it should be."""

from shared.arm.client import Azure
from shared.arm.topic import publish
from shared.arm.ttl_cache import TTL_SLOW
from shared.model.step_result import Ready, StepResult
from shared.observe.inventory import compliance_report
from shared.reconcile.sweep import Sweep, unhealthy
from shared.reporting import audit_log, metrics
from shared.reporting.events import of_sweep


async def publish_sweep(azure: Azure, request: Sweep) -> StepResult:
    """As `publish_outcome`. The VMs are those of the survey that is remembered: a sweep carries no list of them.

    Of a sweep that was given up nothing but that is told: the estate could not be read.
    """
    report = request.report
    if report is None:
        return Ready()
    found = None if report.error else await compliance_report(azure, azure.settings.poll_seconds * TTL_SLOW)
    if not request.publish_attempts:
        audit_log.swept(report)
        await azure.metrics.send(metrics.of_sweep(report, found))
    return await publish(azure, of_sweep(report, unhealthy(found) if found else (), azure.settings.vault_ids[0]))
