"""Custom topics of Event Grid, to which an app publishes events. Accepted events are kept, and can be read.

A topic exists from the first event published to it, and accepts CloudEvents 1.0. Its error messages are invented.
"""

import json
from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from local.simulator import identity
from local.simulator.errors import ArmError
from local.simulator.gateway import Gateway
from local.simulator.wire import Json

AUDIENCE = "https://eventgrid.azure.net"
MOST_BYTES = 1024 * 1024
KEPT = 100_000
_BATCH, _SINGLE = "application/cloudevents-batch+json", "application/cloudevents+json"


@dataclass(slots=True)
class Topic:
    """`calls` counts accepted calls. Beyond `KEPT` the oldest events are dropped."""

    calls: int = 0
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=KEPT))

    def body(self) -> Json:
        """The response of `GET /sim/topics/<name>`."""
        return {"calls": self.calls, "events": list(self.events)}


class Topics:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._topics: defaultdict[str, Topic] = defaultdict(Topic)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/topics/{name}/api/events", self.publish)

    def add_controls(self, control: web.Application) -> None:
        control.add_routes([web.get("/topics/{name}", self.get), web.delete("/topics/{name}", self.delete)])

    async def publish(self, request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            if fault := self._gateway.faults.hit(request.method, request.path, raw):
                raise self._gateway.planned(fault)
            events = _checked(request, raw)
        except ArmError as error:
            answer = error.answer()
            return web.json_response(answer.body, status=answer.status, headers=answer.headers)
        topic = self._topics[request.match_info["name"]]
        topic.calls += 1
        topic.events.extend(events)
        return web.Response()

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self._topics.get(request.match_info["name"], Topic()).body())

    async def delete(self, request: web.Request) -> web.Response:
        self._topics.pop(request.match_info["name"], None)
        return web.Response(status=204)


def _checked(request: web.Request, raw: bytes) -> list[Json]:
    """The events of a call. Raises ArmError."""
    audience = str(identity.read(request.headers.get("Authorization", "")).get("aud", ""))
    if audience.rstrip("/") != AUDIENCE:
        raise ArmError(401, "Unauthorized", f"The token is for {audience!r}, and not for {AUDIENCE}.")
    if request.query.get("api-version") != "2018-01-01":
        raise ArmError(400, "BadRequest", "The api-version must be 2018-01-01.")
    if len(raw) > MOST_BYTES:
        raise ArmError(413, "PayloadTooLarge", f"The maximum size (1 MB) is exceeded: {len(raw)} bytes.")
    if request.content_type not in (_BATCH, _SINGLE):
        raise _invalid(f"the content type is {request.content_type!r}")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise _invalid(str(error)) from None
    if isinstance(body, list) != (request.content_type == _BATCH):
        raise _invalid("an array goes with the content type of a batch, and only with that")
    events = body if isinstance(body, list) else [body]
    for event in events:
        if why := _problem(event):
            raise _invalid(why)
    return events


def _problem(event: Any) -> str:
    """What the event lacks of CloudEvents 1.0, or ""."""
    if not isinstance(event, dict) or event.get("specversion") != "1.0":
        return "an event is no object of specversion 1.0"
    missing = [name for name in ("id", "source", "type") if not (isinstance(event.get(name), str) and event[name])]
    if missing:
        return f"an event has no {missing[0]}"
    odd = [name for name in event if name != "data_base64" and not (name.isalnum() and name == name.lower())]
    if odd:
        return f"{odd[0]!r} cannot be the name of an attribute"
    try:
        datetime.fromisoformat(event.get("time", "2026-01-01T00:00:00Z"))
    except (TypeError, ValueError):
        return f"the time {event['time']!r} is none"
    return ""


def _invalid(why: str) -> ArmError:
    message = f"The topic takes events in the schema CloudEventV1_0: {why}."
    return ArmError(400, "BadRequest", message, details=[{"code": "InputJsonInvalid", "message": message}])
