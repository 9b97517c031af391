"""What a resource type takes, wherever that was read: objects, their properties, and the types of those."""

from dataclasses import dataclass, field
from typing import Any


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
