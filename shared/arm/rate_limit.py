"""The pace of this process: no more calls than Azure's buckets hold, its Retry-After obeyed by all, events first.

A call that finds its bucket full enough goes at once. Another waits here, for moments; if that is not enough, it is
not sent at all, and what wanted it comes back by a durable timer. There are few places for activities in a process:
those in the background hold a few of them while they wait, and no more.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

from shared.arm.errors import ThrottledError, retry_after
from shared.arm.token_bucket import DELETES, LOOKS_A_POLL, QUERIES, READS, WRITES, Bucket, Call, Limit, Queue

log = logging.getLogger("dr.governor")

LONGEST_WAIT = 1 / 6
"""How long a call may wait inside an activity, in poll intervals: 5 s at the default of 30 s."""

_LONGEST_WAIT_OF_A_WRITE = 1 / 30
"""1 s: what was looked at before the write must not grow old."""

_MOST_WAITING = 4
"""Activities in the background that may wait here at once: a quarter of those that host.json lets a process run."""

_KINDS = {"GET": READS, "HEAD": READS, "DELETE": DELETES}
_GRAPH = "/providers/microsoft.resourcegraph/resources"
_QUERIES_LEFT, _QUERIES_BACK_AFTER = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"

_activity: ContextVar[object | None] = ContextVar("activity_in_background", default=None)


@contextmanager
def in_background(so: bool) -> Iterator[None]:
    """Whether the calls made within, and in the tasks begun within, leave the way to all others."""
    token = _activity.set(object() if so else None)
    try:
        yield
    finally:
        _activity.reset(token)


class Governor:
    """One for each process."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._background: set[_Waiting] = set()
        self._lanes: dict[tuple[str, Limit], Lane] = {}

    def lane(self, method: str, url: str) -> "Lane":
        """Where such a request has to wait for its turn."""
        path = urlsplit(url).path.lower()
        parts = path.split("/")
        owner = f"subscription {parts[2]}" if parts[1:2] == ["subscriptions"] and len(parts) > 2 else "tenant"
        limit = QUERIES if path.endswith(_GRAPH) else _KINDS.get(method, WRITES)
        if (owner, limit) not in self._lanes:
            self._lanes[owner, limit] = Lane(limit, owner, self._poll_seconds, self._background)
        return self._lanes[owner, limit]

    def place(self, subscription: str) -> float:
        """Seconds until a look at one more of the subscription's VMs may begin: each a little after the one before."""
        return self.lane("GET", f"/subscriptions/{subscription}").place(0)


class _Waiting(Call):
    """`activity` is the one in the background that calls. The turn is True when it has come, False if it will not."""

    def __init__(self, activity: object | None, give_up_at: float) -> None:
        super().__init__(background=activity is not None, give_up_at=give_up_at)
        self.activity = activity
        self.turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class Lane:
    """The calls that one bucket is for. `background` is what waits in the background, here and in other lanes."""

    def __init__(self, limit: Limit, owner: str, poll_seconds: float, background: set[_Waiting]) -> None:
        left = f"x-ms-ratelimit-remaining-{owner.split(' ', 1)[0]}-"
        self._told_by = (_QUERIES_LEFT,) if limit is QUERIES else (left + limit.kind, f"{left}global-{limit.kind}")
        self._name = f"{limit.kind} of the {owner}"
        self._longest = poll_seconds * (LONGEST_WAIT if limit in {READS, QUERIES} else _LONGEST_WAIT_OF_A_WRITE)
        self._between_places = poll_seconds / LOOKS_A_POLL
        self._last_place = float("-inf")
        self._background = background
        self._bucket = Bucket(limit, poll_seconds / 30, monotonic())
        self._queue: Queue[_Waiting] = Queue(limit, self._bucket)
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self) -> None:
        """Returns when the request may be sent. Then it has to be, and how it ended to be told.

        Raises ThrottledError if it would have to wait for too long.
        """
        call = _Waiting(_activity.get(), monotonic() + self._longest)
        self._queue.enter(call)
        self._serve()
        if not call.turn.done() and (self._is_crowded(call) or self._wait_of_last(call) > self._longest):
            self._queue.leave(call)
            call.turn.set_result(False)
        if not await self._come(call):
            wait = self._wait_of_last(call)
            raise ThrottledError(f"Azure takes no more {self._name} for now", wait, self.place)

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """What an answer tells of the bucket. A 429 holds back everybody for as long as it says."""
        now = monotonic()
        told = [float(headers[name]) for name in self._told_by if headers.get(name, "").isdecimal()]
        left = min(told, default=None)
        self._bucket.ended(now, left)
        if status == HTTPStatus.TOO_MANY_REQUESTS and (wait := retry_after(headers)):
            if self._bucket.blocked_until <= now:
                log.warning("Azure takes no more %s for %.1f s", self._name, wait)
            self._bucket.block(now + wait)
        if left is not None and self._bucket.is_used_up(left):
            self._bucket.block(now + _seconds(headers.get(_QUERIES_BACK_AFTER, "")))
        self._serve()

    def unanswered(self) -> None:
        """The request was not sent, or nobody has answered it."""
        self._bucket.ended(monotonic())
        self._serve()

    async def _come(self, call: _Waiting) -> bool:
        """Whether its turn has come: not if it is to wait no longer."""
        if call.background:
            self._background.add(call)
        try:
            return await call.turn
        except asyncio.CancelledError:
            self._queue.leave(call)
            if not call.turn.cancelled() and call.turn.result():
                self.unanswered()
            raise
        finally:
            self._background.discard(call)

    def _serve(self) -> None:
        """Lets go whose turn it is, turns away who would wait in vain, and comes back when the next may go."""
        now = monotonic()
        while call := self._queue.next(now):
            if call.turn.done():
                self._bucket.ended(now)  # cancelled a moment ago
            else:
                call.turn.set_result(True)
        for call in self._queue.give_up(now):
            if not call.turn.done():
                call.turn.set_result(False)
        if self._timer:
            self._timer.cancel()
        wait = self._queue.wait(now)
        self._timer = None if wait is None else asyncio.get_running_loop().call_later(wait, self._serve)

    def _is_crowded(self, call: _Waiting) -> bool:
        others = {each.activity for each in self._background} - {call.activity}
        return call.background and len(others) >= _MOST_WAITING

    def _wait_of_last(self, call: _Waiting) -> float:
        return self._queue.wait_of_last(monotonic(), background=call.background)

    def place(self, wait: float) -> float:
        """Seconds until somebody who has to wait for so long at least may come, or come back: no two at once, and no
        more than the reads suffice for."""
        now = monotonic()
        self._last_place = max(self._last_place + self._between_places, now + wait)
        return self._last_place - now


def _seconds(text: str) -> float:
    """Of hh:mm:ss; 0 if it is something else."""
    try:
        hours, minutes, seconds = map(float, text.split(":"))
    except ValueError:
        return 0
    return hours * 3600 + minutes * 60 + seconds
