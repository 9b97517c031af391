"""Case-insensitive routes, as in ARM, each with the api-versions that it accepts."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from local.simulator.wire import Answer, Call
from local.simulator.world import World

Handler = Callable[[World, Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    handler: Handler
    api: str
    """The key of the api-versions that the route accepts (versions.py)."""


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    placeholder: "_Node | None" = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


class Routes:
    """Routes of one module, as decorators; `Router` merges them.

    A template is a path with `{placeholders}`, one segment each. One that starts with `{scope}` belongs to an
    extension resource: any ID may stand before it.
    """

    def __init__(self, api: str) -> None:
        self.api = api
        self.entries: list[tuple[str, str, Route]] = []

    def route(self, methods: str, *templates: str, api: str | None = None) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            route = Route(handler, api or self.api)
            self.entries += [(method, template, route) for template in templates for method in methods.split()]
            return handler

        return register


class Router:
    def __init__(self, *modules: Routes) -> None:
        self._root = _Node()
        self._scoped: list[tuple[re.Pattern[str], dict[str, Route]]] = []
        scoped: dict[str, dict[str, Route]] = {}
        for module in modules:
            for method, template, route in module.entries:
                if template.startswith("{scope}"):
                    scoped.setdefault(template, {})[method] = route
                else:
                    self._insert(method, template, route)
        for template, routes in scoped.items():
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template.removeprefix("{scope}"))
            self._scoped.append((re.compile(f"(?P<scope>.*){pattern}$", re.IGNORECASE), routes))

    def _insert(self, method: str, template: str, route: Route) -> None:
        node = self._root
        for segment in template.strip("/").split("/"):
            if segment.startswith("{"):
                node.placeholder = node.placeholder or _Node(name=segment[1:-1])
                if node.placeholder.name != segment[1:-1]:
                    raise ValueError(f"{template}: {segment} is called {{{node.placeholder.name}}} elsewhere")
                node = node.placeholder
            else:
                node = node.literals.setdefault(segment.lower(), _Node())
        node.routes[method] = route

    def match(self, path: str) -> tuple[dict[str, Route], dict[str, str]]:
        """The routes by method, and the placeholders; no routes for an unknown path."""
        for pattern, routes in self._scoped:
            if found := pattern.match(path):
                return routes, found.groupdict()
        params: dict[str, str] = {}
        node: _Node | None = self._find(self._root, path.strip("/").split("/"), params)
        return (node.routes, params) if node else ({}, {})

    def _find(self, node: _Node, segments: list[str], params: dict[str, str]) -> _Node | None:
        if not segments:
            return node if node.routes else None
        literal = node.literals.get(segments[0].lower())
        if literal and (found := self._find(literal, segments[1:], params)):
            return found
        if node.placeholder and (found := self._find(node.placeholder, segments[1:], params)):
            params[node.placeholder.name] = segments[0]
            return found
        return None
