"""Whose turn it is to call Azure, what its answers report the next, and who does not wait any longer."""

import asyncio
from collections.abc import Coroutine, Mapping
from itertools import count, pairwise
from time import monotonic
from typing import Any

import pytest

from shared.arm.errors import ThrottledError, to_step_result
from shared.arm.rate_limit import BucketQueue, RateLimiter, low_priority
from shared.arm.ttl_cache import TtlCache
from shared.model.step_result import Pending, StepResult
from tests.unit.app.examples import ELSEWHERE, SUBSCRIPTION, VAULT_ID, VM_ID

ARM = "https://management.azure.com"
GRAPH = f"{ARM}/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
LEFT = "x-ms-ratelimit-remaining-subscription"

HARDLY_EVER = 3e6
"""A poll interval at which a bucket is as good as not refilled: who waits there waits for the whole test."""


def reads(poll_seconds: float = HARDLY_EVER) -> BucketQueue:
    return RateLimiter(poll_seconds).queue_for("GET", f"{ARM}{VM_ID}")


async def call(queue: BucketQueue, headers: Mapping[str, str] | None = None, status: int = 200) -> None:
    """A call that is answered at once."""
    await queue.acquire()
    queue.response_received(status, headers or {})


async def begun(*calls: Coroutine[Any, Any, None]) -> list[asyncio.Task[None]]:
    """As tasks that have come as far as they do at once."""
    tasks = [asyncio.create_task(each) for each in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def cancelled(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def calls_left(queue: BucketQueue) -> int:
    """How many calls are let go before the first has to wait, or is turned away."""
    for done in count():
        (task,) = await begun(call(queue))
        if not task.done():
            await cancelled(task)
        if task.cancelled() or task.exception():
            return done
    raise AssertionError


async def wait_of(queue: BucketQueue) -> float:
    with pytest.raises(ThrottledError) as throttled:
        await queue.acquire()
    return throttled.value.wait


# Buckets


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("GET", f"{ARM}{VM_ID}"), ("HEAD", f"{ARM}{VM_ID}/x?y=z"), True),
        (("GET", f"{ARM}{VM_ID}"), ("GET", f"{ARM}/subscriptions/{SUBSCRIPTION.upper()}"), True),
        (("GET", f"{ARM}{VM_ID}"), ("GET", f"{ARM}/subscriptions/{ELSEWHERE}"), False),
        (("GET", f"{ARM}{VM_ID}"), ("GET", f"{ARM}/subscriptions"), False),
        (("GET", f"{ARM}/subscriptions"), ("GET", f"{ARM}/providers/Microsoft.Compute"), True),
        (("GET", f"{ARM}{VM_ID}"), ("PUT", f"{ARM}{VM_ID}"), False),
        (("PUT", f"{ARM}{VM_ID}"), ("PATCH", f"{ARM}{VM_ID}"), True),
        (("PUT", f"{ARM}{VM_ID}"), ("POST", f"{ARM}{VM_ID}/start"), True),
        (("PUT", f"{ARM}{VM_ID}"), ("DELETE", f"{ARM}{VM_ID}"), False),
        (("POST", GRAPH), ("POST", f"{ARM}/providers/microsoft.support/checkNameAvailability"), False),
        (("POST", GRAPH), ("POST", GRAPH.lower()), True),
    ],
)
async def test_each_subscription_has_a_bucket_of_each_kind(
    one: tuple[str, str], other: tuple[str, str], *, same: bool
) -> None:
    rate_limiter = RateLimiter(30)

    assert (rate_limiter.queue_for(*one) is rate_limiter.queue_for(*other)) is same


@pytest.mark.parametrize(
    ("method", "path", "sets"),
    [
        ("PUT", "/replicationFabrics/f", True),
        ("POST", "/replicationFabrics/f/replicationProtectionContainers/c/replicationProtectedItems/i/addDisks", True),
        ("PATCH", "/replicationPolicies/p", True),
        ("DELETE", "/replicationFabrics/f", True),
        ("GET", "/replicationFabrics/f", False),
        ("PUT", "", False),
    ],
)
async def test_what_writes_to_site_recovery_has_its_own_bucket_besides(method: str, path: str, *, sets: bool) -> None:
    rate_limiter, url = RateLimiter(HARDLY_EVER), f"{ARM}{VAULT_ID}{path}"

    queues = rate_limiter.queues_for(method, url)

    assert queues[-1] is rate_limiter.queue_for(method, url)
    assert len(queues) == 1 + sets
    assert not sets or await calls_left(queues[0]) == 190


@pytest.mark.parametrize(
    ("path", "lists"),
    [
        ("/providers/Microsoft.Compute/virtualMachines?statusOnly=true", True),
        ("/resourceGroups/app/providers/Microsoft.Compute/virtualMachines", True),
        ("/resourceGroups/app/providers/Microsoft.Compute/virtualMachines/web-1", False),
        ("/providers/Microsoft.Network/networkInterfaces", False),
    ],
)
async def test_lists_of_vms_have_their_own_bucket_besides(path: str, *, lists: bool) -> None:
    rate_limiter, url = RateLimiter(HARDLY_EVER), f"{ARM}/subscriptions/{SUBSCRIPTION}{path}"

    queues = rate_limiter.queues_for("GET", url)

    assert queues[-1] is rate_limiter.queue_for("GET", url)
    assert len(queues) == 1 + lists
    assert not lists or await calls_left(queues[0]) == 855


