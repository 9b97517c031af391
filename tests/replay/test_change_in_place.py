"""A VM that is protected: what differs is changed once and followed; and the run that makes target resources alone."""

from datetime import timedelta
from typing import Any

import pytest

from shared.model.activity_io import ChangeRequest, Failures, JobRequest, ObserveRequest
from shared.model.changes import Changes, Difference, ItemUpdate
from shared.model.findings import Severity
from shared.model.replication import ReplicatedDisk
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Ready
from shared.model.vm import Disk
from shared.reconcile.run_state import MOST_CHANGES, WRITES_DISABLED, RunOutcome, RunState
from tests.findings import blocker, warning
from tests.replay.answers import (
    AGENT,
    DISK,
    OURS,
    PLAN,
    SIZE,
    THROTTLED,
    all_made,
    asked,
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
from tests.replay.instance import CHANGE, CREATE, DERIVE, ENABLE, FOLLOW, OBSERVE, Answer, Instance
from tests.unit.app.examples import DATA_DISK, VM_ID, protected_item, source_vm

NEEDS_REENABLE = warning("TargetMismatch", "churn of web-1 is normal, and high is asked for.")
RAW = Error(code="150039", message="The disk was not mapped.", action="Initialise it.")


def requests(instance: Instance, activity: str) -> list[dict[str, Any]]:
    """What the activity was asked for, and not when that was due."""
    of_activity = [request for name, request in instance.requests if name == activity]
    return [{key: value for key, value in request.items() if key != "due"} for request in of_activity]


# What differs


def test_what_differs_is_changed_once_and_its_job_followed() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept()],
            CHANGE: [asked()],
            FOLLOW: [pending(60, step="Changing protection: Update the item"), Ready()],
        }
    )

    result = instance.run()

    assert (result.outcome, result.item_id, result.error) == (RunOutcome.PROTECTED, OURS.id, None)
    assert instance.calls == [OBSERVE, DERIVE, CHANGE, FOLLOW, FOLLOW, OBSERVE, DERIVE]
    assert requests(instance, CHANGE) == [ChangeRequest(vm_id=VM_ID, changes=SIZE, origins=("settings",)).dump()]
    followed = JobRequest(vm_id=VM_ID, job="update-1", vault=protected_item().vault).dump()
    assert requests(instance, FOLLOW) == [followed, followed]
    assert "Changing the settings of the replicated item" in [status["step"] for status in instance.statuses]
    assert instance.waits == pytest.approx([30, 60], abs=0.5)


def test_the_rules_are_given_the_item_that_protects_the_vm() -> None:
    instance = Instance({OBSERVE: [found_item()], DERIVE: [kept()]})

    instance.run()

    assert [request["item"]["id"] for request in requests(instance, DERIVE)] == [str(OURS.id)]


def test_a_vm_that_is_as_it_is_asked_to_be_is_not_written_to() -> None:
    instance = Instance({OBSERVE: [found_item()], DERIVE: [kept(findings=(NEEDS_REENABLE,))]})

    result = instance.run()

    assert (result.outcome, result.findings, result.settings) == (
        RunOutcome.PROTECTED,
        (NEEDS_REENABLE,),
        PLAN.settings,
    )
    assert not result.changed
    assert instance.calls == [OBSERVE, DERIVE]


def test_a_result_says_whether_all_was_changed_and_for_what_a_sweep_had_started_the_run() -> None:
    started = RunState(vm_id=VM_ID, poll_seconds=30, fingerprint="size A, asked for B")
    of_update, of_disks = kept(changes=SIZE), kept(changes=BOTH)
    whole = Instance(
        {OBSERVE: [found_item()] * 2, DERIVE: [of_update, kept()], CHANGE: [asked()], FOLLOW: [Ready()]}, started
    )
    half = Instance(
        {
            OBSERVE: [found_item()] * 3,
            DERIVE: [of_disks, of_update, of_update],
            CHANGE: [asked(), asked()],
            FOLLOW: [Ready(), Ready()],
        },
        started,
    )

    assert [(result.changed, result.fingerprint) for result in (whole.run(), half.run())] == [
        (True, "size A, asked for B"),
        (False, "size A, asked for B"),
    ]


def test_what_stays_different_after_a_change_is_reported_and_not_asked_for_again() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept(changes=SIZE, findings=(NEEDS_REENABLE,))],
            CHANGE: [asked()],
            FOLLOW: [Ready()],
        }
    )

    result = instance.run()

    assert result.outcome is RunOutcome.PROTECTED
    first, reported = result.findings
    assert (first, reported.code) == (NEEDS_REENABLE, "ChangeNotMade")
    assert "targetSize: Standard_D2s_v5 → Standard_D4s_v5" in reported.message
    assert "it shows its old settings" in reported.message
    assert reported.fix


