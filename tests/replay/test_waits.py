"""What the orchestration of one VM waits for, how long, and what ends a wait."""

from datetime import timedelta

import pytest

from shared.model.activity_io import Observation
from shared.model.step_result import Ready
from shared.reconcile.run_state import RunOutcome
from tests.findings import blocker
from tests.replay.answers import (
    GONE,
    PLAN,
    THROTTLED,
    enabled,
    found_item,
    kept,
    looked,
    pending,
    planned,
    ready_region,
)
from tests.replay.instance import CREATE, DERIVE, ENABLE, FOLLOW, OBSERVE, START, Answer, Instance
from tests.unit.app.examples import source_vm

WEEKEND = timedelta(hours=60)


@pytest.mark.parametrize(
    ("asked", "step"), [(CREATE, "Creating fabric"), (OBSERVE, "Waiting until the VM is no longer Creating")]
)
def test_an_app_that_was_stopped_over_a_weekend_goes_on_waiting_for_azure(asked: str, step: str) -> None:
    """The clock runs on while nothing else does: what is still under way afterwards has not been waited for in vain."""
    one = PLAN.resources[0][:1]
    creating = looked(vm=source_vm(provisioning_state="Creating"))
    looks = [looked()] if asked == CREATE else [creating, creating]
    instance = Instance(
        {
            OBSERVE: [*looks, looked(), found_item()],
            DERIVE: [*([planned(resources=(one,))] if asked == CREATE else []), ready_region(), kept()],
            **({CREATE: [pending(60, step=step), pending(60, step=step), Ready()]} if asked == CREATE else {}),
            ENABLE: [enabled()],
            FOLLOW: [Ready()],
        },
        stopped_at=step,
        stopped_for=WEEKEND,
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.elapsed > WEEKEND


def test_a_vm_that_azure_is_busy_with_is_waited_for() -> None:
    creating = looked(vm=source_vm(provisioning_state="Creating"))
    instance = Instance(
        {
            OBSERVE: [creating, creating, looked(), found_item()],
            DERIVE: [ready_region(), kept()],
            ENABLE: [enabled()],
            FOLLOW: [Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.waits == pytest.approx([30, 30, 120])
    assert "Waiting until the VM is no longer Creating" in [status["step"] for status in instance.statuses]


def test_a_vm_that_never_settles_is_given_up_at_its_deadline_with_the_reason() -> None:
    updating = looked(vm=source_vm(provisioning_state="Updating"))
    not_ready = blocker("VmNotReady", "It is Updating.")
    instance = Instance(
        {OBSERVE: [updating] * 61, DERIVE: [planned(findings=(not_ready,), replication=None, resources=())]},
    )

    result = instance.run()

    assert (result.outcome, result.findings) == (RunOutcome.NOT_ELIGIBLE, (not_ready,))
    assert instance.elapsed == pytest.approx(timedelta(minutes=30), abs=timedelta(seconds=60))


def test_changes_do_not_extend_the_time_to_settle() -> None:
    updating = looked(vm=source_vm(provisioning_state="Updating"))
    instance = Instance({OBSERVE: [updating] * 4 + [GONE]}, changed_after=[20, 40, 60])

    instance.run()

    last = next(state.settling for state in reversed(instance.states) if state.settling)
    assert last.spent == pytest.approx(60, abs=2)


@pytest.mark.parametrize("asked", [OBSERVE, DERIVE, ENABLE, FOLLOW])
def test_a_throttled_step_comes_back_after_what_azure_said_and_shows_why(asked: str) -> None:
    answers: dict[str, list[Answer]] = {
        OBSERVE: [looked(), found_item()],
        DERIVE: [ready_region(), kept()],
        ENABLE: [enabled()],
        FOLLOW: [Ready()],
    }
    answers[asked].insert(0, pending(77, error=THROTTLED))
    if asked in {DERIVE, ENABLE}:
        answers[OBSERVE].insert(0, looked())
    if asked == ENABLE:
        answers[DERIVE].insert(0, ready_region())
    instance = Instance(answers)

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert pytest.approx(77) in instance.waits
    assert THROTTLED.dump() in [status.get("lastError") for status in instance.statuses]
    assert "lastError" not in instance.statuses[-1]


@pytest.mark.parametrize(
    ("asked", "step"),
    [
        (DERIVE, "Planning the protection"),
        (CREATE, f"Creating {PLAN.resources[0][0].kind}"),
        (ENABLE, "Enabling protection"),
    ],
)
def test_a_step_that_waits_is_the_one_that_is_named(asked: str, step: str) -> None:
    """Not the last one that waited before it."""
    busy: Answer = pending(77, error=THROTTLED)
    first = {DERIVE: busy, CREATE: planned(), ENABLE: ready_region()}[asked]
    answers: dict[str, list[Answer]] = {
        OBSERVE: [pending(5, step="Waiting for the weather"), looked(), looked(), found_item()],
        DERIVE: [first, ready_region(), kept()],
        ENABLE: [busy, enabled()] if asked == ENABLE else [enabled()],
        FOLLOW: [Ready()],
    }
    if asked == CREATE:
        answers[CREATE] = [busy, *[Ready()] * sum(map(len, PLAN.resources))]
    instance = Instance(answers)

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert {each["step"] for each in instance.statuses if each.get("lastError") == THROTTLED.dump()} == {step}


def test_a_timer_that_fires_early_is_due_all_the_same() -> None:
    """The extension hides its message for whole seconds. To wait for the rest would be a pass that decides nothing."""
    instance = Instance({OBSERVE: [pending(60), pending(4000), GONE]}, early=timedelta(seconds=0.9))

    instance.run()

    assert instance.waits == pytest.approx([60, 3600, 400.9], abs=0.5)


def test_what_must_not_come_too_early_does_not_although_its_timer_does() -> None:
    when = START + timedelta(seconds=600)
    young = Observation.load(looked().value)
    young = young.with_(decision=young.decision.with_(not_before=when))
    instance = Instance(
        {
            OBSERVE: [Ready(value=young.dump()), Ready(value=young.dump()), found_item()],
            DERIVE: [ready_region(), kept()],
            ENABLE: [enabled()],
            FOLLOW: [Ready()],
        },
        early=timedelta(seconds=0.9),
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.waits == pytest.approx([601, 120], abs=1)


def test_no_timer_is_longer_than_an_hour() -> None:
    instance = Instance({OBSERVE: [pending(10_000), GONE]})

    instance.run()

    assert instance.waits == pytest.approx([3600, 3600, 2800])
    assert instance.calls == [OBSERVE, OBSERVE]
    assert instance.elapsed == pytest.approx(timedelta(seconds=10_000), abs=timedelta(seconds=1))


def test_a_change_in_the_second_hour_of_a_long_wait_is_seen_at_once() -> None:
    instance = Instance({OBSERVE: [pending(10_000), GONE]}, changed_after=[5_000])

    instance.run()

    assert instance.elapsed < timedelta(seconds=5_001)
