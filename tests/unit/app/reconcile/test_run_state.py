"""The state of a run from pass to pass: what each step changes in it, what it keeps, when it gives up."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.caller import Caller, CallerKind, Via
from shared.model.changes import Changes, Difference, DiskFailure, ItemUpdate, Refusal
from shared.model.findings import Severity
from shared.model.order import MAX_ORDERS, Hint, Order, hint_in
from shared.model.patience import Patience
from shared.model.replication import ReplicatedDisk
from shared.model.step_result import Error, Failed, Pending
from shared.planning.run_errors import action_for
from shared.reconcile.run_state import WRITES_DISABLED, LastChange, Phase, RunOutcome, RunState
from tests.findings import note
from tests.unit.app.examples import (
    DATA_DISK,
    OS_DISK,
    VM_ID,
    plan_of,
    planning_context,
    protected_item,
    settings,
    source_vm,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ERROR = Error(code="151066", message="The agent could not be installed.", action="Install it.")
PLAN = plan_of(source_vm(), planning_context(), settings())


def a_run(**changes: Any) -> RunState:
    return RunState(vm_id=VM_ID, poll_seconds=30).with_(**changes)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


moments = st.datetimes(timezones=st.just(UTC))
times = st.none() | moments
patience = st.builds(Patience, since=moments, planned=st.floats(0, 3600), spent=st.floats(0, 3600))
runs = st.builds(
    a_run,
    phase=st.sampled_from(Phase),
    resume_at=times,
    settling=st.none() | patience,
    targets_wait=st.none() | patience,
    orders=st.lists(st.text(max_size=20), max_size=4).map(tuple),
    last_change=st.none() | st.builds(LastChange, outcome=st.sampled_from(RunOutcome), at=moments),
    step=st.text(),
    percent=st.none() | st.integers(0, 100),
    settings=st.sampled_from([(), PLAN.settings]),
    remaining=st.sampled_from([(), PLAN.resources, PLAN.resources[1:]]),
    job=st.sampled_from(["", "a-job"]),
    item_id=st.sampled_from([None, protected_item().id]),
    attempts=st.integers(0, 3),
    faults=st.integers(0, 10),
    last_error=st.sampled_from([None, ERROR]),
    result=st.sampled_from([None, a_run().finish(RunOutcome.PROTECTED).result]),
)


@given(runs)
def test_a_state_is_read_back_as_it_was(run: RunState) -> None:
    assert RunState.load(run.dump()) == run


@given(runs)
def test_a_state_of_a_newer_app_is_read_by_an_older_one(run: RunState) -> None:
    assert RunState.load({**run.dump(), "somethingNew": {"a": 1}}) == run


def test_a_state_needs_no_more_than_the_vm_and_the_poll_interval() -> None:
    assert RunState.load({"vmId": str(VM_ID), "pollSeconds": 30}) == a_run()


def test_a_parked_state_stays_small() -> None:
    import json

    assert len(json.dumps(a_run(settings=PLAN.settings, remaining=PLAN.resources).dump())) < 16_000


@given(runs)
def test_the_status_reports_step_vm_and_last_error_and_nothing_else(run: RunState) -> None:
    status = run.status()

    assert status["vmId"] == str(VM_ID)
    assert status["step"] == run.step
    assert ("lastError" in status) is (run.last_error is not None)
    shown = {
        "vmId",
        "step",
        "percent",
        "lastError",
        "attempts",
        "job",
        "phase",
        "disableAt",
        "orders",
        "lastChange",
        "resumeAt",
    }
    assert set(status) <= shown


@given(runs)
def test_looking_again_starts_the_run_at_once_and_forgets_nothing_else(run: RunState) -> None:
    again = run.requeue()

    assert (again.phase, again.resume_at, again.result) == (Phase.OBSERVE, None, None)
    assert again.with_(phase=run.phase, resume_at=run.resume_at, result=run.result) == run


def test_sleep_sets_the_time_and_clears_faults_and_percent() -> None:
    slept = a_run(faults=3, percent=40).sleep(NOW, 90, "Resting")

    assert (slept.resume_at, slept.faults, slept.percent, slept.step) == (NOW + minutes(1.5), 0, None, "Resting")
    assert slept.sleep(NOW, 1).step == "Resting"


def test_pending_shows_step_percent_and_error_until_the_next_answer() -> None:
    waiting = a_run(phase=Phase.FOLLOW).wait_for(
        NOW, Pending(retry_after=120, step="Initial replication", percent=43, error=ERROR)
    )

    assert waiting.phase is Phase.FOLLOW
    assert waiting.resume_at == NOW + minutes(2)
    assert waiting.status()["percent"] == 43
    assert waiting.status()["lastError"]["code"] == "151066"
    assert "lastError" not in waiting.wait_for(NOW, Pending(retry_after=1)).status()


def test_target_resources_have_an_hour_from_the_first_wait() -> None:
    pending = Pending(retry_after=1800, step="Creating fabric")
    first = a_run().wait_for_targets(NOW, pending, PLAN.resources)

    assert first.phase is Phase.TARGETS
    assert first.remaining == PLAN.resources
    later = first.wait_for_targets(NOW + minutes(30), pending, PLAN.resources[1:])
    later = later.wait_for_targets(NOW + minutes(60), Pending(retry_after=30), PLAN.resources[1:])
    assert (later.result, later.remaining) == (None, PLAN.resources[1:])
    late = later.wait_for_targets(NOW + minutes(60.5), pending, PLAN.resources[1:])
    assert late.result
    assert late.result.outcome is RunOutcome.FAILED
    assert late.result.error
    assert (late.result.error.code, late.result.error.action) == ("TargetsNotReady", action_for("TargetsNotReady"))


def test_target_resources_that_come_too_late_end_with_what_held_them_up() -> None:
    throttled = Pending(retry_after=30, error=Error(code="TooManyRequests", message="Slow down.", action="Wait."))
    waited = Patience(since=NOW, planned=30, spent=3600)
    late = a_run(targets_wait=waited).wait_for_targets(NOW + minutes(1), throttled, PLAN.resources)

    assert late.result
    assert late.result.error == throttled.error


def test_a_vm_may_settle_for_half_an_hour_from_the_first_wait() -> None:
    creating = source_vm(provisioning_state="Creating")
    waiting, waits = a_run(), 0
    while waiting.may_settle(NOW + minutes(waits / 2)):
        waiting = waiting.wait_to_settle(NOW + minutes(waits / 2), creating)
        waits += 1

    assert "Creating" in waiting.step
    assert waits == 60


def test_deadlines_scale_with_the_poll_interval() -> None:
    fast = a_run(poll_seconds=0.3)
    settling = fast.wait_to_settle(NOW, source_vm())
    late = fast.wait_for_targets(NOW, Pending(retry_after=36.1), ())

    assert settling.with_(settling=Patience(since=NOW, planned=18)).may_settle(NOW + timedelta(seconds=17))
    assert not settling.with_(settling=Patience(since=NOW, planned=18)).may_settle(NOW + timedelta(seconds=18))
    assert late.wait_for_targets(NOW + timedelta(seconds=37), Pending(retry_after=1), ()).result


@pytest.mark.parametrize("stopped", [timedelta(0), timedelta(hours=1), timedelta(hours=60)])
def test_time_in_which_the_app_was_stopped_is_no_time_spent_waiting(stopped: timedelta) -> None:
    pending = Pending(retry_after=30, step="Creating fabric")
    creating = source_vm(provisioning_state="Creating")
    targets = a_run().wait_for_targets(NOW, pending, PLAN.resources)
    settling = a_run().wait_to_settle(NOW, creating)

    back = NOW + minutes(0.5) + stopped

    assert targets.wait_for_targets(back, pending, PLAN.resources).result is None
    assert settling.may_settle(back)
    assert settling.wait_to_settle(back, creating).may_settle(back + minutes(28))


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 600)), max_size=20))
def test_patience_is_the_sum_of_the_waits_as_far_as_they_were_planned(waits: list[tuple[float, float]]) -> None:
    """Each wait is planned for some seconds, and lasts for others: an event cuts it short, or the app was stopped."""
    now, patience = NOW, Patience(since=NOW, planned=0)
    for planned, lasted in waits:
        patience = patience.wait(now, planned)
        now += timedelta(seconds=lasted)

    assert patience.at(now) == pytest.approx(sum(min(wait) for wait in waits), abs=1e-3)


def test_following_keeps_a_known_job_and_forgets_the_last_error() -> None:
    followed = a_run(job="old", last_error=ERROR).follow(NOW, 30)

    assert (followed.phase, followed.job, followed.last_error) == (Phase.FOLLOW, "old", None)
    assert followed.follow(NOW, 30, "new").job == "new"


@pytest.mark.parametrize("tick", [0.05, 30.0, 180.0])
@pytest.mark.parametrize("ticks", [0.1, 1, 1.5, 4])
def test_runs_that_wait_with_a_tick_go_on_at_its_multiples(tick: float, ticks: float) -> None:
    for offset in range(20):
        now = NOW + timedelta(seconds=tick * offset / 20)
        run = a_run().wait_for(now, Pending(retry_after=ticks * tick, tick=tick))
        assert run.resume_at is not None
        assert run.resume_at > now
        assert run.resume_at.timestamp() / tick == pytest.approx(round(run.resume_at.timestamp() / tick), abs=0.001)
        assert abs((run.resume_at - now).total_seconds() / tick - ticks) <= (0.501 if ticks >= 1 else 1.01)


def test_a_failed_enable_is_tried_again_after_a_growing_while_and_three_times_at_most() -> None:
    first = a_run(phase=Phase.FOLLOW, job="j1").attempt_failed(NOW, ERROR)
    second = first.with_(job="j2").attempt_failed(NOW, ERROR)
    third = second.with_(job="j3").attempt_failed(NOW, ERROR)

    assert [(run.attempts, run.phase, run.job, run.resume_at) for run in (first, second)] == [
        (1, Phase.OBSERVE, "", NOW + minutes(5)),
        (2, Phase.OBSERVE, "", NOW + minutes(10)),
    ]
    assert first.last_error == ERROR
    assert first.result is None
    assert third.result
    assert (third.result.outcome, third.result.error, third.result.attempts) == (RunOutcome.FAILED, ERROR, 3)


FULL = Error(code="UnexpectedError", message="the disk is full", action="Free some of it.")


def test_unexpected_faults_back_off_longer_and_longer_and_end_after_ten() -> None:
    run, waits = a_run(step="Creating fabric"), []
    for _ in range(10):
        run = run.back_off(NOW, FULL)
        assert run.resume_at
        assert run.result is None
        waits.append(run.resume_at - NOW)
    ended = run.back_off(NOW, FULL)

    assert waits[0] == minutes(1)
    assert all(one <= other for one, other in pairwise(waits))
    assert waits[-1] == minutes(60)
    assert run.status()["step"] == "Creating fabric"
    assert run.last_error == FULL
    assert ended.result
    assert (ended.result.outcome, ended.result.error) == (RunOutcome.FAILED, run.last_error)


def test_a_quiet_pass_forgets_the_faults_before_it() -> None:
    assert a_run(faults=9).wait_for(NOW, Pending(retry_after=1)).faults == 0


@given(st.text(), st.text(), st.text(), st.sampled_from([1, 200, 5000]))
def test_an_error_holds_no_more_than_a_state_can_carry(code: str, message: str, action: str, times: int) -> None:
    error = Error(code=code * times, message=message * times, action=action * times)

    assert len(error.code) <= 100
    assert len(error.message) <= 2000
    assert len(error.action) <= 1000
    assert Error.load(error.dump()) == error


def test_an_order_sends_the_run_back_to_a_look_and_is_shown_from_then_on() -> None:
    run = a_run(phase=Phase.FOLLOW, job="j1", resume_at=NOW, attempts=1)
    ordered = run.take_up(Order(token="a", confirmed=True))

    assert (ordered.phase, ordered.resume_at, ordered.confirmed) == (Phase.OBSERVE, None, True)
    assert (ordered.job, ordered.attempts) == ("j1", 1)
    assert ordered.status()["orders"] == ["a"]
    assert ordered.finish(RunOutcome.DISABLED).result.orders == ("a",)  # type: ignore[union-attr]


def test_an_order_without_a_confirmation_takes_none_back_and_a_repeated_one_is_one() -> None:
    run = a_run().take_up(Order(token="a", confirmed=True)).take_up(Order(token="b")).take_up(Order(token="a"))

    assert (run.orders, run.confirmed) == (("a", "b"), True)


def test_a_confirmation_that_is_repeated_late_is_not_given_again() -> None:
    """The VM was found tagged in between, and the confirmation dropped: the sender's repetition is no new one."""
    order = Order(token="a", confirmed=True)
    dropped = a_run(phase=Phase.FOLLOW).take_up(order).with_(confirmed=False, phase=Phase.FOLLOW)

    again = dropped.take_up(order)

    assert (again.confirmed, again.orders, again.phase) == (False, ("a",), Phase.OBSERVE)


