"""HTML pages that need nothing else: no script, no file beside them. Whatever they show is escaped."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 14px/1.45 system-ui, sans-serif; margin: 2em auto; padding: 0 2em; max-width: 1200px; color: #1b1f24 }}
h1 {{ font-size: 1.6em }}
h2 {{ font-size: 1.2em; margin-top: 2em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ border: 0 solid #d0d7de; border-width: 1px 0; padding: .4em .8em; text-align: left; vertical-align: top }}
thead th {{ background: #f6f8fa; white-space: nowrap }}
tbody th {{ font-weight: normal; color: #57606a; white-space: nowrap }}
td {{ overflow-wrap: break-word }}
td:first-child {{ min-width: 9em }}
small {{ color: #57606a; overflow-wrap: anywhere }}
pre, code {{ font: 12px/1.4 monospace; white-space: pre-wrap; overflow-wrap: anywhere }}
@media print {{
  body {{ margin: 0; font-size: 10px }}
  tr {{ break-inside: avoid }}
  th, td {{ padding: .2em .4em }}
}}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


_HEAD, _TAIL = _PAGE.split("{body}\n")

Part = str | Iterator[str]
"""A part of a page: HTML, or pieces of HTML, of which a long page holds one at a time."""


def page(title: str, parts: Iterable[Part]) -> Iterator[str]:
    """The pieces of the page, each part on lines of its own."""
    yield _HEAD.format(title=escape(title))
    for part in parts:
        yield from (part,) if isinstance(part, str) else part
        yield "\n"
    yield _TAIL


def element(name: str, content: object) -> str:
    """An element that holds a text, each line of which is a line."""
    return f"<{name}>{_text(content)}</{name}>"


class Lines(NamedTuple):
    """A cell of a table: a text, and what is set small below it."""

    text: object
    small: object


def facts(rows: Iterable[tuple[object, object]]) -> str:
    """A table of names and what they have."""
    lines = (f"<tr>{element('th', name)}{_cell(value)}</tr>" for name, value in rows)
    return f"<table>\n<tbody>\n{chr(10).join(lines)}\n</tbody>\n</table>"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table of texts; nothing is shown for None."""
    yield f"<table>\n<thead><tr>{''.join(element('th', each) for each in heads)}</tr></thead>\n<tbody>\n"
    yield from (f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in rows)
    yield "</tbody>\n</table>"


def pre(texts: Iterable[str]) -> Iterator[str]:
    """Texts as they are, one below the other."""
    yield "<pre>"
    yield from (f"{'<br>' if number else ''}{_text(each)}" for number, each in enumerate(texts))
    yield "</pre>"


def _cell(value: object) -> str:
    if isinstance(value, Lines):
        return f"<td>{_text(value.text)}<br>{element('small', value.small)}</td>"
    return element("td", "" if value is None else value)


def _text(content: object) -> str:
    return escape(str(content)).replace("\n", "<br>")
