"""The rate limiter of one process: each call to Azure waits here until its token bucket allows it.

A call that finds enough tokens is sent at once. Otherwise it waits for a few seconds at most; a call that would wait
longer raises ThrottledError, and its run retries after a durable timer. A process has few slots for activities:
low-priority activities occupy only some of them while they wait.
"""

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

from shared.arm.errors import ThrottledError, retry_after
from shared.arm.token_bucket import (
    DELETES,
    QUERIES,
    READS,
    RUNS_PER_POLL,
    SETS,
    VM_LISTS,
    WRITES,
    Bucket,
    Call,
    Limit,
    Queue,
)
from shared.config.intervals import LONGEST_CALL_WAIT, LONGEST_WRITE_WAIT, POLL_SECONDS

log = logging.getLogger("dr.rate_limit")

_MOST_WAITING = 4
"""Low-priority activities that may wait at the same time: a quarter of those that host.json allows per process."""

_KINDS = {"GET": READS, "HEAD": READS, "DELETE": DELETES}
# A service's own limits: of reads or of all else, by the path.
_OF_SERVICES = (
    (False, re.compile("/providers/microsoft.recoveryservices/vaults/[^/]+/replication"), SETS),
    (True, re.compile("/providers/microsoft.compute/virtualmachines$"), VM_LISTS),
)
_GRAPH = "/providers/microsoft.resourcegraph/resources"
_QUERIES_LEFT, _QUERIES_BACK_AFTER = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"

# VMs can be read by themselves, too.
_LONGEST_WAIT = {READS: LONGEST_CALL_WAIT, QUERIES: LONGEST_CALL_WAIT, VM_LISTS: 0}

_activity: ContextVar[object | None] = ContextVar("low_priority_activity", default=None)


@contextmanager
def low_priority(so: bool) -> Iterator[None]:
    """Marks the calls made within, and in tasks created within, as low priority: they yield to all others."""
    token = _activity.set(object() if so else None)
    try:
        yield
    finally:
        _activity.reset(token)


def is_low_priority() -> bool:
    return _activity.get() is not None


class RateLimiter:
    """The queues of a process, one for each bucket. Create one limiter per process."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._low_priority: set[_Waiting] = set()
        self._queues: dict[tuple[str, Limit], BucketQueue] = {}

    def queue_for(self, method: str, url: str) -> "BucketQueue":
        """The queue for requests with this method and URL."""
        path = urlsplit(url).path.lower()
        parts = path.split("/")
        owner = f"subscription {parts[2]}" if parts[1:2] == ["subscriptions"] and len(parts) > 2 else "tenant"
        limit = QUERIES if path.endswith(_GRAPH) else _KINDS.get(method, WRITES)
        return self._queue(owner, limit)

    def queues_for(self, method: str, url: str) -> tuple["BucketQueue", ...]:
        """All queues for such requests, that of a service's own limit first: it is the narrower one."""
        queue, path = self.queue_for(method, url), urlsplit(url).path.lower()
        is_read = _KINDS.get(method) is READS
        own = [limit for of_reads, paths, limit in _OF_SERVICES if of_reads is is_read and paths.search(path)]
        return (*(self._queue(queue.owner, limit) for limit in own), queue)

    def _queue(self, owner: str, limit: Limit) -> "BucketQueue":
        if (owner, limit) not in self._queues:
            self._queues[owner, limit] = BucketQueue(limit, owner, self._poll_seconds, self._low_priority)
        return self._queues[owner, limit]

    def next_slot(self, subscription: str) -> float:
        """Seconds until the run of one more VM of the subscription may start: starts are spread over time."""
        return self.queue_for("GET", f"/subscriptions/{subscription}").next_slot(0)


class _Waiting(Call):
    """A waiting call. `activity` is the low-priority activity that makes it; `acquired` resolves to False on a
    timeout."""

    def __init__(self, activity: object | None, give_up_at: float) -> None:
        super().__init__(low_priority=activity is not None, give_up_at=give_up_at)
        self.activity = activity
        self.acquired: asyncio.Future[bool] = asyncio.get_running_loop().create_future()


