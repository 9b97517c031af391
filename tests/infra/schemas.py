"""Published schemas of resource types, from two public packages, and values of Bicep held to them.

The Azure MCP server carries Bicep's own type definitions and tells them offline, each type in the newest stable version
that it knows. A few types it lacks: those are told by the models of the management SDKs, which are made from the same
descriptions. What the server answers is kept in .local/, by its version: it starts anew for each question.
"""

import functools
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infra.bicep import Choice, Repeated, Unknown

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".venv-infra" / "bin"
_CACHE = ROOT / ".local" / "bicep-schemas"


@dataclass(frozen=True)
class Literals:
    """A text out of these."""

    values: frozenset[str]


@dataclass(frozen=True)
class Array:
    item: Any


@dataclass(frozen=True)
class Property:
    type: Any
    required: bool = False
    read_only: bool = False


@dataclass
class Object:
    """`others` is the type of properties of any name. Of several `kinds` the property `discriminator` tells which."""

    name: str
    properties: dict[str, Property] = field(default_factory=dict)
    others: Any = None
    discriminator: str = ""
    kinds: dict[str, "Object"] = field(default_factory=dict)


@dataclass(frozen=True)
class Schema:
    """A resource type in one api-version. A scalar type is `string`, `int`, `bool`, `object` or `any`."""

    version: str
    body: Object


class NoSchemaError(LookupError):
    """No public package tells of the resource type."""


@functools.cache
def schema_of(resource_type: str) -> Schema:
    """Raises NoSchemaError."""
    answer = _asked(resource_type)
    if answer is not None:
        return _Published(answer).schema(resource_type)
    from tests.infra.sdk_schemas import schema_of_sdk

    return schema_of_sdk(resource_type)


def fetch(resource_types: set[str]) -> None:
    """Asks for many at once, so that a first run takes half the time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_asked, sorted(resource_types)))


def check(value: Any, expected: Any, where: str) -> Iterator[str]:
    """Where a value that is sent differs from its type."""
    if isinstance(value, Choice):
        for option in value.options:
            yield from check(option, expected, where)
    elif value is None or expected in ("any", None) or value == Unknown():
        return
    elif isinstance(expected, Array):
        yield from _check_array(value, expected, where)
    elif isinstance(expected, Object):
        yield from _check_object(value, expected, where)
    else:
        yield from _check_scalar(value, expected, where)


def _check_array(value: Any, expected: Array, where: str) -> Iterator[str]:
    items = [value.item] if isinstance(value, Repeated) else value
    if isinstance(items, list):
        for index, item in enumerate(items):
            yield from check(item, expected.item, f"{where}[{index}]")
    elif value != Unknown("array"):
        yield f"{where}: {value!r} is no array"


def _check_object(value: Any, expected: Object, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        if value != Unknown("object"):
            yield f"{where}: {value!r} is no object ({expected.name})"
        return
    if expected.discriminator:
        yield from _check_kind(value, expected, where)
        return
    for name, known in expected.properties.items():
        if known.required and name not in value:
            yield f"{where}.{name}: required by {expected.name}, missing"
    for name, item in value.items():
        known = expected.properties.get(name) or Property(expected.others)
        if known.type is None:
            yield f"{where}.{name}: not a property of {expected.name}"
        elif known.read_only:
            yield f"{where}.{name}: read-only in {expected.name}"
        else:
            yield from check(item, known.type, f"{where}.{name}")


def _check_kind(value: dict[str, Any], expected: Object, where: str) -> Iterator[str]:
    """Of an object whose type is told by a property, as that type: or as each of those that it may be."""
    told = value.get(expected.discriminator)
    for option in told.options if isinstance(told, Choice) else (told,):
        kind = expected.kinds.get(option)
        if kind is None:
            yield f"{where}.{expected.discriminator}: {option!r} is none of {', '.join(sorted(expected.kinds))}"
        else:
            together = Object(kind.name, {**expected.properties, **kind.properties}, kind.others)
            yield from _check_object(value, together, where)


def _check_scalar(value: Any, expected: Any, where: str) -> Iterator[str]:
    if isinstance(expected, Literals):
        if value != Unknown("string") and value not in expected.values:
            yield f"{where}: {value!r} is none of {', '.join(sorted(expected.values))}"
        return
    given = value.type if isinstance(value, Unknown) else _SCALARS.get(type(value), "object")
    if expected != given:
        yield f"{where}: {value!r} is no {expected}"


_SCALARS = {str: "string", bool: "bool", int: "int", list: "array", Repeated: "array"}


def _asked(resource_type: str) -> list[dict[str, Any]] | None:
    """The server's answer; None if it has no schema of the type."""
    kept = _CACHE / _server_version() / f"{resource_type.replace('/', '_')}.json"
    if not kept.exists():
        command = [str(TOOLS / "azmcp"), "bicepschema", "get", "--resource-type", resource_type]
        quiet = {**os.environ, "AZURE_MCP_COLLECT_TELEMETRY": "false"}
        ran = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, env=quiet, timeout=120
        )
        told = json.loads(ran.stdout)
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Another test process may write the same: each puts a whole file in its place.
        written = kept.with_suffix(f".{os.getpid()}")
        written.write_text(json.dumps((told.get("results") or {}).get("BicepSchemaResult")))
        written.replace(kept)
    answer: list[dict[str, Any]] | None = json.loads(kept.read_text())
    return answer


