"""How fast Azure may be asked: its buckets as far as they are known here, and who of those that wait calls next.

Azure Resource Manager has a bucket of calls for each subscription (or tenant), principal and kind of call: every call
takes one, and they come back at a steady rate (azure-docs, ARM throttling). Each answer says how many are left, as of
when it was given. Other processes of this app take from the same bucket, and show nowhere else than in that number.

Times are seconds of a clock that never runs backwards. Rates are the service's: in Azure a second of it is a second;
where its clock runs faster, it is shorter by as much as the poll interval is than its 30 s.
"""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

_CUSHION = 0.05
"""The share of a bucket that nobody spends. What is left shrinks into it while other processes call, and the wait for
a call grows with what is missing: so they come to share the rate, and none runs into the end."""

_RESERVE = 0.2
"""The share that calls in the background leave to others besides."""

LOOKS_A_POLL = 200
"""Looks at VMs that nothing protects yet: the reads of a poll interval suffice for so many, with nearly four for each
(the VM, its interface, the service's own check; what VMs share is read once)."""

_OTHERS = 9
"""How many others may go before a call in the background that waits: then it is its turn, whatever is left."""


@dataclass(frozen=True)
class Limit:
    """A bucket of `size` calls that refills by `per_second`, and what its calls are called in the headers."""

    kind: str
    size: int
    per_second: float


READS = Limit("reads", 250, 25)
WRITES = Limit("writes", 200, 10)
DELETES = Limit("deletes", 200, 10)
QUERIES = Limit("queries", 15, 3)
"""Of Resource Graph: 15 in 5 s for each principal. Its answers say when all of them are back."""


class Bucket:
    """Never holds more than the service's has left for us, as far as our own calls go.

    A call counts when it is sent. Until it is answered nobody knows whether the service has counted it.
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
        """Seconds until it holds so many calls; 0 if it does. Answers may shorten it, and lengthen it."""
        self._fill(now)
        missing = calls - self._left
        return max(missing / self._rate if missing > 1e-6 else 0, self.blocked_until - now)

    def take(self, now: float) -> None:
        self._fill(now)
        self._is_alone = not self._under_way
        self._left -= 1
        self._under_way += 1

    def ended(self, now: float, told: float | None = None) -> None:
        """A call has ended, and its answer `told` how many are left.

        That is from before the service has seen the others that are under way. If it is less than what is known here,
        somebody else has called. If it is more, it may be old news, unless no other call was under way all the time;
        and then it is believed by half, since other processes see the same number, and may take it for theirs.
        """
        self._fill(now)
        self._under_way -= 1
        if told is None:
            return
        left = min(told, self._size) - self._under_way
        if left < self._left:
            self._left = left
        elif self._is_alone:
            self._left += (left - self._left) / 2

    def is_used_up(self, told: float) -> bool:
        """Whether the calls that are under way will have taken all that an answer has `told` of."""
        return told - self._under_way < 1

    def block(self, until: float) -> None:
        """The service has said so."""
        self.blocked_until = max(self.blocked_until, until)

    def _fill(self, now: float) -> None:
        """What is under way may reach the service late, and its bucket is full until then: ours is not fuller."""
        left = self._left + (now - self._filled) * self._rate
        self._left = min(left, self._size - self._under_way)
        self._filled = now


@dataclass(eq=False)
class Call:
    """One that waits, at most until `give_up_at`."""

    background: bool
    give_up_at: float


C = TypeVar("C", bound=Call)


class Queue(Generic[C]):
    """The calls that wait for one bucket, in the order they came; those in the background after all others."""

    def __init__(self, limit: Limit, bucket: Bucket) -> None:
        self._bucket = bucket
        self._least = 1 + _CUSHION * limit.size
        self._reserve = _RESERVE * limit.size
        self._foreground: deque[C] = deque()
        self._background: deque[C] = deque()
        self._passed = 0

    def enter(self, call: C) -> None:
        (self._background if call.background else self._foreground).append(call)

    def leave(self, call: C) -> None:
        """Does nothing if it is not there (any more)."""
        if call in (queue := self._background if call.background else self._foreground):
            queue.remove(call)

    def next(self, now: float) -> C | None:
        """The call that may be sent now, if there is one: it is taken from the bucket, and waits no longer."""
        queue, calls = self._first()
        if not queue or self._bucket.wait(now, calls) > 0:
            return None
        self._passed = self._passed + 1 if queue is self._foreground and self._background else 0
        self._bucket.take(now)
        return queue.popleft()

    def wait(self, now: float) -> float | None:
        """Seconds until somebody may call, or is to wait no longer; None if nobody waits."""
        queue, calls = self._first()
        if not queue:
            return None
        gives_up_at = min(each[0].give_up_at for each in (self._foreground, self._background) if each)
        return min(self._bucket.wait(now, calls), gives_up_at - now)

    def wait_of_last(self, now: float, *, background: bool) -> float:
        """About how many seconds the last call of those in the background, or of the others, has to wait."""
        before = len(self._foreground) - 1 + (self._reserve + len(self._background) if background else 0)
        return self._bucket.wait(now, self._least + before)

    def give_up(self, now: float) -> list[C]:
        """Those that have waited for too long, or are going to: they wait no longer."""
        given_up = []
        for queue in (self._foreground, self._background):
            while queue and queue[0].give_up_at <= max(now, self._bucket.blocked_until):
                given_up.append(queue.popleft())
        return given_up

    def _first(self) -> tuple[deque[C], float]:
        """From which queue the next call is taken, and how many the bucket has to hold for it."""
        turn_of_background = self._passed >= _OTHERS
        if self._foreground and not (self._background and turn_of_background):
            return self._foreground, self._least
        return self._background, self._least + (0 if turn_of_background else self._reserve)
