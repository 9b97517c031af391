"""Service time: it runs `speed` times as fast as wall time and drives every state machine of the simulator."""

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

_LOG = logging.getLogger(__name__)
Callback = Callable[[float], None]


class Clock:
    """Counts service seconds from 0. Stamps in bodies are wall-clock UTC: clients compare them with their clock."""

    def __init__(self, speed: float = 1) -> None:
        self._due: list[tuple[float, int, Callback]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        # (wall, service, speed) of each change of speed: maps a past moment back to wall time.
        self._segments: list[tuple[float, float, float]] = [(time.time(), 0.0, _checked(speed))]

    @property
    def speed(self) -> float:
        return self._segments[-1][2]

    def set_speed(self, speed: float) -> None:
        """Raises ValueError unless speed > 0."""
        now = self.now()
        self._segments.append((time.time(), now, _checked(speed)))
        self._changed.set()

    def now(self) -> float:
        wall, service, speed = self._segments[-1]
        return service + (time.time() - wall) * speed

    def wall(self, at: float) -> float:
        """The wall-clock epoch seconds of a service moment, past or future."""
        for wall, service, speed in reversed(self._segments):
            if at >= service:
                return wall + (at - service) / speed
        first_wall, _, speed = self._segments[0]
        return first_wall + at / speed

    def stamp(self, at: float | None = None) -> str:
        """`2026-01-01T00:00:00.1234567Z`, with the seven digits of .NET."""
        moment = datetime.fromtimestamp(self.wall(self.now() if at is None else at), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"

    def whole_stamp(self, at: float) -> str:
        """End times of operation statuses carry no fraction in the recordings."""
        return datetime.fromtimestamp(self.wall(at), UTC).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")

    def throttled_for(self, seconds: float) -> str:
        """The Retry-After of a 429, which azure-core reads as a float: a fraction when the clock runs fast."""
        real = seconds / self.speed
        return str(int(real)) if real == int(real) else f"{max(real, 0.001):.3f}"

    def retry_headers(self, seconds: float) -> dict[str, str]:
        """For a long-running operation. The SDKs read Retry-After of a 202 as a whole number and fail on any other:
        where the interval is none, it goes into the header that azure-core takes milliseconds from.
        """
        real = seconds / self.speed
        return {"Retry-After": str(int(real))} if real == int(real) else {"retry-after-ms": str(round(real * 1000))}

    def at(self, moment: float, callback: Callback) -> None:
        """Calls back with `moment` once service time has reached it; callbacks run in the order of their moments."""
        heapq.heappush(self._due, (moment, next(self._order), callback))
        self._changed.set()

    def forget(self) -> None:
        """Drops all scheduled callbacks."""
        self._due.clear()

    def advance(self) -> None:
        """Runs everything that is due. Called before each request, so that no read sees a stale state."""
        while self._due and self._due[0][0] <= self.now():
            moment, _, callback = heapq.heappop(self._due)
            try:
                callback(moment)
            except Exception:
                # One failed callback must not stop the others.
                _LOG.exception("a callback due at %s failed", moment)

    async def run(self) -> None:
        """Runs due callbacks even without requests, so that events are raised on time."""
        while True:
            self.advance()
            self._changed.clear()
            timeout = (self._due[0][0] - self.now()) / self.speed if self._due else None
            try:
                async with asyncio.timeout(None if timeout is None else max(timeout, 0)):
                    await self._changed.wait()
            except TimeoutError:
                continue


def _checked(speed: float) -> float:
    if not speed > 0:
        raise ValueError(f"speed must be greater than 0, not {speed}")
    return float(speed)
