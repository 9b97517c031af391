"""A batch, pass by pass: every VM is asked for, followed, and ends once, whatever comes in between."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.override_options import CHOICES
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.reconcile.batch import AT_ONCE, MOST_VMS, RUNNING, WAITING, Batch, BatchEnd, BatchProgress, BatchRequest
from shared.reconcile.run_state import RunOutcome, RunResult
from tests.findings import blocker
from tests.properties import examples
from tests.replay.instance import START, Answer, InstanceOf
from tests.unit.app.examples import SUBSCRIPTION, VM_ID

ASK, FOLLOW = "request_protection", "follow_batch"
POLL = 30
SLOW_DOWN = Error(code="TooManyRequests", message="Slow down.", action="Wait.")


def vms(count: int) -> tuple[ResourceId, ...]:
    return tuple(ResourceId.of(SUBSCRIPTION, "web", VM_ID.type, f"web-{number}") for number in range(count))


@dataclass
class BatchInstance(InstanceOf[Batch, Batch]):
    name = "protect_batch"
    ended = Batch


def batch_of(count: int, answers: dict[str, Sequence[Answer]], **state: Any) -> BatchInstance:
    return BatchInstance(answers, Batch(poll_seconds=POLL, waiting=vms(count), **state))


def end(vm: ResourceId, outcome: RunOutcome = RunOutcome.PROTECTED) -> BatchEnd:
    return BatchEnd(vm_id=vm, outcome=outcome)


def answered(**answer: Any) -> Ready:
    return Ready(value=BatchProgress(**answer).dump())


def all_run(request: dict[str, Any]) -> StepResult:
    return answered(running=BatchRequest.load(request).vm_ids)


def all_end(request: dict[str, Any]) -> StepResult:
    return answered(ended=tuple(map(end, BatchRequest.load(request).vm_ids)))


def asked_of(instance: BatchInstance, activity: str) -> list[list[str]]:
    """The names of the VMs of each request."""
    requests = [BatchRequest.load(request) for name, request in instance.requests if name == activity]
    return [[vm.name for vm in request.vm_ids] for request in requests]


def test_all_are_asked_for_ten_at_a_time_and_then_followed_to_their_ends() -> None:
    some = answered(ended=tuple(map(end, vms(20))), running=vms(25)[20:])
    instance = batch_of(25, {ASK: [all_run] * 3, FOLLOW: [all_run, some, all_end]}, tags={"dr-profile": "gold"})

    ended = instance.run()

    assert instance.calls == [ASK] * 3 + [FOLLOW] * 3
    assert [len(names) for names in asked_of(instance, ASK)] == [AT_ONCE, AT_ONCE, 5]
    assert [request["tags"] for name, request in instance.requests if name == ASK] == [{"dr-profile": "gold"}] * 3
    assert len({name for names in asked_of(instance, ASK) for name in names}) == 25
    assert asked_of(instance, FOLLOW)[2] == [vm.name for vm in vms(25)[20:]]
    assert ended.counts == {"Protected": 25}
    # Nothing is waited for before all are asked for.
    assert instance.waits == [4 * POLL] * 2


def test_what_its_activities_ask_for_leaves_the_way_to_single_events() -> None:
    instance = batch_of(1, {ASK: [all_run], FOLLOW: [all_end]})

    instance.run()

    assert [request["lowPriority"] for _, request in instance.requests] == [True, True]


def test_those_that_nothing_was_asked_for_are_not_followed() -> None:
    off = BatchEnd(vm_id=vms(2)[1], outcome=RunOutcome.NOT_ELIGIBLE, findings=(blocker("VmNotRunning", "It is off."),))
    instance = batch_of(2, {ASK: [answered(running=vms(1), ended=(off,))], FOLLOW: [all_end]})

    ended = instance.run()

    assert asked_of(instance, FOLLOW) == [["web-0"]]
    assert ended.counts == {"NotEligible": 1, "Protected": 1}
    assert off in ended.ended


def test_a_batch_of_which_nothing_is_asked_for_is_over_at_once() -> None:
    instance = batch_of(2, {ASK: [all_end]})

    assert instance.run().percent == 100
    assert instance.waits == []


def test_those_that_azure_had_no_time_for_come_last_and_not_before_it_said() -> None:
    first = answered(running=vms(8), again=vms(10)[8:], retry_after=300, error=SLOW_DOWN)
    instance = batch_of(12, {ASK: [first, all_run], FOLLOW: [all_end]})

    ended = instance.run()

    assert asked_of(instance, ASK)[1] == ["web-10", "web-11", "web-8", "web-9"]
    assert instance.waits == [300]
    assert any(status.get("lastError", {}).get("code") == "TooManyRequests" for status in instance.statuses)
    assert "lastError" not in instance.statuses[-1]
    assert ended.counts == {"Protected": 12}


@pytest.mark.parametrize("fault", [RuntimeError("a bug"), Pending(retry_after=1, error=SLOW_DOWN)])
def test_after_a_fault_the_same_ones_are_asked_for_again(fault: Answer) -> None:
    instance = batch_of(12, {ASK: [fault, fault, all_run, all_run], FOLLOW: [fault, all_end]})

    ended = instance.run()

    assert asked_of(instance, ASK)[0] == asked_of(instance, ASK)[1] == asked_of(instance, ASK)[2]
    assert asked_of(instance, FOLLOW)[0] == asked_of(instance, FOLLOW)[1]
    assert instance.waits == [2 * POLL, 4 * POLL, 2 * POLL]
    assert ended.counts == {"Protected": 12}


def test_those_that_can_never_be_asked_for_end_as_failed_and_the_others_are_followed() -> None:
    one = vms(11)[:1]
    stuck = answered(again=one, retry_after=5, error=SLOW_DOWN)
    first = answered(again=one, running=vms(10)[1:], retry_after=5, error=SLOW_DOWN)
    second = answered(again=one, running=vms(11)[10:], retry_after=5, error=SLOW_DOWN)
    instance = batch_of(11, {ASK: [first, second, *[stuck] * 10], FOLLOW: [all_run, all_end]})

    ended = instance.run()

    assert ended.counts == {"Failed": 1, "Protected": 10}
    (failed,) = [each for each in ended.ended if each.outcome is RunOutcome.FAILED]
    assert (failed.vm_id, failed.error) == (one[0], SLOW_DOWN)
    assert max(instance.waits) <= 3600


def test_runs_that_can_never_be_looked_at_end_as_failed() -> None:
    instance = batch_of(2, {ASK: [all_run], FOLLOW: [RuntimeError("the hub is down")] * 11})

    ended = instance.run()

    assert ended.counts == {"Failed": 2}
    assert ended.ended[0].error
    assert "the hub is down" in ended.ended[0].error.message


@st.composite
def answers_to(draw: st.DrawFn, request: dict[str, Any]) -> StepResult:
    """Some end, some run, some are to be asked for again; or nothing is answered but an excuse."""
    if draw(st.integers(0, 9)) == 0:
        return Pending(retry_after=draw(st.integers(0, 5000)), error=SLOW_DOWN)
    kinds = {vm: draw(st.sampled_from(["ended", "running", "again"])) for vm in BatchRequest.load(request).vm_ids}
    again = tuple(vm for vm, kind in kinds.items() if kind == "again")
    return answered(
        ended=tuple(end(vm, draw(st.sampled_from(RunOutcome))) for vm, kind in kinds.items() if kind == "ended"),
        running=tuple(vm for vm, kind in kinds.items() if kind == "running"),
        again=again,
        error=SLOW_DOWN if again else None,
    )


@examples(25)
@given(st.data(), st.integers(1, 35))
def test_whatever_is_answered_each_vm_ends_once_and_the_counts_add_up(data: st.DataObject, count: int) -> None:
    def ask(request: dict[str, Any]) -> StepResult:
        return data.draw(answers_to(request))

    def follow(request: dict[str, Any]) -> StepResult:
        them = BatchRequest.load(request).vm_ids
        over = data.draw(st.integers(0, len(them)))
        return answered(ended=tuple(map(end, them[:over])), running=them[over:])

    instance = batch_of(count, {ASK: [ask] * 300, FOLLOW: [follow] * 300})
    instance.may_leave_answers = True

    ended = instance.run(most_generations=600)

    assert sorted(each.vm_id.name for each in ended.ended) == sorted(vm.name for vm in vms(count))
    for status in instance.statuses:
        assert sum(status["counts"].values()) == status["total"] == count
        done = count - sum(status["counts"].get(name, 0) for name in (WAITING, RUNNING))
        assert status["percent"] == 100 * done // count
    assert instance.statuses[-1]["counts"] == ended.counts


def test_a_batch_as_large_as_can_be_stays_small_enough_to_be_carried() -> None:
    """16 KB of custom status; for the state, which is JSON in JSON, the 1 MiB that the Durable Task Scheduler takes."""
    group, words = "g" * 90, "What it says. " * 400
    ids = (ResourceId.of(SUBSCRIPTION, group, VM_ID.type, f"{number:064}") for number in range(MOST_VMS))
    findings = tuple(blocker("NotEligibleForReplication", words, words) for _ in range(20))
    error = Error(code="NotEligibleForReplication", message=words, action=words)
    results = (RunResult(outcome=RunOutcome.NOT_ELIGIBLE, vm_id=vm, findings=findings, error=error) for vm in ids)
    tags = {f"dr-{name}": "v" * 256 for name in CHOICES}
    batch = Batch(poll_seconds=POLL, waiting=(), ended=tuple(map(BatchEnd.of, results)), tags=tags)

    assert batch.total == MOST_VMS
    assert len(json.dumps(batch.fault(error, START).status())) < 16 * 1024
    assert len(json.dumps(json.dumps(batch.dump()))) < 1024 * 1024
