"""The arithmetic of the buckets and of who is next, against a bucket of the service and any delays on the way there."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count, cycle
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from shared.arm.token_bucket import DELETES, QUERIES, READS, WRITES, Bucket, Call, Limit, Queue
from tests.properties import examples

enough = examples(60)

Burst = tuple[float, int, list[tuple[float, float]], bool]

limits = st.sampled_from([READS, WRITES, DELETES, QUERIES])
delays = st.floats(0, 3)
moments = st.floats(0, 60)


class Service:
    """A bucket as Azure keeps it."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.tokens = float(limit.size)
        self.filled = 0.0
        self.refused: list[float] = []

    def take(self, now: float) -> int:
        """How many are left."""
        self.tokens = min(self.limit.size, self.tokens + (now - self.filled) * self.limit.per_second)
        self.filled = now
        if self.tokens < 1:
            self.refused.append(now)
            return 0
        self.tokens -= 1
        return int(self.tokens)


@dataclass(eq=False)
class Sent(Call):
    """A call: when it came and when it was let go, how long its ways there and back take, and whether others waited
    then: the background, or those who have the way before it."""

    came: float = 0
    there: float = 0
    back: float = 0
    went: float | None = None
    others_waited: bool = False


def call(came: float, there: float = 0.05, back: float = 0.05, *, low_priority: bool = False) -> Sent:
    return Sent(low_priority, float("inf"), came, there, back)


