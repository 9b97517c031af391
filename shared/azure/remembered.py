"""A read that many share: one flight at a time, its answer remembered for a while.

A hundred VMs in one vault ask for the state of their items in the same minute; the vault is asked once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")

SLOW = 20
"""How long what changes slowly is remembered, in poll intervals: 10 minutes at the default of 30 s."""


class Remembered(Generic[T]):
    """`read` is called at most once every `seconds`; callers that come meanwhile share its answer, or its error."""

    def __init__(self, read: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._read_at = float("-inf")

    async def get(self) -> T:
        async with self._lock:
            if self._value is None or monotonic() - self._read_at >= self._seconds:
                asked_at = monotonic()
                self._value = await self._read()
                self._read_at = asked_at
            return self._value

    def forget(self) -> None:
        """The next `get` asks again: something was written."""
        self._read_at = float("-inf")
