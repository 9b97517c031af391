"""A read that many share: one flight at a time, its answer remembered for a while.

A hundred VMs in one vault ask for the state of their items in the same minute; the vault is asked once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Generic, TypeVar

from shared.arm.rate_limit import in_background

T = TypeVar("T")

FRESH_FOR = 2.0
"""Seconds. What the look that leads to a write has just read serves that write, too."""

SLOW = 20
"""How long what changes slowly is remembered, in poll intervals: 10 minutes at the default of 30 s."""

HARDLY = 240
"""How long what hardly changes (sizes of a region, locks) is remembered, in poll intervals: 2 hours."""


class Remembered(Generic[T]):
    """`read` is called at most once every `seconds`; callers that come meanwhile share its answer, or its error.

    A caller may ask for an answer that is at most so many seconds old.
    """

    def __init__(self, read: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._flight: asyncio.Task[T] | None = None
        self.asked_at = float("-inf")

    async def get(self, within: float | None = None) -> T:
        if self._flight is None or not self._serves(self._flight, self._seconds if within is None else within):
            self.asked_at = monotonic()
            # Whoever comes while it waits shares it, events too.
            with in_background(False):
                self._flight = asyncio.create_task(self._read())
        # One caller that is cancelled does not take the answer from the others.
        return await asyncio.shield(self._flight)

    def forget(self, *, if_before: float = float("inf")) -> None:
        """The next `get` asks again: something was written. Unless it was asked since the (monotonic) time given."""
        if self.asked_at < if_before:
            self._flight = None

    def _serves(self, flight: asyncio.Task[T], seconds: float) -> bool:
        if not flight.done():
            return True
        failed = flight.cancelled() or flight.exception() is not None
        return not failed and monotonic() - self.asked_at < seconds
