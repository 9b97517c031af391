"""A sweep, pass by pass: a look, the windows one by one, and a report at the end, whatever comes in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.decision import Action
from shared.model.step_result import Error, Failed, Pending, Ready
from shared.reconcile.sweep import Summary, Sweep, SweepReport
from shared.reconcile.sweep_window import Work
from tests.properties import examples
from tests.replay.instance import LEFTOVERS, START, Answer, InstanceOf
from tests.unit.app.examples import VM_ID

HEAL = "reconcile_window"
POLL = 30
SLOW_DOWN = Error(code="TooManyRequests", message="Slow down.")
REPORT = SweepReport(read_at=START, summary=Summary(total=9, required=7, compliant=4))
WORK = Work(instance="protect-web-1", pair="v|eastus", action=Action.ENABLE)


@dataclass
class SweepInstance(InstanceOf[Sweep, SweepReport]):
    name = "reconcile_estate"
    ended = SweepReport


def sweep_with(*answers: Answer) -> SweepInstance:
    return SweepInstance({HEAL: answers}, Sweep(poll_seconds=POLL))


def after(report: SweepReport = REPORT, **state: Any) -> Ready:
    return Ready(value=Sweep(poll_seconds=POLL, report=report, **state).dump())


def has_just_ended(report: SweepReport, instance: SweepInstance) -> bool:
    """It is reported, and old histories are purged, after its end."""
    return report.ended_at is not None and instance.now - report.ended_at < timedelta(seconds=1)


def test_an_estate_that_needs_nothing_costs_one_step() -> None:
    instance = sweep_with(after(done=True))

    report = instance.run()

    assert instance.calls == [HEAL]
    assert instance.waits == []
    assert report == REPORT.with_(ended_at=report.ended_at)
    assert has_just_ended(report, instance)


def test_after_the_look_the_first_window_is_not_waited_for_and_the_next_ones_are() -> None:
    started = REPORT.with_(started={"enable": 1})
    window = after(started, under_way=(WORK,), after={WORK.pair: "a"})
    instance = sweep_with(after(), window, after(started, under_way=(WORK,), done=True))

    report = instance.run()

    assert instance.waits == [2 * POLL]
    assert report.started == {"enable": 1}
    assert [request["report"] for _, request in instance.requests[1:]] == [REPORT.dump(), started.dump()]
    assert [request["underWay"] for _, request in instance.requests] == [[], [], [WORK.dump()]]
    assert all(request["lowPriority"] for _, request in instance.requests)


def test_a_window_that_started_no_one_is_followed_by_the_next_at_once() -> None:
    instance = sweep_with(after(), after(after={"v|eastus": "a"}), after(done=True))

    instance.run()

    assert instance.waits == []


def test_the_status_says_how_far_it_has_come() -> None:
    started = REPORT.with_(started={"enable": 3, "disable": 1})
    instance = sweep_with(after(), after(started, under_way=(WORK,)), after(started, done=True))

    instance.run()

    assert instance.statuses[0] == {"required": 0, "started": 0, "underWay": 0, "faults": 0}
    assert instance.statuses[-1] == {"required": 7, "started": 4, "underWay": 0, "faults": 0}


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        (Pending(retry_after=5, error=SLOW_DOWN), [60, 120]),
        (Pending(retry_after=900, error=SLOW_DOWN), [900, 900]),
        (Pending(retry_after=90000), [3600, 3600]),
        (Failed(error=Error(code="AuthorizationFailed", message="No.")), [60, 120]),
        (RuntimeError("a bug"), [60, 120]),
    ],
)
def test_what_goes_wrong_is_tried_again_after_a_growing_while(fault: Answer, waits: list[float]) -> None:
    instance = sweep_with(after(), fault, fault, after(done=True))

    report = instance.run()

    assert instance.waits == waits
    assert report.error is None
    assert [request["report"] for _, request in instance.requests[1:]] == [REPORT.dump()] * 3


@pytest.mark.parametrize("looked", [[], [after()]], ids=["before the look", "after it"])
@pytest.mark.parametrize(
    ("fault", "code"),
    [(Pending(retry_after=5, error=SLOW_DOWN), SLOW_DOWN.code), (RuntimeError("a bug"), "UnexpectedError")],
)
def test_but_not_for_ever_since_the_next_sweep_is_not_far(looked: list[Answer], fault: Answer, code: str) -> None:
    instance = sweep_with(*looked, *[fault] * 6)

    report = instance.run()

    assert report.error
    assert report.error.code == code
    assert has_just_ended(report, instance)
    assert report.summary == (REPORT.summary if looked else Summary())


windows = st.builds(
    lambda busy, come: after(under_way=(WORK,) * busy, after={WORK.pair: come}), st.integers(0, 3), st.text("ab")
)
faults: st.SearchStrategy[Answer] = st.sampled_from([Pending(retry_after=7000, error=SLOW_DOWN), RuntimeError("a bug")])


@examples(25)
@given(st.lists(windows | faults, max_size=10))
def test_every_sweep_ends_and_shows_within_the_hour_that_it_lives(answers: Sequence[Answer]) -> None:
    instance = sweep_with(*answers, after(done=True), *[RuntimeError("a bug")] * 6)
    instance.may_leave_answers = True

    report = instance.run()

    assert has_just_ended(report, instance)
    assert all(wait <= 3600 for wait in instance.waits)
    assert instance.elapsed < timedelta(hours=12)


def test_what_the_last_step_removed_is_in_the_report() -> None:
    removed = REPORT.with_(removed=(VM_ID.group_id,))
    instance = SweepInstance(
        {HEAL: [after(done=True)], LEFTOVERS: [after(removed, done=True)]}, Sweep(poll_seconds=POLL)
    )

    assert instance.run().removed == (VM_ID.group_id,)


@pytest.mark.parametrize("fault", [Pending(retry_after=5, error=SLOW_DOWN), RuntimeError("a bug")])
def test_where_the_last_step_fails_it_is_tried_again_after_another_look_at_what_is_to_be_done(fault: Answer) -> None:
    instance = SweepInstance(
        {HEAL: [after(done=True)] * 2, LEFTOVERS: [fault, after(done=True)]}, Sweep(poll_seconds=POLL)
    )

    report = instance.run()

    assert (instance.calls, instance.waits) == ([HEAL, HEAL], [60])
    assert (report.error, report.summary) == (None, REPORT.summary)
