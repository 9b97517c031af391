"""An untagged or deleted VM that is still protected: disable its replication after a grace period.

The grace period is a timer of this run: an event of a new tag ends it, and the VM stays protected. At its end the VM is
observed once more, whatever events arrived or were lost.
"""

from datetime import timedelta

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import Step, call_activity, not_ready
from shared.model.activity_io import Decision, Observation, VmRequest
from shared.model.replicated_item import Stage
from shared.model.step_result import Ready
from shared.reconcile.run_state import RunOutcome, RunState

OUTCOMES_BY_DECISION = {
    Decision.NOT_TAGGED: RunOutcome.NOT_TAGGED,
    Decision.NOT_ELIGIBLE: RunOutcome.NOT_ELIGIBLE,
    Decision.GONE: RunOutcome.GONE,
}


def disable(context: Context, run: RunState, observation: Observation) -> Step:
    """Ends the run if there is nothing (left) to disable, or if it may not be disabled."""
    item, now = observation.item, context.current_utc_datetime
    if item is None:
        return run.finish(
            RunOutcome.DISABLED if run.disabling else OUTCOMES_BY_DECISION[observation.decision], observation.findings
        )
    run = run.with_(item_id=item.id, vault=item.vault)
    if item.stage is Stage.FROZEN:
        return run.finish(RunOutcome.FROZEN, observation.findings)
    if not item.is_ours:
        return run.finish(OUTCOMES_BY_DECISION[observation.decision], observation.findings)
    if run.job and run.disabling:
        return run.follow(now, run.poll_seconds, step=run.step)
    if item.stage is Stage.DISABLING:
        return run.sleep(now, run.poll_seconds, "Waiting until replication is disabled", disabling=True)
    return (yield from _after_grace(context, run, observation))


def _after_grace(context: Context, run: RunState, observation: Observation) -> Step:
    now = context.current_utc_datetime
    when = run.disable_at or now + timedelta(seconds=observation.grace_seconds)
    if observation.grace_seconds and now < when:
        why = "The VM is gone" if observation.decision is Decision.GONE else "The VM is not tagged"
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
