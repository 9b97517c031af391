"""Checks JSON bodies against the generated models of the azure-mgmt-* packages.

A model is a class whose annotated attributes are `rest_field`s. The annotation says the type and whether the property
is required (not Optional); the field says its name on the wire, whether it is read-only, and whether it is the
discriminator that chooses a subclass out of `__mapping__`. Nothing public tells the same. A model of the older kind has
an `_attribute_map` and a `_validation`.
"""

import datetime
import enum
import functools
import re
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["error", "unlisted value", "unknown key"]


@dataclass(frozen=True)
class Finding:
    """One place where an exchange and the models disagree.

    `where` is a JSON path such as `request$.properties.policyId`, or `route`, `status`, `api-version`, `headers`. Only
    an `error` breaks the contract. Enumerations of Azure are open, and the service answers with properties that its
    description does not mention: in responses those have kinds of their own.
    """

    where: str
    what: str
    given: str = ""
    allowed: str = ""
    kind: Kind = "error"

    def __str__(self) -> str:
        given = f", given {self.given}" if self.given else ""
        return f"{self.where}: {self.what}{given}" + (f", allowed {self.allowed}" if self.allowed else "")


@dataclass(frozen=True)
class _Property:
    annotation: Any
    required: bool
    read_only: bool


def check_json(value: Any, annotation: Any, where: str, *, sent: bool) -> Iterator[Finding]:
    """Findings of a JSON value against a model class, or any annotation found in one. Request bodies are `sent`."""
    options = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    if annotation is Any or (value is None and types.NoneType in options):
        return
    [expected, *enums] = sorted((o for o in options if o is not types.NoneType), key=_is_enum)
    if enums:
        yield from _check_listed(value, [member.value for member in enums[0]], where, sent)
    elif typing.get_origin(expected) is Literal:
        yield from _check_listed(value, list(typing.get_args(expected)), where, sent)
    elif typing.get_origin(expected) in (list, dict):
        yield from _check_many(value, expected, where, sent)
    elif getattr(expected, "_is_model", False) or hasattr(expected, "_attribute_map"):
        yield from _check_object(value, expected, where, sent)
    elif expected is not Any and not _SCALARS[expected](value):
        yield Finding(where, "wrong type", _show(value), expected.__name__)


def _check_listed(value: Any, allowed: list[Any], where: str, sent: bool) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield Finding(where, "wrong type", _show(value), "str")
    elif value not in allowed:
        listed = ", ".join(map(str, allowed))
        yield Finding(where, "value not in the enumeration", _show(value), listed, _kind_of_unlisted(sent))


def _check_many(value: Any, annotation: Any, where: str, sent: bool) -> Iterator[Finding]:
    container, entry = typing.get_origin(annotation), typing.get_args(annotation)[-1]
    if not isinstance(value, container):
        yield Finding(where, "wrong type", _show(value), container.__name__)
        return
    for key, item in value.items() if container is dict else enumerate(value):
        yield from check_json(item, entry, f"{where}.{key}" if container is dict else f"{where}[{key}]", sent=sent)


def _check_object(value: Any, model: type, where: str, sent: bool) -> Iterator[Finding]:
    if not isinstance(value, dict):
        yield Finding(where, "wrong type", _show(value), f"object ({model.__name__})")
        return
    if subtypes := _subtypes_of(model):
        name = _discriminator_of(model)
        given = value.get(name)
        if not isinstance(given, str) or given not in subtypes:
            # An object of unknown type cannot be checked further.
            yield _unknown_subtype(f"{where}.{name}", given, subtypes, sent)
            return
        model = subtypes[given]
    known = _properties_of(model)
    for name, expected in known.items():
        if expected.required and name not in value and not (sent and expected.read_only):
            yield Finding(f"{where}.{name}", f"required by {model.__name__}, missing")
    for name, item in value.items():
        at = f"{where}.{name}"
        if name not in known:
            yield Finding(at, f"not a property of {model.__name__}", kind="error" if sent else "unknown key")
        elif sent and known[name].read_only:
            yield Finding(at, f"read-only in {model.__name__}", _show(item))
        else:
            yield from check_json(item, known[name].annotation, at, sent=sent)


@functools.cache
def _subtypes_of(model: Any) -> dict[str, Any]:
    """Discriminator value to subclass, subclasses of subclasses included."""
    # A class without subclasses inherits the `__mapping__` of its base.
    direct: dict[str, Any] = vars(model).get("__mapping__", {})
    return direct | {value: leaf for child in direct.values() for value, leaf in _subtypes_of(child).items()}


def _discriminator_of(model: Any) -> str:
    [name] = (f._rest_name_input or n for n, f in vars(model).items() if getattr(f, "_is_discriminator", False))
    return str(name)


def _unknown_subtype(where: str, given: Any, subtypes: dict[str, Any], sent: bool) -> Finding:
    if given is None:
        return Finding(where, "required to tell the type, missing")
    allowed = ", ".join(sorted(subtypes))
    return Finding(where, "unknown discriminator", _show(given), allowed, _kind_of_unlisted(sent))


def _kind_of_unlisted(sent: bool) -> Kind:
    return "error" if sent else "unlisted value"


@functools.cache
def _properties_of(model: type) -> dict[str, _Property]:
    """Wire name to property, inherited ones included."""
    if hasattr(model, "_attribute_map"):
        return _properties_before(model)
    package = sys.modules[model.__module__.removesuffix("._models")]
    annotations = typing.get_type_hints(model, localns={"_models": package})
    fields = {
        name: f for base in reversed(model.__mro__) for name, f in vars(base).items() if hasattr(f, "_visibility")
    }
    return {
        field._rest_name_input or name: _Property(
            annotation=annotations[name],
            required=types.NoneType not in typing.get_args(annotations[name]),
            read_only=field._visibility == ["read"],
        )
        for name, field in fields.items()
    }


def _properties_before(model: Any) -> dict[str, _Property]:
    """Of a model of the older kind, whose types are `str`, `[str]`, `{str}` or the name of a model."""
    package = sys.modules[model.__module__.removesuffix("._models_py3")]

    def annotation(text: str) -> Any:
        if text[0] in "[{":
            inner = annotation(text[1:-1])
            return types.GenericAlias(list, inner) if text[0] == "[" else types.GenericAlias(dict, (str, inner))
        return _TYPES_BEFORE.get(text) or getattr(package, text)

    rules = {name: model._validation.get(name, {}) for name in model._attribute_map}
    return {
        each["key"]: _Property(
            annotation=annotation(each["type"]),
            required=rules[name].get("required", False),
            read_only=rules[name].get("readonly", False),
        )
        for name, each in model._attribute_map.items()
    }


_TYPES_BEFORE: dict[str, Any] = {"str": str, "int": int, "bool": bool, "object": Any}


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def _is_enum(annotation: Any) -> bool:
    return isinstance(annotation, enum.EnumMeta)


def _is_time(value: Any) -> bool:
    try:
        datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


_DURATION = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?")
_SCALARS: dict[Any, typing.Callable[[Any], bool]] = {
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    int: lambda value: isinstance(value, int) and not isinstance(value, bool),
    float: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    bytes: lambda value: isinstance(value, str),
    datetime.datetime: _is_time,
    datetime.timedelta: lambda value: isinstance(value, str) and _DURATION.fullmatch(value) is not None,
}


def _show(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."
