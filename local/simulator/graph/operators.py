"""A query: a table, and operators that its rows go through one after the other."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from local.simulator.graph.aggregates import AGGREGATES
from local.simulator.graph.errors import meaningless, no_table, unparsable, unsupported
from local.simulator.graph.expressions import Columns, Expression, Reader, check_bool
from local.simulator.graph.tokens import tokens_of

_Step = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(slots=True)
class Query:
    """`columns` are those of the result; `limited` is whether there was a `take`, `ordered` an `order`."""

    table: str
    columns: Columns = field(default_factory=dict)
    limited: bool = False
    ordered: bool = False
    steps: list[_Step] = field(default_factory=list)

    def run(self, rows: Iterable[Any]) -> list[Any]:
        """The rows of the table that are left, or new ones: `columns` can read either."""
        for step in self.steps:
            rows = step(rows)
        return list(rows) if self.ordered else _as_they_come(rows)


def _as_they_come(rows: Iterable[Any]) -> list[Any]:
    """Shuffles rows without an order, or of the same rank: callers must not rely on it."""
    found = list(rows)
    start = random.randrange(len(found)) if found else 0  # noqa: S311 - chance, not secrets
    return found[start:] + found[:start]


def parse(text: str, tables: dict[str, Columns]) -> Query:
    """`tables` are what they show, by their lower-cased names. Raises QueryError."""
    try:
        return _query(Reader(tokens_of(text)), tables)
    except RecursionError:
        raise unparsable() from None


def _query(reader: Reader, tables: dict[str, Columns]) -> Query:
    name = reader.word()
    if name.lower() not in tables:
        raise no_table(name)
    reader.columns = tables[name.lower()]
    query = Query(name.lower())
    while reader.takes("|"):
        operator = _operator_name(reader)
        if operator not in _OPERATORS:
            raise unsupported(operator)
        query.limited |= operator in ("take", "limit")
        query.ordered |= operator in ("order", "sort")
        step = _OPERATORS[operator](reader)
        if step:
            query.steps.append(step)
    if reader.next.kind != "end":
        raise reader.next.refuse()
    query.columns = reader.columns
    return query


def _operator_name(reader: Reader) -> str:
    name = reader.word()
    while reader.takes("-"):  # as in project-away
        name += f"-{reader.word()}"
    return name


def _named(reader: Reader) -> Columns:
    """Columns, comma-separated: `name = expression`, or the expression alone."""
    found: Columns = {}
    while True:
        name = reader.new_name()
        expression = reader.expression()
        found[name or expression.name or f"Column{len(found) + 1}"] = expression
        if not reader.takes(","):
            return found


def _groups(reader: Reader, operator: str) -> Columns:
    """Columns to tell rows apart by. Kusto wants none that is dynamic."""
    keys = _named(reader)
    for name, key in keys.items():
        if key.kind == "dynamic":
            raise meaningless(
                f"{operator}: '{name}' is of the type dynamic. Please use an explicit cast, as tostring()."
            )
    return keys


def _where(reader: Reader) -> _Step:
    test = reader.expression()
    check_bool(test)
    return lambda rows: (row for row in rows if test.evaluate(row))


def _project(reader: Reader) -> None:
    reader.columns = _named(reader)


def _extend(reader: Reader) -> None:
    reader.columns = reader.columns | _named(reader)


def _project_away(reader: Reader) -> None:
    away = _named(reader)
    reader.columns = {name: each for name, each in reader.columns.items() if name not in away}


def _order(reader: Reader) -> _Step:
    """Descending, as Kusto does it, unless `asc` is said."""
    reader.expect("by")
    keys: list[tuple[Expression, bool]] = []
    while True:
        key = reader.expression()
        if key.kind == "dynamic":
            raise meaningless(
                f"order: '{key.name}' is of the type dynamic. Please use an explicit cast, as tostring()."
            )
        keys.append((key, not reader.takes("asc")))
        reader.takes("desc")
        if not reader.takes(","):
            break

    def step(rows: Iterable[Any]) -> list[Any]:
        found = _as_they_come(rows)
        for key, descending in reversed(keys):
            found = _ordered(found, key, descending=descending)
        return found

    return step


def _ordered(rows: list[Any], key: Expression, *, descending: bool) -> list[Any]:
    """What is not there comes first, or last if descending."""

    def rank(row: Any) -> tuple[bool, Any]:
        value = key.evaluate(row)
        return value is not None, value

    return sorted(rows, key=rank, reverse=descending)


def _take(reader: Reader) -> _Step:
    count = reader.take()
    if not isinstance(count.value, int):
        raise count.refuse()
    return lambda rows: list(rows)[: count.value]


def _anew(kinds: dict[str, str]) -> Columns:
    """The columns of rows that an operator makes: dictionaries."""
    return {name: Expression(itemgetter(name), kind, name) for name, kind in kinds.items()}


def _count(reader: Reader) -> _Step:
    reader.columns = _anew({"Count": "long"})
    return lambda rows: [{"Count": sum(1 for _ in rows)}]


def _distinct(reader: Reader) -> _Step:
    keys = _groups(reader, "distinct")
    reader.columns = _anew({name: key.kind for name, key in keys.items()})

    def step(rows: Iterable[Any]) -> list[Any]:
        found = dict.fromkeys(tuple(key.evaluate(row) for key in keys.values()) for row in rows)
        return [dict(zip(keys, values, strict=True)) for values in found]

    return step


def _summarize(reader: Reader) -> _Step:
    totals: dict[str, tuple[Expression, Callable[[list[Any]], Any]]] = {}
    while not reader.sees("by"):
        name, of, apply = _aggregate(reader)
        totals[name] = (of, apply)
        if not reader.takes(","):
            break
    keys = _groups(reader, "summarize") if reader.takes("by") else {}
    reader.columns = _anew(
        {name: key.kind for name, key in keys.items()} | {name: of.kind for name, (of, _) in totals.items()}
    )

    def step(rows: Iterable[Any]) -> list[Any]:
        groups: dict[tuple[Any, ...], list[Any]] = {} if keys else {(): []}
        for row in rows:
            groups.setdefault(tuple(key.evaluate(row) for key in keys.values()), []).append(row)
        return [
            dict(zip(keys, values, strict=True))
            | {name: apply([of.evaluate(row) for row in members]) for name, (of, apply) in totals.items()}
            for values, members in groups.items()
        ]

    return step


def _aggregate(reader: Reader) -> tuple[str, Expression, Callable[[list[Any]], Any]]:
    """`name = count()`, or without a name, which Kusto then makes of the function and the column.

    Answers the name, what is to be gathered (of the kind of the result), and what makes the result of it.
    """
    name, function = reader.new_name(), reader.word()
    if function not in AGGREGATES:
        raise meaningless(f"Unknown aggregate: '{function}'.")
    reader.expect("(")
    arguments = reader.arguments()
    kind, apply, kinds = AGGREGATES[function]
    if len(arguments) != (0 if kinds is None else 1):
        raise meaningless(f"{function}(): {len(arguments)} arguments are given.")
    of = arguments[0] if arguments else Expression(lambda _: None, "dynamic")
    if kinds and of.kind not in kinds:
        raise meaningless(f"{function}(): the argument is of the type {of.kind}, expected {', '.join(kinds)}.")
    return name or f"{function}_{of.name}", Expression(of.evaluate, kind or of.kind), apply


_OPERATORS: dict[str, Callable[[Reader], _Step | None]] = {
    "where": _where,
    "project": _project,
    "project-away": _project_away,
    "extend": _extend,
    "order": _order,
    "sort": _order,
    "take": _take,
    "limit": _take,
    "count": _count,
    "distinct": _distinct,
    "summarize": _summarize,
}
