"""Publishes outcomes to an Event Grid topic.

The settings name the topic. It is not part of the estate: settings that disable writes do not disable publishing.
"""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.arm.errors import to_step_result
from shared.model.step_result import Ready, StepResult
from shared.reporting.events import OutcomeEvent, batches

if TYPE_CHECKING:
    from shared.arm.client import Azure

log = logging.getLogger("dr.topic")


async def publish(azure: "Azure", events: Iterable[OutcomeEvent]) -> StepResult:
    """Ready when all events are published, or there are none. Those of one call are in memory at once, however many
    there are.

    Any other result says why not, and the failure is logged. Some events may have arrived then: publishing them again
    repeats the same IDs.
    """
    if not azure.settings.outcome_topic_endpoint:
        return Ready()
    outcome = await to_step_result(_send(azure, events), azure.settings.poll_seconds)
    if not isinstance(outcome, Ready):
        log.warning("Not all events were published to the topic: %s", outcome.error)
    return outcome


async def _send(azure: "Azure", events: Iterable[OutcomeEvent]) -> StepResult:
    for batch in batches(events):
        from azure.core.messaging import CloudEvent

        await azure.topic().send(
            [
                CloudEvent(
                    source=event.source,
                    type=event.type,
                    id=event.id,
                    subject=event.subject,
                    time=event.time,
                    data=event.data,
                    datacontenttype="application/json",
                )
                for event in batch
            ]
        )
    return Ready()
