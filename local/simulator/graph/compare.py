"""Comparisons, as Kusto has them: `==` compares texts with case, all others without. A missing value is equal to
nothing: `!startswith` and `!endswith` are true of it, all others false.
"""

from collections.abc import Callable
from typing import Any


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _equal(left: Any, right: Any) -> bool:
    return left is not None and bool(left == right)


def alike(left: Any, right: Any) -> bool:
    return _equal(_folded(left), _folded(right))


def _starts(left: Any, right: Any) -> bool:
    return isinstance(left, str) and isinstance(right, str) and left.lower().startswith(right.lower())


def _ends(left: Any, right: Any) -> bool:
    return isinstance(left, str) and isinstance(right, str) and left.lower().endswith(right.lower())


COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "=~": alike,
    "startswith": _starts,
    "!startswith": lambda left, right: not _starts(left, right),
    "!endswith": lambda left, right: not _ends(left, right),
}
