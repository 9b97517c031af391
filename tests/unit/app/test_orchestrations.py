"""Waking a VM's orchestration: whatever runs or ends meanwhile, the VM is looked at after the call."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.model import naming
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.orchestrations import (
    EXPIRED,
    SignalError,
    hand_over,
    instance_of,
    is_running,
    signal_or_start,
    start_and_see,
    start_if_idle,
)
from shared.reconcile.run_state import RunOutcome, RunResult, RunState
from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID, VM_ID
from tests.unit.app.fake_durable import CarelessHub, FakeDurableClient, FakeHub

INSTANCE = naming.instance_id(VM_ID)
RUN = RunState(vm_id=VM_ID, poll_seconds=30)


pytestmark = pytest.mark.usefixtures("slept")


def ends_after(call: str, times: int = 1) -> Any:
    """The run ends behind the caller's back, right after that call was made for the first time (or a later one)."""
    left = [times]

    def after(client: FakeDurableClient, made: str) -> None:
        if made == call:
            left[0] -= 1
            if left[0] == 0:
                client.status = Status.Completed

    return after


async def test_a_vm_without_a_run_gets_one_under_its_own_id(slept: list[float]) -> None:
    client = FakeDurableClient()

    await signal_or_start(client, RUN)

    ((name, instance, given),) = client.started
    assert (name, instance) == ("protect_vm", INSTANCE)
    assert RunState.load(given).since
    assert RunState.load(given).with_(since=None) == RunState(vm_id=VM_ID, poll_seconds=30)
    assert client.raised == []
    assert slept == []


@pytest.mark.parametrize("ended", [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled])
async def test_a_run_that_has_ended_is_followed_by_a_new_one(ended: Status) -> None:
    client = FakeDurableClient()
    client.status = ended

    await signal_or_start(client, RUN)

    assert len(client.started) == 1


async def test_a_run_under_way_is_reported_and_observed_again_a_moment_later(slept: list[float]) -> None:
    client = FakeDurableClient()
    client.status = Status.Running

    await signal_or_start(client, RUN)

    assert client.raised == [(INSTANCE, "changed")]
    assert client.started == []
    assert slept == [1.0]


async def test_a_run_that_took_the_event_in_its_last_turn_is_followed_by_a_new_one() -> None:
    client = FakeDurableClient(after=ends_after("raise_event"))
    client.status = Status.Running

    await signal_or_start(client, RUN)

    assert client.raised == [(INSTANCE, "changed")]
    assert len(client.started) == 1


async def test_a_run_that_ends_before_the_event_reaches_it_is_followed_by_a_new_one() -> None:
    client = FakeDurableClient(after=ends_after("get_status"))
    client.status = Status.Running

    await signal_or_start(client, RUN)

    assert client.raised == []
    assert len(client.started) == 1


async def test_a_run_that_another_trigger_has_just_started_is_reported_instead() -> None:
    def another_door_is_quicker(client: FakeDurableClient, made: str) -> None:
        if made == "get_status":
            client.status = Status.Running

    client = FakeDurableClient(after=another_door_is_quicker)

    await signal_or_start(client, RUN)

    assert client.started == []
    assert client.raised == [(INSTANCE, "changed")]


async def test_of_many_that_start_one_instance_at_once_one_has_started_it() -> None:
    """Each has seen that nothing runs, before the first of them starts it."""

    class Slow(FakeHub):
        async def start_new(self, name: str, instance: str, given: Any) -> str:
            await asyncio.sleep(0)
            return await super().start_new(name, instance, given)

    hub = Slow()

    started = await asyncio.gather(*(start_if_idle(hub, "reconcile", "sweep", {}, 30) for _ in range(5)))

    assert sorted(started) == [False, False, False, False, True]
    assert hub.started == ["reconcile"]


async def test_a_start_that_fails_for_another_reason_is_no_success() -> None:
    def the_hub_breaks(_: FakeDurableClient, made: str) -> None:
        if made == "start_new":
            raise Exception("The task hub cannot be reached.")

    client = FakeDurableClient(after=the_hub_breaks)
    client.status_after_start = None

    with pytest.raises(Exception, match="task hub"):
        await signal_or_start(client, RUN)


