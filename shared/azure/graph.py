"""Azure Resource Graph: what thousands of resources look like, a thousand a call. It lags behind writes."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from shared.azure.gateway import Azure

_PAGE = 1000
"""Rows: the most that the service answers in one page."""


class TruncatedError(Exception):
    """The service has told less than it says there is."""


async def query(azure: Azure, text: str, subscriptions: Iterable[str]) -> AsyncIterator[dict[str, Any]]:
    """The rows of a query over these subscriptions, page by page. It has to be ordered, and to have the column `id`.

    Raises HttpResponseError, and TruncatedError after the last row if some are missing.
    """
    from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

    client = azure.resource_graph()
    options = QueryRequestOptions(top=_PAGE)
    request = QueryRequest(query=text, subscriptions=sorted(set(subscriptions)), options=options)
    told = 0
    while True:
        page: Any = await client.resources(request)
        for row in page.data:
            yield row
        told += len(page.data)
        if not page.skip_token:
            break
        options.skip_token = page.skip_token
    if told < page.total_records:
        raise TruncatedError(f"Azure Resource Graph has told {told} of {page.total_records} rows")
