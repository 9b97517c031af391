"""Azure Resource Graph: what thousands of resources look like, a thousand a call. It lags behind writes."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import error_of

_PAGE = 1000
"""Rows: the most that the service answers in one page."""

_SUBSCRIPTIONS = 1000
"""The most that a query may be over."""

_TOO_LARGE = "ResponsePayloadTooLarge"
"""An answer would have more than 16 MB (seen in microsoft/ARI#199)."""


class TruncatedError(Exception):
    """The service has told less than it says there is, or than there was when it began."""


async def query(azure: Azure, text: str, subscriptions: Iterable[str]) -> AsyncIterator[dict[str, Any]]:
    """The rows of a query over these subscriptions, page by page. It has to be ordered, and to have the column `id`.

    What is written meanwhile may move a row from page to page: one may come twice. Raises HttpResponseError, and
    TruncatedError after the last row if some are missing.
    """
    # None at all would mean the whole tenant to the service.
    every = sorted({subscription.lower() for subscription in subscriptions})
    told = expected = 0
    for start in range(0, len(every), _SUBSCRIPTIONS):
        most = 0
        async for page in _pages(azure, text, every[start : start + _SUBSCRIPTIONS]):
            for row in page.data:
                yield row
            told += len(page.data)
            most = max(most, page.total_records)
        expected += most
    if told < expected:
        raise TruncatedError(f"Azure Resource Graph has told {told} of {expected} rows")


async def _pages(azure: Azure, text: str, subscriptions: list[str]) -> AsyncIterator[Any]:
    from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

    rows, options = _PAGE, QueryRequestOptions()
    request = QueryRequest(query=text, subscriptions=subscriptions, options=options)
    while True:
        options.top = rows
        try:
            page: Any = await azure.resource_graph().resources(request)
        except HttpResponseError as answer:
            if error_of(answer).code != _TOO_LARGE or rows == 1:
                raise
            rows //= 2
            continue
        yield page
        if not page.skip_token:
            return
        options.skip_token = page.skip_token
