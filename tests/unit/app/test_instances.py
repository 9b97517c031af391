"""Waking a VM's orchestration: whatever runs or ends meanwhile, the VM is looked at after the call."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any

import pytest
from azure.durable_functions import OrchestrationRuntimeStatus as Status
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from shared.domain import naming
from shared.domain.resource_id import ResourceId
from shared.domain.run import Run
from shared.instances import WakeError, instance_of, is_running, start_if_idle, wake
from tests.unit.app.examples import SUBSCRIPTION, VM_ID
from tests.unit.app.fake_durable import FakeDurableClient, FakeHub

INSTANCE = naming.instance_id(VM_ID)
RUN = Run(vm_id=VM_ID, poll_seconds=30)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between the looks, which take no time here."""
    waits: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real_sleep(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waits


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

    await wake(client, RUN)

    ((name, instance, given),) = client.started
    assert (name, instance) == ("protect_vm", INSTANCE)
    assert Run.load(given) == Run(vm_id=VM_ID, poll_seconds=30)
    assert client.raised == []
    assert slept == []


@pytest.mark.parametrize("ended", [Status.Completed, Status.Failed, Status.Terminated, Status.Canceled])
async def test_a_run_that_has_ended_is_followed_by_a_new_one(ended: Status) -> None:
    client = FakeDurableClient()
    client.status = ended

    await wake(client, RUN)

    assert len(client.started) == 1


async def test_a_run_under_way_is_told_and_looked_at_again_a_moment_later(slept: list[float]) -> None:
    client = FakeDurableClient()
    client.status = Status.Running

    await wake(client, RUN)

    assert client.raised == [(INSTANCE, "changed")]
    assert client.started == []
    assert slept == [1.0]


async def test_a_run_that_took_the_event_in_its_last_turn_is_followed_by_a_new_one() -> None:
    client = FakeDurableClient(after=ends_after("raise_event"))
    client.status = Status.Running

    await wake(client, RUN)

    assert client.raised == [(INSTANCE, "changed")]
    assert len(client.started) == 1


async def test_a_run_that_ends_before_the_event_reaches_it_is_followed_by_a_new_one() -> None:
    client = FakeDurableClient(after=ends_after("get_status"))
    client.status = Status.Running

    await wake(client, RUN)

    assert client.raised == []
    assert len(client.started) == 1


async def test_a_run_that_another_door_has_just_started_is_told_instead() -> None:
    def another_door_is_quicker(client: FakeDurableClient, made: str) -> None:
        if made == "get_status":
            client.status = Status.Running

    client = FakeDurableClient(after=another_door_is_quicker)

    await wake(client, RUN)

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
        await wake(client, RUN)


async def test_an_event_that_cannot_be_raised_to_a_run_under_way_is_no_success() -> None:
    class Broken(FakeDurableClient):
        async def raise_event(self, instance: str, name: str) -> None:
            raise Exception(f"{name} cannot be sent to {instance}: the task hub cannot be reached.")

    client = Broken()
    client.status = Status.Running

    with pytest.raises(Exception, match="task hub"):
        await wake(client, RUN)
    assert client.started == []


async def test_a_vm_whose_runs_end_again_and_again_is_no_success() -> None:
    class NeverStill(FakeDurableClient):
        """Whenever it is looked at, a run that others started is there, or has just ended."""

        seen = cycle([Status.Running, Status.Completed])

        async def get_status(self, instance: str) -> DurableOrchestrationStatus:
            self.status = next(self.seen)
            return await super().get_status(instance)

    with pytest.raises(Exception, match=r"."):
        await wake(NeverStill(), RUN)


async def test_of_many_doors_at_once_one_starts_the_run() -> None:
    client = FakeDurableClient()

    await asyncio.gather(*(wake(client, RUN) for _ in range(20)))

    assert len(client.started) == 1


async def test_a_confirmation_waits_for_a_run_that_ends_by_itself() -> None:
    client = FakeDurableClient(after=ends_after("raise_event", times=2))
    client.status = Status.Running

    await wake(client, RUN.but(confirmed=True))

    ((_, _, given),) = client.started
    assert Run.load(given).confirmed
    assert client.terminated == []


async def test_a_confirmation_takes_the_place_of_a_run_that_does_not_end() -> None:
    client = FakeDurableClient()
    client.status = Status.Running

    await wake(client, RUN.but(confirmed=True))

    assert client.terminated == [INSTANCE]
    ((_, _, given),) = client.started
    assert Run.load(given).confirmed


async def test_a_run_that_takes_its_time_to_be_terminated_is_waited_for() -> None:
    class Slow(FakeDurableClient):
        """It goes on for two looks after it was to be terminated."""

        looks = 0

        async def terminate(self, instance: str, reason: str) -> None:
            assert reason
            self.terminated.append(instance)

        async def get_status(self, instance: str) -> DurableOrchestrationStatus:
            if self.terminated and not self.started:
                self.looks += 1
                self.status = Status.Terminated if self.looks > 2 else Status.Running
            return await super().get_status(instance)

    client = Slow()
    client.status = Status.Running

    await wake(client, RUN.but(confirmed=True))

    ((_, _, given),) = client.started
    assert Run.load(given).confirmed


@pytest.mark.parametrize(("minutes", "taken_up"), [(0, False), (90, False), (119, False), (121, True), (600, True)])
async def test_a_run_that_shows_no_life_for_its_lease_is_taken_up_again(minutes: int, taken_up: bool) -> None:
    client = FakeDurableClient()
    client.status = Status.Running
    client.last_updated = datetime.now(UTC) - timedelta(minutes=minutes)

    await wake(client, RUN)

    assert client.terminated == ([INSTANCE] if taken_up else [])
    assert len(client.started) == int(taken_up)


async def test_a_run_that_somebody_has_suspended_keeps_its_lease() -> None:
    client = FakeDurableClient()
    client.status = Status.Suspended
    client.last_updated = datetime.now(UTC) - timedelta(days=2)

    with pytest.raises(WakeError):
        await wake(client, RUN)
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
