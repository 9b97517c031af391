"""Expressions: the parser, and the evaluation for one row.

Kinds are Kusto's: `string`, `long`, `bool` and `dynamic`, which is whatever JSON holds. A path that leads nowhere in a
dynamic value has no value.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from local.simulator.graph.compare import COMPARISONS, alike
from local.simulator.graph.errors import meaningless
from local.simulator.graph.tokens import Token

Columns = dict[str, "Expression"]
"""The columns of a row by name. Each is computed from the row only when it is used."""


@dataclass(frozen=True, slots=True)
class Expression:
    """`name` is the default name of its column."""

    evaluate: Callable[[Any], Any]
    kind: str
    name: str = ""


class Reader:
    """Reads the tokens of a query. `columns` are the columns after the operators so far."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.columns: Columns = {}

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def take(self) -> Token:
        token = self.next
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def sees(self, *texts: str) -> bool:
        return self.next.kind in ("word", "sign") and self.next.text in texts

    def takes(self, *texts: str) -> bool:
        found = self.sees(*texts)
        if found:
            self.take()
        return found

    def expect(self, text: str) -> None:
        if not self.takes(text):
            raise self.next.refuse()

    def word(self) -> str:
        if self.next.kind != "word":
            raise self.next.refuse()
        return self.take().text

    def new_name(self) -> str:
        """The name of `name = …`, or "" without one."""
        if self.next.kind != "word" or self._tokens[self._at + 1].text != "=":
            return ""
        name = self.take().text
        self.take()
        return name

    def expression(self) -> Expression:
        left = self._and()
        while self.takes("or"):
            left = _either(left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._comparison()
        while self.takes("and"):
            left = _both(left, self._comparison())
        return left

    def _comparison(self) -> Expression:
        left = self._path()
        if self.sees(*COMPARISONS):
            compare, right = COMPARISONS[self.take().text], self._path()
            return Expression(lambda row: compare(left.evaluate(row), right.evaluate(row)), "bool")
        if self.takes("in~"):
            self.expect("(")
            among = self.arguments()
            return Expression(lambda row: any(alike(left.evaluate(row), each.evaluate(row)) for each in among), "bool")
        return left

    def arguments(self) -> list[Expression]:
        """Comma-separated, up to the closing bracket."""
        found: list[Expression] = []
        while not self.takes(")"):
            if found:
                self.expect(",")
            found.append(self.expression())
        return found

    def _path(self) -> Expression:
        found = self._primary()
        while True:
            if self.takes("."):
                found = _member(found, self.word())
            elif self.takes("["):
                found = _member(found, self._key())
            else:
                return found

    def _key(self) -> str | int:
        """A name in brackets, as that of a tag with a hyphen, or the place of an element."""
        token = self.take()
        if token.kind not in ("string", "long"):
            raise token.refuse()
        self.expect("]")
        return token.value if isinstance(token.value, int) else str(token.value)

    def _primary(self) -> Expression:
        token = self.take()
        if token.kind in ("string", "long"):
            return Expression(lambda _: token.value, token.kind)
        if token.text == "(":
            inner = self.expression()
            self.expect(")")
            return inner
        if token.kind != "word":
            raise token.refuse()
        return self._call(token.text) if self.takes("(") else self._column(token.text)

    def _column(self, name: str) -> Expression:
        if name not in self.columns:
            raise meaningless(f"Failed to resolve scalar expression named '{name}'")
        return replace(self.columns[name], name=name)

    def _call(self, name: str) -> Expression:
        if name != "tostring":
            raise meaningless(f"Unknown function: '{name}'.")
        arguments = self.arguments()
        if len(arguments) != 1:
            raise meaningless(f"{name}(): {len(arguments)} arguments are given.")
        [argument] = arguments
        return Expression(lambda row: _text(argument.evaluate(row)), "string", argument.name)


def _text(value: Any) -> str:
    """The text of any value; the empty one for a missing value."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _either(left: Expression, right: Expression) -> Expression:
    check_bool(left, right)
    return Expression(lambda row: bool(left.evaluate(row)) or bool(right.evaluate(row)), "bool")


def _both(left: Expression, right: Expression) -> Expression:
    check_bool(left, right)
    return Expression(lambda row: bool(left.evaluate(row)) and bool(right.evaluate(row)), "bool")


def check_bool(*conditions: Expression) -> None:
    for condition in conditions:
        if condition.kind != "bool":
            raise meaningless(f"A condition must be of the type bool, not {condition.kind}.")


def _member(of: Expression, key: str | int) -> Expression:
    if of.kind != "dynamic":
        raise meaningless(f"A value of the kind {of.kind} has no member {key!r}.")

    def evaluate(row: Any) -> Any:
        value = of.evaluate(row)
        if isinstance(key, int):
            return value[key] if isinstance(value, list) and key < len(value) else None
        return value.get(key) if isinstance(value, Mapping) else None

    return Expression(evaluate, "dynamic", f"{of.name}_{key}" if of.name else "")
