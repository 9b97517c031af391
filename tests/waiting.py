"""The way to wait in a test: for a condition, with a deadline that a busy machine moves. No test waits for a time."""

import asyncio
import inspect
import os
import time
from collections.abc import Callable
from typing import Any

EXTERNAL_PATIENCE = 5.0
"""On Microsoft's extension: after a kill it shows messages again after a minute, leases of partitions take half a
minute, and each step goes through queues that are polled."""
patience = 1.0
"""By how much the deadlines are longer, whatever the load."""


def longer(seconds: float) -> float:
    """A deadline for this machine as it is now: as many times longer as processes wait for each of its cores."""
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    return seconds * patience * max(1.0, load)


async def eventually(condition: Callable[[], Any], *, within: float = 60, every: float = 0.1) -> Any:
    """What the condition returns, once that is true. It may be a coroutine function.

    AssertionError after `within` seconds, with what it returned last.
    """
    started = time.monotonic()
    while True:
        found = condition()
        found = await found if inspect.isawaitable(found) else found
        if found:
            return found
        waited = time.monotonic() - started
        assert waited < longer(within), f"not within {waited:.0f} s: {condition.__qualname__} returns {found!r}"
        await asyncio.sleep(every)
