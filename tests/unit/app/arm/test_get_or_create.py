"""Ensuring a shared thing: made once, however many ask, and never waited for inside a call."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from shared.arm import get_or_create
from shared.arm.get_or_create import GetOrCreate, PendingCreate, UnderWayError
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from tests.unit.app.examples import SUBSCRIPTION

POLL, REMEMBER, FIRST_LOOK = 30.0, 600.0, 66.0
FABRIC = ResourceId.of(SUBSCRIPTION, "dr", "Microsoft.RecoveryServices/vaults", "the-fabric")
THERE = Ready(value={"id": str(FABRIC)})
NO = Error(code="150261", message="It failed.")


@dataclass
class Service:
    """Something that is made with low priority: asked for, then under way, then there or failed."""

    there: bool = False
    ended: bool | Error = False
    finds: int = 0
    starts: int = 0
    looks: int = 0
    proofs: int = 0
    at_once: bool = False
    fault: Exception | None = None
    failures: list[Exception] = field(default_factory=list)
    failures_to_find: list[Exception] = field(default_factory=list)

    async def find(self) -> ResourceId | None:
        self.finds += 1
        await asyncio.sleep(0)
        if self.failures_to_find:
            raise self.failures_to_find.pop()
        return FABRIC if self.there else None

    async def start(self) -> PendingCreate | ResourceId:
        self.starts += 1
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop()
        if self.at_once:
            return FABRIC
        return PendingCreate(FIRST_LOOK, self.progress, self.prove)

    async def prove(self, found: ResourceId) -> None:
        assert found == FABRIC
        self.proofs += 1

    async def progress(self) -> bool | Error:
        self.looks += 1
        if self.fault:
            raise self.fault
        return self.ended


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(get_or_create, "monotonic", clock)
    return clock


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def ask(service: Service) -> Callable[[], "asyncio.Future[StepResult]"]:
    get_or_create = GetOrCreate(POLL, REMEMBER, REMEMBER)
    return lambda: asyncio.ensure_future(get_or_create.ensure("fabric/eastus", service.find, service.start))


Ask = Callable[[], "asyncio.Future[StepResult]"]


async def test_what_is_there_is_found_and_nothing_is_made(ask: Ask, service: Service) -> None:
    service.there = True

    assert await ask() == THERE
    assert service.starts == 0


async def test_what_was_seen_is_not_looked_for_again_for_a_while(ask: Ask, service: Service, clock: Clock) -> None:
    service.there = True

    await ask()
    clock.now += REMEMBER - 1
    assert await ask() == THERE
    assert service.finds == 1
    clock.now += 2
    assert await ask() == THERE
    assert service.finds == 2


async def test_a_hundred_that_ask_at_once_make_it_once(ask: Ask, service: Service, clock: Clock) -> None:
    outcomes = await asyncio.gather(*(ask() for _ in range(100)))

    assert service.starts == 1
    assert service.finds == 1
    assert service.looks == 0
    assert all(isinstance(outcome, Pending) and outcome.retry_after == FIRST_LOOK for outcome in outcomes)

    service.ended, service.there = True, True
    clock.now += FIRST_LOOK
    assert await asyncio.gather(*(ask() for _ in range(100))) == [THERE] * 100
    assert (service.starts, service.finds, service.looks, service.proofs) == (1, 2, 1, 1)


async def test_what_is_under_way_is_looked_at_once_in_a_poll_interval(ask: Ask, service: Service, clock: Clock) -> None:
    await ask()
    clock.now += FIRST_LOOK

    outcomes = await asyncio.gather(*(ask() for _ in range(100)))
    clock.now += 10
    later = await ask()

    assert all(isinstance(outcome, Pending) and outcome.retry_after == POLL for outcome in outcomes)
    assert later == Pending(retry_after=POLL - 10)
    assert service.looks == 1
    clock.now += POLL
    await ask()
    assert service.looks == 2


async def test_a_failed_creation_is_reported_once_and_then_tried_again(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.ended = NO
    clock.now += FIRST_LOOK

    assert await ask() == Failed(error=NO)
    service.ended = False
    assert isinstance(await ask(), Pending)
    assert service.starts == 2


async def test_a_creation_that_failed_since_somebody_else_was_faster_is_none_that_failed(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.ended = NO
    clock.now += FIRST_LOOK
    service.failures_to_find = [UnderWayError("It is not paired.")]

    assert isinstance(await ask(), Pending)
    service.there = True
    assert await ask() == THERE
    assert (service.starts, service.proofs) == (1, 0)


async def test_a_creation_that_took_longer_than_it_counts_as_lost_is_proven_all_the_same(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.there = True
    clock.now += FIRST_LOOK + REMEMBER + 1

    assert await ask() == THERE
    assert (service.starts, service.proofs) == (1, 1)


async def test_what_has_ended_well_and_does_not_show_yet_is_waited_for_and_not_made_twice(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.ended = True
    clock.now += FIRST_LOOK

    assert await ask() == Pending(retry_after=POLL)
    clock.now += POLL
    service.there = True
    assert await ask() == THERE
    assert service.starts == 1


async def test_what_is_done_at_once_is_there_at_once(ask: Ask, service: Service) -> None:
    service.at_once = True

    assert await asyncio.gather(*(ask() for _ in range(10))) == [THERE] * 10
    assert service.starts == 1


async def test_a_request_that_could_not_be_sent_holds_no_one_up(ask: Ask, service: Service) -> None:
    service.failures = [ConnectionError("reset")]

    with pytest.raises(ConnectionError):
        await ask()
    assert isinstance(await ask(), Pending)
    assert service.starts == 2


async def test_what_was_removed_is_made_again_when_it_is_no_longer_remembered(
    ask: Ask, service: Service, clock: Clock
) -> None:
    service.there = True
    await ask()
    service.there = False
    clock.now += REMEMBER

    assert isinstance(await ask(), Pending)
    assert service.starts == 1


async def test_two_things_do_not_wait_for_each_other() -> None:
    get_or_create, slow, quick = GetOrCreate(POLL, REMEMBER, REMEMBER), asyncio.Event(), Service(there=True)

    async def never() -> ResourceId | None:
        await slow.wait()
        return FABRIC

    waiting = asyncio.ensure_future(get_or_create.ensure("fabric/westus", never, quick.start))
    await asyncio.sleep(0)

    assert await get_or_create.ensure("fabric/eastus", quick.find, quick.start) == THERE
    slow.set()
    assert await waiting == THERE


async def test_it_knows_what_it_has_seen_and_nothing_else(clock: Clock, service: Service) -> None:
    get_or_create = GetOrCreate(POLL, REMEMBER, REMEMBER)

    assert not get_or_create.knows("fabric/eastus")
    await get_or_create.ensure("fabric/eastus", service.find, service.start)
    assert not get_or_create.knows("fabric/eastus")
    service.there, service.ended = True, True
    clock.now += FIRST_LOOK
    await get_or_create.ensure("fabric/eastus", service.find, service.start)
    assert get_or_create.knows("fabric/eastus")
    clock.now += REMEMBER
    assert not get_or_create.knows("fabric/eastus")


# A creation that never shows its result


async def test_a_creation_that_never_shows_is_given_up_after_a_while_and_asked_for_again(
    ask: Ask, service: Service, clock: Clock
) -> None:
    began = clock.now
    await ask()
    service.ended = True

    while service.starts == 1 and clock.now < began + 10 * REMEMBER:
        clock.now += POLL
        assert isinstance(await ask(), Pending)

    assert FIRST_LOOK + REMEMBER < clock.now - began <= FIRST_LOOK + REMEMBER + POLL
    service.there = True
    clock.now += FIRST_LOOK
    assert await ask() == THERE
    assert service.starts == 2


async def test_a_creation_that_runs_for_long_is_not_asked_for_again_before_its_time(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()

    clock.now += FIRST_LOOK + REMEMBER
    assert isinstance(await ask(), Pending)
    assert service.starts == 1
    clock.now += 1
    assert await ask() == Pending(retry_after=FIRST_LOOK)
    assert service.starts == 2


async def test_what_shows_after_its_creation_was_given_up_is_used(ask: Ask, service: Service, clock: Clock) -> None:
    await ask()
    clock.now += FIRST_LOOK + REMEMBER + 1
    service.there = True

    assert await ask() == THERE
    assert (service.starts, service.looks) == (1, 1)


async def test_before_a_creation_is_given_up_it_is_looked_at_once_more(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.ended = NO
    clock.now += FIRST_LOOK + REMEMBER + 1

    assert await ask() == Failed(error=NO)
    assert (service.starts, service.looks) == (1, 1)


async def test_a_creation_whose_state_cannot_be_read_holds_no_one_up_for_ever(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.fault = ValueError("The body of its job is malformed.")
    clock.now += FIRST_LOOK
    with pytest.raises(ValueError, match="malformed"):
        await ask()
    clock.now += REMEMBER + POLL
    service.there = True

    assert await ask() == THERE
    assert service.starts == 1


async def test_an_overdue_creation_is_looked_at_before_it_is_asked_for_again_however_short_ago_the_last_look_was(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    clock.now += FIRST_LOOK + REMEMBER - 1
    assert await ask() == Pending(retry_after=POLL)
    clock.now += 2
    service.ended = NO

    assert await ask() == Failed(error=NO)
    assert (service.starts, service.looks) == (1, 2)


# Before anything is started


async def test_what_somebody_else_made_meanwhile_is_found_after_a_refresh_and_not_made(service: Service) -> None:
    get_or_create = GetOrCreate(POLL, REMEMBER, REMEMBER)

    def refresh() -> None:
        service.there = True

    outcome = await get_or_create.ensure("fabric/eastus", service.find, service.start, refresh)

    assert outcome == THERE
    assert (service.finds, service.starts) == (2, 0)
    assert get_or_create.knows("fabric/eastus")


async def test_what_is_still_missing_after_a_refresh_is_made_and_looked_for_in_that_order() -> None:
    done: list[str] = []

    async def find() -> ResourceId | None:
        done.append("find")
        return None

    async def start() -> PendingCreate | ResourceId:
        done.append("start")
        return FABRIC

    outcome = await GetOrCreate(POLL, REMEMBER, REMEMBER).ensure(
        "fabric/eastus", find, start, lambda: done.append("refresh")
    )

    assert outcome == THERE
    assert done == ["find", "refresh", "find", "start"]


async def test_nothing_is_refreshed_for_what_is_there_or_under_way(service: Service, clock: Clock) -> None:
    get_or_create, refreshed = GetOrCreate(POLL, REMEMBER, REMEMBER), list[int]()

    async def ask() -> StepResult:
        return await get_or_create.ensure("fabric/eastus", service.find, service.start, lambda: refreshed.append(1))

    await ask()
    service.ended = True
    clock.now += FIRST_LOOK
    assert await ask() == Pending(retry_after=POLL)
    service.there = True
    clock.now += POLL
    assert await ask() == THERE
    assert refreshed == [1]


# What somebody is changing


async def test_what_somebody_is_changing_is_waited_for_and_neither_refreshed_nor_started(
    ask: Ask, service: Service, clock: Clock
) -> None:
    service.failures_to_find = [UnderWayError("it is Updating")] * 2

    for _ in range(2):
        assert await ask() == Pending(retry_after=POLL)
        clock.now += POLL
    service.there = True
    assert await ask() == THERE
    assert service.starts == 0


async def test_what_we_asked_for_and_is_being_made_is_looked_at_once_in_a_poll_interval(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.ended = True
    service.failures_to_find = [UnderWayError("it is Creating")]
    clock.now += FIRST_LOOK

    assert await ask() == Pending(retry_after=POLL)
    clock.now += 10
    assert await ask() == Pending(retry_after=POLL - 10)
    assert (service.starts, service.finds, service.looks) == (1, 2, 1)


async def test_a_creation_given_up_that_shows_as_under_way_is_not_asked_for_again(
    ask: Ask, service: Service, clock: Clock
) -> None:
    await ask()
    service.failures_to_find = [UnderWayError("it is Creating")]
    clock.now += FIRST_LOOK + REMEMBER + 1

    assert await ask() == Pending(retry_after=POLL)
    assert service.starts == 1


async def test_what_somebody_has_begun_since_the_list_was_read_is_waited_for_too(service: Service) -> None:
    async def begun_by_somebody() -> ResourceId | None:
        service.finds += 1
        if service.finds == 1:
            return None
        raise UnderWayError("it is not paired")

    outcome = await GetOrCreate(POLL, REMEMBER, REMEMBER).ensure("key", begun_by_somebody, service.start, lambda: None)

    assert outcome == Pending(retry_after=POLL)
    assert service.starts == 0