@given(st.lists(st.text(), min_size=MAX_ORDERS, max_size=50, unique=True))
def test_a_run_remembers_the_latest_orders_and_its_state_stays_bounded(tokens: list[str]) -> None:
    run = a_run()
    for token in tokens:
        run = run.take_up(Order(token=token))

    assert len(run.orders) <= MAX_ORDERS
    assert run.orders[-1] == tokens[-1]
    assert len(set(run.orders)) == len(run.orders)


@pytest.mark.parametrize(
    ("did", "acted"),
    [({}, False), ({"followed": True}, True), ({"disabling": True}, True), ({"attempted_changes": ("x",)}, True)],
)
def test_a_run_that_asked_azure_for_something_says_so_at_its_end(did: dict[str, Any], acted: bool) -> None:
    result = a_run(**did).finish(RunOutcome.PROTECTED).result

    assert result
    assert result.acted is acted


@pytest.mark.parametrize("ending", [ending for ending in RunOutcome if ending is not RunOutcome.FAILED])
def test_only_a_failed_run_ends_with_an_error(ending: RunOutcome) -> None:
    result = a_run(last_error=ERROR, attempts=1, settings=PLAN.settings).finish(ending).result

    assert result
    assert result.error is None
    assert (result.outcome, result.attempts, result.settings) == (ending, 1, PLAN.settings)
    assert "error" not in result.dump()


