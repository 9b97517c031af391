"""Step 8: the end of a run is told: a line in the log, an event to the topic, a metric if it failed."""

from shared.azure.gateway import Azure
from shared.azure.topic import publish
from shared.domain import decisions, metrics
from shared.domain.outcome import Outcome
from shared.domain.outcome_events import of_run
from shared.domain.run_end import RunEnd


async def tell_outcome(azure: Azure, request: RunEnd) -> Outcome:
    """Pending if the topic is to be told again later; the rest is told the first time, whatever the topic answers."""
    if not request.tellings:
        decisions.run_ended(request)
        await azure.metrics.send(metrics.of_run(request))
    return await publish(azure, of_run(request, azure.settings.vault_ids[0]))
