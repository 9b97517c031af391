"""Comparisons, as Kusto has them: `==` compares texts with case, `=~` without.

A missing value is equal to nothing: `!=`, `!~` and `!in` are true of it, all others false.
"""

from collections.abc import Callable
from typing import Any

Comparison = Callable[[Any, Any], bool]


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    return left is not None and bool(left == right)


def _alike(left: Any, right: Any) -> bool:
    return _equal(_folded(left), _folded(right))


def _of_texts(test: Callable[[str, str], bool]) -> Comparison:
    def tested(left: Any, right: Any) -> bool:
        return isinstance(left, str) and isinstance(right, str) and test(left.lower(), right.lower())

    return tested


def _among(test: Comparison) -> Comparison:
    def is_in(value: Any, values: list[Any]) -> bool:
        return any(test(value, each) for each in values)

    return is_in


def _not(test: Comparison) -> Comparison:
    return lambda left, right: not test(left, right)


_TEXTS = {
    "contains": _of_texts(lambda text, part: part in text),
    "startswith": _of_texts(str.startswith),
    "endswith": _of_texts(str.endswith),
}
COMPARISONS: dict[str, Comparison] = {
    "==": _equal,
    "!=": _not(_equal),
    "=~": _alike,
    "!~": _not(_alike),
    **_TEXTS,
    **{f"!{name}": _not(test) for name, test in _TEXTS.items()},
}
MEMBERSHIPS: dict[str, Comparison] = {
    "in": _among(_equal),
    "in~": _among(_alike),
    "!in": _not(_among(_equal)),
    "!in~": _not(_among(_alike)),
}
"""Of a value and a list of values."""
