"""A cached read: one request at a time, its result cached for a while.

A hundred VMs of one vault need their replicated items in the same minute; the list is read once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Generic, TypeVar

from shared.arm.rate_limit import low_priority

T = TypeVar("T")


class TtlCache(Generic[T]):
    """Calls `read` at most once every `seconds`; concurrent callers share its result or its error.

    An error is not cached.
    """

    def __init__(self, read: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._read_in_progress: asyncio.Future[T] | None = None
        self._next: asyncio.Task[T] | None = None
        self.requested_at = float("-inf")

    async def get(self, within: float | None = None) -> T:
        """The result of a read that began at most `within` seconds ago (by default `seconds`), or begins now. Raises
        what `read` raises."""
        reading = self._read_in_progress
        if reading is None or not self._serves(reading, self._seconds if within is None else within):
            reading = self._next = self._next or asyncio.create_task(self._begin())
        # The cancellation of one caller must not cancel the read of the others.
        return await asyncio.shield(reading)

    async def _begin(self) -> T:
        """Reads, once all who wait now have joined: what began before is too old for one who may have no old result."""
        await asyncio.sleep(0)
        self._read_in_progress, self._next, self.requested_at = self._next, None, monotonic()
        # Later callers share this read, those of events too: it must not wait with low priority.
        with low_priority(False):
            return await self._read()

    def known(self, within: float | None = None) -> T | None:
        """What `get` would return without a read, or None."""
        cached, seconds = self._read_in_progress, self._seconds if within is None else within
        return cached.result() if cached and cached.done() and self._serves(cached, seconds) else None

    def revise(self, change: Callable[[T], T]) -> None:
        """Changes the cached result, if there is one, by what is known without a read. Its age stays."""
        if (cached := self.known()) is not None:
            self._read_in_progress = asyncio.get_running_loop().create_future()
            self._read_in_progress.set_result(change(cached))

    def forget(self, *, if_before: float = float("inf")) -> None:
        """Invalidates the cached result, unless its read began after `if_before` (monotonic time)."""
        if self.requested_at < if_before:
            self._read_in_progress = None

    def _serves(self, task: asyncio.Future[T], seconds: float) -> bool:
        failed = task.done() and (task.cancelled() or task.exception() is not None)
        return not failed and monotonic() - self.requested_at < seconds
