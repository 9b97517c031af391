"""A query: a table, and the operators that process its rows one after the other."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from local.simulator.graph.errors import meaningless, no_table, unparsable, unsupported
from local.simulator.graph.expressions import Columns, Expression, Reader, check_bool
from local.simulator.graph.tokens import tokens_of

_Step = Callable[[Iterable[Any]], Iterable[Any]]


@dataclass(slots=True)
class Query:
    """`columns` are the columns of the result; `ordered` is whether it has an `order by`."""

    table: str
    columns: Columns = field(default_factory=dict)
    ordered: bool = False
    steps: list[_Step] = field(default_factory=list)

    def run(self, rows: Iterable[Any]) -> list[Any]:
        """The rows of the result, for `columns` to read."""
        for step in self.steps:
            rows = step(rows)
        return list(rows) if self.ordered else _as_they_come(rows)


def _as_they_come(rows: Iterable[Any]) -> list[Any]:
    """Rotates rows at random, so that no caller relies on an order that it did not request."""
    found = list(rows)
    start = random.randrange(len(found)) if found else 0  # noqa: S311 - chance, not secrets
    return found[start:] + found[:start]


def parse(text: str, tables: dict[str, Columns]) -> Query:
    """`tables` are the columns by lower-case table name. Raises QueryError."""
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
        query.ordered |= operator == "order"
        step = _OPERATORS[operator](reader)
        if step:
            query.steps.append(step)
    if reader.next.kind != "end":
        raise reader.next.refuse()
    query.columns = reader.columns
    return query


def _operator_name(reader: Reader) -> str:
    name = reader.word()
    while reader.takes("-"):  # as in mv-expand, for its error
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


def _where(reader: Reader) -> _Step:
    test = reader.expression()
    check_bool(test)
    return lambda rows: (row for row in rows if test.evaluate(row))


def _project(reader: Reader) -> None:
    reader.columns = _named(reader)


def _order(reader: Reader) -> _Step:
    """Descending unless `asc` is given, as in Kusto."""
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
    """Missing values come first, or last if descending."""

    def rank(row: Any) -> tuple[bool, Any]:
        value = key.evaluate(row)
        return value is not None, value

    return sorted(rows, key=rank, reverse=descending)


_OPERATORS: dict[str, Callable[[Reader], _Step | None]] = {
    "where": _where,
    "project": _project,
    "order": _order,
}
