"""A custom topic: what the real SDK publishes is kept, and what Event Grid would refuse is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient

from local.simulator.identity import issue
from local.simulator.topics import AUDIENCE
from tests.integration.simulator.azure import TENANT, Azure, Token, azure

VERSION = "?api-version=2018-01-01"


class ForEventGrid(Token):
    """As Entra issues them: for the resource, without `/.default`."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        audience = scopes[0].removesuffix("/.default")
        return AccessToken(issue(TENANT, self._client, audience, "https://sts.windows.net/"), 4102444800)


@asynccontextmanager
async def publisher(
    clients: Azure, name: str = "dr", credential: Token | None = None
) -> AsyncIterator[EventGridPublisherClient]:
    endpoint = f"{clients.simulator.url}/topics/{name}/api/events"
    verify: Any = str(clients.simulator.ca_file)
    token: Any = credential or ForEventGrid()
    async with EventGridPublisherClient(endpoint, token, connection_verify=verify, retry_total=0) as client:
        yield client


def event(number: int = 1, **changes: Any) -> CloudEvent[Any]:
    known = {"id": f"e{number}", "source": "/vault", "type": "Test.Happened", "subject": "/vm", "data": {"n": number}}
    return CloudEvent(**{**known, **changes})


async def test_what_is_published_is_kept_by_topic_until_it_is_cleared() -> None:
    async with azure() as clients, publisher(clients) as topic, publisher(clients, "other") as other:
        await topic.send([event(1), event(2)])
        await topic.send([event(3)])
        await other.send(event(4))
        _, kept, _ = await clients.call("GET", "/sim/topics/dr")
        _, kept_elsewhere, _ = await clients.call("GET", "/sim/topics/other")
        await clients.call("DELETE", "/sim/topics/dr")
        _, cleared, _ = await clients.call("GET", "/sim/topics/dr")

    assert (kept["calls"], [each["id"] for each in kept["events"]]) == (2, ["e1", "e2", "e3"])
    first = kept["events"][0]
    assert {name: first[name] for name in ("specversion", "type", "source", "subject", "data")} == {
        "specversion": "1.0",
        "type": "Test.Happened",
        "source": "/vault",
        "subject": "/vm",
        "data": {"n": 1},
    }
    assert [each["id"] for each in kept_elsewhere["events"]] == ["e4"]
    assert cleared == {"calls": 0, "events": []}


async def test_a_token_for_anything_else_is_refused() -> None:
    async with azure() as clients, publisher(clients, credential=Token()) as topic:
        with pytest.raises(ClientAuthenticationError):
            await topic.send([event()])


@pytest.mark.filterwarnings("ignore:Sending a large body directly")
async def test_more_than_a_megabyte_is_refused() -> None:
    async with azure() as clients, publisher(clients) as topic:
        await topic.send([event(data="x" * 1_000_000)])
        with pytest.raises(HttpResponseError) as refused:
            await topic.send([event(data="x" * 600_000), event(data="x" * 600_000)])
    assert refused.value.status_code == 413


async def test_a_topic_takes_no_events_in_event_grids_own_schema() -> None:
    async with azure() as clients, publisher(clients) as topic:
        with pytest.raises(HttpResponseError) as refused:
            await topic.send([EventGridEvent(subject="s", event_type="t", data={}, data_version="1")])
    assert refused.value.status_code == 400


GOOD = {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
BATCH, SINGLE = "application/cloudevents-batch+json", "application/cloudevents+json"


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        (BATCH, GOOD, "an array goes with"),
        (SINGLE, [GOOD], "an array goes with"),
        ("application/json", [GOOD], "content type"),
        (BATCH, [GOOD | {"specversion": "0.3"}], "specversion 1.0"),
        (BATCH, ["text"], "specversion 1.0"),
        (BATCH, [GOOD, GOOD | {"id": ""}], "no id"),
        (BATCH, [{name: value for name, value in GOOD.items() if name != "source"}], "no source"),
        (BATCH, [GOOD | {"eventType": "t"}], "'eventType' cannot be"),
        (BATCH, [GOOD | {"time": "today"}], "'today'"),
    ],
)
async def test_what_is_no_cloud_event_is_refused_with_the_reason(content_type: str, body: Any, why: str) -> None:
    headers = {"Content-Type": content_type, "Authorization": f"Bearer {issue(TENANT, 'c', AUDIENCE, 'i')}"}
    async with azure() as clients:
        status, problem, _ = await clients.call("POST", f"/topics/dr/api/events{VERSION}", body, **headers)
        _, kept, _ = await clients.call("GET", "/sim/topics/dr")

    assert status == 400
    assert why in problem["error"]["message"]
    assert kept["events"] == []


async def test_another_api_version_is_refused() -> None:
    headers = {"Content-Type": SINGLE, "Authorization": f"Bearer {issue(TENANT, 'c', AUDIENCE, 'i')}"}
    async with azure() as clients:
        status, problem, _ = await clients.call("POST", "/topics/dr/api/events?api-version=2020-01-01", GOOD, **headers)

    assert (status, problem["error"]["code"]) == (400, "BadRequest")


async def test_a_topic_can_be_made_to_fail() -> None:
    async with azure() as clients, publisher(clients) as topic:
        await clients.call("POST", "/sim/faults", {"match": {"path": "^/topics/"}, "kind": "throttle", "times": 1})
        with pytest.raises(HttpResponseError) as refused:
            await topic.send([event()])
        await topic.send([event()])
        _, kept, _ = await clients.call("GET", "/sim/topics/dr")

    assert refused.value.status_code == 429
    assert kept["calls"] == 1
