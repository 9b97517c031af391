"""HTTP triggers: routing, keys, and the conversion of requests and responses as in the Functions host."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookies import Morsel
from urllib.parse import quote

from aiohttp import HttpVersion11, web

from local.host.config import HostError
from local.host.durable.functions import FunctionFailedError
from local.host.indexing import HostFunction
from local.host.invocation import Invoker
from local.host.keys import MASTER, Keys
from local.host.messages import Message, RpcHttp, TypedData
from local.host.paths import encode_path
from local.host.routes import Route, parse_route

log = logging.getLogger(__name__)

_SAME_SITE = {1: "lax", 2: "strict", 3: "none"}


@dataclass(frozen=True)
class HttpFunction:
    function: HostFunction
    route: Route
    methods: frozenset[str]
    auth_level: str

    @classmethod
    def of(cls, function: HostFunction) -> "HttpFunction":
        """The trigger of a function. Raises HostError for an unsupported route."""
        trigger = function.trigger
        try:
            route = parse_route(trigger.get("route") or function.name)
        except HostError as error:
            raise HostError(f"function '{function.name}': {error}") from error
        methods = frozenset(method.upper() for method in trigger.get("methods") or ())
        return cls(function, route, methods, (trigger.get("authLevel") or "function").lower())

    def opens_to(self, level: str | None) -> bool:
        """Whether a key of this level may call the function."""
        return self.auth_level == "anonymous" or level in (self.auth_level, MASTER)


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

    async def handle(self, request: web.Request) -> web.Response | None:
        """The response, or None if no function has the route and method."""
        found = self._find(request)
        if found is None:
            return None
        http, parameters = found
        level = self._keys.level(request)
        if not http.opens_to(level):
            return web.Response(status=401)
        if http.function.disabled and level != MASTER:
            return web.Response(status=404)
        try:
            value = await self._invoker.invoke(http.function, TypedData(http=await _message(request, parameters)))
        except FunctionFailedError as error:
            log.error("Function '%s' failed: %s", http.function.name, error.stack)
            return web.Response(status=500)
        return _response(request, value)

    def _find(self, request: web.Request) -> tuple[HttpFunction, dict[str, str]] | None:
        path: str = request["path"]
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


async def _message(request: web.Request, parameters: Mapping[str, str]) -> RpcHttp:
    """The request as the worker gets it. A body without Content-Length is dropped, as in the Functions host."""
    if request.content_length:
        body = TypedData(bytes=await request.read())
    else:
        await request.release()
        body = TypedData()
    query = request.raw_path.partition("?")[2]
    return RpcHttp(
        method=request.method,
        url=f"http://{request.host}{encode_path(request['path'])}{query and f'?{query}'}",
        headers={name.lower(): value for name, value in _joined(request.headers.items()).items()},
        query={name: value for name, value in _joined(request.query.items()).items() if value},
        params=dict(parameters),
        body=body,
    )


def _joined(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Joins values of names that differ only in case into one text, under the first spelling."""
    joined: dict[str, tuple[str, list[str]]] = {}
    for name, value in items:
        joined.setdefault(name.lower(), (name, []))[1].append(value)
    return {name: ",".join(values) for name, values in joined.values()}


def _response(request: web.Request, value: TypedData | None) -> web.Response:
    """The response, in chunked encoding as from the Functions host."""
    if value is None:
        return web.Response(status=200)
    if value.WhichOneof("data") == "string":
        response = web.Response(text=value.string)
    else:
        answer: Message = value.http
        response = web.Response(status=int(answer.status_code), body=answer.body.bytes)
        for name, header in answer.headers.items():
            # The web server frames the body.
            if name.lower() not in ("content-length", "transfer-encoding"):
                response.headers.add(name, header)
        for cookie in answer.cookies or ():
            response.headers.add("Set-Cookie", _cookie(cookie))
    if response.body and request.version >= HttpVersion11:
        response.enable_chunked_encoding()
    return response


def _cookie(cookie: Message) -> str:
    """The attributes that the worker passes on; the value is escaped."""
    morsel: Morsel[str] = Morsel()
    value = quote(cookie.value, "")
    morsel.set(cookie.name, value, value)
    for name in ("domain", "path", "secure", "max_age"):
        if (field := getattr(cookie, name)) is not None:
            morsel[name.replace("_", "-")] = int(field.value) if name == "max_age" else field.value
    if cookie.http_only is not None:
        morsel["httponly"] = cookie.http_only.value
    if cookie.expires is not None:
        moment = datetime.fromtimestamp(cookie.expires.value.seconds, UTC)
        morsel["expires"] = f"{moment:%a, %d %b %Y %H:%M:%S} GMT"
    if same_site := _SAME_SITE.get(cookie.same_site):
        morsel["samesite"] = same_site
    return morsel.OutputString()
