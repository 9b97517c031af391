"""The end of a sweep: what came of it is reported, old histories are purged, and neither fails it."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from shared.model.activity_io import PurgeRequest
from shared.model.step_result import Error, Ready
from shared.reconcile.retention import KEPT
from shared.reconcile.sweep import Summary, Sweep, SweepReport
from tests.findings import warning
from tests.replay.answers import THROTTLED, failed, pending
from tests.replay.instance import LEFTOVERS, PURGE, START, TELL_SWEEP, Answer, InstanceOf

HEAL = "reconcile_window"
FOUND = SweepReport(read_at=START, summary=Summary(total=3, required=2, compliant=1))
DONE = Ready(value=Sweep(poll_seconds=30, report=FOUND, done=True).dump())


@dataclass
class SweepInstance(InstanceOf[Sweep, SweepReport]):
    name = "reconcile_estate"
    ended = SweepReport

    state: Sweep = field(default_factory=lambda: Sweep(poll_seconds=30))


def at_the_end(instance: SweepInstance) -> list[str]:
    return [name for name, _ in instance.reported]


def reported(instance: SweepInstance) -> list[Sweep]:
    return [Sweep.load(request) for name, request in instance.reported if name == TELL_SWEEP]


def test_at_its_end_a_sweep_is_reported_with_its_report_and_histories_are_purged() -> None:
    instance = SweepInstance({HEAL: [DONE], TELL_SWEEP: [Ready()], PURGE: [Ready(value={"purged": 2})]})

    report = instance.run()

    assert (instance.calls, at_the_end(instance)) == ([HEAL], [LEFTOVERS, TELL_SWEEP, PURGE])
    assert [each.report for each in reported(instance)] == [report]
    assert report.ended_at
    (purged,) = [PurgeRequest.load(request) for name, request in instance.reported if name == PURGE]
    assert timedelta() <= purged.before + KEPT - report.ended_at < timedelta(seconds=1)


def test_a_window_of_a_sweep_is_reported_to_no_one() -> None:
    under_way = Ready(value=Sweep(poll_seconds=30, report=FOUND).dump())
    instance = SweepInstance({HEAL: [under_way, DONE], TELL_SWEEP: [Ready()], PURGE: [Ready()]})

    instance.run()

    assert (instance.calls, at_the_end(instance)) == ([HEAL, HEAL], [LEFTOVERS, TELL_SWEEP, PURGE])


def test_a_topic_that_is_down_is_reported_three_times_of_the_same_sweep() -> None:
    down = pending(30, error=THROTTLED)
    instance = SweepInstance({HEAL: [DONE], TELL_SWEEP: [down] * 3, PURGE: [Ready()]})

    report = instance.run()

    assert [each.publish_attempts for each in reported(instance)] == [0, 1, 2]
    assert [each.report for each in reported(instance)] == [report] * 3
    assert instance.waits == pytest.approx([30, 60])
    assert report.error is None


@pytest.mark.parametrize("answer", [failed(), RuntimeError("a bug")], ids=["refused", "bug"])
def test_neither_telling_nor_purging_fails_a_sweep(answer: Answer) -> None:
    instance = SweepInstance({HEAL: [DONE], TELL_SWEEP: [answer], PURGE: [answer]})

    report = instance.run()

    assert (report.error, report.summary) == (None, FOUND.summary)
    assert (instance.calls, at_the_end(instance)) == ([HEAL], [LEFTOVERS, TELL_SWEEP, PURGE])


def test_a_sweep_that_was_given_up_is_reported_too() -> None:
    refused = failed(Error(code="AuthorizationFailed", message="No."))
    instance = SweepInstance({HEAL: [refused] * 6, TELL_SWEEP: [Ready()], PURGE: [Ready()]})

    assert instance.run().outcome == "failed"
    assert at_the_end(instance) == [TELL_SWEEP, PURGE]


def test_what_the_end_of_a_sweep_could_not_do_is_in_its_report() -> None:
    stopped = SweepReport(read_at=START, stopped=(warning("ArchiveNotWritable", "No right."),))
    instance = SweepInstance({HEAL: [DONE], TELL_SWEEP: [Ready(value=stopped.dump())], PURGE: [Ready()]})

    assert instance.run().stopped == stopped.stopped
