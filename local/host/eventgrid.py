"""The Event Grid webhook: validation handshakes, and one invocation for every element of a delivery."""

import asyncio
import json
import logging
from typing import Any

from aiohttp import web

from local.host.durable.functions import FunctionFailedError
from local.host.indexing import HostFunction
from local.host.invocation import Invoker
from local.host.keys import Keys
from local.host.messages import TypedData

log = logging.getLogger(__name__)

PATH = "/runtime/webhooks/eventgrid"
SYSTEM_KEY = "eventgrid_extension"


class EventGridWebhook:
    """Event Grid functions by name, with case."""

    def __init__(self, functions: dict[str, HostFunction], invoker: Invoker, keys: Keys) -> None:
        self._functions = functions
        self._invoker = invoker
        self._keys = keys

    async def handle(self, request: web.Request) -> web.Response:
        """The response that Event Grid expects: any status other than 2xx is retried for a day."""
        if refusal := self._keys.refusal(request, SYSTEM_KEY):
            return refusal
        if request.method == "OPTIONS":
            return web.Response(headers={"Webhook-Allowed-Origin": "eventgrid.azure.net"})
        name = next((value for key, value in request.query.items() if key.lower() == "functionname"), "")
        if (function := self._functions.get(name)) is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        try:
            return await self._process(request, function)
        except FunctionFailedError as error:
            log.error("Function '%s' failed: %s", function.name, error.stack)
            return web.Response(status=500, text=f"Exception while executing function: Functions.{function.name}")
        except (ValueError, LookupError, TypeError):
            log.exception("The Event Grid webhook cannot read a delivery for '%s'", function.name)
            return web.Response(status=500)

    async def _process(self, request: web.Request, function: HostFunction) -> web.Response:
        """Processes a delivery with any method. Raises FunctionFailedError, or ValueError for an invalid body."""
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "subscriptionvalidation":
            return web.json_response(
                {"validationResponse": _validation_code(await _json(request))}, content_type="text/plain"
            )
        if kind == "notification":
            content = await _json(request)
            await self._notify(function, content if isinstance(content, list) else [content])
        return web.Response(status=202 if kind in ("notification", "unsubscribe") else 400)

    async def _notify(self, function: HostFunction, events: list[Any]) -> None:
        values = (TypedData(json=json.dumps(event)) for event in events)
        calls = (self._invoker.invoke(function, value) for value in values)
        for outcome in await asyncio.gather(*calls, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome


async def _json(request: web.Request) -> Any:
    """An object or an array. Raises ValueError."""
    content = json.loads(await request.read())
    if not isinstance(content, dict | list):
        raise ValueError(f"neither an object nor an array, but a {type(content).__name__}")
    return content


def _validation_code(content: Any) -> str:
    """In a CloudEvent the data is JSON text."""
    event = content if isinstance(content, dict) else content[0]
    data = event["data"]
    return str((json.loads(data) if isinstance(data, str) else data)["validationCode"])
