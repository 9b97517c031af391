"""An untagged or deleted VM that is still protected: disable its replication after a grace period.

The grace period is a timer of this run: an event of a new tag ends it, and the VM stays protected. At its end the VM is
observed once more, whatever events arrived or were lost.
"""

from datetime import timedelta

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import Step, call_activity, not_ready
from shared.model.activity_io import VmRequest
from shared.model.decision import Decision, State
from shared.model.replicated_item import ProtectedItem
from shared.model.step_result import Ready
from shared.reconcile.run_state import RunOutcome, RunState

_OUTCOMES = {
    State.FROZEN: RunOutcome.FROZEN,
    State.SOURCE_GONE: RunOutcome.GONE,
    State.NOT_TAGGED: RunOutcome.NOT_TAGGED,
    State.UNTAGGED: RunOutcome.NOT_TAGGED,
}


def outcome_of(run: RunState, decision: Decision, item: ProtectedItem | None) -> RunOutcome:
    """How a run ends that has nothing (more) to do."""
    if run.disabling and item is None:
        return RunOutcome.DISABLED
    return _OUTCOMES.get(decision.state, RunOutcome.NOT_ELIGIBLE)


def disable(context: Context, run: RunState, decision: Decision) -> Step:
    """The item may be disabled: waits until its grace period has ended, and for the job in progress."""
    now = context.current_utc_datetime
    if run.job and run.disabling:
        return run.follow(now, run.poll_seconds, step=run.step)
    when = run.disable_at or now + timedelta(seconds=decision.grace_seconds)
    if decision.grace_seconds and now < when:
        why = "The VM is gone" if decision.state is State.SOURCE_GONE else "The VM is not tagged"
        step = f"{why}: replication is disabled at {when:%Y-%m-%d %H:%M} UTC"
        return run.wait_until(now, when, step).with_(disable_at=when)
    request = VmRequest(vm_id=run.vm_id, confirmed=run.confirmed)
    outcome = yield from call_activity(context, run, "disable_protection", request)
    if not isinstance(outcome, Ready):
        return not_ready(context, run, outcome).with_(disable_at=when)
    job = outcome.value["job"]
    if not job:
        return run.sleep(now, run.poll_seconds, "Observing the VM again", job="", disable_at=when)
    attempts = run.attempts if run.disabling else 0
    run = run.with_(disable_at=when, disabling=True, changing=False, attempts=attempts)
    return run.follow(now, run.poll_seconds, job, "Disabling replication")