@pytest.mark.parametrize(
    ("headers", "blocked"), [({}, False), ({f"{LEFT}-writes": "150"}, False), ({f"{LEFT}-writes": "0"}, True)]
)
async def test_a_429_of_site_recovery_holds_back_no_other_write(headers: dict[str, str], *, blocked: bool) -> None:
    own, writes = RateLimiter(30).queues_for("PUT", f"{ARM}{VAULT_ID}/replicationFabrics/f")
    for queue in (own, writes):
        await queue.acquire()
        queue.response_received(429, {"Retry-After": "9999", **headers}, narrower=queue is writes)

    assert await wait_of(own) > 9000
    if blocked:
        assert await wait_of(writes) > 9000
    else:
        await writes.acquire()


@pytest.mark.parametrize(
    ("method", "url", "calls"),
    [
        ("GET", ARM + str(VM_ID), 237),
        ("PUT", ARM + str(VM_ID), 190),
        ("DELETE", ARM + str(VM_ID), 190),
        ("POST", GRAPH, 14),
    ],
)
async def test_a_bucket_is_spent_but_for_its_cushion(method: str, url: str, calls: int) -> None:
    assert await calls_left(RateLimiter(HARDLY_EVER).queue_for(method, url)) == calls


@pytest.mark.parametrize(
    ("headers", "calls"),
    [
        ({f"{LEFT}-reads": "20"}, 7),
        ({f"{LEFT}-reads": "200", f"{LEFT}-global-reads": "20"}, 7),
        ({f"{LEFT}-reads": "0"}, 0),
        ({f"{LEFT}-reads": "11999"}, 237),
        ({f"{LEFT}-writes": "20"}, 236),
        ({f"{LEFT}-reads": "Microsoft.Compute/GetVM3Min;18"}, 236),
        ({"x-ms-ratelimit-remaining-tenant-reads": "20"}, 236),
        ({}, 236),
    ],
)
async def test_the_headers_of_an_answer_correct_what_is_left(headers: dict[str, str], calls: int) -> None:
    queue = reads()
    await call(queue, headers)

    assert await calls_left(queue) == calls


async def test_what_is_more_than_was_known_is_believed_by_and_by() -> None:
    queue = reads()
    await call(queue, {f"{LEFT}-reads": "14"})
    await call(queue, {f"{LEFT}-reads": "249"})

    assert await calls_left(queue) == 118


async def test_it_is_not_believed_while_others_may_have_been_counted_since() -> None:
    queue = reads()
    await queue.acquire()
    await call(queue, {f"{LEFT}-reads": "21"})
    await call(queue, {f"{LEFT}-reads": "249"})

    assert await calls_left(queue) == 6


# Throttled


@pytest.mark.parametrize(
    ("status", "headers", "blocked"),
    [
        (429, {"Retry-After": "60"}, True),
        (429, {"retry-after-ms": "60000"}, True),
        (429, {"Retry-After": "60", f"{LEFT}-reads": "0"}, True),
        (429, {"Retry-After": "60", f"{LEFT}-reads": "150", f"{LEFT}-global-reads": "0"}, True),
        # Of a service's own limit, which holds for others as well or for one resource only.
        (429, {"Retry-After": "60", f"{LEFT}-reads": "150", f"{LEFT}-global-reads": "3000"}, False),
        (429, {}, False),
        (503, {"Retry-After": "60"}, False),
        (202, {"Retry-After": "60"}, False),
    ],
)
async def test_a_429_holds_back_everybody_for_its_time(status: int, headers: dict[str, str], *, blocked: bool) -> None:
    queue = reads(poll_seconds=30)
    await call(queue, headers, status)

    if blocked:
        assert 59 < await wait_of(queue) <= 60
    else:
        await call(queue)


async def test_those_who_wait_when_a_long_429_comes_do_not_wait_for_its_end() -> None:
    queue = reads(poll_seconds=3000)
    await queue.acquire()
    await call(queue, {f"{LEFT}-reads": "13"})
    waiting = await begun(*(queue.acquire() for _ in range(3)))
    assert not any(each.done() for each in waiting)

    queue.response_received(429, {"Retry-After": "3600"})

    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [ThrottledError] * 3


async def test_no_one_waits_for_longer_than_he_may_whatever_the_answers_say() -> None:
    queue = reads(poll_seconds=3)
    for _ in range(230):
        await queue.acquire()
    waiting = await begun(*(queue.acquire() for _ in range(20)))
    for _ in range(100):
        queue.response_received(200, {f"{LEFT}-reads": "0"})

    ended = await asyncio.gather(*waiting, return_exceptions=True)

    assert ThrottledError in {type(each) for each in ended}


