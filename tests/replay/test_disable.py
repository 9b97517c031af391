"""A VM that no one asks to protect any more, and what still protects it: how long it stays, and how it ends."""

from datetime import timedelta
from typing import Any

import pytest

from shared.model.hold import Hold
from shared.model.order import Order
from shared.model.replicated_item import ProtectedItem
from shared.model.step_result import Ready
from shared.model.vm import SourceVm
from shared.planning.preflight import on_hold
from shared.reconcile.run_state import RunOutcome, RunState
from tests.replay.answers import AGENT, OURS, enabled, found_item, job_failed, kept, looked, pending
from tests.replay.instance import DERIVE, DISABLE, FOLLOW, OBSERVE, Answer, Instance
from tests.unit.app.examples import VM_ID, protected_item, settings, source_vm

DAYS = 3 * 24 * 3600.0
NO_TAG = source_vm(tags={})


def unwanted(grace: float = 0, vm: SourceVm | None = NO_TAG, item: ProtectedItem | None = OURS) -> Ready:
    return looked(vm=vm, item=item, untag_grace_hours=grace / 3600)


def gone(vm: SourceVm | None = NO_TAG) -> Ready:
    """The same look, once nothing protects the VM any more."""
    return unwanted(vm=vm, item=None)


@pytest.mark.parametrize("vm", [NO_TAG, None], ids=["untagged", "gone"])
def test_after_its_grace_it_is_looked_at_once_more_and_disabled(vm: SourceVm | None) -> None:
    instance = Instance(
        {
            OBSERVE: [unwanted(DAYS, vm), unwanted(DAYS, vm), gone(vm)],
            DISABLE: [enabled("disable-1")],
            FOLLOW: [pending(60), Ready()],
        }
    )

    result = instance.run()

    assert (result.outcome, result.item_id) == (RunOutcome.DISABLED, OURS.id)
    assert instance.calls == [OBSERVE, OBSERVE, DISABLE, FOLLOW, FOLLOW, OBSERVE]
    assert instance.elapsed > timedelta(seconds=DAYS)
    assert max(instance.waits) <= 3600
    assert "disableAt" in next(status for status in instance.statuses if "replication is disabled at" in status["step"])


def test_tagged_again_in_time_nothing_has_happened() -> None:
    instance = Instance(
        {OBSERVE: [unwanted(grace=DAYS), found_item()], DERIVE: [kept()]}, changed_after=[7200], may_leave_answers=False
    )

    result = instance.run()

    assert result.outcome is RunOutcome.PROTECTED
    assert DISABLE not in instance.calls
    assert instance.elapsed < timedelta(hours=3)


def test_untagged_again_after_that_the_grace_begins_again() -> None:
    looks: list[Answer] = [unwanted(grace=DAYS), found_item("InitialReplicationInProgress"), unwanted(grace=DAYS)]
    instance = Instance(
        {
            OBSERVE: [*looks, unwanted(grace=DAYS), gone()],
            FOLLOW: [pending(120, percent=4), Ready()],
            DISABLE: [enabled("disable-1")],
        },
        changed_after=[7200, 7260],
    )

    assert instance.run().outcome is RunOutcome.DISABLED
    assert instance.elapsed > timedelta(seconds=DAYS + 7200)


def test_other_changes_do_not_make_the_grace_longer() -> None:
    instance = Instance(
        {OBSERVE: [*(unwanted(grace=DAYS) for _ in range(5)), gone()], DISABLE: [enabled()], FOLLOW: [Ready()]},
        changed_after=[60, 3600, 86400],
    )

    instance.run()

    assert timedelta(seconds=DAYS) < instance.elapsed < timedelta(seconds=DAYS + 600)


def test_what_others_made_is_never_disabled() -> None:
    instance = Instance({OBSERVE: [unwanted(item=protected_item())]})

    assert instance.run().outcome is RunOutcome.NOT_TAGGED
    assert instance.calls == [OBSERVE]


def test_a_frozen_item_is_reported_and_never_disabled() -> None:
    item = OURS.with_(state="UnplannedFailoverCommitted")
    instance = Instance({OBSERVE: [unwanted(item=item)]})

    result = instance.run()

    assert result.outcome is RunOutcome.FROZEN
    assert [finding.code for finding in result.findings] == ["ItemFrozen"]
    assert instance.calls == [OBSERVE]


def test_a_vm_that_is_on_hold_is_left_with_what_protects_it() -> None:
    vm = source_vm(tags={"dr": "true", "dr-hold": ""})
    held = on_hold(vm, settings(), Hold())
    instance = Instance({OBSERVE: [looked(vm=vm, item=OURS)]})

    result = instance.run()

    assert (result.outcome, result.findings) == (RunOutcome.NOT_ELIGIBLE, held)
    assert instance.calls == [OBSERVE]