def test_a_change_whose_job_failed_leaves_the_vm_protected_and_reports_the_cause() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept(changes=SIZE)],
            CHANGE: [asked()],
            FOLLOW: [job_failed(AGENT)],
        }
    )

    result = instance.run()

    assert (result.outcome, result.attempts, result.error) == (RunOutcome.PROTECTED, 0, None)
    (reported,) = result.findings
    assert reported.code == "ChangeNotMade"
    assert str(AGENT) in reported.message
    assert instance.calls == [OBSERVE, DERIVE, CHANGE, FOLLOW, OBSERVE, DERIVE]
    assert instance.elapsed < timedelta(minutes=1)


def test_disks_that_could_not_be_added_are_named() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item()],
            DERIVE: [kept(changes=DISK), kept(changes=DISK)],
            CHANGE: [asked()],
            FOLLOW: [Ready()],
        }
    )

    (reported,) = instance.run().findings

    assert "disk to add: web-1-data" in reported.message


BOTH = SIZE.with_(added_disks=DISK.added_disks)


def test_the_disks_are_added_first_and_the_settings_changed_by_a_job_of_their_own() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item()] * 3,
            DERIVE: [kept(changes=BOTH), kept(changes=SIZE), kept()],
            CHANGE: [asked("add-1"), asked("update-2")],
            FOLLOW: [Ready(), Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert [request["changes"] for request in requests(instance, CHANGE)] == [DISK.dump(), SIZE.dump()]
    assert [request["job"] for request in requests(instance, FOLLOW)] == ["add-1", "update-2"]


@pytest.mark.parametrize("first", [DISK, SIZE])
@pytest.mark.parametrize("at_once", [True, False])
def test_one_step_that_fails_does_not_keep_the_other_from_being_made(first: Changes, at_once: bool) -> None:
    """Whichever fails stays different: it is asked for once, and reported."""
    works = [asked("job-2")] if first is DISK else [asked("job-1")]
    fails: list[Answer] = [failed()] if at_once else [asked("job-3")]
    ends: list[Answer] = [] if at_once else [job_failed(AGENT)]
    instance = Instance(
        {
            OBSERVE: [found_item()] * 3,
            DERIVE: [kept(changes=BOTH), kept(changes=BOTH if first is DISK else SIZE), kept(changes=first)],
            CHANGE: [*fails, *works] if first is DISK else [*works, *fails],
            FOLLOW: [*ends, Ready()] if first is DISK else [Ready(), *ends],
        }
    )

    result = instance.run()

    assert (result.outcome, result.error) == (RunOutcome.PROTECTED, None)
    assert [request["changes"] for request in requests(instance, CHANGE)] == [DISK.dump(), SIZE.dump()]
    assert [finding.code for finding in result.findings] == ["ChangeNotMade"]


def late(name: str) -> ReplicatedDisk:
    return ReplicatedDisk(id=ResourceId(f"{DATA_DISK}-{name}"), replica_sku="Premium_LRS", target_sku="Premium_LRS")


def test_each_disk_is_added_by_a_job_of_its_own_and_one_that_fails_keeps_no_other_out() -> None:
    bad, good = late("bad"), late("good")
    reported = warning("DiskNotProtected", "The disk web-1-data-bad of web-1 is not replicated: 150039.")
    instance = Instance(
        {
            OBSERVE: [found_item()] * 3,
            DERIVE: [
                kept(changes=Changes(added_disks=(bad, good))),
                kept(changes=Changes(added_disks=(good,)), findings=(reported,)),
                kept(findings=(reported,)),
            ],
            CHANGE: [asked("add-1"), asked("add-2")],
            FOLLOW: [job_failed(RAW), Ready()],
        }
    )

    result = instance.run()

    changes = [Changes(added_disks=(disk,)).dump() for disk in (bad, good)]
    assert [request["changes"] for request in requests(instance, CHANGE)] == changes
    assert (result.outcome, result.findings, result.changed) == (RunOutcome.PROTECTED, (reported,), False)
    assert [(failure.disk, failure.error) for failure in result.failed_disks] == [(bad.id, RAW)]
    # The next plans know what failed: those of this run, and of the next one.
    known = [[each.disk for each in Failures.load(request).failed_disks] for request in requests(instance, DERIVE)]
    assert known == [[], [bad.id], [bad.id]]


ZONE = Changes(differences=(Difference(setting="targetZone", current="1", wanted="2"),), update=ItemUpdate(zone="2"))


@pytest.mark.parametrize("refused", [ZONE, Changes(old_agent="9.52")], ids=["zone", "agent"])
@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_refused_is_remembered_by_this_run_and_for_the_next(refused: Changes, at_once: bool) -> None:
    both = SIZE.with_(update=SIZE.update and SIZE.update.with_(zone=refused.update.zone if refused.update else ""))
    both = both.with_(differences=(*SIZE.differences, *refused.differences), old_agent=refused.old_agent)
    answers = [Failed(error=RAW)] if at_once else [asked("refused")]
    instance = Instance(
        {
            OBSERVE: [found_item()] * 3,
            DERIVE: [kept(changes=both), kept(changes=refused), kept()],
            CHANGE: [asked("size"), *answers],
            FOLLOW: [Ready(), *([] if at_once else [job_failed(RAW)])],
        }
    )

    result = instance.run()

    assert [request["changes"] for request in requests(instance, CHANGE)] == [SIZE.dump(), refused.dump()]
    assert (result.outcome, result.changed) == (RunOutcome.PROTECTED, False)
    assert [(refusal.attempt, refusal.error) for refusal in result.refusals] == [(refused.attempt, RAW)]
    known = [[each.attempt for each in Failures.load(request).refusals] for request in requests(instance, DERIVE)]
    assert known == [[], [], [refused.attempt]]


def test_more_disks_than_the_changes_of_a_run_are_all_added() -> None:
    disks = [late(str(number)) for number in range(12)]
    vm = source_vm(disks=(*source_vm().disks, *(Disk(id=disk.id, sku="Premium_LRS") for disk in disks)))
    instance = Instance(
        {
            OBSERVE: [looked(vm=vm, item=OURS)] * 13,
            DERIVE: [kept(changes=Changes(added_disks=tuple(disks[done:]))) for done in range(13)],
            CHANGE: [asked(f"add-{number}") for number in range(12)],
            FOLLOW: [Ready()] * 12,
        }
    )

    assert (instance.run().changed, len(requests(instance, CHANGE))) == (True, 12)


def test_a_disk_that_the_settings_keep_out_is_not_remembered() -> None:
    """The settings may be others the next time."""
    refused = Failed(error=Error(code="TargetOutOfScope", message="No."), by_settings=True)
    instance = Instance({OBSERVE: [found_item()] * 2, DERIVE: [kept(changes=DISK)] * 2, CHANGE: [refused], FOLLOW: []})

    result = instance.run()

    assert ([finding.code for finding in result.findings], result.failed_disks) == (["ChangeNotMade"], ())


def test_what_is_asked_for_is_asked_once_whatever_the_item_shows_instead() -> None:
    """Azure may answer an address with the next one that is free, each time."""
    other = SIZE.with_(differences=(SIZE.differences[0].model_copy(update={"current": "Standard_B2ms"}),))
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept(changes=other)],
            CHANGE: [asked()],
            FOLLOW: [Ready()],
        }
    )

    assert [finding.code for finding in instance.run().findings] == ["ChangeNotMade"]


