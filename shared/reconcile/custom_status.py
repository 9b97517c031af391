"""The custom status of an orchestration, cut to the size limit of Durable Functions."""

import json
from typing import Any

MAX_UNITS = 8000
"""UTF-16 code units of its JSON text: the extension fails an orchestration for good whose status exceeds 16 KB."""

_SHORTEST = 40


def bounded(status: dict[str, Any]) -> dict[str, Any]:
    """The status with its longest texts cut until it fits; what no cut makes fit is left out, the largest first."""
    while (excess := _units(status) - MAX_UNITS) > 0:
        longest = max(_texts(status), key=len, default="")
        if len(longest) > _SHORTEST:
            # A character takes up to twelve units, so one cut may not do.
            kept = max(len(longest) - max(excess, 2), len(longest) // 2, _SHORTEST - 1)
            status = _replaced(status, longest, f"{longest[:kept]}…")
        else:
            largest = max(status, key=lambda name: _units(status[name]))
            status = {name: value for name, value in status.items() if name != largest}
    return status


def _units(value: Any) -> int:
    """At least as many as the extension counts: here every character beyond ASCII is written as an escape."""
    return len(json.dumps(value))


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for member in value.values() for text in _texts(member)]
    if isinstance(value, list):
        return [text for member in value for text in _texts(member)]
    return [value] if isinstance(value, str) else []


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {name: _replaced(member, old, new) for name, member in value.items()}
    if isinstance(value, list):
        return [_replaced(member, old, new) for member in value]
    return new if value == old else value