async def test_a_window_of_resource_graph_that_is_used_up_is_waited_for() -> None:
    queue = RateLimiter(30).queue_for("POST", GRAPH)
    await call(queue, {"x-ms-user-quota-remaining": "4", "x-ms-user-quota-resets-after": "00:01:30"})
    await call(queue, {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:01:30.5"})

    assert 90 < await wait_of(queue) <= 90.5


@pytest.mark.parametrize("resets_after", ["", "soon", "1:2"])
async def test_a_window_of_unknown_length_refills_as_it_is_known_to(resets_after: str) -> None:
    queue = RateLimiter(30).queue_for("POST", GRAPH)
    await call(queue, {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": resets_after})

    await call(queue)


async def test_those_who_are_turned_away_come_back_one_after_the_other() -> None:
    queue = reads(poll_seconds=30)
    await call(queue, {"Retry-After": "60"}, 429)

    async def step() -> StepResult:
        await queue.acquire()
        raise AssertionError("It was let go.")

    began = monotonic()
    # When each comes back, whatever time the machine took to ask them all.
    waits = []
    for _ in range(1000):
        outcome = await to_step_result(step(), 30)
        assert isinstance(outcome, Pending)
        assert outcome.error is None
        waits.append(monotonic() - began + outcome.retry_after)

    assert waits[0] == pytest.approx(60, abs=1)
    assert all(later > earlier for earlier, later in pairwise(waits))
    # 200 in 30 s: what they come back for takes no more reads than come back by then.
    assert waits[-1] - waits[0] == pytest.approx(999 * 30 / 200, abs=1)


def test_those_who_ask_for_a_place_begin_one_after_the_other_each_subscription_for_itself() -> None:
    rate_limiter = RateLimiter(30)

    here = [rate_limiter.next_slot(SUBSCRIPTION) for _ in range(400)]
    elsewhere = rate_limiter.next_slot(ELSEWHERE)

    assert (here[0], elsewhere) == (0, 0)
    assert here[-1] == pytest.approx(60, abs=1)


# The background


async def used_up_for_the_background(rate_limiter: RateLimiter) -> BucketQueue:
    queue = rate_limiter.queue_for("GET", f"{ARM}{VM_ID}")
    await call(queue, {f"{LEFT}-reads": "60"})
    return queue


async def activity(*queues: BucketQueue) -> None:
    with low_priority(True):
        await asyncio.gather(*(queue.acquire() for queue in queues))


async def test_a_few_activities_in_low_priority_wait_and_the_others_make_room() -> None:
    queue = await used_up_for_the_background(RateLimiter(3000))

    tasks = await begun(*(activity(queue, queue) for _ in range(20)))

    waiting = [task for task in tasks if not task.done()]
    assert len(waiting) == 4
    assert [type(task.exception()) for task in tasks if task.done()] == [ThrottledError] * 16
    await cancelled(*waiting)
    await call(queue, {f"{LEFT}-reads": "251"})
    assert await calls_left(queue) == 142


async def test_those_few_are_counted_over_all_buckets() -> None:
    rate_limiter = RateLimiter(3000)
    queue = await used_up_for_the_background(rate_limiter)
    other = rate_limiter.queue_for("GET", f"{ARM}/subscriptions/{ELSEWHERE}")
    await call(other, {f"{LEFT}-reads": "60"})
    waiting = await begun(*(activity(queue) for _ in range(4)))

    with pytest.raises(ThrottledError):
        await activity(other)
    await cancelled(*waiting)


async def test_what_others_may_be_waiting_for_is_read_with_the_right_of_way() -> None:
    queue = await used_up_for_the_background(RateLimiter(HARDLY_EVER))

    async def read() -> str:
        await call(queue)
        return "read"

    with low_priority(True):
        assert await TtlCache(read, 30).get() == "read"
        (waiting,) = await begun(call(queue))
        assert not waiting.done()
        await cancelled(waiting)


# Cancelled


async def test_who_gives_up_waiting_takes_nothing() -> None:
    queue = reads()
    await call(queue, {f"{LEFT}-reads": "14"})
    await queue.acquire()
    waiting = await begun(*(queue.acquire() for _ in range(20)))
    await cancelled(*waiting)

    queue.response_received(200, {f"{LEFT}-reads": "250"})

    assert all(each.cancelled() for each in waiting)
    assert await calls_left(queue) == 119


async def test_who_is_cancelled_when_his_turn_has_just_come_leaves_no_call_under_way() -> None:
    queue = reads()
    await call(queue, {f"{LEFT}-reads": "14"})
    await queue.acquire()
    (waiting,) = await begun(queue.acquire())

    queue.response_received(200, {f"{LEFT}-reads": "30"})
    await cancelled(waiting)

    assert waiting.cancelled()
    # With a call under way, nothing above what is known would be believed.
    await call(queue, {f"{LEFT}-reads": "250"})
    assert await calls_left(queue) > 100


async def test_a_call_without_an_answer_is_counted_and_is_under_way_no_longer() -> None:
    queue = reads()
    for _ in range(200):
        await queue.acquire()
        queue.no_response()

    assert await calls_left(queue) == 37
