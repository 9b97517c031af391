"""Ensuring what many VMs share: look for it, make it if it is missing, and let nobody else make it meanwhile.

A hundred VMs tagged in one minute want the same fabric. The first to ask finds none and asks for it; the others are
told to come back; when it is there, all of them are. Nobody waits inside an activity: each answers at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Outcome, Pending, Ready


class UnderWayError(Exception):
    """What is looked for is there, and somebody is changing it at this moment: it is waited for, and not written."""


@dataclass
class Flight:
    """A creation under way. `progress` says how it stands: True ended well, False runs, or the error it ended with."""

    first_look: float
    progress: Callable[[], Awaitable[bool | Error]]
    look_at: float = 0
    give_up_at: float = 0


def usually(seconds: float, poll: float) -> float:
    """When to look first at what took `seconds` in recorded traffic: scaled as the poll interval is from its 30 s."""
    return seconds * poll / 30


Find = Callable[[], Awaitable[ResourceId | None]]
Start = Callable[[], Awaitable[Flight | ResourceId]]
Refresh = Callable[[], None]


class Ensurer:
    """Remembers what it has seen for `remember` seconds, and looks at what is under way every `poll` seconds.

    A creation that has not shown its result after as long is taken for lost, and asked for again.
    """

    def __init__(self, poll: float, remember: float) -> None:
        self._poll = poll
        self._remember = remember
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._seen: dict[str, tuple[ResourceId, float]] = {}
        self._flights: dict[str, Flight] = {}

    def knows(self, key: str) -> bool:
        """Whether the thing was seen a while ago at most: asking for it again would cost no call."""
        return monotonic() < self._seen[key][1] if key in self._seen else False

    def forget(self, key: str) -> None:
        """It is gone, or about to be: the next to ask looks for it."""
        self._seen.pop(key, None)

    async def ensure(self, key: str, find: Find, start: Start, refresh: Refresh | None = None) -> Outcome:
        """`key` names the thing by its natural key. Ready holds its ID. `start` returns an ID if it was done at once.

        `refresh` is for a `find` that looks at what is remembered: before anything is started it looks at Azure, for
        somebody else may have made it meanwhile. What `find` and `start` raise goes through.
        """
        async with self._locks[key]:
            if self.knows(key):
                return _ready(self._seen[key][0])
            flight = self._flights.get(key)
            if flight and monotonic() > flight.give_up_at:
                del self._flights[key]
                flight = None
            landed = await self._look_at(key, flight) if flight else None
            if isinstance(landed, Pending):
                return landed
            try:
                # Azure may have refused since somebody else, another process of this app, was faster.
                found = await find()
                if found:
                    self._flights.pop(key, None)
                    return self._remembered(key, found)
                if landed:
                    return landed
                if flight:
                    return self._later(flight, self._poll)
                return await self._begin(key, find, start, refresh)
            except UnderWayError:
                return self._later(flight, self._poll) if flight else Pending(retry_after=self._poll)

    async def _begin(self, key: str, find: Find, start: Start, refresh: Refresh | None) -> Outcome:
        found = None
        if refresh:
            refresh()
            found = await find()
        started = found or await start()
        if isinstance(started, ResourceId):
            return self._remembered(key, started)
        self._flights[key] = started
        started.give_up_at = monotonic() + started.first_look + self._remember
        return self._later(started, started.first_look)

    async def _look_at(self, key: str, flight: Flight) -> Outcome | None:
        """The outcome of a flight, or None if it has ended well and its result is to be looked for."""
        wait = flight.look_at - monotonic()
        if wait > 0:
            return Pending(retry_after=wait)
        progress = await flight.progress()
        if isinstance(progress, Error):
            del self._flights[key]
            return Failed(error=progress)
        return None if progress else self._later(flight, self._poll)

    def _remembered(self, key: str, found: ResourceId) -> Ready:
        self._seen[key] = (found, monotonic() + self._remember)
        return _ready(found)

    @staticmethod
    def _later(flight: Flight, seconds: float) -> Pending:
        flight.look_at = monotonic() + seconds
        return Pending(retry_after=seconds)


def _ready(found: ResourceId) -> Ready:
    return Ready(value={"id": str(found)})
