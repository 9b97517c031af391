"""Get or create a resource that many VMs share, without creating it twice.

A hundred VMs tagged in one minute need the same fabric. The first call finds none and starts its creation; the others
get `Pending` and retry; when it exists, all of them continue. No activity waits: each call returns at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from shared.config.intervals import POLL_SECONDS
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult

# A sixth of a poll interval: a run's timer may fire a second early, and would find nothing to do.
_EARLY = 1 / 6


class UnderWayError(Exception):
    """The resource exists, and another operation on it is in progress: wait, do not write."""


@dataclass
class PendingCreate:
    """A creation in progress. `progress` returns True if it succeeded, False while it runs, or the error it failed
    with.

    `prove` is called once the resource is found: it writes that this app created it. `first_check` are seconds;
    `next_check` and `give_up_at` are monotonic times.
    """

    first_check: float
    progress: Callable[[], Awaitable[bool | Error]]
    prove: Callable[[ResourceId], Awaitable[None]]
    next_check: float = 0
    give_up_at: float = 0


def usually(seconds: float, poll: float) -> float:
    """Seconds until the first check of what took `seconds` in recorded traffic, scaled by the poll interval."""
    return seconds * poll / POLL_SECONDS


Find = Callable[[], Awaitable[ResourceId | None]]
Start = Callable[[], Awaitable[PendingCreate | ResourceId]]
Refresh = Callable[[], None]


class GetOrCreate:
    """Caches existing resources for `ttl` seconds, and checks a creation in progress every `poll` seconds.

    A creation without a result after `patience` seconds counts as lost, and is started again.
    """

    def __init__(self, poll: float, ttl: float, patience: float) -> None:
        self._poll = poll
        self._ttl = ttl
        self._patience = patience
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._known: dict[str, tuple[ResourceId, float]] = {}
        self._pending: dict[str, PendingCreate] = {}

    def knows(self, key: str) -> bool:
        """Whether the resource is cached: `ensure` would make no call."""
        return monotonic() < self._known[key][1] if key in self._known else False

    def forget(self, key: str) -> None:
        """Invalidates the cached resource: it is deleted, or about to be."""
        self._known.pop(key, None)

    def forget_all(self, *, if_before: float) -> None:
        """The same for all resources that were found before that monotonic time."""
        self._known = {key: known for key, known in self._known.items() if known[1] - self._ttl >= if_before}

    async def ensure(self, key: str, find: Find, start: Start, refresh: Refresh | None = None) -> StepResult:
        """Ready holds the ID of the resource with the natural key `key`. `start` returns the ID if it completed at
        once.

        `refresh` invalidates the cache that `find` reads: before anything is created, Azure is read again, because
        another process may have created the resource meanwhile. Raises what `find` and `start` raise.
        """
        async with self._locks[key]:
            if self.knows(key):
                return _ready(self._known[key][0])
            pending = self._pending.get(key)
            overdue = pending is not None and monotonic() > pending.give_up_at
            progress = await self._check(key, pending, overdue=overdue) if pending else None
            if isinstance(progress, Pending) and not overdue:
                return progress
            try:
                # The creation may have failed because another process of this app was faster.
                found = await find()
                if found:
                    if pending and not isinstance(progress, Failed):
                        await pending.prove(found)
                    self._pending.pop(key, None)
                    return self._ready_and_known(key, found)
                if isinstance(progress, Failed):
                    return progress
                if pending and not overdue:
                    return self._later(pending, self._poll)
                return await self._begin(key, find, start, refresh)
            except UnderWayError:
                return self._later(pending, self._poll) if pending else Pending(retry_after=self._poll)

    async def _begin(self, key: str, find: Find, start: Start, refresh: Refresh | None) -> StepResult:
        found = None
        if refresh:
            refresh()
            found = await find()
        started = found or await start()
        if isinstance(started, ResourceId):
            return self._ready_and_known(key, started)
        self._pending[key] = started
        started.give_up_at = monotonic() + started.first_check + self._patience
        return self._later(started, started.first_check)

    async def _check(self, key: str, pending: PendingCreate, *, overdue: bool) -> StepResult | None:
        """The state of a creation in progress, or None if its resource is to be found: it succeeded, or is overdue, and
        its state cannot be read."""
        wait = pending.next_check - monotonic()
        if wait > self._poll * _EARLY and not overdue:
            return Pending(retry_after=wait)
        try:
            progress = await pending.progress()
        except Exception:
            if not overdue:
                raise
            return None
        if isinstance(progress, Error):
            del self._pending[key]
            return Failed(error=progress)
        return None if progress else self._later(pending, self._poll)

    def _ready_and_known(self, key: str, found: ResourceId) -> Ready:
        self._known[key] = (found, monotonic() + self._ttl)
        return _ready(found)

    @staticmethod
    def _later(pending: PendingCreate, seconds: float) -> Pending:
        pending.next_check = monotonic() + seconds
        return Pending(retry_after=seconds)


def _ready(found: ResourceId) -> Ready:
    return Ready(value={"id": str(found)})