class BucketQueue:
    """The calls that wait for one bucket. `low_priority` holds the waiting low-priority calls of all queues."""

    def __init__(self, limit: Limit, owner: str, poll_seconds: float, low_priority: set[_Waiting]) -> None:
        self.owner = owner
        left = f"x-ms-ratelimit-remaining-{owner.split(' ', 1)[0]}-"
        of_others = {QUERIES: (_QUERIES_LEFT,), SETS: (), VM_LISTS: ()}
        self._remaining_headers = of_others.get(limit, (left + limit.kind, f"{left}global-{limit.kind}"))
        self._name = f"{limit.kind} of the {owner}"
        self._longest = poll_seconds * _LONGEST_WAIT.get(limit, LONGEST_WRITE_WAIT)
        self._between_slots = poll_seconds / RUNS_PER_POLL
        self._last_slot = float("-inf")
        self._low_priority = low_priority
        self._bucket = Bucket(limit, poll_seconds / POLL_SECONDS, monotonic())
        self._queue: Queue[_Waiting] = Queue(limit, self._bucket)
        self._timer: asyncio.TimerHandle | None = None

    async def acquire(self) -> None:
        """Returns when the request may be sent; the caller then reports `response_received` or `no_response`.

        Raises ThrottledError if the request would have to wait for too long.
        """
        call = _Waiting(_activity.get(), monotonic() + self._longest)
        self._queue.enter(call)
        self._serve()
        if not call.acquired.done() and (self._is_crowded(call) or self._wait_of_last(call) > self._longest):
            self._queue.leave(call)
            call.acquired.set_result(False)
        if not await self._come(call):
            wait = self._wait_of_last(call)
            raise ThrottledError(f"rate limit of {self._name} reached", wait, self.next_slot)

    def response_received(self, status: int, headers: Mapping[str, str], *, narrower: bool = False) -> None:
        """Updates the bucket from the response headers. A 429 blocks all calls of the bucket for its Retry-After.

        Not one whose headers show tokens left: it is of another limit, perhaps of one VM's reads (SupportArticles-docs,
        troubleshooting-throttling-errors). Where they show nothing, the `narrower` bucket of the call is meant, if
        there is one.
        """
        now = monotonic()
        remaining = [float(headers[name]) for name in self._remaining_headers if headers.get(name, "").isdecimal()]
        left = min(remaining, default=None)
        self._bucket.ended(now, left)
        is_this_one = not narrower if left is None else self._bucket.is_used_up(left)
        if status == HTTPStatus.TOO_MANY_REQUESTS and is_this_one and (wait := retry_after(headers)):
            if self._bucket.blocked_until <= now:
                log.warning("Throttled: rate limit of %s reached for %.1f s", self._name, wait)
            self._bucket.block(now + wait)
        if left is not None and self._bucket.is_used_up(left):
            self._bucket.block(now + _seconds(headers.get(_QUERIES_BACK_AFTER, "")))
        self._serve()

    def no_response(self) -> None:
        """The request was not sent, or got no response."""
        self._bucket.ended(monotonic())
        self._serve()

    async def _come(self, call: _Waiting) -> bool:
        """Whether the call acquired a token; False if it gave up."""
        if call.low_priority:
            self._low_priority.add(call)
        try:
            return await call.acquired
        except asyncio.CancelledError:
            self._queue.leave(call)
            if not call.acquired.cancelled() and call.acquired.result():
                self.no_response()
            raise
        finally:
            self._low_priority.discard(call)

    def _serve(self) -> None:
        """Releases the calls that have a token, rejects those that would time out, and schedules the next check."""
        now = monotonic()
        while call := self._queue.next(now):
            if call.acquired.done():
                self._bucket.ended(now)  # cancelled a moment ago
            else:
                call.acquired.set_result(True)
        for call in self._queue.give_up(now):
            if not call.acquired.done():
                call.acquired.set_result(False)
        if self._timer:
            self._timer.cancel()
        wait = self._queue.wait(now)
        self._timer = None if wait is None else asyncio.get_running_loop().call_later(wait, self._serve)

    def _is_crowded(self, call: _Waiting) -> bool:
        others = {each.activity for each in self._low_priority} - {call.activity}
        return call.low_priority and len(others) >= _MOST_WAITING

    def _wait_of_last(self, call: _Waiting) -> float:
        return self._queue.wait_of_last(monotonic(), low_priority=call.low_priority)

    def next_slot(self, wait: float) -> float:
        """Seconds until a run that has to wait for at least `wait` seconds may start or retry. No two get the same
        slot, and no more get one than the read bucket has tokens for."""
        now = monotonic()
        self._last_slot = max(self._last_slot + self._between_slots, now + wait)
        return self._last_slot - now


def _seconds(text: str) -> float:
    """The seconds of `hh:mm:ss`; 0 for any other text."""
    try:
        hours, minutes, seconds = map(float, text.split(":"))
    except ValueError:
        return 0
    return hours * 3600 + minutes * 60 + seconds
