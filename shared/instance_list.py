"""Lists of instances in Durable Functions.

The SDK's own list methods return the first page only, and drop the token of the next.
"""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from shared.instance_status import RUNNING

_TOKEN = "x-ms-continuation-token"  # noqa: S105 - the name of a header
_PAGE = 1000
_WITHIN = 60.0
"""Seconds for all pages: a caller waits."""


class Listing(NamedTuple):
    """`rows` are for `status_in`, which takes 0.2 ms for each: a page shows few. `complete` is whether there were no
    more than asked for."""

    rows: list[dict[str, Any]]
    complete: bool


def status_in(row: dict[str, Any]) -> DurableOrchestrationStatus:
    """The SDK's status object."""
    return DurableOrchestrationStatus.from_json(row)


async def list_running(client: DurableOrchestrationClient, prefix: str, most: int) -> Listing:
    """As `list_all`, those under way."""
    return await list_all(client, prefix, most, RUNNING)


async def list_all(
    client: DurableOrchestrationClient,
    prefix: str,
    most: int,
    among: Iterable[OrchestrationRuntimeStatus] = (),
) -> Listing:
    """The first instances whose ID begins with the prefix, without their inputs: all, or those of these statuses.

    A page may be shorter than asked for, or empty, and not be the last: the token decides. Raises
    aiohttp.ClientError, TimeoutError, ValueError.
    """
    import aiohttp

    # The SDK has no public name for the address.
    url = f"{client._orchestration_bindings.rpc_base_url}instances/"
    query = {"instanceIdPrefix": prefix, "showInput": "false", "top": str(_PAGE)}
    if statuses := ",".join(sorted(status.value for status in among)):
        query["runtimeStatus"] = statuses
    found: list[dict[str, Any]] = []
    token: str | None = ""
    async with aiohttp.ClientSession(raise_for_status=True) as session, asyncio.timeout(_WITHIN):
        while token is not None and len(found) <= most:
            headers = {_TOKEN: token} if token else {}
            async with session.get(url, params=query, headers=headers) as answer:
                found += await answer.json(content_type=None)
                token = answer.headers.get(_TOKEN) or None
    return Listing(found[:most], len(found) <= most)
