"""The pace of the app's own gateway: its real SDK clients against the simulator's buckets."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import pairwise
from types import NoneType
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.transport import AioHttpTransport

import shared.arm.client
from activities.functions import blueprint
from local.simulator import Simulator
from shared.arm.client import Azure
from shared.arm.errors import ThrottledError, to_step_result
from shared.arm.rate_limit import low_priority
from shared.arm.tags import tag_vm
from shared.config.settings import Settings
from shared.model.activity_io import VmRequest
from shared.model.resource_id import ResourceId
from shared.model.resource_types import COMPUTE_API_VERSION, NETWORK_API_VERSION
from shared.model.step_result import Pending, Ready, load_step_result
from shared.readers.virtual_machines import read_vm
from shared.site_recovery.infrastructure import begin
from tests.integration.simulator.azure import SUBSCRIPTION, VAULT_ID, Token, estate, machine, vm_id
from tests.waiting import eventually

(resolve_source,) = (
    builder._function.get_user_function()
    for builder in blueprint._function_builders
    if builder._function.get_function_name() == "resolve_source"
)
VM_LISTS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"
WEB, BACK = (ResourceId(vm_id(name)) for name in ("web-1", "back-1"))


class Gateway(Azure):
    """The app's, which trusts this simulator, as a principal without a managed identity."""

    def __init__(self, simulator: Simulator) -> None:
        poll = 30 / simulator.world.clock.speed
        scope = f"/subscriptions/{SUBSCRIPTION}"
        super().__init__(
            Settings(
                vault_ids=VAULT_ID,
                source_scope=scope,
                target_scope=scope,
                deployment="func-1",
                origin_store="/nowhere",
                arm_endpoint=simulator.url,
                poll_seconds=poll,
            )
        )
        self._simulator = simulator

    def _credential(self) -> Any:
        return Token()

    def _shared_transport(self) -> AioHttpTransport:
        if self._transport is None:
            trusted = ssl.create_default_context(cafile=str(self._simulator.ca_file))
            self._transport = AioHttpTransport(session=ClientSession(connector=TCPConnector(ssl=trusted)))
        return self._transport

    async def look(self, vm: ResourceId = WEB) -> None:
        """Reads the interface of the VM: nothing but ARM's bucket limits that."""
        await self.get(
            f"{vm.group_id}/providers/Microsoft.Network/networkInterfaces/{vm.name}-nic", NETWORK_API_VERSION
        )


@asynccontextmanager
async def gateways(speed: float, count: int = 1) -> AsyncIterator[tuple[Simulator, list[Gateway]]]:
    """Each is a process of its own, as far as the service can tell."""
    async with Simulator(estate(machine("web-1"), machine("back-1")), speed=speed) as simulator:
        made = [Gateway(simulator) for _ in range(count)]
        try:
            yield simulator, made
        finally:
            for gateway in made:
                await gateway.close()


def served(simulator: Simulator) -> list[dict[str, Any]]:
    return simulator.gateway.log.after(0)


def statuses(simulator: Simulator) -> Counter[int]:
    return Counter(request["status"] for request in served(simulator))


async def until_done(call: Callable[[], Awaitable[None]]) -> int:
    """As a run does it: what is turned away comes back when it was reported to. Returns how often it was turned
    away."""
    turned_away = 0
    while True:
        try:
            await call()
            return turned_away
        except ThrottledError as throttled:
            turned_away += 1
            await asyncio.sleep(throttled.next_slot(throttled.wait))


@pytest.mark.wide
async def test_six_hundred_reads_at_once_all_end_and_none_is_refused() -> None:
    """The bucket holds 250, and 250 a second come back at this speed."""
    async with gateways(speed=10) as (simulator, (gateway,)):
        turned_away = await asyncio.gather(*(until_done(gateway.look) for _ in range(600)))
        assert statuses(simulator) == {200: 600}
    # What would wait for more than 5 s of Azure was not left waiting.
    assert sum(turned_away) > 100