@dataclass
class World:
    """Processes that ask one service, moved from moment to moment."""

    limit: Limit = READS
    reported: bool = True
    events: list[tuple[float, int, Any]] = field(default_factory=list)
    order: Any = field(default_factory=count)
    went: list[Sent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.service = Service(self.limit)

    def at(self, moment: float, what: Any) -> None:
        heappush(self.events, (moment, next(self.order), what))

    def process(self, calls: Iterable[Sent]) -> "Process":
        process = Process(self)
        for each in calls:
            self.at(each.came, lambda now, each=each: process.enter(now, each))
        return process

    def run(self, until: float = float("inf")) -> None:
        while self.events and self.events[0][0] <= until:
            moment, _, what = heappop(self.events)
            what(moment)


class Process:
    def __init__(self, world: World) -> None:
        self.world = world
        self.bucket = Bucket(world.limit, 1, 0)
        self.queue: Queue[Sent] = Queue(world.limit, self.bucket)
        self.observe: float | None = None
        self.waiting = Counter[bool]()

    def enter(self, now: float, sent: Sent) -> None:
        self.queue.enter(sent)
        self.waiting[sent.low_priority] += 1
        self.serve(now)

    def serve(self, now: float) -> None:
        while sent := self.queue.next(now):
            sent.went = now
            self.waiting[sent.low_priority] -= 1
            sent.others_waited = self.waiting[not sent.low_priority] > 0
            self.world.went.append(sent)
            self.world.at(now + sent.there, lambda at, sent=sent: self.arrive(at, sent))
        wait = self.queue.wait(now)
        self.observe = None if wait is None else now + wait
        if self.observe is not None:
            self.world.at(self.observe, self.look)

    def look(self, now: float) -> None:
        if now == self.observe:
            self.serve(now)

    def arrive(self, now: float, sent: Sent) -> None:
        left = self.world.service.take(now)
        self.world.at(now + sent.back, lambda at: self.answer(at, left))

    def answer(self, now: float, left: int) -> None:
        self.bucket.ended(now, left if self.world.reported else None)
        self.serve(now)


bursts = st.tuples(
    moments, st.integers(1, 300), st.lists(st.tuples(delays, delays), min_size=1, max_size=4), st.booleans()
)


def calls_of(*given: Burst) -> list[Sent]:
    """Calls that come at once; their delays take turns."""
    return [
        call(came, *delay, low_priority=low_priority)
        for came, number, ways, low_priority in given
        for _, delay in zip(range(number), cycle(ways), strict=False)
    ]


@enough
@given(limits, st.booleans(), st.lists(bursts, max_size=8))
@example(WRITES, True, [(0, 216, [(0, 1), (0.5, 0), (0.5, 0)], False)])  # answers that are old news
def test_one_process_never_sends_what_the_service_would_refuse_and_sends_everything(
    limit: Limit, reported: bool, given: list[Burst]
) -> None:
    world, calls = World(limit, reported), calls_of(*given)
    world.process(calls)

    world.run()

    assert world.service.refused == []
    assert len(world.went) == len(calls)


@enough
@given(limits, st.integers(0, 2000), st.integers(0, 2000), st.floats(0, 0.5))
def test_a_flood_is_sent_as_fast_as_the_bucket_refills(limit: Limit, some: int, more: int, delay: float) -> None:
    """But for what is left to others, and the first answers, before which nothing comes back."""
    world = World(limit)
    world.process([*calls_of((0, some, [(delay, delay)], False)), *calls_of((0, more, [(delay, delay)], True))])

    world.run()

    at_once = 0.75 * limit.size - 1
    last = max((each.went or 0 for each in world.went), default=0)
    assert last <= max(0, some + more - at_once) / limit.per_second + 2 * delay + 0.001


@enough
@given(limits, st.lists(bursts, min_size=1, max_size=8))
def test_others_go_before_low_priority_which_is_never_starved(limit: Limit, given: list[Burst]) -> None:
    world, calls = World(limit), calls_of(*given)
    world.process(calls)

    world.run()

    passed = 0
    for each in world.went:
        if each.low_priority:
            assert passed >= 9 or not each.others_waited
            passed = 0
        else:
            passed = passed + 1 if each.others_waited else 0
            assert passed <= 9


@given(st.integers(1, 2000), st.floats(0, 120))
def test_after_any_flood_in_low_priority_a_burst_of_others_goes_at_once(flood: int, later: float) -> None:
    world = World()
    world.process([*calls_of((0, flood, [(0, 0)], True)), *calls_of((later, 40, [(0, 0)], False))])

    world.run()

    assert [each.went for each in world.went if not each.low_priority] == [later] * 40


@enough
@given(st.integers(1, 8), st.lists(st.tuples(delays, delays), min_size=1, max_size=4), st.sampled_from([READS, WRITES]))
def test_processes_that_share_a_bucket_come_to_share_its_rate(
    processes: int, ways: list[tuple[float, float]], limit: Limit
) -> None:
    """Each has one call under way at a time, as fast as it may."""
    world = World(limit)

    class OneByOne(Process):
        def answer(self, now: float, left: int) -> None:
            super().answer(now, left)
            self.enter(now, call(now, *next(delays_of[self])))

    delays_of = {}
    for number in range(processes):
        process = OneByOne(world)
        delays_of[process] = cycle(
            (there / 30, back / 30) for there, back in ways[number % len(ways) :] + ways[: number % len(ways)]
        )
        world.at(0, lambda now, process=process: process.enter(now, call(now)))
    world.run(until=120)

    assert world.service.refused == []


@enough
@given(limits, st.floats(0, 100), st.lists(moments, min_size=1, max_size=50))
def test_no_one_goes_while_the_service_takes_no_more(limit: Limit, until: float, given: list[float]) -> None:
    world = World(limit)
    process = world.process(calls_of(*((came, 3, [(0.0, 0.0)], came > 30) for came in given)))
    process.bucket.block(until)

    world.run()

    assert len(world.went) == 3 * len(given)
    assert min(each.went or 0 for each in world.went) >= max(until, min(given))


@given(st.integers(0, 250), st.integers(0, 100), st.floats(0, 20))
def test_what_an_answer_reports_is_believed_at_once_if_it_is_less(reported: int, under_way: int, later: float) -> None:
    bucket = Bucket(READS, 1, 0)
    for _ in range(under_way + 1):
        bucket.take(0)
    bucket.ended(0, reported)

    sent = 0
    while not bucket.wait(later, 1):
        bucket.take(later)
        sent += 1

    assert sent <= max(0, reported - under_way + 25 * later)
