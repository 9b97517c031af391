"""A shared read: one call for many, remembered for a while, its errors not at all."""

import asyncio

import pytest

from shared.arm import ttl_cache
from shared.arm.ttl_cache import TtlCache


class Observation:
    """Counts its reads, which take a turn of the event loop, or until they are let go."""

    def __init__(self) -> None:
        self.reads = 0
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.begun = asyncio.Event()

    async def read(self) -> int:
        self.reads += 1
        self.begun.set()
        number = self.reads
        await asyncio.sleep(0)
        if self.gate:
            await self.gate.wait()
        if self.fault:
            raise self.fault
        return number


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ttl_cache, "monotonic", clock)
    return clock


async def test_many_that_ask_at_once_share_one_read() -> None:
    source = Observation()
    shared = TtlCache(source.read, 30)

    assert await asyncio.gather(*(shared.get() for _ in range(100))) == [1] * 100
    assert source.reads == 1


async def test_an_answer_is_remembered_for_its_time_and_no_longer(clock: Clock) -> None:
    source = Observation()
    shared = TtlCache(source.read, 30)

    assert await shared.get() == 1
    clock.now += 29.9
    assert await shared.get() == 1
    clock.now += 0.1
    assert await shared.get() == 2


async def test_an_answer_is_as_old_as_its_question(clock: Clock) -> None:
    source = Observation()
    source.gate = asyncio.Event()
    shared = TtlCache(source.read, 30)
    first = asyncio.ensure_future(shared.get())
    await source.begun.wait()
    clock.now += 25
    source.gate.set()
    assert await first == 1

    clock.now += 5

    assert await shared.get() == 2


async def test_a_read_in_progress_is_too_old_for_whoever_may_have_no_old_answer(clock: Clock) -> None:
    source = Observation()
    source.gate = asyncio.Event()
    shared = TtlCache(source.read, 30)
    first = asyncio.ensure_future(shared.get())
    await source.begun.wait()
    clock.now += 3

    fresh = [asyncio.ensure_future(shared.get(2)) for _ in range(10)]
    await asyncio.sleep(0.01)
    source.gate.set()

    assert await asyncio.gather(first, *fresh, shared.get(3)) == [1, *[2] * 10, 2]


async def test_forgetting_asks_again_at_once() -> None:
    source = Observation()
    shared = TtlCache(source.read, 30)
    await shared.get()

    shared.forget()

    assert await shared.get() == 2


async def test_what_is_forgotten_while_it_is_read_is_read_again() -> None:
    source = Observation()
    source.gate = asyncio.Event()
    shared = TtlCache(source.read, 600)
    first = asyncio.ensure_future(shared.get())
    await source.begun.wait()

    shared.forget()
    source.gate.set()

    await first
    assert await shared.get() == 2


async def test_what_was_asked_since_a_time_is_not_forgotten_for_it(clock: Clock) -> None:
    source = Observation()
    shared = TtlCache(source.read, 600)
    await shared.get()

    shared.forget(if_before=clock.now)
    assert await shared.get() == 1
    shared.forget(if_before=clock.now + 1)
    assert await shared.get() == 2


async def test_what_is_known_without_a_read_changes_the_answer_and_not_its_age(clock: Clock) -> None:
    source = Observation()
    shared = TtlCache(source.read, 30)
    shared.revise(lambda number: number + 10)
    assert (shared.known(), await shared.get()) == (None, 1)

    clock.now += 29
    shared.revise(lambda number: number + 10)
    assert (shared.known(), shared.known(29), await shared.get(), source.reads) == (11, None, 11, 1)

    clock.now += 1
    assert (shared.known(), await shared.get()) == (None, 2)


async def test_a_read_in_progress_is_not_changed_and_not_kept() -> None:
    """What it was asked for may be older than the change."""
    source = Observation()
    source.gate = asyncio.Event()
    shared = TtlCache(source.read, 30)
    first = asyncio.ensure_future(shared.get())
    await source.begun.wait()
    shared.revise(lambda number: number + 10)
    source.gate.set()

    assert (await first, shared.known()) == (1, None)
    assert (await shared.get(), source.reads) == (2, 2)


async def test_a_caller_that_gives_up_does_not_take_the_answer_from_the_others() -> None:
    source = Observation()
    source.gate = asyncio.Event()
    shared = TtlCache(source.read, 30)
    first, second = (asyncio.ensure_future(shared.get()) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()

    assert await second == 1
    assert source.reads == 1


async def test_an_error_is_not_remembered() -> None:
    source = Observation()
    source.fault = ConnectionError("reset")
    shared = TtlCache(source.read, 30)

    with pytest.raises(ConnectionError):
        await shared.get()
    source.fault = None
    assert await shared.get() == 2


async def test_many_that_ask_at_once_share_an_error_too() -> None:
    source = Observation()
    source.fault = ConnectionError("throttled")
    shared = TtlCache(source.read, 30)

    outcomes = await asyncio.gather(*(shared.get() for _ in range(100)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 100
    assert source.reads == 1


async def test_an_error_leaves_the_old_answer_to_no_one(clock: Clock) -> None:
    source = Observation()
    shared = TtlCache(source.read, 30)
    await shared.get()
    clock.now += 31
    source.fault = ConnectionError("reset")

    with pytest.raises(ConnectionError):
        await shared.get()