def test_an_item_that_never_is_what_was_asked_for_is_given_up() -> None:
    most = MOST_CHANGES + len(source_vm().disks)
    overrides = [Changes(update=ItemUpdate(size=f"Standard_D{cores}s_v5")) for cores in range(most + 1)]
    instance = Instance(
        {
            OBSERVE: [found_item()] * (most + 1),
            DERIVE: [kept(changes=wish) for wish in overrides],
            CHANGE: [asked(f"update-{number}") for number in range(most)],
            FOLLOW: [Ready()] * most,
        }
    )

    result = instance.run()

    assert result.outcome is RunOutcome.PROTECTED
    assert [finding.code for finding in result.findings] == ["ChangeNotMade"]


def test_an_item_that_is_disabled_while_it_is_changed_is_enabled_again_and_its_failures_are_counted() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item(), looked(), looked(), looked()],
            DERIVE: [kept(changes=SIZE), *[ready_region()] * 3],
            CHANGE: [asked("update-1")],
            ENABLE: [enabled(f"enable-{number}") for number in range(3)],
            FOLLOW: [Ready(), *[job_failed(AGENT)] * 3],
        }
    )

    result = instance.run()

    assert (result.outcome, result.attempts, result.error) == (RunOutcome.FAILED, 3, AGENT)


