"""Why a VM is not as it should be: from its last run, or from what the sweep found."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.intervals import AGAIN, AGAIN_AFTER_FAILURE
from shared.model.decision import Action, State
from shared.model.findings import Finding, Severity
from shared.model.step_result import Error
from shared.planning.catalog import CATALOG, finding_of
from shared.reconcile.inventory import VmStatus
from shared.reconcile.last_run import LastRun
from shared.reconcile.reason import Reason, needs_reason, reason_of
from shared.reconcile.run_state import RunOutcome, RunResult
from tests.unit.app.examples import VM_ID

POLL = 30.0
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
QUOTA = finding_of("TargetQuotaExceeded", "No cores.", target="westus2", tag="dr")
MISSING = finding_of("MissingProtection", "web-1 is tagged, and nothing protects it.")
ILL = finding_of("Unhealthy", "It is ill.")
DENIED = Error(code="AuthorizationFailed", message="No right.", action="Assign a role.")
LATE = finding_of("ChangeNotMade", "The item shows its old settings.")


def vm_status(state: State = State.UNPROTECTED, action: Action = Action.ENABLE, *findings: Finding) -> VmStatus:
    known = findings or ((MISSING,) if state is State.UNPROTECTED else ())
    return VmStatus(vm_id=VM_ID, state=state, action=action, findings=known, fingerprint="f")


def ended(outcome: RunOutcome, *findings: Finding, **more: Any) -> LastRun:
    result = RunResult(outcome=outcome, vm_id=VM_ID, findings=findings, fingerprint="f", **more)
    return LastRun(result=result, at=AT)


@pytest.mark.parametrize(
    ("status", "last", "code", "text", "fix"),
    [
        # The run met with what no list shows.
        (vm_status(), ended(RunOutcome.NOT_ELIGIBLE, ILL, QUOTA), QUOTA.code, "No cores.", QUOTA.fix),
        (vm_status(), ended(RunOutcome.FAILED, error=DENIED), DENIED.code, "No right.", "Assign a role."),
        (vm_status(), LastRun(error=DENIED, step="Creating fabric"), DENIED.code, "Creating fabric: No right.", "role"),
        (
            vm_status(),
            LastRun(step="Initial replication (43 %)"),
            "",
            "Initial replication (43 %).",
            "goes on by itself",
        ),
        (vm_status(State.PROTECTED, Action.CHANGE, ILL), ended(RunOutcome.PROTECTED, LATE), LATE.code, "old", LATE.fix),
        (
            vm_status(State.UNTAGGED, Action.DISABLE),
            LastRun(step="The VM is not tagged"),
            "",
            "not tagged",
            "by itself",
        ),
        # It says nothing, or is not known: then the sweep's own finding.
        (vm_status(), None, MISSING.code, "No run of it is known: the next sweep starts one.", MISSING.fix),
        (vm_status(), LastRun(unread="no answer"), MISSING.code, "could not be read: no answer.", MISSING.fix),
        (vm_status(), ended(RunOutcome.PROTECTED), MISSING.code, "nothing protects it", MISSING.fix),
        (
            vm_status(State.PROTECTED, Action.NONE, ILL),
            ended(RunOutcome.FAILED, error=DENIED),
            ILL.code,
            "ill",
            ILL.fix,
        ),
        (vm_status(State.NOT_ELIGIBLE, Action.NONE, MISSING, QUOTA), None, QUOTA.code, "No cores.", QUOTA.fix),
        # A newer read shows more of what a sweep finds than an older run.
        (
            vm_status(State.PROTECTED, Action.CHANGE, ILL),
            ended(RunOutcome.PROTECTED, finding_of("DiskRemoved", "One disk.")),
            *(ILL.code, "ill", ILL.fix),
        ),
    ],
)
def test_the_reason_is_what_the_last_run_met_with_or_the_finding_that_weighs_most(
    status: VmStatus, last: LastRun | None, code: str, text: str, fix: str
) -> None:
    found = reason_of(status, last, POLL)

    assert found
    assert found.code == code
    assert text in found.text
    assert fix in found.fix


@pytest.mark.parametrize(
    ("last", "next_try"),
    [
        (LastRun(error=DENIED, resume_at=AT), AT),
        (ended(RunOutcome.NOT_ELIGIBLE, QUOTA), AT + timedelta(seconds=AGAIN * POLL)),
        (ended(RunOutcome.FAILED, error=DENIED, attempts=3), AT + timedelta(seconds=AGAIN_AFTER_FAILURE * POLL)),
        # The next sweep tries again: no job of the run failed, or it has seen another VM.
        (ended(RunOutcome.FAILED, error=DENIED, acted=True), None),
        (LastRun(result=RunResult(outcome=RunOutcome.NOT_ELIGIBLE, vm_id=VM_ID, findings=(QUOTA,)), at=AT), None),
        (None, None),
    ],
)
def test_the_time_of_the_next_attempt_is_that_of_the_sweep_s_own_rule(
    last: LastRun | None, next_try: datetime | None
) -> None:
    found = reason_of(vm_status(), last, POLL)

    assert found
    assert found.next_try == next_try


notes = st.sampled_from([finding_of(code, "It is so.") for code in ("NotManagedByApp", "NotTagged", "FailoverVm")])
others = st.sampled_from([QUOTA, MISSING, ILL, LATE])
findings = st.lists(notes | others, max_size=3).map(tuple)
errors = st.none() | st.just(DENIED)
results = st.builds(
    lambda outcome, found, error: RunResult(outcome=outcome, vm_id=VM_ID, findings=found, error=error),
    st.sampled_from(RunOutcome),
    findings,
    errors,
)
lasts = st.none() | st.builds(
    LastRun,
    step=st.sampled_from(["", "Creating fabric"]),
    error=errors,
    result=st.none() | results,
    at=st.none() | st.just(AT),
    unread=st.sampled_from(["", "no answer"]),
)


@given(st.sampled_from(State), st.sampled_from(Action), findings, lasts)
def test_every_vm_that_needs_something_has_a_reason_and_no_other(
    state: State, action: Action, found: tuple[Finding, ...], last: LastRun | None
) -> None:
    status = VmStatus(vm_id=VM_ID, state=state, action=action, findings=found)

    reason: Reason | None = reason_of(status, last, POLL)

    assert (reason is not None) is needs_reason(status)
    if reason:
        assert reason.text
        assert reason.fix or not found
    if status.compliant and action is Action.NONE:
        assert reason is None
    assert all(CATALOG[each.code].severity in Severity for each in found)
