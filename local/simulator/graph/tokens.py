"""The tokens of a query."""

import re
from dataclasses import dataclass
from typing import Any

from local.simulator.graph.errors import QueryError, unparsable

_TOKEN = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<number>\d+)(?!\w)
  | (?P<word>!?[A-Za-z_]\w*~?)
  | (?P<sign>==|=~|[][|(),.=-])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is `string`, `long`, `word`, `sign` or `end`; `value` is that of a literal."""

    kind: str
    text: str
    value: Any
    line: int
    column: int

    def refuse(self) -> QueryError:
        return unparsable(line=self.line, characterPositionInLine=self.column, token=self.text or "<EOF>")


def tokens_of(text: str) -> list[Token]:
    """The tokens of a text, the last of kind `end`. Raises QueryError at an invalid one."""
    found: list[Token] = []
    at, line, line_start = 0, 1, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Token("sign", text[at], None, line, at - line_start).refuse()
        if match.lastgroup != "blank":
            kind, value = _literal(match)
            found.append(Token(kind, match.group(), value, line, at - line_start))
        for newline in re.finditer("\n", match.group()):
            line, line_start = line + 1, at + newline.end()
        at = match.end()
    return [*found, Token("end", "", None, line, len(text) - line_start)]


def _literal(match: re.Match[str]) -> tuple[str, Any]:
    text = match.group()
    if match["string"]:
        return "string", re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), text[1:-1])
    if match["number"]:
        return "long", int(text)
    return "word" if match["word"] else "sign", None
