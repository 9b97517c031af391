"""Token buckets that mirror the rate limits of Azure, and the order of the calls that wait for one.

Azure Resource Manager has a bucket of calls for each subscription (or tenant), principal and kind of call: every call
takes one token, and tokens come back at a steady rate (azure-docs, ARM throttling). Each response says how many were
left when it was sent. Other processes of this app use the same bucket; only that number shows it.

Times are seconds of a monotonic clock. Rates are those of the service: in Azure a second is a second; where the clock
of the service runs faster, a second is shorter by the ratio of the poll interval to its default of 30 s.
"""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

_CUSHION = 0.05
"""The share of a bucket that is never spent. Other processes use the same bucket, and the wait for a call grows with
what is missing: so the processes come to share the rate, and none is throttled."""

_RESERVE = 0.2
"""The further share that low-priority calls leave to others."""

RUNS_PER_POLL = 200
"""Runs that may start in a poll interval: the read bucket has nearly four reads for each (the VM, its network
interface, the replicated item; what VMs share is read once)."""

_OTHERS = 9
"""How many other calls may overtake a waiting low-priority call: then it is next, whatever is left."""


@dataclass(frozen=True)
class Limit:
    """A bucket of `size` calls that refills by `per_second`. `kind` is its name in the rate-limit headers."""

    kind: str
    size: int
    per_second: float


READS = Limit("reads", 250, 25)
WRITES = Limit("writes", 200, 10)
DELETES = Limit("deletes", 200, 10)
QUERIES = Limit("queries", 15, 3)
"""Of Resource Graph: 15 in 5 s for each principal. Its responses say when the bucket is full again."""
SETS = Limit("Site Recovery's set calls", 200, 200 / 60)
"""What writes to Site Recovery: at most 200 in a minute, as Microsoft's script for agent updates says. No header shows
what is left. Each of them takes a token of the writes or deletes, too."""
VM_LISTS = Limit("lists of VMs", 900, 5)
"""Lists of the VMs of a subscription or resource group: 300 in a minute and 900 at once, of all callers together (High
Cost Get VM in azure-compute-docs, compute-throttling-limits). Each of them takes a token of the reads, too."""


class Bucket:
    """A token bucket that never holds more tokens than the bucket of the service, as far as this process can know.

    A call counts when it is sent. Until its response arrives it is unknown whether the service has counted it.
    """

    def __init__(self, limit: Limit, second: float, now: float) -> None:
        self._size = float(limit.size)
        self._rate = limit.per_second / second
        self._left = self._size
        self._filled = now
        self._under_way = 0
        self._is_alone = True
        self.blocked_until = now

    def wait(self, now: float, calls: float) -> float:
        """Seconds until the bucket holds `calls` tokens; 0 if it does now. Responses may change the estimate."""
        self._fill(now)
        missing = calls - self._left
        return max(missing / self._rate if missing > 1e-6 else 0, self.blocked_until - now)

    def take(self, now: float) -> None:
        self._fill(now)
        self._is_alone = not self._under_way
        self._left -= 1
        self._under_way += 1

    def ended(self, now: float, remaining: float | None = None) -> None:
        """A call has ended; `remaining` are the tokens left by its response.

        That number does not count the calls still in progress. If it is lower than the local estimate, another process
        has called. If it is higher, it may be stale, unless no other call was in progress the whole time; then only
        half of the difference is added, because other processes see the same number and may use it, too.
        """
        self._fill(now)
        self._under_way -= 1
        if remaining is None:
            return
        left = min(remaining, self._size) - self._under_way
        if left < self._left:
            self._left = left
        elif self._is_alone:
            self._left += (left - self._left) / 2

    def is_used_up(self, remaining: float) -> bool:
        """Whether the calls in progress will use all `remaining` tokens."""
        return remaining - self._under_way < 1

    def block(self, until: float) -> None:
        """Blocks all calls until then: the service returned a Retry-After."""
        self.blocked_until = max(self.blocked_until, until)

    def _fill(self, now: float) -> None:
        """Refills. Calls in progress may reach the service late: until then they are not refilled here."""
        left = self._left + (now - self._filled) * self._rate
        self._left = min(left, self._size - self._under_way)
        self._filled = now


@dataclass(eq=False)
class Call:
    """A call that waits until `give_up_at` at most."""

    low_priority: bool
    give_up_at: float


C = TypeVar("C", bound=Call)


class Queue(Generic[C]):
    """The calls that wait for one bucket, in the order of arrival; low-priority calls after all others."""

    def __init__(self, limit: Limit, bucket: Bucket) -> None:
        self._bucket = bucket
        self._least = 1 + _CUSHION * limit.size
        self._reserve = _RESERVE * limit.size
        self._foreground: deque[C] = deque()
        self._low_priority: deque[C] = deque()
        self._passed = 0

    def enter(self, call: C) -> None:
        (self._low_priority if call.low_priority else self._foreground).append(call)

    def leave(self, call: C) -> None:
        """Removes the call if it is still waiting."""
        if call in (queue := self._low_priority if call.low_priority else self._foreground):
            queue.remove(call)

    def next(self, now: float) -> C | None:
        """Removes and returns the call that may be sent now, and takes its token; None if there is none."""
        queue, calls = self._first()
        if not queue or self._bucket.wait(now, calls) > 0:
            return None
        self._passed = self._passed + 1 if queue is self._foreground and self._low_priority else 0
        self._bucket.take(now)
        return queue.popleft()

    def wait(self, now: float) -> float | None:
        """Seconds until the next call may be sent or gives up; None if no call waits."""
        queue, calls = self._first()
        if not queue:
            return None
        gives_up_at = min(each[0].give_up_at for each in (self._foreground, self._low_priority) if each)
        return min(self._bucket.wait(now, calls), gives_up_at - now)

    def wait_of_last(self, now: float, *, low_priority: bool) -> float:
        """The estimated wait in seconds of the last low-priority call, or of the last other call."""
        before = len(self._foreground) - 1 + (self._reserve + len(self._low_priority) if low_priority else 0)
        return self._bucket.wait(now, self._least + before)

    def give_up(self, now: float) -> list[C]:
        """Removes and returns the calls that have timed out, or will."""
        given_up = []
        for queue in (self._foreground, self._low_priority):
            while queue and queue[0].give_up_at <= max(now, self._bucket.blocked_until):
                given_up.append(queue.popleft())
        return given_up

    def _first(self) -> tuple[deque[C], float]:
        """The queue of the next call, and how many tokens the bucket must hold for it."""
        low_priority_turn = self._passed >= _OTHERS
        if self._foreground and not (self._low_priority and low_priority_turn):
            return self._foreground, self._least
        return self._low_priority, self._least + (0 if low_priority_turn else self._reserve)
