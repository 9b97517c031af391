"""The host: the app's functions with their triggers, start and stop."""

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from local.host import admin, eventgrid, http
from local.host.config import HostConfig
from local.host.durable.backend import PUBLIC_PATH, DurableApp, open_durable
from local.host.durable.functions import Function
from local.host.indexing import HostFunction
from local.host.invocation import Invoker
from local.host.keys import Keys
from local.host.limits import MAX_BODY, SERVER_OPTIONS, platform_limits
from local.host.listening import serve_app, url_of
from local.host.messages import TypedData
from local.host.timers import TimerTrigger

log = logging.getLogger(__name__)

DURABLE_KEY = "durabletask_extension"


class Host:
    """A loaded app. Raises HostError for a trigger that is not supported."""

    def __init__(self, functions: list[HostFunction], config: HostConfig, keys: Keys, state_dir: Path) -> None:
        self._functions = functions
        self._keys = keys
        self._invoker = Invoker()
        self._http = http.HttpTriggers(_of(functions, "httpTrigger"), self._invoker, keys, config.route_prefix)
        self._timers = {f.name.lower(): TimerTrigger(f, self._invoker) for f in _of(functions, "timerTrigger")}
        webhook_functions = {f.name: f for f in _of(functions, "eventGridTrigger") if not f.disabled}
        self._eventgrid = eventgrid.EventGridWebhook(webhook_functions, self._invoker, keys)
        app = DurableApp(
            self._durable_functions(_of(functions, "orchestrationTrigger"), "orchestration"),
            self._durable_functions(_of(functions, "activityTrigger"), "activity"),
            system_key=keys.system[DURABLE_KEY],
            hub_name=config.hub_name,
            max_orchestrators=config.max_orchestrators,
            max_activities=config.max_activities,
            default_version=config.default_version,
            options=config.durable_options,
        )
        self._durable = open_durable(app, state_dir, os.environ.get("DURABLE_HOST"))
        self._tasks: set[asyncio.Task[None]] = set()
        self._admin = admin.Admin(functions, keys, {name: self._by_hand(timer) for name, timer in self._timers.items()})

    async def serve(self, listener: socket.socket, ready_file: Path) -> None:
        """Serves until SIGTERM or SIGINT. Writes the host's address to the file once it accepts requests."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        url = url_of(listener)
        await self._durable.start(url, self._bind_client)
        runner = await serve_app(self._public_app(), listener, **SERVER_OPTIONS)
        scheduled = [timer for timer in self._timers.values() if not timer.function.disabled]
        timers = [asyncio.create_task(timer.run_on_schedule()) for timer in scheduled]
        self._announce(url, ready_file)
        await stop.wait()
        log.info("Stopping")
        for task in (*timers, *self._tasks):
            task.cancel()
        await self._durable.stop()
        await runner.cleanup()
        self._invoker.close()

    def _bind_client(self, binding: str) -> None:
        self._invoker.client_binding = binding

    def _durable_functions(self, functions: Iterable[HostFunction], name_key: str) -> dict[str, Function]:
        """The durable functions by the name under which an orchestrator calls them."""
        enabled = (f for f in functions if not f.disabled)
        return {f.trigger.get(name_key) or f.name: self._durable_function(f) for f in enabled}

    def _durable_function(self, function: HostFunction) -> Function:
        async def call(text: str) -> str:
            value = await self._invoker.invoke(function, TypedData(string=text))
            answer: str = value.json if value else "null"
            return answer

        return call

    def _by_hand(self, timer: TimerTrigger) -> Callable[[], None]:
        def run() -> None:
            task = asyncio.create_task(timer.run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return run

    def _public_app(self) -> web.Application:
        durable = web.Application(middlewares=[self._needs_durable_key])
        durable.add_routes(self._durable.public_routes())
        app = web.Application(middlewares=[platform_limits], client_max_size=MAX_BODY)
        app.add_subapp(PUBLIC_PATH, durable)
        app.add_routes([web.route("*", "/{path:(?s:.*)}", self._dispatch)])
        return app

    @web.middleware
    async def _needs_durable_key(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if refusal := self._keys.refusal(request, DURABLE_KEY):
            return refusal
        response: web.StreamResponse = await handler(request)
        return response

    async def _dispatch(self, request: web.Request) -> web.Response:
        path = request["path"].lower()
        if path.rstrip("/") == eventgrid.PATH:
            return await self._eventgrid.handle(request)
        if path.startswith(admin.PREFIX):
            return await self._admin.handle(request, path.rstrip("/"))
        if response := await self._http.handle(request):
            return response
        return admin.home_page() if path == "/" else web.Response(status=404)

    # The messages at the start

    def _announce(self, url: str, ready_file: Path) -> None:
        described = [self._describe(function, url) for function in self._functions]
        print("Functions:\n")
        for item in described:
            methods = f"[{','.join(item['methods'])}] " if item.get("methods") else ""
            where = "disabled" if item.get("disabled") else item.get("url") or item.get("schedule") or ""
            print(f"  {item['name']}: {item['type']} {methods}{where}".rstrip())
        print(f"\nListening on {url}", flush=True)
        ready = {"url": url, "pid": os.getpid(), "functions": described}
        temporary = ready_file.with_suffix(".new")
        temporary.write_text(json.dumps(ready, indent=2))
        temporary.replace(ready_file)

    def _describe(self, function: HostFunction, url: str) -> dict[str, Any]:
        described: dict[str, Any] = {"name": function.name, "type": function.kind}
        if function.disabled:
            described["disabled"] = True
        for item in self._http.functions:
            if item.function is function:
                described |= {"methods": sorted(item.methods), "url": url + self._http.url(item)}
        if timer := self._timers.get(function.name.lower()):
            described["schedule"] = timer.expression
        if function.kind == "eventGridTrigger":
            described["url"] = f"{url}/runtime/webhooks/EventGrid?functionName={function.name}"
        return described


def _of(functions: list[HostFunction], kind: str) -> list[HostFunction]:
    return [function for function in functions if function.kind == kind]
