"""Pages of a changing list: a cursor is the key of the last row, and stays valid when rows come or go."""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.parse import urlencode

import azure.functions as func

from triggers.operations import ON_READ, query
from triggers.requests import parameters_of, path_of

T = TypeVar("T")

TOP, AFTER = "top", "after"
MOST_ROWS, ROWS = 1000, 100
"""The most rows of a page, and the default."""


def read_top(text: str) -> int:
    """Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:6]) <= MOST_ROWS):
        raise ValueError(f"a whole number from 1 to {MOST_ROWS}")
    return int(text)


def read_after(cursor: str) -> str:
    """The key in a cursor. Raises ValueError."""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise ValueError(f"the {AFTER} of a nextLink, as it was given") from None


class Page(NamedTuple, Generic[T]):
    rows: tuple[T, ...]
    next_link: str | None


def page_of(
    request: func.HttpRequest, given: Mapping[str, Any], rows: Iterable[tuple[str, T]], *, last_first: bool = False
) -> Page[T]:
    """The page of rows that the query selects, in the order of their keys, and the cursor of the next page."""
    after, top = given.get(AFTER), given.get(TOP, ROWS)
    behind = [row for row in rows if after is None or (row[0] < after if last_first else row[0] > after)]
    chosen = sorted(behind, key=itemgetter(0), reverse=last_first)[:top]
    link = _next_link(request, chosen[-1][0]) if len(behind) > top else None
    return Page(tuple(row for _, row in chosen), link)


def _next_link(request: func.HttpRequest, key: str) -> str:
    """The next page, as a relative reference: the same query, without the function key."""
    cursor = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
    return f"{path_of(request)}?{urlencode({**parameters_of(request), AFTER: cursor})}"


PAGING: dict[str, Callable[[str], Any]] = {TOP: read_top, AFTER: read_after}
"""The validators of the query parameters."""

PAGE_PARAMETERS = [
    query(TOP, "Rows of a page.", type="integer", minimum=1, maximum=MOST_ROWS, default=ROWS),
    query(AFTER, "The cursor of a nextLink, as it was given.", pattern="^[A-Za-z0-9_-]{1,2000}$"),
]
ON_LIST = {
    **{status: about for status, about in ON_READ.items() if status is not HTTPStatus.NOT_FOUND},
    HTTPStatus.BAD_REQUEST: "InvalidQuery: `errors` name every query parameter that is not allowed, and what is",
}
"""The error responses of a list."""