def test_a_disable_of_others_is_waited_for() -> None:
    item = OURS.with_(state="DisablingProtection")
    instance = Instance({OBSERVE: [unwanted(item=item), gone()]})

    assert instance.run().outcome is RunOutcome.DISABLED
    assert instance.calls == [OBSERVE, OBSERVE]


def test_beyond_the_share_of_the_day_it_waits_for_the_next() -> None:
    reported = AGENT.with_(code="DailyDisableLimitReached")
    instance = Instance(
        {
            OBSERVE: [unwanted(), unwanted(), unwanted(), gone()],
            DISABLE: [pending(3600, error=reported), pending(3600, error=reported), enabled()],
            FOLLOW: [Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.DISABLED
    assert any(status.get("lastError", {}).get("code") == "DailyDisableLimitReached" for status in instance.statuses)


def test_a_disable_that_keeps_failing_ends_with_the_cause() -> None:
    instance = Instance(
        {
            OBSERVE: [unwanted() for _ in range(3)],
            DISABLE: [enabled(f"disable-{number}") for number in range(3)],
            FOLLOW: [job_failed(), job_failed(), job_failed()],
        }
    )

    result = instance.run()

    assert (result.outcome, result.error, result.attempts) == (RunOutcome.FAILED, AGENT, 3)


def test_changed_while_it_is_being_disabled_it_is_not_asked_for_twice() -> None:
    instance = Instance(
        {OBSERVE: [unwanted(), unwanted(), gone()], DISABLE: [enabled("disable-1")], FOLLOW: [pending(60), Ready()]},
        changed_during=[FOLLOW],
    )

    assert instance.run().outcome is RunOutcome.DISABLED
    assert instance.calls.count(DISABLE) == 1


def test_tagged_while_it_was_about_to_be_disabled_it_is_observed_again() -> None:
    """The activity looks for itself, and answers that there is nothing to be disabled."""
    instance = Instance({OBSERVE: [unwanted(), found_item()], DISABLE: [enabled("")], DERIVE: [kept()]})

    assert instance.run().outcome is RunOutcome.PROTECTED


def test_the_confirmation_reaches_the_look_and_the_step() -> None:
    state = RunState(vm_id=VM_ID, poll_seconds=30, confirmed=True)
    instance = Instance({OBSERVE: [unwanted(), gone()], DISABLE: [enabled()], FOLLOW: [Ready()]}, state=state)

    instance.run()

    assert all(request["confirmed"] for name, request in instance.requests if name in {OBSERVE, DISABLE})


CONFIRMED = Order(token="order-1", confirmed=True)


@pytest.mark.parametrize(
    "how", [{"changed_after": [45]}, {"changed_during": [OBSERVE]}, {"changed_during": [FOLLOW]}], ids=str
)
def test_a_confirmation_reaches_a_run_under_way_and_is_shown(how: dict[str, Any]) -> None:
    """While it waits, while it is at work, and while it is about to end."""
    instance = Instance(
        {
            OBSERVE: [found_item("InitialReplicationInProgress"), unwanted(), gone()],
            FOLLOW: [pending(120, percent=4), Ready()],
            DISABLE: [enabled("disable-1")],
        },
        order=CONFIRMED,
        may_leave_answers=True,
        **how,
    )

    result = instance.run()

    assert (result.outcome, result.orders) == (RunOutcome.DISABLED, ("order-1",))
    assert result.acted
    assert ["order-1"] in [status["orders"] for status in instance.statuses]
    last_look = [request for name, request in instance.requests if name in {OBSERVE, DISABLE}][-1]
    assert last_look["confirmed"]


def test_an_order_that_comes_in_the_last_turn_but_one_is_carried_out() -> None:
    """While the end is published: the run observes again, now with the confirmation."""
    instance = Instance(
        {OBSERVE: [unwanted(item=None), unwanted(), gone()], DISABLE: [enabled()], FOLLOW: [Ready()]},
        changed_during=[OBSERVE],
        order=CONFIRMED,
    )

    assert instance.run().outcome is RunOutcome.DISABLED
    assert any(request["confirmed"] for name, request in instance.requests if name == DISABLE)


def test_a_confirmation_is_dropped_once_the_vm_is_found_asked_for() -> None:
    """Tagged again while it was being disabled, it is enabled; a tag lost later meets mode, grace and daily share."""
    instance = Instance(
        {
            OBSERVE: [unwanted(), found_item("DisablingProtection"), found_item(), unwanted(grace=DAYS)],
            DISABLE: [enabled("disable-1")],
            FOLLOW: [pending(60), pending(60)],
            DERIVE: [kept()],
        },
        state=RunState(vm_id=VM_ID, poll_seconds=30, confirmed=True),
        changed_during=[FOLLOW],
        may_leave_answers=True,
    )

    result = instance.run()

    assert result.outcome is RunOutcome.PROTECTED
    assert [request["confirmed"] for name, request in instance.requests if name == OBSERVE] == [True, True, False]
    assert instance.calls.count(DISABLE) == 1
