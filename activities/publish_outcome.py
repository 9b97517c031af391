"""Step 8: publish the end of a run: a line in the log, an event to the topic, a metric if it failed, its evidence."""

from shared.arm.client import Azure
from shared.arm.topic import publish
from shared.model.step_result import Ready, StepResult
from shared.reconcile.run_summary import RunSummary
from shared.reporting import audit_log, metrics
from shared.reporting.archive import Stream
from shared.reporting.events import of_run
from shared.reporting.rollup import of_run as evidence_of


async def publish_outcome(azure: Azure, request: RunSummary) -> StepResult:
    """Pending if the event must be published again later, or its evidence kept; log and metric are written at the first
    attempt only."""
    if not request.publish_attempts:
        audit_log.run_ended(request)
        await azure.metrics.send(metrics.of_run(request))
    key = f"{request.result.vm_id.key}|{request.at.isoformat()}|{request.content}"
    kept = await azure.archive.keep(Stream.RUNS, evidence_of(request), retry_after=azure.settings.poll_seconds, key=key)
    published = await publish(azure, of_run(request, azure.settings.vault_ids[0]))
    return kept if isinstance(published, Ready) else published
