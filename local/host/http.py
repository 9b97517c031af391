"""HTTP triggers: routing, keys, and the way through azure.functions' own converters."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from local.host.config import HostError
from local.host.indexing import HostFunction
from local.host.invocation import Invoker
from local.host.keys import Keys
from local.host.routes import Route, parse_route

log = logging.getLogger(__name__)

# The platform's limit for a request's body.
MAX_BODY = 100 * 1024 * 1024


@dataclass(frozen=True)
class HttpFunction:
    function: HostFunction
    route: Route
    methods: frozenset[str]
    auth_level: str

    @classmethod
    def of(cls, function: HostFunction) -> "HttpFunction":
        """Raises HostError for a route that cannot be served."""
        trigger = function.trigger
        try:
            route = parse_route(trigger.get("route", function.name))
        except HostError as error:
            raise HostError(f"function '{function.name}': {error}") from error
        methods = frozenset(method.upper() for method in trigger.get("methods", ()))
        return cls(function, route, methods, trigger.get("authLevel", "function").lower())


class HttpTriggers:
    """All HTTP functions under the route prefix."""

    def __init__(self, functions: list[HostFunction], invoker: Invoker, keys: Keys, prefix: str) -> None:
        self._invoker = invoker
        self._keys = keys
        self._prefix = f"/{prefix}/" if prefix else "/"
        self.functions = sorted(map(HttpFunction.of, functions), key=lambda item: item.route.precedence)
        _check_conflicts(self.functions)

    def url(self, function: HttpFunction) -> str:
        return self._prefix + function.route.template

    async def handle(self, request: web.Request) -> web.Response:
        """404 also for a method that no function takes: so does the platform."""
        found = self._find(request)
        if found is None:
            return web.Response(status=404)
        http, parameters = found
        if not self._keys.opens(request, http.auth_level):
            return web.Response(status=401)
        trigger = await _request_datum(request, parameters)
        try:
            result = await self._invoker.invoke(http.function, trigger)
            return _response(self._invoker.encode("http", result)) if result is not None else web.Response(status=204)
        except Exception:
            log.exception("Function '%s' failed", http.function.name)
            return web.Response(status=500)

    def _find(self, request: web.Request) -> tuple[HttpFunction, dict[str, str]] | None:
        path = request.rel_url.raw_path
        if not path.lower().startswith(self._prefix.lower()):
            return None
        for http in self.functions:
            if http.methods and request.method not in http.methods:
                continue
            if (parameters := http.route.match(path[len(self._prefix) :])) is not None:
                return http, parameters
        return None


def _check_conflicts(functions: list[HttpFunction]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for http in functions:
        for method in http.methods or {"*"}:
            key = (http.route.pattern.pattern.lower(), method)
            if other := seen.get(key):
                name, template = http.function.name, http.route.template
                raise HostError(f"functions '{other}' and '{name}' have the same route '{template}' ({method})")
            seen[key] = http.function.name


async def _request_datum(request: web.Request, parameters: Mapping[str, str]) -> Datum:
    # The Functions host drops a body that comes in chunks.
    body = b"" if "Transfer-Encoding" in request.headers else await request.read()
    return Datum(
        {
            "method": _text(request.method),
            "url": _text(str(request.url)),
            "headers": _texts(request.headers),
            "query": _texts(request.query),
            "params": {name: _text(value) for name, value in parameters.items()},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _text(value: str) -> Datum:
    return Datum(value, "string")


def _texts(values: Any) -> dict[str, Datum]:
    """Several values of one name are joined, empty ones left out, as the Functions host does it."""
    joined = {name.lower(): (name, ",".join(values.getall(name))) for name in values}
    return {name: _text(value) for name, value in joined.values() if value}


def _response(datum: Datum) -> web.Response:
    if datum.type == "string":
        return web.Response(text=datum.value)
    value = datum.value
    response = web.Response(status=int(value["status_code"].value), body=value["body"].value)
    for name, header in value["headers"].items():
        # aiohttp knows the length, and sends the body in one piece.
        if name.lower() not in ("content-length", "transfer-encoding"):
            response.headers.add(name, header.value)
    for cookie in value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.add("Set-Cookie", morsel.OutputString())
    return response
