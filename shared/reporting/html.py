"""HTML pages that need nothing else: no script, no file beside them. Whatever they show is escaped."""

from collections.abc import Iterable, Sequence
from html import escape

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #111; background: #fff }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ border: 1px solid #bbb; padding: .25em .5em; text-align: left; vertical-align: top; overflow-wrap: anywhere }}
th {{ background: #eee }}
pre, code {{ font: 12px/1.4 monospace; white-space: pre-wrap; overflow-wrap: anywhere }}
@media print {{
  body {{ margin: 0; font-size: 10px }}
  tr {{ break-inside: avoid }}
}}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def page(title: str, parts: Iterable[str]) -> bytes:
    """The page; its parts are HTML already."""
    return _PAGE.format(title=escape(title), body="\n".join(parts)).encode()


def element(name: str, content: object) -> str:
    """An element that holds a text, each line of which is a line."""
    return f"<{name}>{escape(str(content)).replace(chr(10), '<br>')}</{name}>"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of texts; nothing is shown for None."""
    lines = ("".join(element("td", "" if cell is None else cell) for cell in row) for row in rows)
    head = "".join(element("th", each) for each in heads)
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
