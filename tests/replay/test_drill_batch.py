"""A batch of drills, pass by pass: each VM ends once, whatever comes in between, and a cancel ends it at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from shared.config.intervals import FOLLOW_BATCH
from shared.model.caller import Caller, CallerKind, Via
from shared.model.drill import DrillOrder, DrillOutcome
from shared.model.order import Order
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.reconcile.drill_batch import DrillBatch, DrillBatchProgress, DrillBatchRequest, DrillEnd
from tests.replay.instance import Answer, InstanceOf
from tests.unit.app.examples import SUBSCRIPTION, VM_ID

POLL, ADVANCE = 30, "advance_drills"
NETWORK = ResourceId.of(SUBSCRIPTION, "drills", "Microsoft.Network/virtualNetworks", "dr-drill")
FAULT = Error(code="TooManyRequests", message="Slow down.", action="Wait.")


def vms(count: int) -> tuple[ResourceId, ...]:
    return tuple(ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"web-{number}") for number in range(count))


@dataclass
class BatchInstance(InstanceOf[DrillBatch, DrillBatch]):
    name = "drill_batch"
    ended = DrillBatch


def batch_of(count: int, answers: Sequence[Answer], **more: Any) -> BatchInstance:
    state = DrillBatch(poll_seconds=POLL, order=DrillOrder(network=NETWORK), at_once=2, waiting=vms(count))
    return BatchInstance({ADVANCE: answers}, state, **more)


def one_pass(request: dict[str, Any]) -> StepResult:
    """As the activity: what ran has passed, and the next two begin; when cancelled, the rest is."""
    given = DrillBatchRequest.load(request)
    ended = [DrillEnd(vm_id=vm, outcome=DrillOutcome.PASSED, rto_seconds=240) for vm in given.running]
    if given.cancelled:
        ended += [DrillEnd(vm_id=vm, outcome=DrillOutcome.CANCELLED) for vm in given.waiting]
        return Ready(value=DrillBatchProgress(ended=tuple(ended)).dump())
    running, waiting = given.waiting[: given.at_once], given.waiting[given.at_once :]
    return Ready(value=DrillBatchProgress(waiting=waiting, running=running, ended=tuple(ended)).dump())


def test_each_vm_ends_once_and_the_batch_waits_between_its_looks() -> None:
    instance = batch_of(5, [one_pass] * 4)

    batch = instance.run()

    assert sorted(end.vm_id.name for end in batch.ended) == [vm.name for vm in vms(5)]
    assert batch.counts == {"Passed": 5}
    assert instance.waits == [FOLLOW_BATCH * POLL] * 3


@pytest.mark.parametrize("answer", [Pending(retry_after=90, error=FAULT), RuntimeError("killed")])
def test_a_step_that_failed_is_repeated_with_the_same_vms(answer: Answer) -> None:
    instance = batch_of(2, [answer, one_pass, one_pass])

    assert instance.run().counts == {"Passed": 2}
    first, second, *_ = [DrillBatchRequest.load(request).waiting for _, request in instance.requests]
    assert first == second == vms(2)


def test_a_batch_that_never_succeeds_ends_and_says_why() -> None:
    batch = batch_of(2, [Pending(retry_after=0, error=FAULT)] * 11).run()

    assert batch.counts == {"Failed": 2}
    assert {end.error.code for end in batch.ended if end.error} == {FAULT.code}


def test_a_cancel_is_heeded_at_once_and_shown() -> None:
    by = Caller(kind=CallerKind.FUNCTION_KEY, via=Via.HTTP)
    cancel = Order(token="c1", confirmed=True, asked_by=(by,))
    instance = batch_of(6, [one_pass, one_pass], changed_after=[45], order=cancel)

    batch = instance.run()

    assert batch.counts == {"Cancelled": 4, "Passed": 2}
    assert batch.cancelled
    assert instance.elapsed.total_seconds() < FOLLOW_BATCH * POLL
    assert instance.statuses[-1]["orders"] == ["c1"]
    assert DrillBatchRequest.load(instance.requests[-1][1]).ended_by == (by,)


def test_a_cancel_during_a_step_is_not_lost() -> None:
    cancel = Order(token="c1", confirmed=True)
    instance = batch_of(6, [one_pass] * 2, changed_during=[ADVANCE], order=cancel)

    assert instance.run().counts == {"Cancelled": 4, "Passed": 2}
