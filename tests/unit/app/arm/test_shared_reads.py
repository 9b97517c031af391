"""Shared reads: whatever happens meanwhile, each reader gets what its own GET would have shown, then or later."""

import asyncio
import selectors
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from hypothesis import given
from hypothesis import strategies as st

from shared.arm import shared_reads, ttl_cache
from shared.arm.errors import MalformedResponseError, ThrottledError
from shared.arm.fields import Json
from shared.arm.listing import read_one
from shared.arm.shared_reads import ListedType, Loader, among
from shared.arm.ttl_cache import TtlCache, needed_since
from shared.config.intervals import LONGEST_GATHERING
from shared.model.resource_id import ResourceId
from tests.properties import examples
from tests.unit.app.examples import SUBSCRIPTION
from tests.unit.app.fake_azure import answer

VMS = [ResourceId.of(SUBSCRIPTION, f"G{n % 2}", "Microsoft.Compute/virtualMachines", f"Vm-{n}") for n in range(8)]
ABSENT = ResourceId(f"{VMS[0]}-gone")
TTL = 600.0
KEPT = 120.0
FAULTS: list[Callable[[], Exception]] = [
    lambda: ThrottledError("reads", 1, lambda wait: wait),
    lambda: answer(429, "TooManyRequests"),
    lambda: answer(403, "AuthorizationFailed"),
    lambda: answer(500, "InternalServerError"),
    lambda: ServiceRequestError("reset"),
    lambda: MalformedResponseError("HTML"),
]


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer: no wait takes time."""

    def __init__(self) -> None:
        super().__init__(_Selector())

    def time(self) -> float:
        clock: _Selector = self._selector  # type: ignore[attr-defined]
        return clock.now


class _Selector(selectors.SelectSelector):
    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0
        return super().select(0)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (shared_reads, ttl_cache):
        monkeypatch.setattr(module, "monotonic", lambda: asyncio.get_running_loop().time())


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    loop = Loop()
    try:
        loop.run_until_complete(main())
        # The lists whose readers have all given up end, too.
        if others := asyncio.all_tasks(loop):
            loop.run_until_complete(asyncio.wait(others, timeout=60))
        assert not asyncio.all_tasks(loop)
    finally:
        loop.close()


def _joined(rows: Sequence[Json]) -> Json | None:
    return {**rows[0], "status": rows[1]["status"]} if "status" in rows[1] else None


LISTED = ListedType("Microsoft.Compute/virtualMachines", "1", lists=({"of": "model"}, {"of": "status"}), join=_joined)


@dataclass
class World:
    """Resources that change, and the service that shows them: `lags` are what its calls take, one after the other,
    `faults` what becomes of them (None: nothing), `spoilt` what becomes of the rows of lists.

    A value is a version of a resource; None, where it does not exist.
    """

    lags: Iterator[float] = field(default_factory=lambda: cycle([0.1]))
    faults: Iterator[Exception | None] = field(default_factory=lambda: cycle([None]))
    spoilt: Iterator[str] = field(default_factory=lambda: cycle([""]))
    page_size: int = 1000
    history: defaultdict[str, list[tuple[float, int | None]]] = field(default_factory=lambda: defaultdict(list))
    gets: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    refused: dict[int, tuple[str, float]] = field(default_factory=dict)
    kept: list[Exception] = field(default_factory=list)

    def change(self, numbers: Iterable[int], version: int | None) -> None:
        for n in numbers:
            self.history[VMS[n].key].append((now(), version))

    def shown(self, vm: ResourceId) -> int | None:
        return self.history[vm.key][-1][1] if self.history[vm.key] else None

    def shown_since(self, vm: ResourceId, begin: float) -> set[int | None]:
        """What its GETs may have shown from then on."""
        before = [version for at, version in self.history[vm.key] if at < begin]
        return {before[-1] if before else None, *(version for at, version in self.history[vm.key] if at >= begin)}

    async def get(self, vm: ResourceId) -> Json:
        asked = now()
        self.gets.append(vm.key)
        await asyncio.sleep(next(self.lags))
        fault, version = next(self.faults), self.shown(vm)
        await asyncio.sleep(next(self.lags))
        if fault or version is None:
            fault = fault or answer(404, "ResourceNotFound")
            self.refused[id(fault)] = vm.key, asked
            self.kept.append(fault)
            raise fault
        return {"id": str(vm), "model": version, "status": version}

    async def list(self, of: str) -> AsyncGenerator[list[Any], None]:
        """Each page shows what there is when it is asked for: what moves between two may be on both, or on none."""
        start = 0
        while True:
            self.pages.append(of)
            await asyncio.sleep(next(self.lags))
            if fault := next(self.faults):
                raise fault
            there = [vm for vm in VMS if self.shown(vm) is not None]
            rows = [self._row(vm, of) for vm in there[start : start + self.page_size]]
            await asyncio.sleep(next(self.lags))
            yield [row for row in rows if row != "hidden"]
            start += self.page_size
            if start >= len(there):
                return

    def _row(self, vm: ResourceId, of: str) -> Any:
        spoilt = next(self.spoilt)
        body = {"id": str(vm), of: self.shown(vm)}
        rows = {"lower": {**body, "id": str(vm).lower()}, "short": {"id": str(vm)}, "odd": {**body, of: "odd"}}
        return spoilt if spoilt in {"hidden", "text"} else {} if spoilt == "empty" else rows.get(spoilt, body)

    def loader(self) -> Loader:
        return Loader(self.get, self.list, LISTED, TTL, KEPT)


def now() -> float:
    return asyncio.get_running_loop().time()


def parse(body: Json) -> tuple[int, int]:
    return read_one(body, "the VM", lambda found: (_whole(found["model"]), _whole(found["status"])))


def _whole(given: Any) -> int:
    if not isinstance(given, int):
        raise ValueError(f"{given!r} is no version")
    return given


async def read_and_check(world: World, loader: Loader, vm: ResourceId, waited: float) -> None:
    """One reader, which has waited for its turn: what it gets, its own GET would have got since."""
    begin = now() - waited
    try:
        with needed_since(begin if waited else float("inf")):
            parts = await loader.read(vm, parse)
    except (HttpResponseError, ServiceRequestError, MalformedResponseError, ThrottledError) as fault:
        refused, asked = world.refused[id(fault)]
        assert refused == vm.key, "the error of another reader"
        assert asked >= begin, "an error that is older than the question"
        return
    assert set(parts) <= world.shown_since(vm, begin), "an answer that was asked for before"


some = st.one_of(st.just(set(range(8))), st.sets(st.integers(0, 7)))
waits = st.sampled_from([0, 0, 0.001, 0.05, 0.15, 0.5])


@dataclass(frozen=True)
class Round:
    """Resources change or are deleted, then some are read, by readers who have waited for their turn or not, and some
    of all readers give up after a while."""

    changed: set[int]
    deleted: set[int]
    read: set[int]
    waited: float
    wait: float
    cancelled: set[int]
    then: float


@examples(400)
@given(
    rounds=st.lists(
        st.builds(Round, some, st.sets(st.integers(0, 7), max_size=2), some, waits, waits, some, waits), max_size=6
    ),
    page_size=st.sampled_from([1, 3, 1000]),
    lags=st.lists(st.sampled_from([0.0, 0.01, 0.1, 0.4]), min_size=1, max_size=9),
    faults=st.one_of(
        st.just([None]), st.lists(st.one_of(st.none(), st.none(), st.sampled_from(FAULTS)), min_size=1, max_size=12)
    ),
    spoilt=st.one_of(
        st.just([""]),
        st.lists(st.sampled_from(["", "", "lower", "short", "odd", "hidden", "text", "empty"]), min_size=1),
    ),
)
def test_each_reader_gets_what_its_own_get_would_have_shown_then_or_later(
    rounds: list[Round],
    page_size: int,
    lags: list[float],
    faults: list[Callable[[], Exception] | None],
    spoilt: list[str],
) -> None:
    async def main() -> None:
        made = (make and make() for make in cycle(faults))
        world = World(cycle(lags), made, cycle(spoilt), page_size)
        loader, readers = world.loader(), list[asyncio.Task[None]]()
        for version, each in enumerate(rounds):
            world.change(each.changed, version)
            world.change(each.deleted, None)
            readers += [asyncio.create_task(read_and_check(world, loader, VMS[n], each.waited)) for n in each.read]
            await asyncio.sleep(each.wait)
            for n in each.cancelled & set(range(len(readers))):
                readers[-n].cancel()
            await asyncio.sleep(each.then)
        for outcome in await asyncio.gather(*readers, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    run(main)


@examples(400)
@given(
    rounds=st.lists(
        st.tuples(
            st.lists(st.sampled_from([0.0, 0.1, 1.0, 30.0, None]), max_size=4),
            st.sampled_from([0, 0, 0.5, 20.0]),
            st.booleans(),
            st.sets(st.integers(0, 20), max_size=2),
            st.sampled_from([0, 0.05, 0.5, 5.0]),
        ),
        max_size=8,
    ),
    lags=st.lists(st.sampled_from([0.0, 0.01, 0.1, 2.0]), min_size=1, max_size=5),
    faults=st.one_of(st.just([None]), st.lists(st.one_of(st.none(), st.sampled_from(FAULTS)), min_size=1, max_size=5)),
)
def test_a_cached_list_is_never_older_than_its_reader_allows(
    rounds: list[tuple[list[float | None], float, bool, set[int], float]],
    lags: list[float],
    faults: list[Callable[[], Exception] | None],
) -> None:
    async def main() -> None:
        world = World(cycle(lags), (make and make() for make in cycle(faults)))
        world.change(range(8), 0)
        readers: list[asyncio.Task[None]] = []

        async def ask() -> float:
            asked = now()
            with suppress(Exception):
                await world.get(VMS[0])
                return asked
            raise LookupError(asked)

        cached = TtlCache(ask, 10)

        async def read(within: float | None, waited: float) -> None:
            allowed = 10 if within is None else within
            oldest = now() - (max(allowed, waited) if allowed else 0)
            try:
                with needed_since(now() - waited if waited else float("inf")):
                    asked = await cached.get(within)
            except LookupError as fault:
                (asked,) = fault.args
            assert asked >= oldest

        for asked, waited, forgotten, cancelled, wait in rounds:
            if forgotten:
                cached.forget()
            readers += [asyncio.create_task(read(within, waited)) for within in asked]
            await asyncio.sleep(wait)
            for n in cancelled & set(range(len(readers))):
                readers[n].cancel()
        for outcome in await asyncio.gather(*readers, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    run(main)


@contextmanager
def calls_of(world: World) -> Iterator[list[int]]:
    """The numbers of GETs and of pages within."""
    gets, pages, counted = len(world.gets), len(world.pages), list[int]()
    yield counted
    counted += [len(world.gets) - gets, len(world.pages) - pages]


async def read_all(loader: Loader, count: int) -> None:
    await asyncio.gather(*(loader.read(vm, parse) for vm in VMS[:count]))


@pytest.mark.parametrize(
    ("readers", "page_size", "calls"),
    [
        (1, 1000, [1, 0]),
        (2, 1000, [0, 2]),
        (2, 1, [1, 2]),
        (3, 1000, [0, 2]),
        (8, 1000, [0, 2]),
        (8, 4, [0, 4]),  # two pages of two lists
        (8, 2, [4, 4]),  # no more than half of the reads: what the pages have not named is read singly
        (4, 1, [3, 2]),
    ],
)
def test_a_list_is_read_where_it_costs_no_more_calls(readers: int, page_size: int, calls: list[int]) -> None:
    async def main() -> None:
        world = World(page_size=page_size)
        world.change(range(8), 1)
        with calls_of(world) as counted:
            await read_all(world.loader(), readers)
        assert counted == calls

    run(main)


def test_a_list_that_did_not_pay_is_not_tried_again_for_so_few() -> None:
    async def main() -> None:
        world = World(page_size=1)
        world.change(range(8), 1)
        loader = world.loader()
        await read_all(loader, 4)
        with calls_of(world) as counted:
            await read_all(loader, 7)
        assert counted == [7, 0]
        await asyncio.sleep(TTL)
        with calls_of(world) as counted:
            await read_all(loader, 4)
        assert counted == [3, 2]

    run(main)


@pytest.mark.parametrize(
    ("later", "waited", "vm", "calls"),
    [
        (5, 5, 7, [0, 0]),
        (5, 4.9, 7, [1, 0]),  # the list is older than the need
        (5, 0, 7, [1, 0]),  # needed now
        (KEPT + 1, KEPT + 1, 7, [1, 0]),  # the list is not kept for longer
        (5, 5, 8, [1, 0]),  # what no list names is read singly
    ],
)
def test_a_list_serves_those_who_have_waited_for_their_turn_since_before(
    later: float, waited: float, vm: int, calls: list[int]
) -> None:
    async def main() -> None:
        world = World(cycle([0.0]))
        world.change(range(8), 1)
        loader = world.loader()
        await read_all(loader, 3)
        await asyncio.sleep(later)
        since = now() - waited if waited else float("inf")
        with calls_of(world) as counted, needed_since(since), suppress(HttpResponseError):
            await loader.read([*VMS, ABSENT][vm], parse)
        assert counted == calls

    run(main)


def test_who_may_not_be_alone_waits_for_the_others() -> None:
    async def main() -> None:
        world = World(cycle([0.0]))
        world.change(range(8), 1)
        loader, begin = world.loader(), now()

        async def read(n: int) -> None:
            await asyncio.sleep(n / 20)
            with among(9):
                await loader.read(VMS[n], parse)

        with calls_of(world) as counted:
            await asyncio.gather(*map(read, range(5)))
        assert counted == [0, 2]
        assert now() - begin == pytest.approx(LONGEST_GATHERING)

    run(main)


def test_one_reader_does_not_wait_and_many_wait_for_a_quarter_of_a_second_at_most() -> None:
    async def main() -> None:
        world = World(cycle([0.0]))
        world.change(range(8), 1)
        loader = world.loader()

        async def wait_of(start: float) -> float:
            await asyncio.sleep(start)
            begin = now()
            await loader.read(VMS[0], parse)
            return now() - begin

        waits = await asyncio.gather(*(wait_of(n / 1000) for n in range(1000)))
        assert waits[0] == 0
        assert 0 < waits[1] < 0.1
        assert max(waits) == pytest.approx(LONGEST_GATHERING)
        assert await wait_of(1.3) == 0

    run(main)