async def test_low_priority_waits_while_others_pass() -> None:
    """The bucket is as good as not refilled: at this speed a call comes back every four seconds."""
    async with gateways(speed=0.01) as (simulator, (gateway,)):

        async def activity() -> None:
            with low_priority(True):
                await gateway.look(BACK)

        flood = [asyncio.create_task(activity()) for _ in range(250)]
        await asyncio.wait(flood, return_when=asyncio.FIRST_EXCEPTION)
        await asyncio.gather(*(gateway.look() for _ in range(8)))
        await eventually(lambda: statuses(simulator)[200] == 187 + 8)

        # A few wait, and hold their places; the others have made room.
        waiting = [each for each in flood if not each.done()]
        assert len(waiting) == 4
        assert Counter(type(each.exception()) for each in flood if each.done()) == {NoneType: 187, ThrottledError: 59}
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        await asyncio.gather(*(gateway.look() for _ in range(40)))
        assert statuses(simulator) == {200: 187 + 8 + 40}


async def test_an_activity_leaves_the_way_to_others_if_its_orchestration_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most of the bucket is taken: in low priority the next call would have to wait for three minutes."""
    request = VmRequest(vm_id=WEB).dump()
    in_background = request | {"lowPriority": True}
    async with gateways(speed=0.01) as (_, (gateway,)):
        monkeypatch.setattr(shared.arm.client, "gateway", lambda: gateway)
        assert load_step_result(await resolve_source(in_background)).status == "ready"
        await asyncio.gather(*(gateway.look() for _ in range(230)))

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolve_source(in_background), timeout=3)
        assert load_step_result(await resolve_source(request)).status == "ready"


async def test_one_activity_s_retry_after_holds_back_all_others_of_its_bucket(caplog: pytest.LogCaptureFixture) -> None:
    async with gateways(speed=1) as (simulator, (gateway,)):
        rule = {"match": {"path": "/back-1-nic$"}, "kind": "throttle", "times": 1, "retryAfter": 1}
        simulator.gateway.faults.add(rule)
        refused = asyncio.create_task(gateway.look(BACK))
        await eventually(lambda: "rate limit of reads" in caplog.text)

        await asyncio.gather(*(gateway.look() for _ in range(20)), refused, tag_vm(gateway, WEB, {"dr": "true"}))

        first, *others = served(simulator)
    assert first["status"] == 429
    reads = [_moment(each) - _moment(first) for each in others if each["method"] == "GET"]
    (write,) = [_moment(each) - _moment(first) for each in others if each["method"] == "PATCH"]
    assert len(reads) == 21
    assert min(reads) >= 0.99
    assert write < min(reads)


async def test_a_long_one_turns_all_others_away_to_come_back_one_by_one() -> None:
    async with gateways(speed=1) as (simulator, (gateway,)):
        simulator.gateway.faults.add(
            {"match": {"path": "/back-1-nic$"}, "kind": "throttle", "times": 1, "retryAfter": 60}
        )

        async def step(vm: ResourceId) -> Ready:
            await gateway.look(vm)
            return Ready()

        reported = await to_step_result(step(BACK), 30)
        outcomes = [await to_step_result(step(WEB), 30) for _ in range(5)]

        assert statuses(simulator) == {429: 1}
    assert isinstance(reported, Pending)
    assert reported.retry_after == 60
    waits = [outcome.retry_after for outcome in outcomes if isinstance(outcome, Pending)]
    assert len(waits) == 5
    assert 50 < min(waits) <= max(waits) < 62
    assert all(later - earlier > 0.1 for earlier, later in pairwise(waits))


@pytest.mark.wide
async def test_set_calls_keep_to_site_recovery_s_own_pace() -> None:
    """The bucket holds 200, and 200 come back in a minute: all end, and none is refused."""
    vault = ResourceId(VAULT_ID)
    async with gateways(speed=1) as (simulator, (gateway,)):
        send = gateway.site_recovery(SUBSCRIPTION).replication_protected_items.begin_delete

        async def set_call(number: int) -> None:
            body = {"properties": {"disableProtectionReason": "NotSpecified"}}
            with suppress(HttpResponseError):  # there is no such item: the call is counted all the same
                await begin(send, vault.resource_group, vault.name, "f", "c", f"i{number}", body)

        await asyncio.gather(*(until_done(partial(set_call, number)) for number in range(225)))
        calls = served(simulator)
    assert len(calls) == 225
    assert {call["status"] for call in calls} & {202, 429} == set()
    assert _moment(calls[-1]) - _moment(calls[0]) > (225 - 200) / (200 / 60)


async def test_what_is_beyond_it_is_refused_and_holds_back_set_calls_alone() -> None:
    """Other callers have taken all, as far as this process cannot know."""
    vault = ResourceId(VAULT_ID)
    async with gateways(speed=0.01) as (simulator, (gateway,)):
        await gateway.look()
        caller, fabric = served(simulator)[0]["principal"], f"{VAULT_ID}/replicationFabrics/f"
        for _ in range(200):
            simulator.gateway.throttle.take_of_service("POST", fabric, f"subscription/{SUBSCRIPTION}", caller)

        async def set_call() -> None:
            send = gateway.site_recovery(SUBSCRIPTION).replication_fabrics.begin_delete
            await begin(send, vault.resource_group, vault.name, "f", retry_total=0)

        with pytest.raises(HttpResponseError):
            await set_call()
        await tag_vm(gateway, WEB, {"dr": "true"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(set_call(), timeout=3)
        assert statuses(simulator) == {200: 2, 429: 1}


async def test_a_list_of_vms_that_is_refused_holds_back_lists_of_vms_alone() -> None:
    """Others have used them up, as far as this process cannot know: Microsoft.Compute counts all callers."""
    async with gateways(speed=0.01) as (simulator, (gateway,)):
        for _ in range(900):
            simulator.gateway.throttle.take_of_service("GET", VM_LISTS, f"subscription/{SUBSCRIPTION}", "another")
        waiting = asyncio.gather(*(read_vm(gateway, vm) for vm in (WEB, BACK)))
        await eventually(lambda: statuses(simulator) == {429: 2})
        await gateway.look()
        assert statuses(simulator) == {429: 2, 200: 1}
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting


async def test_a_vm_that_others_read_all_the_time_holds_back_no_other_read() -> None:
    """They have used up what Microsoft.Compute allows of this VM: its read waits, and no other one does."""
    async with gateways(speed=0.01) as (simulator, (gateway,)):
        for _ in range(36):
            simulator.gateway.throttle.take_of_service("GET", f"{WEB}/instanceView", "", "another")
        waiting = asyncio.create_task(gateway.get(str(WEB), COMPUTE_API_VERSION))
        await eventually(lambda: statuses(simulator) == {429: 1})
        await gateway.get(str(BACK), COMPUTE_API_VERSION)
        assert statuses(simulator) == {429: 1, 200: 1}
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_vms_are_read_by_themselves_where_their_list_would_have_to_wait() -> None:
    async with gateways(speed=0.01) as (simulator, (gateway,)):
        lists, _ = gateway.rate_limiter.queues_for("GET", VM_LISTS)
        for _ in range(855):
            await lists.acquire()
        with pytest.raises(ThrottledError):
            await lists.acquire()
        found = await asyncio.gather(*(read_vm(gateway, vm) for vm in (WEB, BACK)))
        paths = [call["path"].lower() for call in served(simulator)]
    assert [vm.id for vm in found if vm] == [WEB, BACK]
    assert sorted(paths) == sorted(vm.key for vm in (WEB, BACK))


async def test_two_processes_that_drain_one_bucket_see_each_other_in_its_headers() -> None:
    async with gateways(speed=10, count=2) as (simulator, processes):
        calls = asyncio.Semaphore(32)

        async def look(gateway: Gateway) -> None:
            async with calls:
                await until_done(gateway.look)

        await asyncio.gather(*(look(gateway) for _ in range(400) for gateway in processes))
        assert statuses(simulator) == {200: 800}


def _moment(request: dict[str, Any]) -> float:
    return datetime.fromisoformat(f"{request['time'][:26]}+00:00").timestamp()
