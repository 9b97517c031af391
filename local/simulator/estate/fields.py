"""Strict parsing of an estate: an unknown key is an error that names the key and its path."""

from typing import Any

from local.simulator import ids, regions
from local.simulator.ids import ResourceId
from local.simulator.store import Resource, Store
from local.simulator.wire import Json

_NAMES = {str: "a string", int: "a whole number", list: "a list", dict: "an object", bool: "true or false"}


class Fields:
    """One object of an estate. `where` names it in errors, all of which are ValueError."""

    def __init__(self, raw: Any, where: str, known: str) -> None:
        if not isinstance(raw, dict):
            raise ValueError(f"{where} must be an object")
        names = known.split()
        if unknown := [name for name in raw if name not in names]:
            raise ValueError(f"{where}: unknown key {unknown[0]!r}; there are {', '.join(names)}")
        self.raw = raw
        self.where = where

    def get(self, name: str, kind: type, default: Any = None) -> Any:
        value = self.raw.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ValueError(f"{self.where}: {name} must be {_NAMES[kind]}")
        return value

    def need(self, name: str, kind: type) -> Any:
        value = self.get(name, kind)
        if value is None:
            raise ValueError(f"{self.where}: {name} is missing")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of `choices`, the first by default."""
        value = str(self.get(name, str, choices[0]))
        if value not in choices:
            raise ValueError(f"{self.where}: {name} must be one of {', '.join(choices)}")
        return value

    def tags(self) -> dict[str, str] | None:
        found = self.get("tags", dict)
        if found is not None and not all(isinstance(value, str) for value in found.values()):
            raise ValueError(f"{self.where}: the values of tags must be strings")
        tags: dict[str, str] | None = found
        return tags

    def id(self, name: str, kind: str) -> ResourceId:
        """The ID of a resource of this type, such as `Microsoft.Compute/virtualMachines`."""
        text = self.need(name, str)
        parsed = ids.parse(text)
        if parsed is None or parsed.type.lower() != kind.lower():
            raise ValueError(f"{self.where}: {name} is no ID of a {kind}: {text!r}")
        return parsed

    def reference(self, name: str, kind: str, store: Store, location: str) -> Resource | None:
        """The resource that a key names, or None without the key. It must be in the estate, in this region."""
        if self.get(name, str) is None:
            return None
        found = store.get(self.id(name, kind).text)
        if found is None or found.location != location:
            raise ValueError(f"{self.where}: {name} is not in the estate, or not in {location}")
        return found

    def parts(self, name: str, known: str) -> list["Fields"]:
        """The objects of a list in this object."""
        raw: Json = {name: self.get(name, list, [])}
        return [Fields(part.raw, f"{self.where}: {part.where}", known) for part in each(raw, name, known)]

    def location(self) -> str:
        name = regions.canonical(self.need("location", str))
        if name not in regions.DISPLAY_NAMES:
            raise ValueError(f"{self.where}: {name!r} is no Azure region")
        return name


def each(raw: Json, name: str, known: str) -> list[Fields]:
    """The objects of a list, each with its position for error messages."""
    values = raw.get(name) or []
    if not isinstance(values, list):
        raise ValueError(f"{name} must be a list")
    return [Fields(value, f"{name}[{index}]{_label(value)}", known) for index, value in enumerate(values)]


def _label(value: Any) -> str:
    label = value.get("id") or value.get("name") if isinstance(value, dict) else None
    return f" ({ids.last_segment(label)})" if isinstance(label, str) else ""
