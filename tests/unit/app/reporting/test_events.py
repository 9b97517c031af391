"""The events: which end is reported as which type, what is in them, how they are distinguished, and how large they
get."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.decision import Action, State
from shared.model.findings import Finding, Severity
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reconcile.inventory import VmStatus
from shared.reconcile.run_state import RunOutcome, RunResult
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import Summary, SweepReport
from shared.reporting.events import MOST_BYTES, PUBLISHED_WHEN, EventType, OutcomeEvent, batches, of_run, of_sweep
from tests.findings import blocker, note, warning
from tests.unit.app.examples import VAULT_ID, VM_ID, protected_item

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
OTHER_VAULT = ResourceId(f"{VAULT_ID}-2")
LATE = warning("DiskNotProtected", "The disk late is not replicated.", "Add it.")
texts = st.text(max_size=2000) | st.sampled_from(["\U0001f600" * 2000, "ü" * 2000, '"' * 2000, "\x00" * 2000])
findings = st.lists(
    st.builds(Finding, code=st.just("VmNotRunning"), severity=st.sampled_from(Severity), message=texts, fix=texts),
    max_size=12,
).map(tuple)
errors = st.none() | st.builds(Error, code=st.just("151066"), message=texts, action=texts)


def end(
    outcome: RunOutcome = RunOutcome.PROTECTED, *, notable: bool = True, at: datetime = NOW, **result: object
) -> RunSummary:
    reported = RunResult.model_validate({"outcome": outcome, "vm_id": VM_ID, **result})
    return RunSummary(result=reported, at=at, notable=notable, vault=OTHER_VAULT)


def event_of(run_end: RunSummary) -> OutcomeEvent:
    (event,) = of_run(run_end, VAULT_ID)
    return event


def vm_status(*found: Finding, vm: ResourceId = VM_ID, vault: ResourceId | None = OTHER_VAULT) -> VmStatus:
    return VmStatus(vm_id=vm, state=State.PROTECTED, action=Action.NONE, vault=vault, findings=found)


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (RunOutcome.PROTECTED, "AzureVmDr.Protected"),
        (RunOutcome.FAILED, "AzureVmDr.Failed"),
        (RunOutcome.NOT_ELIGIBLE, "AzureVmDr.NotEligible"),
        (RunOutcome.DISABLED, "AzureVmDr.Disabled"),
    ],
)
def test_the_type_of_an_event_is_the_outcome(outcome: RunOutcome, kind: str) -> None:
    event = event_of(end(outcome))

    assert (event.type, event.subject, event.source, event.time) == (kind, str(VM_ID), str(OTHER_VAULT), NOW)
    assert event.data["outcome"] == outcome


def test_every_type_is_documented() -> None:
    assert set(PUBLISHED_WHEN) == set(EventType)


def test_what_is_no_news_is_no_event() -> None:
    assert of_run(end(notable=False), VAULT_ID) == ()


def test_an_event_holds_item_findings_and_error() -> None:
    agent = Error(code="151066", message="The agent could not be installed.", action="Open port 443.")
    event = event_of(end(RunOutcome.FAILED, item_id=protected_item().id, findings=(LATE,), error=agent))

    assert event.data == {
        "outcome": "Failed",
        "vault": str(OTHER_VAULT),
        "itemId": str(protected_item().id),
        "findings": [
            {"code": "DiskNotProtected", "severity": "warning", "message": LATE.message, "fix": "Add it."},
        ],
        "findingsLeftOut": 0,
        "error": {"code": "151066", "message": agent.message, "action": agent.action},
    }


def test_a_vm_of_no_vault_is_reported_by_the_app() -> None:
    (event,) = of_run(end().with_(vault=None), VAULT_ID)

    assert event.source == str(VAULT_ID)


def test_of_many_findings_the_weightiest_are_reported_and_the_others_counted() -> None:
    notes = [note("NotManagedByApp", f"{number}") for number in range(4)]
    stop = blocker("VmNotRunning", "Stopped.")
    event = event_of(end(findings=(*notes, LATE, stop)))

    codes = [finding["code"] for finding in event.data["findings"]]
    assert codes == ["VmNotRunning", "DiskNotProtected", "NotManagedByApp", "NotManagedByApp", "NotManagedByApp"]
    assert event.data["findingsLeftOut"] == 1


@given(findings, errors)
def test_an_event_of_a_vm_is_billed_as_one_whatever_is_found(found: tuple[Finding, ...], error: Error | None) -> None:
    event = event_of(end(RunOutcome.FAILED, findings=found, error=error))

    assert len(json.dumps(event.dump())) < 64 * 1024 - 200


# What tells events apart


def test_the_same_end_reported_twice_is_the_same_event() -> None:
    assert event_of(end(findings=(LATE,))).id == event_of(end(findings=(LATE,))).id
    again = end(findings=(LATE,)).with_(publish_attempts=1)
    assert event_of(again).id == event_of(end(findings=(LATE,))).id


def test_another_time_outcome_content_or_vm_is_another_event() -> None:
    ids = {
        event_of(each).id
        for each in (
            end(),
            end(at=NOW + timedelta(seconds=1)),
            end(RunOutcome.DISABLED),
            end(findings=(LATE,)),
            end(vm_id=ResourceId(f"{VM_ID}-2")),
        )
    }
    assert len(ids) == 5


def test_an_id_knows_no_case_in_which_azure_wrote_the_vm() -> None:
    assert event_of(end(vm_id=ResourceId(str(VM_ID).lower()))).id == event_of(end()).id


# A sweep


def test_a_sweep_reports_each_vm_that_is_not_as_it_should_be_and_then_itself() -> None:
    report = SweepReport(
        read_at=NOW,
        ended_at=NOW + timedelta(minutes=9),
        summary=Summary(
            total=9,
            required=8,
            compliant=6,
            recoverable=5,
            by_state={"Protected": 8},
            by_finding={LATE.code: 2},
            by_action={"enable": 1},
        ),
        started={"enable": 1},
        removed=(protected_item().id,),
        stopped=(warning("DailyEnableLimitReached", "3 VMs are to be enabled beyond that."),),
        gaps=("The VMs could not be read in full.",),
    )
    second = ResourceId(f"{VM_ID}-2")
    reported = list(of_sweep(report, (vm_status(LATE), vm_status(LATE, vm=second, vault=None)), VAULT_ID))

    assert [(event.type, event.subject, event.source) for event in reported] == [
        (EventType.UNHEALTHY, str(VM_ID), str(OTHER_VAULT)),
        (EventType.UNHEALTHY, str(second), str(VAULT_ID)),
        (EventType.SWEEP_COMPLETED, str(VAULT_ID), str(VAULT_ID)),
    ]
    assert reported[0].data["findings"][0]["code"] == LATE.code
    assert reported[2].data == {
        "outcome": "partial",
        "readAt": "2026-05-01T12:00:00Z",
        "total": 9,
        "required": 8,
        "compliant": 6,
        "recoverable": 5,
        "byState": {"Protected": 8},
        "byFinding": {"DiskNotProtected": 2},
        "byAction": {"enable": 1},
        "started": {"enable": 1},
        "removed": 1,
        "stopped": [
            {
                "code": "DailyEnableLimitReached",
                "severity": "warning",
                "message": "3 VMs are to be enabled beyond that.",
                "fix": "",
            }
        ],
        "gaps": ["The VMs could not be read in full."],
        "writesDisabled": "",
    }
    assert {event.time for event in reported} == {report.ended_at}
    assert len({event.id for event in reported}) == 3
    assert next(event.id for event in of_sweep(report, (vm_status(LATE),), VAULT_ID)) == reported[0].id


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        (SweepReport(read_at=NOW), "complete"),
        (SweepReport(read_at=NOW, gaps=("x",)), "partial"),
        (SweepReport(read_at=NOW, gaps=("x",), error=Error(code="NotRead", message="y")), "failed"),
    ],
)
def test_a_sweep_says_how_much_of_it_came_about(report: SweepReport, outcome: str) -> None:
    (event,) = of_sweep(report, (), VAULT_ID)

    assert event.data["outcome"] == outcome


# Batches


def unhealthy(count: int, text: str = "It is not replicated.") -> list[OutcomeEvent]:
    vms = [vm_status(warning("Unhealthy", text), vm=ResourceId(f"{VM_ID}-{number}")) for number in range(count)]
    return list(of_sweep(SweepReport(read_at=NOW), vms, VAULT_ID))


def test_three_hundred_vms_are_one_call() -> None:
    events = unhealthy(300)

    assert list(batches(events)) == [events]


def test_no_events_are_no_call() -> None:
    assert list(batches([])) == []


@given(st.lists(st.integers(0, 400_000), max_size=12))
def test_batches_hold_all_events_in_order_none_too_large_and_no_two_that_fit_in_one(lengths: list[int]) -> None:
    events = [event_of(end()).with_(data={"x": "x" * length}) for length in lengths]
    made = list(batches(events))

    assert [event for batch in made for event in batch] == events
    sizes = [sum(len(json.dumps(event.dump())) + 100 for event in batch) for batch in made]
    assert all(size <= MOST_BYTES for size in sizes)
    firsts = [len(json.dumps(batch[0].dump())) + 100 for batch in made[1:]]
    assert all(size + first > MOST_BYTES for size, first in zip(sizes, firsts, strict=False))
