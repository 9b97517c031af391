"""What `summarize` makes of the values of a group."""

from collections.abc import Callable
from typing import Any, NamedTuple


def _there(values: list[Any]) -> list[Any]:
    return [value for value in values if value is not None]


def _distinct(values: list[Any]) -> list[Any]:
    return list({repr(value): value for value in _there(values)}.values())


class Aggregate(NamedTuple):
    """How many arguments it takes, what kind it answers ("" for that of its argument), and what it does."""

    arguments: int
    kind: str
    apply: Callable[[list[Any]], Any]


AGGREGATES: dict[str, Aggregate] = {
    "count": Aggregate(0, "long", len),
    "countif": Aggregate(1, "long", lambda values: sum(map(bool, values))),
    "dcount": Aggregate(1, "long", lambda values: len(_distinct(values))),
    "make_list": Aggregate(1, "dynamic", _there),
    "make_set": Aggregate(1, "dynamic", _distinct),
    "max": Aggregate(1, "", lambda values: max(_there(values), default=None)),
    "min": Aggregate(1, "", lambda values: min(_there(values), default=None)),
    "sum": Aggregate(1, "long", lambda values: sum(_there(values))),
}
