"""A cached read: one request at a time, its result cached for a while.

A hundred VMs of one vault need their replicated items in the same minute; the list is read once. A run that has become
due may wait for its turn: what was asked for meanwhile serves it, too (`needed_since`).
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Generic, TypeVar

from shared.arm.rate_limit import low_priority

T = TypeVar("T")

_NOW = float("inf")
_needed: ContextVar[float] = ContextVar("needed_since", default=_NOW)


@contextmanager
def needed_since(moment: float) -> Iterator[None]:
    """Within, answers are needed since that monotonic time: one that was asked for later counts as asked for now."""
    token = _needed.set(moment)
    try:
        yield
    finally:
        _needed.reset(token)


def due_at(due: str | None, longest: float) -> float:
    """The monotonic time since when a run needs answers that has been due since that time (UTC, ISO 8601): at most
    `longest` seconds ago, and from now on if it does not say. By the clocks of two hosts, which may differ: harmless,
    because the event of a change is taken up later than Azure shows the change."""
    if due is None:
        return _NOW
    waited = (datetime.now(UTC) - datetime.fromisoformat(due)).total_seconds()
    return monotonic() - min(max(waited, 0), longest)


def serves_reader(asked_at: float) -> bool:
    """Whether what was asked for at that monotonic time is as good for this reader as what it would ask for itself."""
    return asked_at >= _needed.get()


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
        """The cached result if its read began at most `within` seconds ago (by default `seconds`), or since the time
        that `needed_since` gives; else that of a new read. `within=0` ignores `needed_since`. Raises what `read`
        raises."""
        reading, seconds = self._read_in_progress, self._seconds if within is None else within
        if seconds and serves_reader(self.requested_at):
            seconds = _NOW
        if reading is None or not self._serves(reading, seconds):
            reading = self._next = self._next or asyncio.create_task(self._begin())
        # The cancellation of one caller must not cancel the read of the others.
        return await asyncio.shield(reading)

    async def _begin(self) -> T:
        """Reads, after all current callers have joined: a read that began before them is too old for `within=0`."""
        await asyncio.sleep(0)
        self._read_in_progress, self._next, self.requested_at = self._next, None, monotonic()
        # Later callers share this read, those of events too: it must not wait with low priority, nor rest on answers
        # that are too old for them.
        with low_priority(False), needed_since(_NOW):
            return await self._read()

    def known(self, within: float | None = None) -> T | None:
        """What `get` would return without a read, or None."""
        cached, seconds = self._read_in_progress, self._seconds if within is None else within
        return cached.result() if cached and cached.done() and self._serves(cached, seconds) else None

    def revise(self, change: Callable[[T], T]) -> None:
        """Changes the cached result by what is known without a read. Its age stays. A read in progress may be answered
        by what was before: its result is not kept."""
        cached = self.known()
        self.forget()
        if cached is not None:
            self._read_in_progress = asyncio.get_running_loop().create_future()
            self._read_in_progress.set_result(change(cached))

    def forget(self, *, if_before: float = float("inf")) -> None:
        """Invalidates the cached result, unless its read began after `if_before` (monotonic time)."""
        if self.requested_at < if_before:
            self._read_in_progress = None

    def _serves(self, task: asyncio.Future[T], seconds: float) -> bool:
        failed = task.done() and (task.cancelled() or task.exception() is not None)
        return not failed and monotonic() - self.requested_at < seconds