def test_another_override_after_a_change_is_another_change() -> None:
    other = Changes(update=ItemUpdate(size="Standard_D8s_v5"))
    instance = Instance(
        {
            OBSERVE: [found_item()] * 3,
            DERIVE: [kept(changes=SIZE), kept(changes=other), kept()],
            CHANGE: [asked("update-1"), asked("update-2")],
            FOLLOW: [Ready(), Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert [request["changes"] for request in requests(instance, CHANGE)] == [SIZE.dump(), other.dump()]


def test_a_change_that_has_ended_at_once_is_looked_at_and_not_asked_for_again() -> None:
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept()],
            CHANGE: [asked("")],
            FOLLOW: [Ready()],
        }
    )

    assert instance.run().findings == ()


# What comes in between


def test_while_its_job_runs_nothing_else_is_asked_for() -> None:
    """The VM is written to again: it is read, and the job under way followed."""
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept()],
            CHANGE: [asked()],
            FOLLOW: [pending(600), Ready()],
        },
        changed_after=[60],
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert instance.calls == [OBSERVE, DERIVE, CHANGE, FOLLOW, OBSERVE, FOLLOW, OBSERVE, DERIVE]
    assert [request["job"] for request in requests(instance, FOLLOW)] == ["update-1", "update-1"]


def test_another_job_on_the_item_is_waited_for_and_the_vm_read_again_after_it() -> None:
    busy = pending(30, step="Waiting for another job on the item")
    instance = Instance(
        {
            OBSERVE: [found_item(), found_item(), found_item()],
            DERIVE: [kept(changes=SIZE), kept(changes=SIZE), kept()],
            CHANGE: [busy, asked()],
            FOLLOW: [Ready()],
        }
    )

    result = instance.run()

    assert (result.outcome, result.findings) == (RunOutcome.PROTECTED, ())
    assert instance.calls == [OBSERVE, DERIVE, CHANGE, OBSERVE, DERIVE, CHANGE, FOLLOW, OBSERVE, DERIVE]
    assert busy.step in [status["step"] for status in instance.statuses]


def test_where_writing_is_off_nothing_is_changed_and_what_differs_is_reported() -> None:
    differs = warning("DiskNotProtected", "The disk late is not replicated.")
    instance = Instance(
        {
            OBSERVE: [found_item()],
            DERIVE: [kept(changes=DISK, writes_disabled="DR_MODE is report", findings=(differs,))],
        }
    )

    result = instance.run()

    assert result.outcome is RunOutcome.PROTECTED
    first, reported = result.findings
    assert (first, reported.code, reported.severity) == (differs, WRITES_DISABLED, Severity.NOTE)
    assert reported.message == "DR_MODE is report. disk to add: web-1-data"
    assert instance.calls == [OBSERVE, DERIVE]


def test_a_override_that_is_not_to_be_had_leaves_the_vm_protected_and_is_reported() -> None:
    invalid = blocker("OverrideInvalid", "The tag dr-target-size is 'huge'.")
    instance = Instance(
        {OBSERVE: [found_item()], DERIVE: [planned(findings=(invalid,), replication=None, resources=())]}
    )

    result = instance.run()

    assert (result.outcome, result.findings) == (RunOutcome.PROTECTED, (invalid,))


@pytest.mark.parametrize("asks", [DERIVE, CHANGE])
def test_a_throttled_step_comes_back_and_nothing_is_asked_for_twice(asks: str) -> None:
    throttled = pending(77, error=THROTTLED)
    instance = Instance(
        {
            OBSERVE: [found_item()] * 3,
            DERIVE: [throttled, kept(changes=SIZE), kept()]
            if asks == DERIVE
            else [kept(changes=SIZE), kept(changes=SIZE), kept()],
            CHANGE: [asked()] if asks == DERIVE else [throttled, asked()],
            FOLLOW: [Ready()],
        }
    )

    result = instance.run()

    assert (result.outcome, result.findings) == (RunOutcome.PROTECTED, ())
    assert pytest.approx(77) in instance.waits


