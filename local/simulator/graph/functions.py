"""The functions of the subset. Of what is not there comes nothing, or the empty text."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple


def text(value: Any) -> str:
    """`tostring`: a text of whatever it is; of what is not there the empty one."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _moment(value: Any) -> datetime | None:
    if isinstance(value, datetime):
        return value
    try:
        # Python reads six digits of a fraction, .NET writes seven.
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _whole(value: Any) -> int | None:
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return None


def _ago(span: timedelta) -> datetime | None:
    try:
        return datetime.now(UTC) - span
    except OverflowError:
        return None


def _truth(value: Any) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.lower())
    return bool(value) if isinstance(value, bool | int) else None


def _split(value: Any, mark: Any) -> list[str]:
    return text(value).split(text(mark)) if text(mark) else [text(value)]


class Function(NamedTuple):
    """How many arguments it takes at least and at most, what kind it answers, and what it does.

    The kind "" is that of all its arguments but the first.
    """

    least: int
    most: int
    kind: str
    apply: Callable[..., Any]


_ANY = 64
FUNCTIONS: dict[str, Function] = {
    "ago": Function(1, 1, "datetime", _ago),
    "array_length": Function(1, 1, "long", lambda value: len(value) if isinstance(value, list) else None),
    "coalesce": Function(
        2, _ANY, "", lambda *values: next((value for value in values if value not in (None, "")), None)
    ),
    "iff": Function(3, 3, "", lambda test, then, otherwise: then if test else otherwise),
    "isempty": Function(1, 1, "bool", lambda value: value in (None, "")),
    "isnotempty": Function(1, 1, "bool", lambda value: value not in (None, "")),
    "isnotnull": Function(1, 1, "bool", lambda value: value is not None),
    "isnull": Function(1, 1, "bool", lambda value: value is None),
    "not": Function(1, 1, "bool", lambda value: None if value is None else not value),
    "now": Function(0, 0, "datetime", lambda: datetime.now(UTC)),
    "split": Function(2, 2, "dynamic", _split),
    "strcat": Function(1, _ANY, "string", lambda *values: "".join(map(text, values))),
    "strlen": Function(1, 1, "long", lambda value: len(text(value))),
    "tobool": Function(1, 1, "bool", _truth),
    "todatetime": Function(1, 1, "datetime", _moment),
    "toint": Function(1, 1, "long", _whole),
    "tolong": Function(1, 1, "long", _whole),
    "tolower": Function(1, 1, "string", lambda value: text(value).lower()),
    "tostring": Function(1, 1, "string", text),
    "toupper": Function(1, 1, "string", lambda value: text(value).upper()),
}
