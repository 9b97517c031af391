"""What goes wrong in the orchestration of one VM: what is tried again, and what ends the run."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.model.step_result import Error, Ready, StepResult
from shared.reconcile.run_state import Phase, RunOutcome, RunState
from tests.replay.answers import (
    AGENT,
    GONE,
    PLAN,
    THROTTLED,
    UNTAGGED,
    enabled,
    failed,
    found_item,
    job_failed,
    kept,
    looked,
    pending,
    planned,
    ready_region,
)
from tests.replay.instance import CREATE, CREATE_ALL, DERIVE, ENABLE, FOLLOW, OBSERVE, REMOVE, Answer, Instance
from tests.unit.app.examples import VM_ID


def test_a_target_resource_that_azure_refuses_fails_the_run_with_its_words() -> None:
    refused = failed(Error(code="RequestDisallowedByPolicy", message="No networks here.", action="Ask."))
    wave = PLAN.resources[0]
    instance = Instance(
        {OBSERVE: [looked()], DERIVE: [planned()], CREATE: [pending(1), refused, *[Ready()] * (len(wave) - 2)]}
    )

    result = instance.run()

    assert (result.outcome, result.error) == (RunOutcome.FAILED, refused.error)
    assert result.settings == PLAN.settings
    assert ENABLE not in instance.calls


def test_targets_that_are_never_ready_fail_the_run_after_an_hour() -> None:
    one = PLAN.resources[0][:1]
    instance = Instance(
        {OBSERVE: [looked()], DERIVE: [planned(resources=(one,))], CREATE: [pending(600, error=THROTTLED)] * 4}
    )

    result = instance.run()

    assert (result.outcome, result.error) == (RunOutcome.FAILED, THROTTLED)
    assert timedelta(hours=1) <= instance.elapsed <= timedelta(hours=1, minutes=11)


def test_the_targets_of_a_later_attempt_have_an_hour_of_their_own() -> None:
    one = PLAN.resources[0][:1]
    instance = Instance(
        {
            OBSERVE: [looked(), looked(), looked(), looked(), found_item()],
            DERIVE: [planned(resources=(one,)), ready_region(), planned(resources=(one,)), ready_region(), kept()],
            CREATE: [pending(60), Ready(), pending(60), Ready()],
            ENABLE: [enabled("j1"), enabled("j2")],
            FOLLOW: [pending(3600), job_failed(), Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.PROTECTED


def test_a_failed_job_is_tried_again_after_its_item_is_removed() -> None:
    instance = Instance(
        {
            OBSERVE: [
                looked(),
                found_item("EnablingFailed"),
                found_item("DisablingProtection"),
                looked(),
                found_item(),
            ],
            DERIVE: [ready_region(), ready_region(), kept()],
            ENABLE: [enabled("j1"), enabled("j2")],
            FOLLOW: [job_failed(), Ready()],
            REMOVE: [Ready(value={"job": "r1"})],
        }
    )

    result = instance.run()

    assert (result.outcome, result.attempts, result.error) == (RunOutcome.PROTECTED, 1, None)
    # What was read before a failed attempt may be why it failed: from then on it is read again.
    marks = {
        each: [r.get("retry", False) for name, r in instance.requests if name == each] for each in (ENABLE, FOLLOW)
    }
    assert marks == {ENABLE: [False, True], FOLLOW: [False, False]}
    first, second = (
        [OBSERVE, DERIVE, ENABLE, FOLLOW, OBSERVE, REMOVE, OBSERVE],
        [OBSERVE, DERIVE, ENABLE, FOLLOW, OBSERVE, DERIVE],
    )
    assert instance.calls == first + second
    assert instance.waits == pytest.approx([120, 300, 30, 30, 120], abs=0.5)
    assert [dict(request)["job"] for name, request in instance.requests if name == FOLLOW] == ["j1", "j2"]
    assert AGENT.dump() in [status.get("lastError") for status in instance.statuses]


def test_enabling_fails_three_times_at_most_and_the_result_names_the_cause() -> None:
    instance = Instance(
        {
            OBSERVE: [looked(), found_item("EnablingFailed"), looked(), found_item("EnablingFailed"), looked()],
            DERIVE: [ready_region()] * 3,
            ENABLE: [enabled("j1"), enabled("j2"), enabled("j3")],
            FOLLOW: [job_failed()] * 3,
            REMOVE: [Ready(), Ready()],
        }
    )

    result = instance.run()

    assert (result.outcome, result.attempts, result.error) == (RunOutcome.FAILED, 3, AGENT)
    assert [wait for wait in instance.waits if wait > 120] == pytest.approx([300, 600])


def test_a_failed_item_of_an_earlier_run_is_removed_first() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item("EnablingFailed"), looked(), found_item()],
            REMOVE: [Ready()],
            DERIVE: [ready_region(), kept()],
            ENABLE: [enabled()],
            FOLLOW: [Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.calls[:2] == [OBSERVE, REMOVE]


def test_a_failed_item_of_somebody_else_fails_the_run() -> None:
    foreign = failed(Error(code="ForeignItemFailed", message="Not ours.", action="Ask."))
    instance = Instance({OBSERVE: [found_item("EnablingFailed")], REMOVE: [foreign]})

    result = instance.run()

    assert (result.outcome, result.error) == (RunOutcome.FAILED, foreign.error)


def test_a_failed_item_whose_job_is_known_reports_its_cause_before_it_is_removed() -> None:
    instance = Instance(
        {
            OBSERVE: [looked(), found_item("EnablingFailed"), UNTAGGED],
            DERIVE: [ready_region()],
            ENABLE: [enabled("j1")],
            FOLLOW: [job_failed()],
        },
        changed_after=[10],
    )

    assert instance.run().outcome is RunOutcome.NOT_TAGGED
    assert instance.calls == [OBSERVE, DERIVE, ENABLE, OBSERVE, FOLLOW, OBSERVE]


def test_an_item_that_is_being_disabled_is_waited_for_and_its_job_forgotten() -> None:
    run = RunState(vm_id=VM_ID, poll_seconds=30, job="old", phase=Phase.OBSERVE)
    instance = Instance(
        {
            OBSERVE: [found_item("DisablingProtection"), looked(), found_item()],
            DERIVE: [ready_region(), kept()],
            ENABLE: [enabled("new")],
            FOLLOW: [Ready()],
        },
        state=run,
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert [dict(request)["job"] for name, request in instance.requests if name == FOLLOW] == ["new"]


@pytest.mark.parametrize("asked", [OBSERVE, DERIVE, CREATE, ENABLE, FOLLOW])
def test_an_activity_that_raises_is_tried_again_and_its_text_is_shown(asked: str) -> None:
    one = PLAN.resources[0][:1]
    answers: dict[str, list[Answer]] = {
        OBSERVE: [looked(), found_item()],
        DERIVE: [planned(resources=(one,)), kept()],
        CREATE: [Ready()],
        ENABLE: [enabled()],
        FOLLOW: [Ready()],
    }
    answers[asked].insert(0, KeyError("a bug"))
    if asked in {DERIVE, CREATE, ENABLE}:
        answers[OBSERVE].insert(0, looked())
    if asked in {CREATE, ENABLE}:
        answers[DERIVE].insert(0, planned(resources=(one,)))
    if asked == ENABLE:
        answers[CREATE].insert(0, Ready())
    instance = Instance(answers)

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert pytest.approx(60) in instance.waits
    reported = [status["lastError"]["message"] for status in instance.statuses if "lastError" in status]
    activity = {DERIVE: OBSERVE, CREATE: CREATE_ALL}.get(asked, asked)
    assert any("a bug" in message and activity in message for message in reported)


def test_an_activity_that_always_raises_ends_the_run_after_ten_growing_waits() -> None:
    instance = Instance({OBSERVE: [RuntimeError("a bug")] * 11})

    result = instance.run()

    assert result.outcome is RunOutcome.FAILED
    assert result.error
    assert "a bug" in result.error.message
    assert len(instance.waits) == 10
    assert all(one <= other for one, other in pairwise(instance.waits))


def test_an_answer_that_no_one_understands_is_a_fault_and_not_the_end() -> None:
    def nonsense(_: dict[str, Any]) -> StepResult:
        return Ready(value={"decision": "perhaps"})

    instance = Instance({OBSERVE: [nonsense, GONE]})

    assert instance.run().outcome is RunOutcome.GONE


def test_one_of_many_targets_that_raises_is_a_fault_that_is_tried_again() -> None:
    wave = PLAN.resources[0]
    instance = Instance(
        {
            OBSERVE: [looked(), GONE],
            DERIVE: [planned(resources=(wave,))],
            CREATE: [Ready(), RuntimeError("a bug"), *[Ready()] * (len(wave) - 2)],
        }
    )

    assert instance.run().outcome is RunOutcome.GONE


def test_a_refusal_to_tell_of_the_job_is_no_failed_attempt_to_enable() -> None:
    """A right that was taken away says nothing of the job, which may run well."""
    refused = failed(Error(code="AuthorizationFailed", message="No right to list jobs."))
    instance = Instance({OBSERVE: [looked()], DERIVE: [ready_region()], ENABLE: [enabled("j1")], FOLLOW: [refused]})

    result = instance.run()

    assert (result.outcome, result.attempts) == (RunOutcome.FAILED, 0)
    assert result.error
    assert result.error.code == "AuthorizationFailed"
