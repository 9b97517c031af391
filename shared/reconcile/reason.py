"""Why a VM is not as it should be: the error, blocker or step of its last run, else the weightiest finding. Pure.

A sweep reads lists only; a quota, a lock, a policy or a missing right is found by the VM's own run, whose result
Durable Functions keeps for a while.
"""

from datetime import datetime

from shared.model.base import Model
from shared.model.decision import Action, State
from shared.model.findings import Finding, Severity
from shared.planning.catalog import CODES, PLACEHOLDERS
from shared.reconcile.inventory import VmStatus
from shared.reconcile.last_run import LastRun
from shared.reconcile.run_state import RunOutcome
from shared.reconcile.sweep import held_until

_GOES_ON = "Nothing: the run goes on by itself."
_SEVERITIES = list(Severity)


class Reason(Model):
    """`since` is when that began, if it is known; `next_try` is the earliest time at which the app tries again. Without
    one, a VM with an `action` is tried by the next sweep."""

    code: str = ""
    text: str
    fix: str = ""
    since: datetime | None = None
    next_try: datetime | None = None


def needs_reason(vm_status: VmStatus) -> bool:
    """Whether the VM has to be compliant and is not, or the app has something to do about it."""
    return vm_status.action is not Action.NONE or (vm_status.counts and not vm_status.compliant)


def may_be_in_run(vm_status: VmStatus) -> bool:
    """Whether the reason may be in the last run of the VM: it is tried, or was."""
    waits = {State.UNPROTECTED, State.FAILED, State.PROTECTING, State.DISABLING}
    return vm_status.action is not Action.NONE or vm_status.state in waits


def reason_of(vm_status: VmStatus, last: LastRun | None, poll_seconds: float) -> Reason | None:
    """The reason, or None if the VM needs none."""
    if not needs_reason(vm_status):
        return None
    own = _weightiest(vm_status.findings)
    found = _of_run(vm_status, last, own) if last and may_be_in_run(vm_status) else None
    unread = f"Its last run could not be read: {last.unread.rstrip('.')}." if last and last.unread else ""
    next_try = last.resume_at if last else None
    if last and last.result and last.at:
        next_try = held_until(vm_status, last.result, last.at, poll_seconds)
    if found is None:
        text = own.message if own else f"{vm_status.vm_id.name} is {vm_status.state.value}."
        text = " ".join(part for part in (text, unread or ("" if last else _no_run(vm_status))) if part)
        found = Reason(
            code=own.code if own else "", text=text, fix=own.fix if own else "", since=own.since if own else None
        )
    return found.with_(next_try=next_try)


def _no_run(vm_status: VmStatus) -> str:
    tried = may_be_in_run(vm_status) and vm_status.action is not Action.NONE
    return "No run of it is known: the next sweep starts one." if tried else ""


def _of_run(vm_status: VmStatus, last: LastRun, own: Finding | None) -> Reason | None:
    result = last.result
    if result is None:
        if last.error:
            text = f"{last.step}: {last.error.message}"
            return Reason(code=last.error.code, text=text, fix=last.error.action, since=last.at)
        return Reason(text=f"{last.step}.", fix=_GOES_ON) if last.step else None
    if result.error:
        return Reason(code=result.error.code, text=result.error.message, fix=result.error.action, since=last.at)
    if result.outcome in {RunOutcome.NOT_ELIGIBLE, RunOutcome.REPORTED} or vm_status.action is Action.CHANGE:
        found = _weightiest(result.findings)
        # What the sweep finds itself, it knows from newer reads.
        if found and (own is None or own.code in PLACEHOLDERS or found.code not in CODES):
            return Reason(code=found.code, text=found.message, fix=found.fix, since=found.since or last.at)
    return None


def _weightiest(findings: tuple[Finding, ...]) -> Finding | None:
    return min(
        findings, key=lambda finding: (finding.code in PLACEHOLDERS, _SEVERITIES.index(finding.severity)), default=None
    )
