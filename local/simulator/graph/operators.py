"""A query: a table, and operators that its rows go through one after the other."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from local.simulator.graph.aggregates import AGGREGATES
from local.simulator.graph.errors import meaningless, no_table, unsupported
from local.simulator.graph.expressions import Expression, Reader, Row
from local.simulator.graph.tokens import tokens_of

_Step = Callable[[Iterable[Row]], Iterable[Row]]


@dataclass(slots=True)
class Query:
    """`columns` are those of the result, with their kinds; `limited` tells of a `take`, `ordered` of an `order`."""

    table: str
    columns: dict[str, str]
    limited: bool = False
    ordered: bool = False
    steps: list[_Step] = field(default_factory=list)

    def run(self, rows: Iterable[Row]) -> list[Row]:
        for step in self.steps:
            rows = step(rows)
        return list(rows) if self.ordered else _as_they_come(rows)


def _as_they_come(rows: Iterable[Row]) -> list[Row]:
    """Nobody may rely on the order of what is not ordered, or has the same rank: it is another one each time."""
    found = list(rows)
    start = random.randrange(len(found)) if found else 0  # noqa: S311 - chance, not secrets
    return found[start:] + found[:start]


def parse(text: str, tables: dict[str, dict[str, str]]) -> Query:
    """`tables` are the kinds of their columns, by the lower-cased name of the table. Raises QueryError."""
    reader = Reader(tokens_of(text), {})
    name = reader.word()
    if name.lower() not in tables:
        raise no_table(name)
    reader.columns = tables[name.lower()]
    query = Query(name.lower(), {})
    while reader.takes("|"):
        operator = _operator_name(reader)
        if operator not in _OPERATORS:
            raise unsupported(operator)
        query.limited |= operator in ("take", "limit")
        query.ordered |= operator in ("order", "sort")
        query.steps.append(_OPERATORS[operator](reader))
    if reader.next.kind != "end":
        raise reader.next.refuse()
    query.columns = reader.columns
    return query


def _operator_name(reader: Reader) -> str:
    name = reader.word()
    while reader.takes("-"):  # as in project-away
        name += f"-{reader.word()}"
    return name


def _named(reader: Reader) -> dict[str, Expression]:
    """Columns, comma-separated: `name = expression`, or the expression alone."""
    found: dict[str, Expression] = {}
    while True:
        name = reader.new_name()
        expression = reader.expression()
        found[name or expression.name or f"Column{len(found) + 1}"] = expression
        if not reader.takes(","):
            return found


def _groups(reader: Reader, operator: str) -> dict[str, Expression]:
    """Columns to tell rows apart by. Kusto wants none that is dynamic."""
    keys = _named(reader)
    for name, key in keys.items():
        if key.kind == "dynamic":
            raise meaningless(
                f"{operator}: '{name}' is of the type dynamic. Please use an explicit cast, as tostring()."
            )
    return keys


def _kinds(columns: dict[str, Expression]) -> dict[str, str]:
    return {name: each.kind for name, each in columns.items()}


def _where(reader: Reader) -> _Step:
    test = reader.expression()
    if test.kind not in ("bool", "dynamic"):
        raise meaningless("'where' operator: the condition must be of the type bool.")
    return lambda rows: (row for row in rows if test.evaluate(row))


def _project(reader: Reader) -> _Step:
    chosen = _named(reader)
    reader.columns = _kinds(chosen)

    def projected(row: Row) -> Row:
        return lambda name: chosen[name].evaluate(row)

    return lambda rows: map(projected, rows)


def _extend(reader: Reader) -> _Step:
    added = _named(reader)
    reader.columns = reader.columns | _kinds(added)

    def extended(row: Row) -> Row:
        return lambda name: added[name].evaluate(row) if name in added else row(name)

    return lambda rows: map(extended, rows)


def _project_away(reader: Reader) -> _Step:
    away = _named(reader)
    reader.columns = {name: kind for name, kind in reader.columns.items() if name not in away}
    return lambda rows: rows


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

    def step(rows: Iterable[Row]) -> list[Row]:
        found = _as_they_come(rows)
        for key, descending in reversed(keys):
            found = _ordered(found, key, descending=descending)
        return found

    return step


def _ordered(rows: list[Row], key: Expression, *, descending: bool) -> list[Row]:
    """What is not there comes first, or last if descending."""

    def rank(row: Row) -> tuple[bool, Any]:
        value = key.evaluate(row)
        return value is not None, value

    return sorted(rows, key=rank, reverse=descending)


def _take(reader: Reader) -> _Step:
    count = reader.take()
    if not isinstance(count.value, int):
        raise count.refuse()
    return lambda rows: list(rows)[: count.value]


def _made(values: dict[str, Any]) -> Row:
    return values.__getitem__


def _count(reader: Reader) -> _Step:
    reader.columns = {"Count": "long"}
    return lambda rows: [_made({"Count": sum(1 for _ in rows)})]


def _distinct(reader: Reader) -> _Step:
    keys = _groups(reader, "distinct")
    reader.columns = _kinds(keys)

    def step(rows: Iterable[Row]) -> list[Row]:
        found = [{name: each.evaluate(row) for name, each in keys.items()} for row in rows]
        return [_made(values) for values in {tuple(values.items()): values for values in found}.values()]

    return step


def _summarize(reader: Reader) -> _Step:
    aggregates: dict[str, tuple[Expression, Callable[[list[Any]], Any]]] = {}
    while not reader.sees("by"):
        name, expression, aggregate = _aggregate(reader)
        aggregates[name] = (expression, aggregate)
        if not reader.takes(","):
            break
    keys = _groups(reader, "summarize") if reader.takes("by") else {}
    reader.columns = _kinds(keys) | {name: each.kind for name, (each, _) in aggregates.items()}

    def step(rows: Iterable[Row]) -> list[Row]:
        groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
        for row in rows:
            groups.setdefault(tuple(each.evaluate(row) for each in keys.values()), []).append(row)
        return [
            _made(
                dict(zip(keys, key, strict=True))
                | {name: apply([each.evaluate(row) for row in members]) for name, (each, apply) in aggregates.items()}
            )
            for key, members in groups.items()
        ]

    return step


def _aggregate(reader: Reader) -> tuple[str, Expression, Callable[[list[Any]], Any]]:
    """`name = count()`, or without a name, which Kusto then makes of the function and the column."""
    name, function = reader.new_name(), reader.word()
    if function not in AGGREGATES:
        raise meaningless(f"Unknown aggregate: '{function}'.")
    reader.expect("(")
    arguments = reader.arguments()
    needs, kind, apply = AGGREGATES[function]
    if len(arguments) != needs:
        raise meaningless(f"{function}(): {len(arguments)} arguments are given.")
    of = arguments[0] if arguments else Expression(lambda _: None, "dynamic")
    return name or f"{function}_{of.name}", Expression(of.evaluate, kind or of.kind), apply


_OPERATORS: dict[str, Callable[[Reader], _Step]] = {
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
