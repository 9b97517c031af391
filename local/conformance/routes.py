"""The routes of Azure Resource Manager that the installed azure-mgmt-* packages know.

The packages are generated from Microsoft's API descriptions, and their generated code still says what the descriptions
said. Each `build_*_request` function holds a method, a path template and an api-version; each method of an operations
class that calls one holds the models of both bodies and the status codes it takes for success. They are read from the
source text: at run time they are local to a function body and out of reach. Two generations of generated code are
known: the package of Resource Graph is of the older.
"""

import functools
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = (
    "azure.mgmt.recoveryservicessiterecovery",
    "azure.mgmt.compute",
    "azure.mgmt.resource.resources",
    "azure.mgmt.resourcegraph",
)
_OPERATIONS = {"azure.mgmt.resourcegraph": "_resource_graph_client_operations"}

_BODY_PARAMETER = re.compile(r"\w+: (?P<optional>Optional\[)?Union\[_models\.(?P<model>\w+), [^\]]*IO\[bytes\]\]")
_DESERIALIZED = re.compile(r"\b_deserialize\((?P<many>List\[)?_models\.(?P<model>\w+)\]?, (?P<source>[\w.]+)")
_DESERIALIZED_BEFORE = re.compile(r"\b_deserialize\('(?P<model>\w+)', pipeline_response\.http_response\)")


@dataclass(frozen=True)
class Route:
    """One operation of one SDK.

    `request` and `response` are model classes (`response` may be `list[Model]`), None where no body is expected. A
    `paged` response has it under `value`. `api_version` is None where the caller chooses it, as for generic resources.
    """

    operation: str
    method: str
    template: str
    pattern: re.Pattern[str]
    api_version: str | None
    statuses: frozenset[int]
    request: Any = None
    request_required: bool = False
    response: Any = None
    paged: bool = False

    @property
    def literal_length(self) -> int:
        return len(re.sub(r"\{\w+\}", "", self.template))


@dataclass(frozen=True)
class _Builder:
    method: str
    template: str
    pattern: re.Pattern[str]
    api_version: str | None


@functools.cache
def routes_of(package: str) -> tuple[Route, ...]:
    """Every route of one SDK package."""
    module = importlib.import_module(f"{package}.operations.{_OPERATIONS.get(package, '_operations')}")
    models = importlib.import_module(f"{package}.models")
    found = dict(_definitions(Path(str(module.__file__)).read_text(encoding="utf-8")))
    builders = {
        name: _read_builder(_plain(text)) for name, text in found.items() if re.fullmatch(r"build_\w+_request", name)
    }
    classes = ((name, text) for name, text in found.items() if text.startswith("class "))
    return tuple(route for name, text in classes for route in _read_operations(name, text, builders, models))


@functools.lru_cache(maxsize=4096)
def find_route(method: str, path: str) -> Route | None:
    """The most specific route for a path without its query; ARM compares paths without regard to case.

    The routes of the generic resources client fit every resource, so they do not count here.
    """
    every = (route for package in PACKAGES for route in routes_of(package))
    fitting = [r for r in every if r.method == method and not _is_generic(r) and r.pattern.fullmatch(path)]
    return max(fitting, key=lambda route: route.literal_length, default=None)


@functools.cache
def find_generic_route(method: str) -> Route | None:
    """The route by which the generic resources client reaches any resource, by its id alone."""
    resources = routes_of("azure.mgmt.resource.resources")
    return next((r for r in resources if r.method == method and r.template == "/{resourceId}"), None)


def _is_generic(route: Route) -> bool:
    return "{resourceId}" in route.template or "{parentResourcePath}" in route.template


def _definitions(source: str, indent: str = "") -> Iterator[tuple[str, str]]:
    """Name and text of each function and class of that depth."""
    for text in re.split(rf"^{indent}(?=def |class )", source, flags=re.MULTILINE):
        if named := re.match(r"(?:def|class) (\w+)", text):
            yield named[1], text


def _plain(source: str) -> str:
    """The source in one line, as the patterns below expect it. Python's own parser takes four times as long."""
    text = re.sub(r"\s*#[^\n]*", "", source.replace('"', "'"))
    text = re.sub(r"\s+", " ", text).replace("' '", "")
    text = re.sub(r"= \( ?('[^']*') ?\)", r"= \1", text)
    return re.sub(r",? ([)\]}])", r"\1", re.sub(r"([(\[{]) ", r"\1", text))


def _read_builder(source: str) -> _Builder:
    template = _only(r"_url = (?:kwargs\.pop\('template_url', )?'(/[^']*)'", source)
    many_segments = set(re.findall(r"'(\w+)': _SERIALIZER\.url\([^)]*skip_quote=True", source))
    parts = re.split(r"\{(\w+)\}", template)
    parts[0::2] = [re.escape(literal) for literal in parts[0::2]]
    parts[1::2] = [".+" if parameter in many_segments else "[^/]+" for parameter in parts[1::2]]
    return _Builder(
        method=_only(r"HttpRequest\(method='([A-Z]+)'", source),
        template=template,
        pattern=re.compile("".join(parts), re.IGNORECASE),
        api_version=next(iter(re.findall(r"_params\.pop\('api-version', '([\w-]+)'\)", source)), None),
    )


def _read_operations(group: str, text: str, builders: dict[str, _Builder], models: ModuleType) -> Iterator[Route]:
    # Overloads come first under the same name: the last definition is the one that runs.
    methods = {name: _plain(method) for name, method in dict(_definitions(text, "    ")).items()}
    for name, source in methods.items():
        # A long-running operation is two methods: `_create_initial` sends, `begin_create` reads the result.
        result = methods.get(re.sub(r"^_(\w+)_initial$", r"begin_\1", name), "")
        for builder in re.findall(r"\b(build_\w+_request)\(", source):
            yield _read_route(f"{group}.{name}", builders[builder], source, result, models)


def _read_route(operation: str, builder: _Builder, source: str, result: str, models: ModuleType) -> Route:
    statuses = _only(r"response\.status_code not in \[([\d, ]+)\]", source)
    body = _BODY_PARAMETER.search(source)
    # `_failsafe_deserialize` and a bare `response` as the source belong to error bodies.
    answers = [
        m for m in _DESERIALIZED.finditer(source + result) if m["source"] in ("response.json", "deserialized.get")
    ]
    answer = answers[0] if answers else None
    named = answer or _DESERIALIZED_BEFORE.search(source)
    model = getattr(models, named["model"]) if named else None
    return Route(
        operation=operation,
        method=builder.method,
        template=builder.template,
        pattern=builder.pattern,
        api_version=builder.api_version,
        statuses=frozenset(int(status) for status in statuses.split(",")),
        request=getattr(models, body["model"]) if body else None,
        request_required=body is not None and not body["optional"],
        response=list[model] if answer and answer["many"] else model,  # type: ignore[valid-type]
        paged=answer is not None and answer["source"] == "deserialized.get",
    )


def _only(pattern: str, source: str) -> str:
    [found] = set(re.findall(pattern, source))
    return str(found)
