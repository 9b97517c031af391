"""The orchestration of one VM through the real SDK: what it asks for in which order, how long it waits, how it ends."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from shared.model.step_result import Error, Failed, Ready, StepResult
from shared.reconcile.run_state import WRITES_DISABLED, Phase, RunOutcome, RunState
from tests.findings import blocker, warning
from tests.replay.answers import (
    AGENT,
    GONE,
    OURS,
    PLAN,
    THROTTLED,
    UNTAGGED,
    all_made,
    enabled,
    failed,
    found_item,
    job_failed,
    kept,
    looked,
    not_eligible,
    pending,
    planned,
    ready_region,
)
from tests.replay.instance import Answer, Instance
from tests.unit.app.examples import VM_ID, source_vm

OBSERVE, DERIVE, CREATE = "resolve_source", "derive_target_settings", "create_target_resource"
ENABLE, FOLLOW, REMOVE = "enable_protection", "monitor_job", "remove_failed_item"
HELD = blocker("OnHold", "It carries the tag dr-hold.")


# How it ends at the first look


@pytest.mark.parametrize(("look", "outcome"), [(UNTAGGED, RunOutcome.NOT_TAGGED), (GONE, RunOutcome.GONE)])
def test_a_vm_that_asks_for_nothing_costs_one_look(look: Ready, outcome: RunOutcome) -> None:
    instance = Instance({OBSERVE: [look]})

    result = instance.run()

    assert result.outcome is outcome
    assert instance.calls == [OBSERVE]
    assert instance.waits == []


def test_a_vm_on_hold_ends_with_the_reason() -> None:
    instance = Instance({OBSERVE: [not_eligible(HELD)]})

    result = instance.run()

    assert (result.outcome, result.findings) == (RunOutcome.NOT_ELIGIBLE, (HELD,))
    assert instance.calls == [OBSERVE]


def test_a_vm_with_blockers_ends_with_them_and_with_its_settings() -> None:
    stopped = blocker("VmNotRunning", "It is deallocated.", "Start it.")
    instance = Instance({OBSERVE: [looked()], DERIVE: [planned(findings=(stopped,), replication=None, resources=())]})

    result = instance.run()

    assert (result.outcome, result.findings) == (RunOutcome.NOT_ELIGIBLE, (stopped,))
    assert result.settings == PLAN.settings
    assert instance.calls == [OBSERVE, DERIVE]
    assert instance.statuses[-1]["step"] == "NotEligible"


def test_report_mode_plans_and_writes_nothing() -> None:
    far = warning("TargetNotVaultRegion", "The vault is elsewhere.")
    instance = Instance({OBSERVE: [looked()], DERIVE: [planned(writes_disabled="DR_MODE is report", findings=(far,))]})

    result = instance.run()

    assert result.outcome is RunOutcome.REPORTED
    assert [finding.message for finding in result.findings] == [far.message, "DR_MODE is report"]
    assert result.settings == PLAN.settings
    assert instance.calls == [OBSERVE, DERIVE]


def test_a_pause_that_comes_before_a_write_ends_as_a_report() -> None:
    refused = Failed(error=Error(code=WRITES_DISABLED, message="DR_PAUSED is true"), by_settings=True)
    instance = Instance({OBSERVE: [looked()], DERIVE: [ready_region()], ENABLE: [refused]})

    result = instance.run()

    assert (result.outcome, result.error) == (RunOutcome.REPORTED, None)


def test_a_protected_vm_ends_protected_and_names_its_item() -> None:
    instance = Instance({OBSERVE: [found_item()], DERIVE: [kept()]})

    result = instance.run()

    assert (result.outcome, result.item_id, result.findings) == (RunOutcome.PROTECTED, OURS.id, ())
    assert instance.calls == [OBSERVE, DERIVE]


def test_what_the_last_look_found_is_reported_at_the_end() -> None:
    drift = warning("DiskNotProtected", "The disk late is not replicated.")
    instance = Instance({OBSERVE: [found_item()], DERIVE: [kept(findings=(drift,))]})

    assert instance.run().findings == (drift,)


def test_a_frozen_item_is_reported_and_not_touched() -> None:
    item = OURS.model_copy(update={"state": "UnplannedFailoverCommitted"})
    instance = Instance({OBSERVE: [looked(item=item)]})

    result = instance.run()

    assert result.outcome is RunOutcome.FROZEN
    assert [finding.code for finding in result.findings] == ["ItemFrozen"]
    assert instance.calls == [OBSERVE]


# The whole way


def test_a_vm_goes_from_nothing_to_protected_over_passes() -> None:
    first_wave, second_wave = len(PLAN.resources[0]), len(PLAN.resources[1])
    in_the_making: Sequence[Answer] = [Ready()] * (second_wave - 2) + [pending(66), pending(20, step="Creating fabric")]
    rest = len(PLAN.resources[2]) + len(PLAN.resources[3])
    instance = Instance(
        {
            OBSERVE: [looked(), looked(), found_item()],
            DERIVE: [planned(), ready_region(), kept()],
            CREATE: [*[Ready()] * first_wave, *in_the_making, *[Ready()] * 2, *[Ready()] * rest],
            ENABLE: [enabled()],
            FOLLOW: [
                pending(60, step="Enabling protection: Enable replication"),
                pending(120, step="Initial replication", percent=43),
                Ready(),
            ],
        }
    )

    result = instance.run()

    assert (result.outcome, result.item_id, result.error) == (RunOutcome.PROTECTED, OURS.id, None)
    assert result.settings == PLAN.settings
    # Once the target resources are there the VM is read again: it may be another by then.
    without_targets = [call for call in instance.calls if call != CREATE]
    assert without_targets == [OBSERVE, DERIVE, OBSERVE, DERIVE, ENABLE, FOLLOW, FOLLOW, FOLLOW, OBSERVE, DERIVE]
    assert instance.waits == pytest.approx([20, 30, 60, 120])
    steps = [status["step"] for status in instance.statuses]
    assert steps.index("Creating fabric") < steps.index("Enabling protection") < steps.index("Initial replication")
    assert {status.get("percent") for status in instance.statuses} == {None, 43}
    assert (instance.statuses[0]["step"], instance.statuses[-1]["step"]) == ("Observing the VM", "Protected")


def test_the_waves_of_target_resources_are_asked_for_in_order_and_each_at_once() -> None:
    instance = Instance(
        {
            OBSERVE: [looked(), UNTAGGED],
            DERIVE: [planned()],
            CREATE: [*all_made()[:-1], pending(), Ready()],
        }
    )

    instance.run()

    asked = [request["resource"]["kind"] for name, request in instance.requests if name == CREATE]
    in_waves = [resource.kind for wave in PLAN.resources for resource in wave]
    assert asked == [*in_waves, in_waves[-1]]
    # One turn for each wave, whatever its size.
    took = instance.histories[0]
    scheduled_at = [item["Timestamp"] for item in took if item.get("Name") == CREATE]
    assert len(set(scheduled_at)) == len(PLAN.resources)


def test_only_what_is_missing_is_asked_for_again() -> None:
    last = PLAN.resources[-1]
    instance = Instance(
        {
            OBSERVE: [looked(), UNTAGGED],
            DERIVE: [planned(resources=(last,))],
            CREATE: [Ready(), pending(5), pending(3), Ready(), Ready(), Ready()],
        }
    )

    instance.run()

    asked = [request["resource"] for name, request in instance.requests if name == CREATE]
    assert asked[4:] == asked[1:3]
    assert instance.waits == pytest.approx([3])


def test_a_vm_whose_region_is_ready_takes_three_calls_to_the_enable_request() -> None:
    instance = Instance(
        {OBSERVE: [looked(), found_item()], DERIVE: [ready_region(), kept()], ENABLE: [enabled("j")], FOLLOW: [Ready()]}
    )

    instance.run()

    assert instance.calls == [OBSERVE, DERIVE, ENABLE, FOLLOW, OBSERVE, DERIVE]
    assert [dict(request)["job"] for name, request in instance.requests if name == FOLLOW] == ["j"]


def test_an_enable_under_way_by_somebody_else_is_followed_by_its_item() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item("EnablingProtection"), found_item()],
            DERIVE: [kept()],
            FOLLOW: [pending(60), Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert ENABLE not in instance.calls


def test_the_item_is_followed_without_a_job_where_it_was_there_before_the_request() -> None:
    instance = Instance(
        {OBSERVE: [looked(), found_item()], DERIVE: [ready_region(), kept()], ENABLE: [enabled("")], FOLLOW: [Ready()]}
    )

    assert instance.run().outcome is RunOutcome.PROTECTED


# A VM that changes


def test_a_change_while_it_waits_ends_the_wait_and_observes_again() -> None:
    instance = Instance(
        {
            OBSERVE: [
                found_item("InitialReplicationInProgress"),
                found_item("InitialReplicationInProgress"),
                found_item(),
            ],
            DERIVE: [kept()],
            FOLLOW: [pending(600), Ready()],
        },
        changed_after=[10],
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.calls == [OBSERVE, FOLLOW, OBSERVE, FOLLOW, OBSERVE, DERIVE]
    assert instance.elapsed < timedelta(minutes=1)


def test_a_burst_of_changes_is_one_more_look_or_two() -> None:
    enabling = found_item("EnablingProtection")
    answers: dict[str, Sequence[Answer]] = {
        OBSERVE: [enabling] + [found_item()] * 9,
        DERIVE: [kept()] * 9,
        FOLLOW: [pending(600)],
    }
    instance = Instance(answers, changed_after=[10, 10, 10], may_leave_answers=True)

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.calls.count(OBSERVE) <= 3


@pytest.mark.parametrize("during", [OBSERVE, DERIVE])
def test_a_change_while_it_works_is_seen_before_the_end(during: str) -> None:
    stopped = planned(findings=(blocker("VmNotRunning", "Stopped."),), replication=None, resources=())
    answers: dict[str, list[Answer]] = {
        OBSERVE: [looked(), UNTAGGED],
        DERIVE: [stopped],
    }
    instance = Instance(answers, changed_during=[during])

    assert instance.run().outcome is RunOutcome.NOT_TAGGED
    assert instance.calls == [OBSERVE, DERIVE, OBSERVE]


def test_a_change_during_the_last_look_is_looked_at_too() -> None:
    instance = Instance({OBSERVE: [found_item(), UNTAGGED], DERIVE: [kept()]}, changed_during=[OBSERVE])

    assert instance.run().outcome is RunOutcome.NOT_TAGGED


def test_a_change_while_the_request_is_sent_does_not_send_it_twice() -> None:
    """The item is not readable while its job runs: the job is what says that it was asked for."""
    instance = Instance(
        {
            OBSERVE: [looked(), looked(), found_item()],
            DERIVE: [ready_region(), kept()],
            ENABLE: [enabled("j")],
            FOLLOW: [Ready()],
        },
        changed_during=[ENABLE],
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.calls.count(ENABLE) == 1
    assert [dict(request)["job"] for name, request in instance.requests if name == FOLLOW] == ["j"]


def test_a_vm_untagged_while_its_targets_are_made_is_never_enabled() -> None:
    targets = len(PLAN.resources[0])
    instance = Instance(
        {
            OBSERVE: [looked(), UNTAGGED],
            DERIVE: [planned(resources=PLAN.resources[:1])],
            CREATE: [pending(20)] * targets + [Ready()] * targets,
        }
    )

    assert instance.run().outcome is RunOutcome.NOT_TAGGED
    assert ENABLE not in instance.calls


def test_a_change_while_targets_are_made_plans_again_within_the_same_hour() -> None:
    one = PLAN.resources[0][:1]
    instance = Instance(
        {
            OBSERVE: [looked(), looked(), GONE],
            DERIVE: [planned(resources=(one,)), planned(resources=(one,))],
            CREATE: [pending(600), pending(60), Ready()],
        },
        changed_after=[30],
    )

    assert instance.run().outcome is RunOutcome.GONE
    last = next(state.targets_wait for state in reversed(instance.states) if state.targets_wait)
    assert last.spent == pytest.approx(30, abs=1)


# Waiting


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
    assert instance.waits == pytest.approx([30, 30, 30])
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


# What goes wrong


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
    first, second = (
        [OBSERVE, DERIVE, ENABLE, FOLLOW, OBSERVE, REMOVE, OBSERVE],
        [OBSERVE, DERIVE, ENABLE, FOLLOW, OBSERVE, DERIVE],
    )
    assert instance.calls == first + second
    assert instance.waits == pytest.approx([30, 300, 30, 30, 30], abs=0.5)
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
    assert [wait for wait in instance.waits if wait > 60] == pytest.approx([300, 600])


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
    assert any("a bug" in message and asked in message for message in reported)


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
