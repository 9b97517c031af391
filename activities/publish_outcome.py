"""Step 8: publish the end of a run: a line in the log, an event to the topic, a metric if it failed."""

from shared.arm.client import Azure
from shared.arm.topic import publish
from shared.model.step_result import StepResult
from shared.reconcile.run_summary import RunSummary
from shared.reporting import audit_log, metrics
from shared.reporting.events import of_run


async def publish_outcome(azure: Azure, request: RunSummary) -> StepResult:
    """Pending if the event must be published again later; log and metric are written at the first attempt only."""
    if not request.publish_attempts:
        audit_log.run_ended(request)
        await azure.metrics.send(metrics.of_run(request))
    return await publish(azure, of_run(request, azure.settings.vault_ids[0]))
