"""The Event Grid topic that is told of outcomes. It is named by the settings alone, and is no part of the estate: what
stops writes there does not stop this."""

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.arm.errors import answered
from shared.model.step_result import Outcome, Ready
from shared.reporting.events import OutcomeEvent, batches

if TYPE_CHECKING:
    from shared.arm.client import Azure

log = logging.getLogger("dr.topic")


async def publish(azure: "Azure", events: Iterable[OutcomeEvent]) -> Outcome:
    """Ready when the topic has all of them, or there is none to tell. Else the outcome says why not, and so does the
    log; some may have arrived then, and telling them again is telling the same."""
    told = list(events)
    if not azure.settings.outcome_topic_endpoint or not told:
        return Ready()
    outcome = await answered(_send(azure, told), azure.settings.poll_seconds)
    if not isinstance(outcome, Ready):
        log.warning("Not all of %d events were told to the topic: %s", len(told), outcome.error)
    return outcome


async def _send(azure: "Azure", events: list[OutcomeEvent]) -> Outcome:
    from azure.core.messaging import CloudEvent

    topic = azure.topic()
    for batch in batches(events):
        await topic.send(
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