@functools.cache
def _server_version() -> str:
    installed = list((TOOLS.parent / "lib").glob("python*/site-packages/msmcp_azure-*.dist-info"))
    if not installed:
        raise FileNotFoundError(f"{TOOLS} lacks the tools of these checks: make .venv-infra/ready")
    return installed[0].name.removesuffix(".dist-info")


class _Published:
    """The server's answer: resources and the types that they name."""

    def __init__(self, answer: list[dict[str, Any]]) -> None:
        self._resources = [each for each in answer if each["$type"] == "Resource"]
        self._types = {each["name"]: each for each in answer if each["$type"].endswith("Object")}
        self._made: dict[str, Object] = {}

    def schema(self, resource_type: str) -> Schema:
        [found] = [each for each in self._resources if each["name"].lower().startswith(f"{resource_type.lower()}@")]
        body = self._object(found["bodyType"])
        # What Bicep says by the declaration itself, or as relations of resources.
        for each in (body, *body.kinds.values()):
            each.properties.update({name: Property("any") for name in ("parent", "scope", "dependsOn")})
        return Schema(found["name"].partition("@")[2], body)

    def _object(self, told: dict[str, Any]) -> Object:
        made = Object(told.get("name") or "resource")
        self._made[made.name] = made
        listed = told.get("properties") or told.get("baseProperties") or ()
        made.properties = {each["name"]: self._property(each) for each in listed}
        if told.get("additionalPropertiesType"):
            made.others = self._type(told["additionalPropertiesType"])
        if told["$type"] == "DiscriminatedObject":
            made.discriminator = told["discriminator"]
            for element in told["elements"]:
                [literal] = [each["type"] for each in element["properties"] if each["name"] == made.discriminator]
                made.kinds[literal] = self._object(element)
                # The literal may be the name of a type as well.
                made.kinds[literal].properties[made.discriminator] = Property("any", required=True)
        return made

    def _property(self, told: dict[str, Any]) -> Property:
        flags = told.get("flags") or ""
        return Property(self._type(told["type"]), "Required" in flags, "ReadOnly" in flags)

    def _type(self, told: str) -> Any:
        if told.endswith("[]"):
            return Array(self._type(told[:-2]))
        if told in {"string", "int", "bool", "any", "object"}:
            return told
        if told in self._made or told in self._types:
            return self._made.get(told) or self._object(self._types[told])
        # An enumeration. One that is open says so by `string`: a value that it does not list is a doubt all the same.
        return Literals(frozenset(told.split(" | ")) - {"string"})
