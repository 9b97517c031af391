"""The Event Grid webhook: validation handshakes, and one invocation for every element of a delivery."""

import asyncio
import json
import logging
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from local.host.indexing import HostFunction
from local.host.invocation import Invoker
from local.host.keys import Keys

log = logging.getLogger(__name__)

PATH = "/runtime/webhooks/eventgrid"
SYSTEM_KEY = "eventgrid_extension"
# Event Grid never sends more in one delivery.
MAX_BODY = 1024 * 1024


class EventGridWebhook:
    """Functions by lower-cased name."""

    def __init__(self, functions: dict[str, HostFunction], invoker: Invoker, keys: Keys) -> None:
        self._functions = functions
        self._invoker = invoker
        self._keys = keys

    async def handle(self, request: web.Request) -> web.Response:
        """Answers what Event Grid expects: anything but a 2xx is delivered again, for a day."""
        if not self._keys.opens(request, SYSTEM_KEY):
            return web.Response(status=401)
        name = request.query.get("functionName", "").lower().removeprefix("host.functions.")
        if (function := self._functions.get(name)) is None:
            return web.Response(status=404, text=f"cannot find function: '{request.query.get('functionName', '')}'")
        if request.method == "OPTIONS":
            return _cloud_events_handshake(request)
        if request.method != "POST":
            return web.Response(status=405)
        if (request.content_length or 0) > MAX_BODY or len(body := await request.read()) > MAX_BODY:
            return web.Response(status=413)
        return await self._post(request, function, body)

    async def _post(self, request: web.Request, function: HostFunction, body: bytes) -> web.Response:
        kind = request.headers.get("aeg-event-type", "")
        if not kind and request.content_type.startswith("application/cloudevents"):
            kind = "Notification"
        if kind == "Unsubscribe":
            return web.Response(status=202)
        try:
            content = json.loads(body)
        except ValueError:
            return web.Response(status=400, text="the body is not JSON")
        events = [content] if isinstance(content, dict) else content
        if not isinstance(events, list):
            return web.Response(status=400, text="the body is neither an array nor an object")
        if kind == "SubscriptionValidation":
            return _validation(events)
        if kind == "Notification":
            return await self._notify(function, events)
        return web.Response(status=400, text=f"unknown aeg-event-type '{kind}'")

    async def _notify(self, function: HostFunction, events: list[Any]) -> web.Response:
        outcomes = await asyncio.gather(*(self._invoke(function, event) for event in events))
        return web.Response(status=202 if all(outcomes) else 500)

    async def _invoke(self, function: HostFunction, event: Any) -> bool:
        try:
            await self._invoker.invoke(function, Datum(json.dumps(event), "json"))
        except Exception:
            log.exception("Function '%s' failed", function.name)
            return False
        return True


def _validation(events: list[Any]) -> web.Response:
    try:
        code = events[0]["data"]["validationCode"]
    except (LookupError, TypeError):
        return web.Response(status=400, text="the validation event has no data.validationCode")
    return web.json_response({"validationResponse": code})


def _cloud_events_handshake(request: web.Request) -> web.Response:
    """The abuse protection of CloudEvents webhooks: the origin asks, the endpoint allows."""
    if not (origin := request.headers.get("WebHook-Request-Origin")):
        return web.Response(status=400, text="WebHook-Request-Origin is missing")
    return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