def test_a_failed_run_ends_with_its_last_error_where_no_other_is_named() -> None:
    result = a_run(last_error=ERROR).finish(RunOutcome.FAILED).result

    assert result
    assert result.error == ERROR


def test_a_finished_run_shows_how_it_ended() -> None:
    run = a_run(percent=40).finish(RunOutcome.NOT_ELIGIBLE, (note("X", "y"),))

    assert run.status() == {
        "vmId": str(VM_ID),
        "step": "NotEligible",
        "attempts": 0,
        "job": "",
        "phase": "observe",
        "orders": [],
    }
    assert run.result
    assert run.result.findings == (note("X", "y"),)


def test_a_refusal_of_azure_fails_the_run_with_its_words() -> None:
    result = a_run().fail(Failed(error=ERROR)).result

    assert result
    assert (result.outcome, result.error) == (RunOutcome.FAILED, ERROR)


def test_what_the_settings_keep_from_being_made_is_a_blocker_and_no_failure() -> None:
    error = Error(code="CreationDisabled", message="The network is not there.", action="Make it.")
    result = a_run().fail(Failed(error=error, by_settings=True)).result

    assert result
    assert (result.outcome, result.error) == (RunOutcome.NOT_ELIGIBLE, None)
    (finding,) = result.findings
    assert (finding.severity, finding.code, finding.fix) == (Severity.BLOCKER, "CreationDisabled", "Make it.")


