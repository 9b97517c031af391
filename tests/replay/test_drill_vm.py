"""The run of a drill through the real SDK: what it asks for in which order, and that every way leads through the
cleanup."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.caller import Caller, CallerKind, Via
from shared.model.drill import Drill, DrillOrder, DrillOutcome, DrillResult
from shared.model.order import Order
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.step_result import Error, Failed, Pending, Ready
from shared.planning.catalog import finding_of
from shared.reconcile.drill_state import DrillPhase, DrillRun
from tests.replay.instance import Answer, InstanceOf
from tests.unit.app.examples import CONTAINER, NETWORK, SUBSCRIPTION, VAULT_ID, VM_ID

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PREPARE, START, FOLLOW, LOOK = "prepare_drill", "start_drill", "monitor_job", "look_at_drill"
CLEAN_UP, FINISH = "clean_up_drill", "finish_drill"
JOB = Ready(value={"vmId": str(VM_ID), "job": "j", "vault": str(VAULT_ID)})
ANNA = Caller(kind=CallerKind.USER, via=Via.HTTP, id="11111111-2222-4333-8444-555555555555")
BROKEN = Error(code="Broken", message="It broke.")
REFUSED = Failed(error=BROKEN)
LATER = Pending(retry_after=30, error=BROKEN)


def drill(**changes: Any) -> Drill:
    known = Drill(
        vm=VM_ID,
        item=CONTAINER.child("replicationProtectedItems", "i"),
        token="first",
        order=DrillOrder(network=NETWORK),
        request="r",
        recorded_at=NOON,
        network=NETWORK,
        test_vm=ResourceId.of(SUBSCRIPTION, "there", VIRTUAL_MACHINE, "web-1-test"),
        requested_at=NOON,
        ready_at=NOON + timedelta(minutes=9),
        ended_at=NOON + timedelta(minutes=20),
    )
    return known.with_(**changes)


CLOSED = Ready(value={"drill": drill().dump()})
NORMALLY: dict[str, list[Answer]] = {
    PREPARE: [Ready()],
    START: [JOB],
    FOLLOW: [Ready(), Ready()],
    LOOK: [Ready()],
    CLEAN_UP: [JOB],
    FINISH: [CLOSED],
}


class Instance(InstanceOf[DrillRun, DrillResult]):
    name = "drill_vm"
    ended = DrillResult


def instance(answers: dict[str, list[Answer]], keep: int = 0, **options: Any) -> Instance:
    order = DrillOrder(network=NETWORK, keep_minutes=keep)
    state = DrillRun(vm_id=VM_ID, poll_seconds=30, order=order, orders=("first",))
    return Instance(NORMALLY | answers, **{"state": state, **options})


def test_a_drill_goes_step_by_step_and_returns_its_evidence() -> None:
    run = instance({}, keep=60)

    result = run.run()

    assert run.calls == [PREPARE, START, FOLLOW, LOOK, CLEAN_UP, FOLLOW, FINISH]
    assert (result.outcome, result.rto_seconds, result.orders) == (DrillOutcome.PASSED, 9 * 60, ("first",))
    assert timedelta(minutes=60) < run.elapsed < timedelta(minutes=63)
    assert run.statuses[0]["orders"] == ["first"]


@pytest.mark.parametrize(
    ("answers", "calls"),
    [
        ({START: [REFUSED], FOLLOW: [Ready()], LOOK: []}, [PREPARE, START, CLEAN_UP, FOLLOW, FINISH]),
        (
            {FOLLOW: [Ready(value={"error": BROKEN.dump()}), Ready()], LOOK: []},
            [PREPARE, START, FOLLOW, CLEAN_UP, FOLLOW, FINISH],
        ),
        ({LOOK: [REFUSED]}, [PREPARE, START, FOLLOW, LOOK, CLEAN_UP, FOLLOW, FINISH]),
        ({LOOK: [Ready(value={"error": BROKEN.dump()})]}, [PREPARE, START, FOLLOW, LOOK, CLEAN_UP, FOLLOW, FINISH]),
        ({LOOK: [RuntimeError("a bug")] * 11}, [PREPARE, START, FOLLOW, *[LOOK] * 11, CLEAN_UP, FOLLOW, FINISH]),
        ({CLEAN_UP: [Ready()], FOLLOW: [Ready()]}, [PREPARE, START, FOLLOW, LOOK, CLEAN_UP, FINISH]),
    ],
    ids=["request refused", "job failed", "no test VM", "did not boot", "faults", "nothing to clean up"],
)
def test_whatever_goes_wrong_leads_through_the_cleanup(answers: dict[str, list[Answer]], calls: list[str]) -> None:
    run = instance(answers)

    run.run()

    assert run.calls == calls
    (request,) = [request for name, request in run.requests if name == CLEAN_UP]
    assert ("error" in request) is (CLEAN_UP not in answers)


def test_a_request_that_is_refused_for_long_is_given_up_and_cleaned_up() -> None:
    run = instance({START: [LATER] * 70, FOLLOW: [Ready()], LOOK: []}, may_leave_answers=True)

    run.run()

    assert run.calls[-3:] == [CLEAN_UP, FOLLOW, FINISH]
    assert timedelta(minutes=30) < run.elapsed < timedelta(minutes=40)


def test_a_cleanup_is_tried_until_it_is_clean_with_a_back_off_that_grows_to_an_hour() -> None:
    times = 12
    run = instance(
        {FOLLOW: [Ready()] * (times + 2), CLEAN_UP: [JOB] * (times + 1), FINISH: [*[REFUSED] * times, CLOSED]}
    )

    result = run.run()

    assert result.outcome is DrillOutcome.PASSED
    assert run.calls.count(CLEAN_UP) == times + 1
    assert max(run.waits) == 3600
    assert run.waits[:3] != run.waits[-3:]


def test_it_is_refused_by_its_checks_and_nothing_else_is_done() -> None:
    finding = finding_of("DrillNotReady", "It is not protected.")
    refused = Ready(value={"findings": [{"code": finding.code, "severity": "blocker", "message": finding.message}]})
    run = instance({PREPARE: [refused]}, may_leave_answers=True)

    result = run.run()

    assert run.calls == [PREPARE]
    assert (result.outcome, [each.message for each in result.findings]) == (DrillOutcome.REFUSED, [finding.message])


@pytest.mark.parametrize(
    ("after", "error"), [(0.1, "DrillCancelled"), (30, "DrillCancelled"), (200, "")], ids=["start", "follow", "keep"]
)
def test_an_order_ends_it_at_once_in_whatever_phase(after: float, error: str) -> None:
    """Once the VM was looked at, that counts, and not who ended it."""
    order = Order(token="second", confirmed=True, asked_by=(ANNA,))
    run = instance({}, keep=1440, changed_after=[after], order=order, may_leave_answers=True)

    result = run.run()

    assert run.calls.count(CLEAN_UP) == 1
    assert run.calls[-1] == FINISH
    assert run.elapsed < timedelta(minutes=10)
    assert result.orders == ("first", "second")
    (request,) = [request for name, request in run.requests if name == CLEAN_UP]
    assert request.get("error", {"code": ""})["code"] == error
    assert request["endedBy"] == [ANNA.dump()]
    assert all(ANNA.id not in str(status) for status in run.statuses)


def test_a_drill_that_is_cancelled_before_it_has_begun_is_not_refused() -> None:
    order = Order(token="second", confirmed=True)
    answers: dict[str, list[Answer]] = {PREPARE: [LATER], CLEAN_UP: [Ready()], FINISH: [Ready()]}
    run = instance(answers, changed_after=[5], order=order, may_leave_answers=True)

    assert run.run().outcome is DrillOutcome.CANCELLED
    assert START not in run.calls


def test_events_of_the_vm_are_for_its_own_run() -> None:
    quiet, disturbed = instance({}, keep=60), instance({}, keep=60, changed_after=[1, 100, 1000])

    quiet.run()
    disturbed.run()

    assert disturbed.calls == quiet.calls
    assert abs(disturbed.elapsed - quiet.elapsed) < timedelta(seconds=5)


def test_a_run_without_an_order_cleans_up_what_a_record_says() -> None:
    state = DrillRun(vm_id=VM_ID, poll_seconds=30, phase=DrillPhase.CLEANUP)
    run = Instance({CLEAN_UP: [LATER, JOB], FOLLOW: [Ready()], FINISH: [CLOSED]}, state=state)
    nothing = Instance({CLEAN_UP: [Ready()], FINISH: [Ready()]}, state=state)

    assert run.run().outcome is DrillOutcome.PASSED
    assert nothing.run().outcome is DrillOutcome.NOTHING_LEFT
