"""Queries of Azure Resource Graph, a thousand rows per call. Its data lags behind writes."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import MOST_PAGES, Azure
from shared.arm.errors import MalformedResponseError, error_of

_PATH, _API_VERSION = "/providers/Microsoft.ResourceGraph/resources", "2021-03-01"

_PAGE = 1000
"""The most rows that the service returns in one page."""

_SUBSCRIPTIONS = 1000
"""The most subscriptions in one query."""

_TOO_LARGE = "ResponsePayloadTooLarge"
"""The error code of a response over 16 MB (seen in microsoft/ARI#199)."""


class TruncatedError(MalformedResponseError):
    """The service returned fewer rows than the total it reported."""


async def query(azure: Azure, text: str, subscriptions: Iterable[str] | None) -> AsyncIterator[Any]:
    """The rows of a query over these subscriptions (None: all that the app may read), page by page; they may be
    anything. The query must be ordered and return the column `id`.

    A concurrent write may move a row to another page: a row may be returned twice. Raises HttpResponseError,
    MalformedResponseError, and TruncatedError after the last row if some are missing.
    """
    every = sorted({subscription.lower() for subscription in subscriptions or ()})
    received = expected = 0
    for start in range(0, len(every), _SUBSCRIPTIONS) if subscriptions is not None else (0,):
        most = 0
        among = None if subscriptions is None else every[start : start + _SUBSCRIPTIONS]
        async for rows, total in _pages(azure, text, among):
            for row in rows:
                yield row
            received += len(rows)
            most = max(most, total)
            del rows  # not in memory beside the next page
        expected += most
    if received < expected:
        raise TruncatedError(f"Azure Resource Graph returned {received} of {expected} rows")


async def _pages(azure: Azure, text: str, subscriptions: list[str] | None) -> AsyncIterator[tuple[list[Any], int]]:
    """The rows of each page, and how many rows the service counts in all."""
    size, seen, options = _PAGE, {""}, {"resultFormat": "objectArray"}
    while True:
        among = {} if subscriptions is None else {"subscriptions": subscriptions}
        body = {**among, "query": text, "options": {**options, "$top": size}}
        try:
            page = await azure.post(_PATH, _API_VERSION, body)
        except HttpResponseError as answer:
            if error_of(answer).code != _TOO_LARGE or size == 1:
                raise
            size //= 2
            continue
        rows, total, token = page.get("data"), page.get("totalRecords"), page.get("$skipToken")
        if not isinstance(rows, list) or not isinstance(total, int) or not isinstance(token, str | None):
            raise MalformedResponseError("Azure Resource Graph returned a page without rows, their number or its token")
        yield rows, total
        del page, rows
        if not token:
            return
        if token in seen or len(seen) > MOST_PAGES:
            raise MalformedResponseError(f"Azure Resource Graph: the $skipToken {token[:200]} repeats, or has no end")
        seen.add(token)
        options["$skipToken"] = token