async def test_an_event_that_cannot_be_raised_to_a_run_under_way_is_no_success() -> None:
    class Broken(FakeDurableClient):
        async def raise_event(self, instance: str, name: str, data: Any = None) -> None:
            raise Exception(f"{name} {data} cannot be sent to {instance}: the task hub cannot be reached.")

    client = Broken()
    client.status = Status.Running

    with pytest.raises(Exception, match="task hub"):
        await signal_or_start(client, RUN)
    assert client.started == []


async def test_a_vm_whose_runs_end_again_and_again_is_no_success() -> None:
    class NeverStill(FakeDurableClient):
        """Whenever it is looked at, a run that others started is there, or has just ended."""

        seen = cycle([Status.Running, Status.Completed])

        async def get_status(self, instance: str, *, show_input: bool = False) -> DurableOrchestrationStatus:
            self.status = next(self.seen)
            return await super().get_status(instance, show_input=show_input)

    with pytest.raises(Exception, match=r"."):
        await signal_or_start(NeverStill(), RUN)


async def test_of_many_triggers_at_once_one_starts_the_run() -> None:
    client = FakeDurableClient()

    await asyncio.gather(*(signal_or_start(client, RUN) for _ in range(20)))

    assert len(client.started) == 1


ORDER = Order(token="a1", confirmed=True)


async def test_an_order_is_the_input_of_a_new_run(slept: list[float]) -> None:
    client = FakeDurableClient()

    await hand_over(client, RUN, ORDER, 60)

    ((_, _, given),) = client.started
    assert (RunState.load(given).orders, RunState.load(given).confirmed) == (("a1",), True)
    assert slept == []


@pytest.mark.parametrize(
    "start",
    [
        lambda client: hand_over(client, RUN, ORDER, 5),
        lambda client: signal_or_start(client, RUN),
        lambda client: start_and_see(client, "protect_batch", "batch-1", {}, 5),
    ],
)
async def test_a_refused_start_is_told_without_the_stack_trace_of_the_extension(start: Any) -> None:
    """The SDK raises what the extension answered, as a dictionary: the text reaches the caller of an HTTP trigger."""

    class Refuses(FakeDurableClient):
        async def start_new(self, name: str, instance: str, given: Any) -> str:
            message = f"The storage account is not reachable.\n{name} {instance} {given}"
            failure = {
                "Message": "Something went wrong.",
                "ExceptionMessage": message,
                "StackTrace": "   at DurableTask.",
            }
            raise Exception(failure)

    with pytest.raises(SignalError, match="not reachable") as refused:
        await start(Refuses())

    assert "DurableTask" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_an_order_is_an_event_to_the_run_under_way_which_is_not_terminated() -> None:
    client = FakeDurableClient()
    client.status = Status.Running

    await hand_over(client, RUN, ORDER, 60)

    assert client.raised == [(INSTANCE, "changed")]
    assert (client.started, client.terminated) == ([], [])


async def test_an_order_that_a_run_did_not_read_before_its_end_goes_to_the_next_one() -> None:
    class Deaf(FakeDurableClient):
        """The run ends without the event that it was sent."""

        async def raise_event(self, instance: str, name: str, data: Any = None) -> None:
            await super().raise_event(instance, name, data)
            self.status, self.custom_status = Status.Completed, None

    client = Deaf()
    client.status = Status.Running

    await hand_over(client, RUN, ORDER, 60)

    assert len(client.raised) == len(client.started) == 1
    assert RunState.load(client.started[0][2]).confirmed


async def test_the_accepted_input_of_a_start_is_no_proof_that_it_was_taken_up(slept: list[float]) -> None:
    """As on the Durable extension, where of two starts at once one is dropped behind a 202."""

    class Drops(FakeDurableClient):
        async def start_new(self, name: str, instance: str, given: Any) -> str:
            if not self.started:
                self.started.append((name, instance, given))
                return instance
            return await super().start_new(name, instance, given)

    client = Drops()
    client.status = Status.Completed
    client.output = RunResult(outcome=RunOutcome.PROTECTED, vm_id=VM_ID, orders=("b2",)).dump()

    await hand_over(client, RUN, ORDER, 60)

    assert len(client.started) == 2
    assert 0.5 < sum(slept) < 5


async def test_a_run_that_was_quick_has_the_order_in_its_result() -> None:
    client = FakeDurableClient(after=ends_after("start_new"))
    client.output = RunResult(outcome=RunOutcome.DISABLED, vm_id=VM_ID, orders=("a1",)).dump()

    await hand_over(client, RUN, ORDER, 60)

    assert len(client.started) == 1