def test_a_refusal_of_the_settings_is_a_report_and_no_failure() -> None:
    refused = Failed(error=Error(code=WRITES_DISABLED, message="DR_PAUSED is true"), by_settings=True)
    result = a_run().fail(refused).result

    assert result
    assert (result.outcome, result.error) == (RunOutcome.REPORTED, None)
    (finding,) = result.findings
    assert (finding.severity, finding.message) == (Severity.NOTE, "DR_PAUSED is true")


def test_waits_on_an_error_grow_to_an_hour_and_begin_again_once_it_is_over() -> None:
    run, now, waits = a_run(), datetime(2026, 1, 1, tzinfo=UTC), []
    for _ in range(12):
        run = run.wait_for(now, Pending(retry_after=30, error=Error(code="ScopeLocked", message="Locked.")))
        assert run.resume_at
        waits.append((run.resume_at - now).total_seconds())
    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-1] == 3600

    assert run.wait_for(now, Pending(retry_after=30)).resume_at == now + timedelta(seconds=30)
    assert run.wait_for(now, Pending(retry_after=30)).waits == 0


def test_azure_s_own_long_wait_is_kept() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    throttled = Pending(retry_after=7200, error=Error(code="TooManyRequests", message="Later."))

    assert a_run().wait_for(now, throttled).resume_at == now + timedelta(hours=2)


@pytest.mark.parametrize("error", [None, ERROR])
def test_after_a_change_the_vm_is_looked_at_at_once_and_enabling_has_not_failed(error: Error | None) -> None:
    run = a_run(
        phase=Phase.FOLLOW,
        job="update-1",
        changing=True,
        attempted_changes=("a",),
        resume_at=NOW,
        last_error=Error(code="x", message=""),
    )

    ended = run.change_ended(NOW, error)

    assert (ended.phase, ended.resume_at, ended.job, ended.attempts) == (Phase.OBSERVE, None, "", 0)
    assert (ended.changing, ended.attempted_changes, ended.last_error) == (False, ("a",), error)
    assert ended.changed is (error is None)
    assert ended.failed_disks == ()


