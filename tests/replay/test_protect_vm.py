"""The orchestration of one VM through the real SDK: what it asks for in which order, how long it waits, how it ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from shared.model.step_result import Error, Failed, Ready
from shared.planning.catalog import finding_of
from shared.planning.support_findings import AVAILABILITY_ONLY
from shared.reconcile.run_state import WRITES_DISABLED, RunOutcome
from tests.findings import blocker, warning
from tests.replay.answers import (
    GONE,
    OURS,
    PLAN,
    UNTAGGED,
    all_made,
    enabled,
    found_item,
    kept,
    looked,
    not_eligible,
    pending,
    planned,
    ready_region,
)
from tests.replay.instance import CREATE, CREATE_ALL, DERIVE, ENABLE, FOLLOW, OBSERVE, START, Answer, Instance

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
    item = OURS.with_(state="UnplannedFailoverCommitted")
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
    # The fabric is looked at with the rest of its wave: alone it decides nothing.
    assert instance.waits == pytest.approx([66, 120, 60, 120])
    elapsed = [request.get("elapsed", 0) for name, request in instance.requests if name == FOLLOW]
    assert [round(seconds, -1) for seconds in elapsed] == [120, 180, 300]
    steps = [status["step"] for status in instance.statuses]
    assert steps.index("Creating fabric") < steps.index("Enabling protection") < steps.index("Initial replication")
    assert {status.get("percent") for status in instance.statuses} == {None, 43}
    assert (instance.statuses[0]["step"], instance.statuses[-1]["step"]) == ("Observing the VM", "Protected")


def test_what_a_vm_was_enabled_with_is_reported_at_its_end_once() -> None:
    """A plan for a protected VM says of a subnet or a scale set only that the item has it."""
    subnet = warning("TargetSubnetDiffers", "A failover puts web-nic into alpha.")
    scale_set = finding_of("ScaleSetInstance", "web is an instance of flex.", case=AVAILABILITY_ONLY, tag="dr")
    name = warning("TargetConflict", "The VM web is to be that of another.")
    late = warning("DiskNotProtected", "The disk late is not replicated.")
    instance = Instance(
        {
            OBSERVE: [looked(), found_item()],
            DERIVE: [ready_region(findings=(subnet, scale_set, name)), kept(findings=(late, name))],
            ENABLE: [enabled()],
            FOLLOW: [Ready()],
        }
    )

    assert instance.run().findings == (late, name, subnet, scale_set)


def test_the_waves_of_target_resources_are_asked_for_in_order_and_each_at_once() -> None:
    instance = Instance(
        {
            OBSERVE: [looked(), UNTAGGED],
            DERIVE: [planned()],
            CREATE: [*all_made()[:-1], pending(), Ready()],
        }
    )

    instance.run()

    asked = [request["kind"] for name, request in instance.requests if name == CREATE]
    in_waves = [resource.kind for wave in PLAN.resources for resource in wave]
    assert asked == [*in_waves, in_waves[-1]]
    # One activity for all waves, and one for what was not there at once.
    scheduled = [item for history in instance.histories for item in history if item.get("Name") == CREATE_ALL]
    assert len(scheduled) == 2


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

    asked = [request for name, request in instance.requests if name == CREATE]
    assert asked[4:] == asked[1:3]
    assert instance.waits == pytest.approx([5])


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


def test_what_is_read_counts_since_the_run_is_due_and_after_an_event_since_that() -> None:
    replicates = found_item("InitialReplicationInProgress")
    answers: dict[str, Sequence[Answer]] = {
        OBSERVE: [looked(), replicates, found_item()],
        DERIVE: [ready_region(), kept()],
        ENABLE: [enabled()],
        FOLLOW: [pending(600), pending(60), Ready()],
    }
    instance = Instance(answers, changed_after=[300], early=timedelta(seconds=1))

    assert instance.run().outcome is RunOutcome.PROTECTED
    dues = [(name, request.get("due")) for name, request in instance.requests if name != DERIVE]
    assert [name for name, _ in dues] == [OBSERVE, ENABLE, FOLLOW, OBSERVE, FOLLOW, FOLLOW, OBSERVE]
    seconds = [round((datetime.fromisoformat(due) - START).total_seconds()) if due else None for _, due in dues]
    # A write is not judged by what others have asked for; and the last two read together.
    assert seconds == [0, None, 119, 300, 300, 359, 359]


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
