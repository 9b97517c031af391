"""Reads request bodies; a missing value or a wrong type is an error, as in the providers' JSON readers."""

import ipaddress
from typing import Any

from local.simulator.errors import ArmError, invalid_content
from local.simulator.wire import Call, Json

_TYPES: dict[type, str] = {str: "string", dict: "object", list: "array", bool: "boolean", int: "integer"}


def body(call: Call) -> Json:
    """The body as an object. Raises ArmError 400."""
    if not isinstance(call.body, dict):
        raise invalid_content("the request body must be a JSON object")
    return call.body


def get(source: Json, path: str, kind: type, *, required: bool = False) -> Any:
    """The value at a dotted path, or None. Raises ArmError 400 for a wrong type, or for a missing required value."""
    value: Any = source
    for name in path.split("."):
        if value is None:
            break
        if not isinstance(value, dict):
            raise invalid_content(f"The property above '{name}' in '{path}' must be an object.")
        value = value.get(name)
    if value is None:
        if required:
            raise invalid_content(f"Required property '{path}' not found in JSON.")
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise invalid_content(f"The property '{path}' must be of type {_TYPES[kind]}.")
    return value


def strings(source: Json, path: str) -> dict[str, str] | None:
    """A map of strings, such as tags, or None."""
    value = get(source, path, dict)
    if value is not None and not all(isinstance(text, str) for text in value.values()):
        raise invalid_content(f"The values of '{path}' must be strings.")
    found: dict[str, str] | None = value
    return found


def network(text: Any, target: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A CIDR. Raises ArmError 400 with the network provider's code."""
    try:
        return ipaddress.ip_network(text, strict=True)
    except (ValueError, TypeError):
        message = f"The address prefix {text} in {target} has an invalid format or host bits set."
        raise ArmError(400, "InvalidAddressPrefixFormat", message, details=[]) from None


def whole(text: str | None, name: str) -> int | None:
    """A query option that is a whole number above 0, or None without it. Raises ArmError 400."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise ArmError(400, "InvalidQueryParameterValue", f"The query parameter '{name}' must be a positive number.")
    return int(text)
