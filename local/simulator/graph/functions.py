"""The functions of the subset. A value that is missing becomes the empty text."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple


def text(value: Any) -> str:
    """`tostring`: the text of any value; the empty one for a missing value."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


class Function(NamedTuple):
    """A function of one argument: the kind of its result, and what it does."""

    kind: str
    apply: Callable[[Any], Any]


FUNCTIONS: dict[str, Function] = {
    "isempty": Function("bool", lambda value: value in (None, "")),
    "isnotempty": Function("bool", lambda value: value not in (None, "")),
    "not": Function("bool", lambda value: None if value is None else not value),
    "tolower": Function("string", lambda value: text(value).lower()),
    "tostring": Function("string", text),
}
