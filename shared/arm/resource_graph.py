"""Queries of Azure Resource Graph, a thousand rows per call. Its data lags behind writes."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import error_of

_PAGE = 1000
"""The most rows that the service returns in one page."""

_SUBSCRIPTIONS = 1000
"""The most subscriptions in one query."""

_TOO_LARGE = "ResponsePayloadTooLarge"
"""The error code of a response over 16 MB (seen in microsoft/ARI#199)."""


class TruncatedError(Exception):
    """The service returned fewer rows than the total it reported."""


async def query(azure: Azure, text: str, subscriptions: Iterable[str]) -> AsyncIterator[dict[str, Any]]:
    """The rows of a query over these subscriptions, page by page. The query must be ordered and return the column `id`.

    A concurrent write may move a row to another page: a row may be returned twice. Raises HttpResponseError, and
    TruncatedError after the last row if some are missing.
    """
    # To the service, no subscription means the whole tenant.
    every = sorted({subscription.lower() for subscription in subscriptions})
    received = expected = 0
    for start in range(0, len(every), _SUBSCRIPTIONS):
        most = 0
        async for page in _pages(azure, text, every[start : start + _SUBSCRIPTIONS]):
            for row in page.data:
                yield row
            received += len(page.data)
            most = max(most, page.total_records)
        expected += most
    if received < expected:
        raise TruncatedError(f"Azure Resource Graph returned {received} of {expected} rows")


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