def test_a_disk_that_could_not_be_added_is_remembered_until_somebody_asks_again() -> None:
    error = Error(code="150039", message="Not there.")
    failures = [DiskFailure(disk=disk, error=error, at=NOW) for disk in (OS_DISK, DATA_DISK)]
    run = a_run(changing=True, adding=DATA_DISK, failed_disks=tuple(failures))

    ended = run.change_ended(NOW + timedelta(hours=1), error)

    assert [(each.disk, each.at) for each in ended.failed_disks] == [
        (OS_DISK, NOW),
        (DATA_DISK, NOW + timedelta(hours=1)),
    ]
    assert ended.finish(RunOutcome.PROTECTED).result == RunState.load(ended.finish(RunOutcome.PROTECTED).dump()).result
    assert ended.take_up(Order(token="t")).failed_disks == ()


def test_what_azure_refused_is_remembered_until_somebody_asks_again() -> None:
    error = Error(code="159060", message="No.")
    earlier = [Refusal(attempt=attempt, error=error, at=NOW) for attempt in ("zone 2", "agent 9.1")]
    run = a_run(changing=True, attempt="zone 2", refusals=tuple(earlier))

    ended = run.change_ended(NOW + timedelta(hours=1), error)

    assert [(each.attempt, each.at) for each in ended.refusals] == [
        ("agent 9.1", NOW),
        ("zone 2", NOW + timedelta(hours=1)),
    ]
    assert (ended.attempt, run.change_ended(NOW, None).refusals) == ("", tuple(earlier))
    assert ended.finish(RunOutcome.PROTECTED).result == RunState.load(ended.finish(RunOutcome.PROTECTED).dump()).result
    assert ended.take_up(Order(token="t")).refusals == ()


def test_what_azure_may_refuse_is_asked_for_by_a_call_of_its_own() -> None:
    zone, size = (Difference(setting=name, current="1", wanted="2") for name in ("targetZone", "targetSize"))
    disk = ReplicatedDisk(id=DATA_DISK, replica_sku="", target_sku="")
    changes = Changes(
        differences=(zone, size), update=ItemUpdate(zone="2", size="2"), added_disks=(disk,), old_agent="9.52"
    )

    steps = changes.steps

    assert steps == (
        Changes(added_disks=(disk,)),
        Changes(differences=(size,), update=ItemUpdate(size="2")),
        Changes(differences=(zone,), update=ItemUpdate(zone="2")),
        Changes(old_agent="9.52"),
    )
    assert [step.attempt for step in steps] == ["", "", "zone 2", "agent 9.52"]
    assert len({step.key for step in steps}) == len(steps)


def test_a_run_carries_what_it_has_asked_to_be_changed() -> None:
    changes = Changes(
        differences=(Difference(setting="targetSize", current="A", wanted="B"),), update=ItemUpdate(size="B")
    )
    run = a_run(changing=True, attempted_changes=(changes.key,), targets_only=True)

    assert RunState.load(run.dump()) == run
    assert not Changes().any
    assert changes.any


ANNA, BOB = (Caller(kind=CallerKind.USER, via=Via.HTTP, id=f"{name}-object-id") for name in ("anna", "bob"))


@pytest.mark.parametrize(
    ("payload", "asked_by"),
    [
        (Order(token="a", asked_by=(BOB,)).dump(), (ANNA, BOB)),
        (json.dumps(Order(token="a", asked_by=(BOB,)).dump()), (ANNA, BOB)),
        (Hint(asked_by=(BOB,)).dump(), (ANNA, BOB)),
        (Hint(asked_by=(ANNA,)).dump(), (ANNA,)),
        (None, (ANNA,)),
        ("no JSON", (ANNA,)),
        ({"askedBy": "anybody"}, (ANNA,)),
    ],
)
def test_who_asked_is_remembered_by_the_run_and_shown_nowhere(payload: Any, asked_by: tuple[Caller, ...]) -> None:
    run = RunState(vm_id=VM_ID, poll_seconds=30, asked_by=(ANNA,)).take_up(hint_in(payload))

    assert run.asked_by == asked_by
    shown = json.dumps([run.status(), run.finish(RunOutcome.PROTECTED).status()])
    result = run.finish(RunOutcome.PROTECTED).result
    assert result
    assert ANNA.id not in shown + json.dumps(result.dump())


def test_a_run_remembers_the_latest_who_asked() -> None:
    run = RunState(vm_id=VM_ID, poll_seconds=30)
    many = [Caller(kind=CallerKind.USER, via=Via.HTTP, id=str(number)) for number in range(40)]
    for caller in many:
        run = run.take_up(Hint(asked_by=(caller,)))

    assert run.asked_by == tuple(many[-16:])
