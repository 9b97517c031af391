"""The admin routes, and the page at `/`."""

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from local.host.indexing import HostFunction
from local.host.keys import MASTER, Keys

PREFIX = "/admin/"
_HOME = "<!DOCTYPE html><html><body>The local Azure Functions host is up and running.</body></html>"
_STARTED = time.monotonic()


class Admin:
    """`run` starts a timer function by its lower-case name."""

    def __init__(self, functions: list[HostFunction], keys: Keys, run: Mapping[str, Callable[[], None]]) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._keys = keys
        self._run = run

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Handles an admin request. `path` is lower-case and begins with PREFIX."""
        area, _, name = path.removeprefix(PREFIX).partition("/")
        if area == "host" and name == "ping" and request.method in ("GET", "POST"):
            return web.Response(headers={"Cache-Control": "no-store,no-cache"})
        if area not in ("host", "functions"):
            return web.Response(status=404)
        if refusal := self._keys.refusal(request, MASTER):
            return refusal
        if area == "host" and name == "status" and request.method == "GET":
            return web.json_response({"state": "Running", "processUptime": int((time.monotonic() - _STARTED) * 1000)})
        if area == "functions" and request.method == "GET":
            return self._read(name)
        if area == "functions" and request.method == "POST" and name:
            return await self._begin(request, name)
        return web.Response(status=404)

    def _read(self, name: str) -> web.Response:
        if name and name not in self._functions:
            return web.Response(status=404)
        described = [_describe(function) for key, function in self._functions.items() if name in ("", key)]
        return web.json_response(described[0] if name else described)

    async def _begin(self, request: web.Request, name: str) -> web.Response:
        """Starts a timer function and returns 202 at once."""
        body = await request.read()
        if body and "json" not in request.headers.get("Content-Type", ""):
            return web.Response(status=415)
        if not _is_object(body):
            return web.Response(status=400)
        if name not in self._functions:
            return web.Response(status=404)
        if (run := self._run.get(name)) is None:
            return web.Response(status=400, text=f"The local host runs only timer functions by hand: '{name}' is none.")
        run()
        return web.Response(status=202)


def home_page() -> web.Response:
    """The response of `/` if no function has that route."""
    if os.environ.get("AzureWebJobsDisableHomepage", "").lower() == "true":  # noqa: SIM112
        return web.Response(status=204)
    return web.Response(text=_HOME, content_type="text/html")


def _describe(function: HostFunction) -> dict[str, Any]:
    bindings = [function.trigger, *function.inputs]
    return {
        "name": function.name,
        "language": "python",
        "isDisabled": function.disabled,
        "config": {"bindings": bindings},
    }


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except ValueError:
        return False
