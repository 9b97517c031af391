"""What `summarize` makes of the values of a group."""

from collections.abc import Callable
from typing import Any, NamedTuple


def _there(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _distinct(values: list[Any]) -> list[Any]:
    return list({repr(value): value for value in _there(values)}.values())


class Aggregate(NamedTuple):
    """What kind it answers ("" for that of its argument), what it does, and of which kinds its argument may be.

    None: it takes no argument; no kinds: any.
    """

    kind: str
    apply: Callable[[list[Any]], Any]
    of: tuple[str, ...] | None = ()


_ORDERED = ("string", "long", "real", "datetime", "timespan")


AGGREGATES: dict[str, Aggregate] = {
    "count": Aggregate("long", len, None),
    "countif": Aggregate("long", lambda values: sum(map(bool, values)), ("bool",)),
    "dcount": Aggregate("long", lambda values: len(_distinct(values))),
    "make_list": Aggregate("dynamic", _there),
    "make_set": Aggregate("dynamic", _distinct),
    "max": Aggregate("", lambda values: max(_there(values), default=None), _ORDERED),
    "min": Aggregate("", lambda values: min(_there(values), default=None), _ORDERED),
    "sum": Aggregate("", lambda values: sum(_there(values)), ("long", "real")),
}
