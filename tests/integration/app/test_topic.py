"""The topic through the real client of Event Grid: what it takes, and how what it refuses is read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.arm.topic import publish
from shared.model.step_result import Failed, Pending, Ready, StepResult
from tests.integration.simulator.azure import Azure, Token, azure
from tests.integration.simulator.test_topics import publisher
from tests.unit.app.examples import settings
from tests.unit.app.fake_azure import Cloud, FakeAzure
from tests.unit.app.reporting.test_events import unhealthy


@asynccontextmanager
async def app_of(clients: Azure, credential: Token | None = None) -> AsyncIterator[FakeAzure]:
    """A gateway with a real client of the simulator's topic."""
    async with publisher(clients, credential=credential) as topic:
        app = FakeAzure(settings(outcome_topic_endpoint=f"{clients.simulator.url}/topics/dr/api/events"), Cloud())
        app._clients[("topic", "")] = topic
        yield app


async def kept(clients: Azure) -> dict[str, Any]:
    _, topic, _ = await clients.call("GET", "/sim/topics/dr")
    reported: dict[str, Any] = topic
    return reported


async def test_thousands_of_events_go_in_calls_that_event_grid_takes() -> None:
    events = unhealthy(3000, "\U0001f600" * 400)
    async with azure() as clients, app_of(clients) as app:
        assert await publish(app, events) == Ready()
        reported = await kept(clients)

    assert [event["id"] for event in reported["events"]] == [event.id for event in events]
    assert {event["specversion"] for event in reported["events"]} == {"1.0"}
    assert reported["calls"] < 50


async def test_what_is_published_twice_has_one_id() -> None:
    events = unhealthy(2)
    async with azure() as clients, app_of(clients) as app:
        await publish(app, events)
        await publish(app, events)
        reported = await kept(clients)

    assert len(reported["events"]) == 6
    assert len({event["id"] for event in reported["events"]}) == 3


@pytest.mark.parametrize(
    ("fault", "outcome", "code"),
    [
        ({"kind": "throttle", "retryAfter": 7}, Pending, "TooManyRequests"),
        ({"kind": "status", "status": 503, "code": "ServiceUnavailable"}, Pending, "ServiceUnavailable"),
        ({"kind": "status", "status": 403, "code": "Forbidden"}, Failed, "Forbidden"),
    ],
)
async def test_what_the_topic_refuses_is_read_with_its_code(
    fault: dict[str, Any], outcome: type[Pending | Failed], code: str
) -> None:
    async with azure() as clients, app_of(clients) as app:
        await clients.call("POST", "/sim/faults", {"match": {"path": "^/topics/"}, "times": 1, **fault})
        answered: StepResult = await publish(app, unhealthy(1))

    assert isinstance(answered, outcome)
    assert answered.error
    assert answered.error.code == code
    if isinstance(answered, Pending) and "retryAfter" in fault:
        assert answered.retry_after == 7


async def test_an_identity_without_a_token_for_event_grid_is_refused() -> None:
    async with azure() as clients, app_of(clients, credential=Token()) as app:
        answered = await publish(app, unhealthy(1))

    assert isinstance(answered, Failed)
    assert answered.error.code == "Unauthorized"
