"""Published schemas of resource types, from two public packages, and values of Bicep held to them.

The Azure MCP server carries Bicep's own type definitions, each type in the newest stable version that it knows. A few
types it lacks: those are told by the models of the management SDKs, which are made from the same descriptions.
"""

import functools
from collections.abc import Iterator
from typing import Any

from tests.infra.azure_mcp import definitions_of
from tests.infra.bicep_values import Choice, Repeated, Unknown
from tests.infra.published_schemas import schema_in
from tests.infra.schema_model import Array, Literals, Object, Property, Schema
from tests.infra.sdk_schemas import schema_of_sdk


@functools.cache
def schema_of(resource_type: str) -> Schema:
    """Raises NoSchemaError."""
    definitions = definitions_of([resource_type])[resource_type]
    return schema_in(definitions, resource_type) if definitions else schema_of_sdk(resource_type)


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