async def test_an_order_whose_run_ends_while_it_is_repeated_starts_no_run_again(slept: list[float]) -> None:
    """The run takes the order up and ends between two reads of its status by the sender: a run started again with the
    confirmation could disable a VM that has been tagged since."""

    class EndsUnseen(FakeDurableClient):
        async def get_status(self, instance: str, *, show_input: bool = False) -> DurableOrchestrationStatus:
            if sum(slept) > 4:
                self.status, self.custom_status = Status.Completed, None
                self.output = RunResult(outcome=RunOutcome.PROTECTED, vm_id=VM_ID, orders=("a1",)).dump()
            return await super().get_status(instance, show_input=show_input)

    client = EndsUnseen()
    client.status = Status.Suspended

    await hand_over(client, RUN, ORDER, 60)

    assert client.started == []


async def test_an_order_that_no_run_takes_up_is_given_up_in_time(slept: list[float]) -> None:
    client = FakeDurableClient()
    client.status = Status.Suspended

    with pytest.raises(SignalError, match="within 60 s"):
        await hand_over(client, RUN, ORDER, 60)

    assert 60 <= sum(slept) < 62
    assert (client.started, client.terminated) == ([], [])


@given(st.integers(0, 2**32), st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_is_lost_whatever_the_hub_drops(seed: int, orders: int) -> None:
    """Starts and events are dropped, runs end at any moment, hints come in between: any client that is reported that
    an order was taken up finds it in the run that lives, or in the result of one that has carried it out."""
    asyncio.run(_orders_on_a_careless_hub(seed, orders))


async def _orders_on_a_careless_hub(seed: int, orders: int) -> None:
    hub = CarelessHub(random.Random(seed))
    handed = [Order(token=f"order-{number}", confirmed=number == 0) for number in range(orders)]

    await asyncio.gather(
        *(hand_over(hub, RUN, order, 10_000) for order in handed), *(signal_or_start(hub, RUN) for _ in range(orders))
    )

    assert {order.token for order in handed} <= hub.done | set(hub.run.orders if hub.run else ())
    if hub.run and handed[0].token in hub.run.orders:
        assert hub.run.confirmed


async def test_a_new_batch_is_seen_before_it_is_promised(slept: list[float]) -> None:
    class Slow(FakeHub):
        async def get_status(self, instance: str, *, show_input: bool = False) -> DurableOrchestrationStatus:
            if len(slept) < 3:
                return DurableOrchestrationStatus.from_json({})
            return await super().get_status(instance, show_input=show_input)

    hub = Slow()

    await start_and_see(hub, "protect_batch", "batch-1", {"total": 1}, 60)

    assert hub.started == ["batch-1"]
    assert len(slept) == 3


async def test_a_batch_that_is_never_seen_is_not_promised() -> None:
    class Lost(FakeHub):
        async def start_new(self, *started: Any) -> str:
            return str(started)

    with pytest.raises(SignalError, match="its status could not be read within 5 s"):
        await start_and_see(Lost(), "protect_batch", "batch-1", {}, 5)


@pytest.mark.parametrize(("minutes", "taken_up"), [(0, False), (90, False), (119, False), (121, True), (600, True)])
async def test_a_run_that_shows_no_life_for_its_lease_is_taken_up_again(minutes: int, taken_up: bool) -> None:
    client = FakeDurableClient()
    client.status, client.state = Status.Running, RUN.dump()
    client.last_updated = datetime.now(UTC) - timedelta(minutes=minutes)

    await signal_or_start(client, RUN)

    assert client.terminated == ([INSTANCE] if taken_up else [])
    assert len(client.started) == int(taken_up)


LOST = RunState(
    vm_id=VM_ID,
    poll_seconds=30,
    confirmed=True,
    orders=("a1",),
    job="j1",
    vault=VAULT_ID,
    disabling=True,
    disable_at=datetime(2026, 5, 4, tzinfo=UTC),
    attempts=1,
)


async def test_any_client_takes_over_a_run_goes_on_where_it_stopped() -> None:
    client = FakeDurableClient()
    client.status, client.state = Status.Running, LOST.dump()
    client.last_updated = datetime.now(UTC) - timedelta(hours=3)

    await hand_over(client, RUN, Order(token="b2"), 60)

    ((_, _, given),) = client.started
    assert RunState.load(given) == LOST.with_(orders=("a1", "b2"))


async def test_and_so_it_does_if_the_client_that_took_it_over_did_not_start_it() -> None:
    def dies(_: FakeDurableClient, call: str) -> None:
        if call == "terminate":
            raise KeyboardInterrupt

    client = FakeDurableClient(dies)
    client.status, client.state = Status.Running, LOST.dump()
    client.last_updated = datetime.now(UTC) - timedelta(hours=3)
    with pytest.raises(KeyboardInterrupt):
        await hand_over(client, RUN, Order(token="b2"), 60)

    await hand_over(client, RUN, Order(token="c3"), 60)

    ((_, _, given),) = client.started
    assert RunState.load(given) == LOST.with_(orders=("a1", "c3"))


async def test_what_was_left_long_ago_is_not_taken_over() -> None:
    """The VM may have been tagged since, and untagged again: then its grace period begins again."""
    client = FakeDurableClient()
    client.status, client.state, client.output = Status.Terminated, LOST.dump(), EXPIRED
    client.last_updated = datetime.now(UTC) - timedelta(hours=3)

    await signal_or_start(client, RUN)

    ((_, _, given),) = client.started
    assert RunState.load(given).with_(since=None) == RUN


async def test_a_run_that_another_process_has_taken_over_meanwhile_goes_on() -> None:
    """It knows an order by now that this process has not read."""

    def takes_over(hub: FakeDurableClient, call: str) -> None:
        if call == "get_status":
            hub.last_updated = datetime.now(UTC)

    client = FakeDurableClient(takes_over)
    client.status, client.state = Status.Running, LOST.dump()
    client.last_updated = datetime.now(UTC) - timedelta(hours=3)

    await signal_or_start(client, RUN)

    assert (client.terminated, client.started, client.raised) == ([], [], [(INSTANCE, "changed")])


async def test_a_run_that_somebody_has_terminated_is_begun_from_nothing() -> None:
    client = FakeDurableClient()
    client.status, client.state, client.output = Status.Terminated, LOST.dump(), "by an operator"

    await signal_or_start(client, RUN)

    ((_, _, given),) = client.started
    assert RunState.load(given).with_(since=None) == RUN


@pytest.mark.parametrize("state", ["", "no JSON", {"vmId": 7}])
async def test_a_run_whose_state_cannot_be_read_is_begun_from_nothing(state: Any) -> None:
    client = FakeDurableClient()
    client.status, client.state = Status.Running, state
    client.last_updated = datetime.now(UTC) - timedelta(hours=3)

    await signal_or_start(client, RUN)

    ((_, _, given),) = client.started
    assert RunState.load(given).with_(since=None) == RUN


async def test_an_app_that_was_stopped_lets_its_runs_wake_up_before_it_judges_their_leases(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Right after its start every run is silent since the stop: each goes on by itself once its timer has fired."""
    client = FakeDurableClient()
    client.status, client.state = Status.Running, LOST.dump()
    client.last_updated = datetime.now(UTC) - timedelta(hours=60)
    monkeypatch.setattr("shared.orchestrations._started_at", 1e6 - 14 * 60)

    await signal_or_start(client, RUN)

    assert (client.terminated, client.raised) == ([], [(INSTANCE, "changed")])

    monkeypatch.setattr("shared.orchestrations._started_at", 1e6 - 16 * 60)
    await signal_or_start(client, RUN)

    assert client.terminated == [INSTANCE]


async def test_a_run_that_somebody_has_suspended_keeps_its_lease() -> None:
    client = FakeDurableClient()
    client.status = Status.Suspended
    client.last_updated = datetime.now(UTC) - timedelta(days=2)

    with pytest.raises(SignalError):
        await signal_or_start(client, RUN)
    assert client.terminated == []


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        (None, False),
        (Status.Pending, True),
        (Status.Running, True),
        (Status.ContinuedAsNew, True),
        (Status.Suspended, True),
        (Status.Completed, False),
        (Status.Failed, False),
        (Status.Terminated, False),
    ],
)
async def test_each_status_runs_or_not(status: Status | None, runs: bool) -> None:
    client = FakeDurableClient()
    client.status = status

    assert await is_running(client, INSTANCE) is runs


def test_the_run_for_the_targets_alone_has_an_id_of_its_own_that_durable_functions_takes() -> None:
    longest = ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, "x" * 64)

    own, targets = instance_of(longest), instance_of(longest, targets_only=True)

    assert own == naming.instance_id(longest)
    assert targets != own
    assert len(targets) <= 100
    assert targets.startswith("targets-")
