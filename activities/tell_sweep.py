"""The end of a sweep is told: the estate in numbers, and each VM that is not as it should be."""

from shared.azure.gateway import Azure
from shared.azure.remembered import SLOW
from shared.azure.survey import survey
from shared.azure.topic import publish
from shared.domain import decisions, metrics
from shared.domain.outcome import Outcome, Ready
from shared.domain.outcome_events import of_sweep
from shared.domain.sweep import Sweep, unhealthy


async def tell_sweep(azure: Azure, request: Sweep) -> Outcome:
    """As `tell_outcome`. The VMs are those of the survey that is remembered: a sweep carries no list of them.

    Of a sweep that was given up nothing but that is told: the estate could not be read.
    """
    report = request.report
    if report is None:
        return Ready()
    found = None if report.error else await survey(azure, azure.settings.poll_seconds * SLOW)
    if not request.tellings:
        decisions.swept(report)
        await azure.metrics.send(metrics.of_sweep(report, found))
    return await publish(azure, of_sweep(report, unhealthy(found) if found else (), azure.settings.vault_ids[0]))
