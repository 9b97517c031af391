"""How the end of a run is reported: when it is news, once, before the last look for events, and never to the run's
harm."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.model.plan import Setting
from shared.model.step_result import Error, Failed, Ready, StepResult
from shared.reconcile.run_state import RunOutcome, RunState
from shared.reconcile.run_summary import RunSummary
from tests.findings import blocker, note, warning
from tests.replay.answers import (
    AGENT,
    GONE,
    OURS,
    PLAN,
    SIZE,
    THROTTLED,
    UNTAGGED,
    all_made,
    asked,
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
from tests.replay.instance import (
    CHANGE,
    CREATE,
    DERIVE,
    DISABLE,
    ENABLE,
    FOLLOW,
    OBSERVE,
    START,
    TELL,
    Answer,
    Instance,
)
from tests.unit.app.examples import VM_ID, protected_item, source_vm

STOPPED = blocker("VmNotRunning", "It is deallocated.", "Start it.")
BLOCKED = planned(findings=(STOPPED,), replication=None, resources=())
NEVER_TAGGED = UNTAGGED

to_protected: dict[str, Sequence[Answer]] = {
    OBSERVE: [looked(), found_item()],
    DERIVE: [ready_region(), kept()],
    ENABLE: [enabled()],
    FOLLOW: [Ready()],
}


def ends(instance: Instance) -> list[RunSummary]:
    return [RunSummary.load(request) for _, request in instance.reported]


def outcomes(instance: Instance) -> list[tuple[RunOutcome, bool]]:
    """What was reported, and whether it was news."""
    return [(end.result.outcome, end.notable) for end in ends(instance)]


# When it is reported


def test_a_vm_that_was_enabled_is_reported_once_as_news() -> None:
    instance = Instance(to_protected)

    result = instance.run()

    (reported,) = ends(instance)
    assert (reported.notable, reported.publish_attempts, reported.vault) == (True, 0, protected_item().vault)
    assert reported.result == result.with_(settings=())
    assert reported.at == pytest.approx(instance.now, abs=timedelta(seconds=1))


def test_the_layers_that_asked_for_something_are_reported() -> None:
    settings = (
        Setting(name="targetZone", value="2", origin="profile gold", reason=""),
        Setting(name="targetSize", value="x", origin="tag dr-target-size", reason=""),
        Setting(name="targetVnet", value="v", origin="default", reason=""),
        Setting(name="churn", value="normal", origin="replicated item", reason=""),
        Setting(name="targetSubnet", value="s", origin="profile gold", reason=""),
    )
    instance = Instance({OBSERVE: [found_item()], DERIVE: [kept(settings=settings)]})

    instance.run()

    assert [end.origins for end in ends(instance)] == [("profile gold", "tag dr-target-size")]


def test_a_vm_that_is_merely_looked_at_is_no_news() -> None:
    late = warning("DiskNotProtected", "The disk late is not replicated.")
    instance = Instance({OBSERVE: [found_item()], DERIVE: [kept(findings=(late,))]})

    instance.run()

    assert outcomes(instance) == [(RunOutcome.PROTECTED, False)]


def test_what_somebody_else_began_is_news_when_this_run_has_followed_it() -> None:
    instance = Instance(
        {OBSERVE: [found_item("InitialReplicationInProgress"), found_item()], DERIVE: [kept()], FOLLOW: [Ready()]}
    )

    instance.run()

    assert outcomes(instance) == [(RunOutcome.PROTECTED, True)]


@pytest.mark.parametrize("answer", [asked(), failed()], ids=["made", "refused"])
def test_a_change_is_news_whether_it_was_made_or_refused(answer: StepResult) -> None:
    made = isinstance(answer, Ready)
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept() if made else kept(changes=SIZE)],
            CHANGE: [answer],
            FOLLOW: [Ready()] if made else [],
        }
    )

    instance.run()

    assert outcomes(instance) == [(RunOutcome.PROTECTED, True)]


@pytest.mark.parametrize("look", [UNTAGGED, GONE])
def test_of_a_vm_that_no_one_asks_for_and_nothing_protects_there_is_nothing_to_tell(look: Ready) -> None:
    instance = Instance({OBSERVE: [look]})

    instance.run()

    assert instance.reported == []


def test_an_item_of_others_that_is_left_alone_is_a_decision_and_no_news() -> None:
    instance = Instance({OBSERVE: [looked(vm=source_vm(tags={}), item=protected_item())]})

    instance.run()

    assert outcomes(instance) == [(RunOutcome.NOT_TAGGED, False)]


def test_a_vm_that_cannot_be_protected_is_news() -> None:
    instance = Instance({OBSERVE: [looked()], DERIVE: [BLOCKED]})

    instance.run()

    assert outcomes(instance) == [(RunOutcome.NOT_ELIGIBLE, True)]
    assert ends(instance)[0].result.findings == (STOPPED,)


@pytest.mark.parametrize("code", ["ClassicVm", "FailoverVm", "OutOfScope"])
def test_a_vm_whose_own_tags_do_not_ask_is_no_news(code: str) -> None:
    instance = Instance({OBSERVE: [not_eligible(blocker(code, "Not this one."))]})

    instance.run()

    assert outcomes(instance) == [(RunOutcome.NOT_ELIGIBLE, False)]


def test_a_failure_is_news_with_its_cause() -> None:
    instance = Instance(
        {
            OBSERVE: [looked()] * 3,
            DERIVE: [ready_region()] * 3,
            ENABLE: [enabled(f"enable-{number}") for number in range(3)],
            FOLLOW: [job_failed(AGENT)] * 3,
        }
    )

    instance.run()

    assert outcomes(instance) == [(RunOutcome.FAILED, True)]
    assert ends(instance)[0].result.error == AGENT
    assert not ends(instance)[0].disabling


def test_a_vm_that_was_disabled_is_news() -> None:
    unwanted = looked(vm=source_vm(tags={}), item=OURS, untag_grace_hours=0)
    instance = Instance({OBSERVE: [unwanted, NEVER_TAGGED], DISABLE: [enabled("disable-1")], FOLLOW: [Ready()]})

    instance.run()

    assert outcomes(instance) == [(RunOutcome.DISABLED, True)]
    assert ends(instance)[0].disabling


def test_a_report_and_target_resources_alone_are_reported_to_no_one_else() -> None:
    report = Instance({OBSERVE: [looked()], DERIVE: [planned(writes_disabled="DR_MODE is report")]})
    targets = RunState(vm_id=VM_ID, poll_seconds=30, targets_only=True)
    made = Instance({OBSERVE: [looked()], DERIVE: [planned()], CREATE: all_made()}, state=targets)
    not_made = Instance({OBSERVE: [looked()], DERIVE: [BLOCKED]}, state=targets)
    for instance in (report, made, not_made):
        instance.run()

    assert [outcomes(instance) for instance in (report, made, not_made)] == [
        [(RunOutcome.REPORTED, False)],
        [(RunOutcome.TARGETS_READY, False)],
        [(RunOutcome.NOT_ELIGIBLE, False)],
    ]


# What comes in meanwhile


@pytest.mark.parametrize("during", [DERIVE, TELL])
def test_a_change_before_the_end_is_looked_at_and_the_same_end_is_not_reported_again(during: str) -> None:
    instance = Instance({OBSERVE: [looked(), looked()], DERIVE: [BLOCKED, BLOCKED]}, changed_during=[during])

    assert instance.run().outcome is RunOutcome.NOT_ELIGIBLE
    assert instance.calls == [OBSERVE, DERIVE, OBSERVE, DERIVE]
    assert outcomes(instance) == [(RunOutcome.NOT_ELIGIBLE, True)]


@pytest.mark.parametrize("during", [DERIVE, TELL])
def test_what_was_reported_and_is_no_longer_so_is_seen_all_the_same(during: str) -> None:
    instance = Instance({OBSERVE: [looked(), NEVER_TAGGED], DERIVE: [BLOCKED]}, changed_during=[during])

    assert instance.run().outcome is RunOutcome.NOT_TAGGED
    assert outcomes(instance) == [(RunOutcome.NOT_ELIGIBLE, True)]


def test_another_end_is_reported_again() -> None:
    instance = Instance(
        {
            OBSERVE: [looked(), *to_protected[OBSERVE]],
            DERIVE: [BLOCKED, *to_protected[DERIVE]],
            ENABLE: [enabled()],
            FOLLOW: [Ready()],
        },
        changed_during=[TELL],
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert outcomes(instance) == [(RunOutcome.NOT_ELIGIBLE, True), (RunOutcome.PROTECTED, True)]
    first, second = ends(instance)
    assert first.at < second.at


def test_the_same_end_after_one_more_change_is_reported_again() -> None:
    """Protected, then asked for another size while that was reported, and protected again: both are news."""
    instance = Instance(
        {
            OBSERVE: [*to_protected[OBSERVE], found_item(), found_item()],
            DERIVE: [*to_protected[DERIVE], kept(changes=SIZE), kept()],
            ENABLE: [enabled()],
            CHANGE: [asked()],
            FOLLOW: [Ready(), Ready()],
        },
        changed_during=[TELL],
    )

    instance.run()

    assert outcomes(instance) == [(RunOutcome.PROTECTED, True)] * 2


# When telling comes to nothing


def test_a_topic_that_is_down_is_reported_three_times_of_the_same_end_and_the_run_ends_all_the_same() -> None:
    down = pending(30, error=THROTTLED)
    instance = Instance({**to_protected, TELL: [down] * 3})

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert [end.publish_attempts for end in ends(instance)] == [0, 1, 2]
    assert len({end.at for end in ends(instance)}) == 1
    assert instance.waits == pytest.approx([120, 30, 60])
    assert instance.statuses[-1]["step"] == "Protected"


def test_a_topic_that_comes_back_is_not_reported_once_more() -> None:
    instance = Instance({**to_protected, TELL: [pending(30), Ready()]})

    instance.run()

    assert [end.publish_attempts for end in ends(instance)] == [0, 1]


def test_the_topic_is_not_waited_for_as_long_as_it_asks() -> None:
    instance = Instance({OBSERVE: [looked()], DERIVE: [BLOCKED], TELL: [pending(3600), Ready()]})

    instance.run()

    assert instance.waits == pytest.approx([300])
    assert instance.elapsed < timedelta(minutes=6)


def test_a_vm_that_changes_while_the_telling_waits_is_looked_at_at_once() -> None:
    instance = Instance(
        {OBSERVE: [looked(), NEVER_TAGGED], DERIVE: [BLOCKED], TELL: [pending(300)]},
        changed_after=[20],
    )

    assert instance.run().outcome is RunOutcome.NOT_TAGGED
    assert instance.now - START < timedelta(seconds=60)
    assert [end.publish_attempts for end in ends(instance)] == [0]


@pytest.mark.parametrize(
    "answer", [failed(Error(code="Forbidden", message="No role.")), RuntimeError("a bug")], ids=["refused", "bug"]
)
def test_a_refusal_or_a_bug_in_telling_changes_nothing(answer: Failed | Exception) -> None:
    answers: dict[str, Any] = {**to_protected, TELL: [answer]}
    instance = Instance(answers)

    result = instance.run()

    assert (result.outcome, result.error, result.findings) == (RunOutcome.PROTECTED, None, ())
    assert len(instance.reported) == 1


def test_findings_that_are_new_are_reported_even_if_the_outcome_is_the_same() -> None:
    other = planned(findings=(STOPPED, note("NotManagedByApp", "Somebody.")), replication=None, resources=())
    instance = Instance({OBSERVE: [looked(), looked()], DERIVE: [BLOCKED, other]}, changed_during=[TELL])

    instance.run()

    assert [len(end.result.findings) for end in ends(instance)] == [1, 2]


def test_a_run_has_the_settings_it_reported_nothing_of() -> None:
    instance = Instance({OBSERVE: [looked()], DERIVE: [BLOCKED]})

    assert instance.run().settings == PLAN.settings
