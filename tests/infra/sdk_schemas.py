"""Schemas out of the models of management SDKs, for resource types of which Bicep's own are not to be had offline."""

import enum
import functools
import importlib
import re
import types
import typing
from importlib import resources
from typing import Any

from tests.infra.schema_model import Array, Literals, NoSchemaError, Object, Property, Schema

# Resource type: package, model, and the file of the package that tells the api-version.
_SDKS = {
    "Microsoft.DurableTask/schedulers": ("durabletask", "Scheduler", "_configuration.py"),
    "Microsoft.DurableTask/schedulers/taskHubs": ("durabletask", "TaskHub", "_configuration.py"),
    "Microsoft.Insights/actionGroups": (
        "monitor", "ActionGroupResource", "operations/_action_groups_operations.py",
    ),
    "Microsoft.Insights/metricAlerts": (
        "monitor", "MetricAlertResource", "operations/_metric_alerts_operations.py",
    ),
    "Microsoft.Insights/scheduledQueryRules": (
        "monitor", "ScheduledQueryRuleResource", "operations/_scheduled_query_rules_operations.py",
    ),
    "Microsoft.Network/privateDnsZones": ("privatedns", "PrivateZone", "_configuration.py"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": (
        "privatedns", "VirtualNetworkLink", "_configuration.py",
    ),
}  # fmt: skip


def schema_of_sdk(resource_type: str) -> Schema:
    """Raises NoSchemaError."""
    if resource_type not in _SDKS:
        raise NoSchemaError(resource_type)
    package, model, file = _SDKS[resource_type]
    name = f"azure.mgmt.{package}"
    source = resources.files(name).joinpath(file).read_text()
    version = max(re.findall(r'"(20\d\d-\d\d-\d\d)"', source))
    models = importlib.import_module(f"{name}.models")
    body = _of_model(getattr(models, model))
    names = {"name": Property("string", required=True)} | {each: Property("any") for each in ("parent", "dependsOn")}
    return Schema(version, Object(body.name, body.properties | names))


@functools.cache
def _of_model(model: Any) -> Object:
    made = Object(model.__name__)
    if hasattr(model, "_attribute_map"):
        _fill_from_map(made, model)
    else:
        _fill_from_fields(made, model)
    return made


def _fill_from_map(made: Object, model: Any) -> None:
    """An older model: a map of attributes, in which `properties.enabled` is a property of a property."""
    for attribute, told in model._attribute_map.items():
        rules = model._validation.get(attribute, {})
        *outer, name = re.split(r"(?<!\\)\.", told["key"])
        at = made
        for each in outer:
            inside = Property(Object(f"{made.name}.{each}"))
            at = at.properties.setdefault(each, inside).type
        # A constant is one the SDK fills in itself.
        required = bool(rules.get("required")) and not rules.get("readonly")
        at.properties[name.replace("\\", "")] = Property(
            _of_mapped(told["type"], model), required, bool(rules.get("readonly"))
        )
    subtypes = vars(model).get("_subtype_map")
    if subtypes:
        [(attribute, kinds)] = subtypes.items()
        made.discriminator = model._attribute_map[attribute]["key"].replace("\\", "")
        models = importlib.import_module(model.__module__)
        made.kinds = {value: _of_model(getattr(models, kind)) for value, kind in kinds.items()}


def _of_mapped(told: str, model: Any) -> Any:
    if told.startswith("["):
        return Array(_of_mapped(told[1:-1], model))
    if told.startswith("{"):
        return Object("a dictionary", others=_of_mapped(told[1:-1], model))
    scalar = {"str": "string", "bool": "bool", "int": "int", "float": "int", "duration": "string", "iso-8601": "string"}
    if told in scalar:
        return scalar[told]
    found: Any = getattr(importlib.import_module(model.__module__.rpartition(".")[0]), told, None)
    if isinstance(found, enum.EnumMeta):
        return Literals(_values(found)) if issubclass(found, str) else "int"
    return _of_model(found) if found is not None else "any"


def _fill_from_fields(made: Object, model: Any) -> None:
    """A newer model: annotated attributes, each with its name on the wire."""
    package = importlib.import_module(model.__module__.removesuffix("._models"))
    annotations = typing.get_type_hints(model, localns={"_models": package})
    for base in reversed(model.__mro__):
        for name, found in vars(base).items():
            if hasattr(found, "_visibility"):
                annotation = annotations[name]
                made.properties[found._rest_name_input or name] = Property(
                    _of_annotation(annotation),
                    types.NoneType not in typing.get_args(annotation),
                    found._visibility == ["read"],
                )


def _of_annotation(annotation: Any) -> Any:
    options = [each for each in typing.get_args(annotation) if each is not types.NoneType]
    if typing.get_origin(annotation) is typing.Union:
        enums = [each for each in options if isinstance(each, enum.EnumMeta)]
        return Literals(_values(enums[0])) if enums else _of_annotation(options[0])
    if typing.get_origin(annotation) is list:
        return Array(_of_annotation(options[0]))
    if typing.get_origin(annotation) is dict:
        return Object("a dictionary", others=_of_annotation(options[-1]))
    if getattr(annotation, "_is_model", False):
        return _of_model(annotation)
    return {str: "string", bool: "bool", int: "int"}.get(annotation, "any")


def _values(listed: Any) -> frozenset[str]:
    return frozenset(str(each.value) for each in listed)
