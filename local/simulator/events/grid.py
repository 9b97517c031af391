"""One event subscription: the handshake that opens it, and deliveries with delay, duplicates and retries."""

import asyncio
import json
import random
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp

from local.simulator import latencies
from local.simulator.clock import Clock
from local.simulator.events.payloads import Event, resource_event, subscription_event
from local.simulator.store import Resource
from local.simulator.wire import Json

# Delivery and retry: these statuses are final for a webhook; any other outside 200-204 is retried.
_FINAL = (400, 401, 403, 413)
_ORIGIN = "eventgrid.azure.net"
_CHOICES = {
    "schema": ("eventgrid", "cloud"),
    "source": ("subscription", "resource-notifications"),
    "tagSubject": ("tags", "vm"),
}
_TAGS = "/providers/Microsoft.Resources/tags/default"


@dataclass(frozen=True, slots=True)
class EventSubscription:
    """`delay` is in wall seconds; `tag_subject` says whether tag writes name the tags resource or the bare VM."""

    endpoint: str
    duplicates: float = 0.0
    delay: tuple[float, float] = (0.0, 0.0)
    schema: str = "eventgrid"
    source: str = "subscription"
    tag_subject: str = "tags"


def parse_subscription(raw: Any) -> EventSubscription:
    """Raises ValueError that names what is wrong."""
    if not isinstance(raw, dict) or not isinstance(raw.get("endpoint"), str):
        raise ValueError("events need an endpoint")
    known = {"endpoint", "duplicates", "delay", *_CHOICES}
    if unknown := sorted(set(raw) - known):
        raise ValueError(f"unknown key {unknown[0]!r}; there are {', '.join(sorted(known))}")
    for name, choices in _CHOICES.items():
        if raw.get(name, choices[0]) not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}")
    low, high = raw.get("delay", (0, 0))
    return EventSubscription(
        endpoint=raw["endpoint"],
        duplicates=float(raw.get("duplicates", 0)),
        delay=(float(low), float(high)),
        schema=raw.get("schema", "eventgrid"),
        source=raw.get("source", "subscription"),
        tag_subject=raw.get("tagSubject", "tags"),
    )


class EventGrid:
    def __init__(self, clock: Clock) -> None:
        self.subscription: EventSubscription | None = None
        self.counts = {"published": 0, "delivered": 0, "dropped": 0}
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._deliveries: set[asyncio.Task[None]] = set()
        self._random = random.Random(0)  # noqa: S311 - chance, not secrets

    async def subscribe(self, subscription: EventSubscription) -> None:
        """Subscribes the endpoint after its validation handshake. Raises ValueError if the handshake fails."""
        try:
            if subscription.schema == "cloud":
                await self._ask_for_origin(subscription.endpoint)
            else:
                await self._ask_for_validation(subscription.endpoint)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ValueError(f"the endpoint could not be reached: {error!r}") from error
        self.subscription = subscription

    async def _ask_for_validation(self, endpoint: str) -> None:
        code = str(uuid.uuid4()).upper()
        event = {
            "id": str(uuid.uuid4()),
            "topic": "/subscriptions/00000000-0000-0000-0000-000000000000",
            "subject": "",
            "data": {"validationCode": code, "validationUrl": f"https://{_ORIGIN}/validate?id={code}"},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": self._clock.stamp(),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        headers = {"aeg-event-type": "SubscriptionValidation", "aeg-subscription-name": "SIMULATOR"}
        async with self._client().post(endpoint, json=[event], headers=headers) as response:
            text = await response.text()
        try:
            echoed = json.loads(text).get("validationResponse")
        except (json.JSONDecodeError, AttributeError):
            echoed = None
        if response.status != 200 or echoed != code:
            raise ValueError(f"webhook validation handshake failed: HTTP {response.status}, {text[:200]!r}")

    async def _ask_for_origin(self, endpoint: str) -> None:
        headers = {"WebHook-Request-Origin": _ORIGIN}
        async with self._client().options(endpoint, headers=headers) as response:
            allowed = response.headers.get("WebHook-Allowed-Origin", "")
        if response.status != 200 or allowed not in ("*", _ORIGIN):
            raise ValueError(f"webhook validation handshake failed: HTTP {response.status}, allowed origin {allowed!r}")

    def resource(self, resource: Resource, operation: str, tenant: str, claims: dict[str, str]) -> None:
        """A write, delete or action on a resource. Resource Notifications know no actions."""
        if self.subscription is None:
            return
        time = self._clock.stamp()
        if self.subscription.source == "subscription":
            self._publish(subscription_event(operation, resource.id, tenant, time, claims))
        elif not operation.endswith("/action"):
            self._publish(resource_event(resource.body, time, deleted=operation.endswith("/delete")))

    def tags(self, scope: str, resource: Resource | None, verb: str, tenant: str, claims: dict[str, str]) -> None:
        """A write or delete through the Tags API. `resource` is None for a subscription or resource group."""
        if self.subscription is None:
            return
        time = self._clock.stamp()
        if self.subscription.source == "subscription":
            uri = scope + (_TAGS if self.subscription.tag_subject == "tags" else "")
            self._publish(subscription_event(f"Microsoft.Resources/tags/{verb}", uri, tenant, time, claims))
        elif resource is not None:
            self._publish(resource_event(resource.body, time, deleted=False))

    def _publish(self, event: Event) -> None:
        assert self.subscription is not None  # noqa: S101 - both callers looked
        self.counts["published"] += 1
        body = event.in_schema(self.subscription.schema, str(uuid.uuid4()))
        copies = 2 if self._random.random() < self.subscription.duplicates else 1
        for _ in range(copies):
            task = asyncio.get_running_loop().create_task(self._deliver(self.subscription, body))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)

    async def _deliver(self, subscription: EventSubscription, body: Json) -> None:
        await asyncio.sleep(self._random.uniform(*subscription.delay))
        for attempt in range(latencies.EVENT_ATTEMPTS):
            status = await self._post(subscription, body, attempt)
            if 200 <= status <= 204:
                self.counts["delivered"] += 1
                return
            if status in _FINAL:
                break
            backoff = latencies.EVENT_BACKOFF[min(attempt, len(latencies.EVENT_BACKOFF) - 1)]
            await asyncio.sleep(backoff / self._clock.speed)
        self.counts["dropped"] += 1

    async def _post(self, subscription: EventSubscription, body: Json, attempt: int) -> int:
        """The HTTP status, or 0 without a response in time."""
        cloud = subscription.schema == "cloud"
        headers = {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": "SIMULATOR",
            "aeg-delivery-count": str(attempt),
            "Content-Type": f"application/{'cloudevents+json' if cloud else 'json'}; charset=utf-8",
        }
        payload = json.dumps(body if cloud else [body])
        timeout = aiohttp.ClientTimeout(total=latencies.EVENT_TIMEOUT)
        try:
            async with self._client().post(
                subscription.endpoint, data=payload, headers=headers, timeout=timeout
            ) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    def _client(self) -> aiohttp.ClientSession:
        self._session = self._session or aiohttp.ClientSession()
        return self._session

    def body(self) -> Json:
        """The response of `GET /sim/events`."""
        endpoint = self.subscription.endpoint if self.subscription else None
        return {"endpoint": endpoint, "pending": len(self._deliveries), **self.counts}

    async def close(self) -> None:
        for task in list(self._deliveries):
            task.cancel()
        await asyncio.gather(*self._deliveries, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
