"""Step 8: the end of a run is told: a line in the log, an event to the topic, a metric if it failed."""

from shared.arm.client import Azure
from shared.arm.topic import publish
from shared.model.step_result import Outcome
from shared.reconcile.run_summary import RunEnd
from shared.reporting import audit_log, metrics
from shared.reporting.events import of_run


async def publish_outcome(azure: Azure, request: RunEnd) -> Outcome:
    """Pending if the topic is to be told again later; the rest is told the first time, whatever the topic answers."""
    if not request.tellings:
        audit_log.run_ended(request)
        await azure.metrics.send(metrics.of_run(request))
    return await publish(azure, of_run(request, azure.settings.vault_ids[0]))