@pytest.mark.parametrize(
    "refused",
    [
        failed(Error(code="InvalidParameter", message="No such size.")),
        Failed(error=Error(code=WRITES_DISABLED, message="DR_PAUSED is true"), by_settings=True),
        Failed(error=Error(code="TargetOutOfScope", message="It lies outside."), by_settings=True),
    ],
)
def test_a_change_that_is_refused_at_once_leaves_the_vm_protected_and_reports_why(refused: Failed) -> None:
    instance = Instance(
        {
            OBSERVE: [found_item()] * 2,
            DERIVE: [kept(changes=SIZE, findings=(NEEDS_REENABLE,))] * 2,
            CHANGE: [refused],
        }
    )

    result = instance.run()

    assert (result.outcome, result.error) == (RunOutcome.PROTECTED, None)
    first, reported = result.findings
    assert (first, reported.code) == (NEEDS_REENABLE, "ChangeNotMade")
    assert refused.error.message in reported.message


def test_what_was_asked_for_only_once_it_is_protected_is_changed_in_the_same_run() -> None:
    instance = Instance(
        {
            OBSERVE: [looked(), found_item(), found_item()],
            DERIVE: [ready_region(), kept(changes=SIZE), kept()],
            ENABLE: [enabled("enable-1")],
            CHANGE: [asked("update-2")],
            FOLLOW: [pending(120, step="Initial replication", percent=4), Ready(), Ready()],
        }
    )

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert [request["job"] for request in requests(instance, FOLLOW)] == ["enable-1", "enable-1", "update-2"]


# Target resources alone


def targets_only() -> RunState:
    return RunState(vm_id=VM_ID, poll_seconds=30, targets_only=True)


def test_a_run_of_targets_alone_makes_them_and_ends() -> None:
    instance = Instance({OBSERVE: [looked()], DERIVE: [planned()], CREATE: all_made()}, state=targets_only())

    result = instance.run()

    assert (result.outcome, result.settings) == (RunOutcome.TARGETS_READY, PLAN.settings)
    assert instance.calls == [OBSERVE, DERIVE, *[CREATE] * len(all_made())]
    (request,) = requests(instance, OBSERVE)
    assert ObserveRequest.load(request).as_if_tagged


def test_a_run_of_targets_alone_observes_again_after_a_wait_and_never_enables() -> None:
    last = PLAN.resources[-1]
    instance = Instance(
        {
            OBSERVE: [looked(), looked()],
            DERIVE: [planned(resources=(last,)), ready_region()],
            CREATE: [pending(20), *[Ready()] * len(last)],
        },
        state=targets_only(),
    )

    assert instance.run().outcome is RunOutcome.TARGETS_READY
    assert ENABLE not in instance.calls
    assert {request["asIfTagged"] for request in requests(instance, OBSERVE)} == {True}


def test_for_a_vm_that_is_protected_the_targets_are_there() -> None:
    instance = Instance({OBSERVE: [found_item()]}, state=targets_only())

    assert instance.run().outcome is RunOutcome.TARGETS_READY


@pytest.mark.parametrize("state", ["EnablingProtection", "InitialReplicationInProgress", "EnablingFailed"])
def test_a_run_of_targets_alone_touches_no_item(state: str) -> None:
    instance = Instance({OBSERVE: [found_item(state)]}, state=targets_only())

    assert instance.run().outcome is RunOutcome.TARGETS_READY
    assert instance.calls == [OBSERVE]


def test_targets_alone_are_not_made_for_a_vm_that_cannot_be_protected_or_where_writing_is_off() -> None:
    stopped = blocker("VmNotRunning", "It is deallocated.")
    blocked = Instance(
        {OBSERVE: [looked()], DERIVE: [planned(findings=(stopped,), replication=None, resources=())]},
        state=targets_only(),
    )
    off = Instance({OBSERVE: [looked()], DERIVE: [planned(writes_disabled="DR_MODE is report")]}, state=targets_only())

    assert blocked.run().outcome is RunOutcome.NOT_ELIGIBLE
    assert off.run().outcome is RunOutcome.REPORTED


def test_targets_alone_wait_for_a_vm_that_azure_is_busy_with() -> None:
    busy = looked(vm=source_vm(provisioning_state="Updating"))
    instance = Instance({OBSERVE: [busy, looked()], DERIVE: [ready_region()]}, state=targets_only())

    assert instance.run().outcome is RunOutcome.TARGETS_READY


def test_a_state_of_before_there_were_changes_is_read_as_one_without() -> None:
    old = {"vmId": str(VM_ID), "pollSeconds": 30, "phase": "follow", "job": "enable-1"}
    instance = Instance({FOLLOW: [Ready()], OBSERVE: [found_item()], DERIVE: [kept()]}, state=RunState.load(old))

    assert instance.run().outcome is RunOutcome.PROTECTED
    assert requests(instance, FOLLOW) == [{"vmId": str(VM_ID), "job": "enable-1", "elapsed": 0}]
