"""Evaluates the expressions of a workflow of Logic Apps, as far as infra/ uses them: any other function is an error."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:'((?:[^']|'')*)'|(\d+)|(\w+)|(\?\[|[(),\[\]]))")

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "base64ToString": lambda text: base64.b64decode(text).decode(),
    "coalesce": lambda *values: next((value for value in values if value is not None), None),
    "concat": lambda *texts: "".join(texts),
    "contains": lambda text, part: part in text,
    "empty": lambda value: len(value) == 0,
    "equals": lambda one, other: one == other,
    "if": lambda condition, yes, no: yes if condition else no,
    "join": lambda items, between: between.join(items),
    "json": json.loads,
    "last": lambda items: items[-1],
    "not": lambda value: not value,
    "split": lambda text, between: text.split(between),
    "take": lambda items, count: items[:count],
}


def rendered(value: Any, names: Mapping[str, Callable[..., Any]]) -> Any:
    """A part of a definition with its expressions evaluated; `names` are what refers to the run, as `outputs`."""
    if isinstance(value, dict):
        return {key: rendered(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [rendered(each, names) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("@") and not value.startswith(("@{", "@@")):
        return _Expression(value[1:], names).value()
    return re.sub(r"@\{(.*?)\}", lambda found: _as_text(_Expression(found[1], names).value()), value)


def _as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


class _Expression:
    def __init__(self, text: str, names: Mapping[str, Callable[..., Any]]) -> None:
        self._tokens: list[tuple[str | None, str | None, str | None, str | None]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            assert found, text[at:]
            self._tokens.append((found[1], found[2], found[3], found[4]))
            at = found.end()
        self._known = {**FUNCTIONS, **names}

    def value(self) -> Any:
        found = self._one()
        assert not self._tokens, self._tokens
        return found

    def _one(self) -> Any:
        text, number, name, _ = self._tokens.pop(0)
        found: Any = text.replace("''", "'") if text is not None else int(number or 0)
        if name is not None:
            found = self._known[name](*self._arguments())
        while self._tokens and self._tokens[0][3] in {"?[", "["}:
            is_optional = self._tokens.pop(0)[3] == "?["
            key = self._one()
            self._expect("]")
            found = (found or {}).get(key) if is_optional else found[key]
        return found

    def _arguments(self) -> list[Any]:
        self._expect("(")
        given = []
        while self._tokens[0][3] != ")":
            given.append(self._one())
            if self._tokens[0][3] == ",":
                self._tokens.pop(0)
        self._expect(")")
        return given

    def _expect(self, sign: str) -> None:
        assert self._tokens.pop(0)[3] == sign, sign
