"""A VM that nobody asks to protect any more, and what still protects it: after a while of grace it is disabled.

The grace is this run's own wait: whoever tags the VM again in time wakes it, and nothing has happened. At its end the
VM is looked at once more, whatever events came or were lost.
"""

from datetime import timedelta

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import Step, ask, not_ready
from shared.model.activity_io import Source, Verdict, VmRequest
from shared.model.replicated_item import Stage
from shared.model.step_result import Ready
from shared.reconcile.run_state import Ending, Run

ENDINGS = {
    Verdict.NOT_TAGGED: Ending.NOT_TAGGED,
    Verdict.NOT_ELIGIBLE: Ending.NOT_ELIGIBLE,
    Verdict.GONE: Ending.GONE,
}


def disable(context: Context, run: Run, source: Source) -> Step:
    """Ends the run where there is nothing (left) to be disabled, or nothing that may be."""
    item, now = source.item, context.current_utc_datetime
    if item is None:
        return run.finish(Ending.DISABLED if run.disabling else ENDINGS[source.verdict], source.findings)
    run = run.but(item_id=item.id, vault=item.vault)
    if item.stage is Stage.FROZEN:
        return run.finish(Ending.FROZEN, source.findings)
    if not item.is_ours:
        return run.finish(ENDINGS[source.verdict], source.findings)
    if run.job and run.disabling:
        return run.follow(now, run.poll_seconds, step=run.step)
    if item.stage is Stage.DISABLING:
        return run.sleep(now, run.poll_seconds, "Waiting until replication is disabled", disabling=True)
    return (yield from _after_grace(context, run, source))


def _after_grace(context: Context, run: Run, source: Source) -> Step:
    now = context.current_utc_datetime
    when = run.disable_at or now + timedelta(seconds=source.grace_seconds)
    if source.grace_seconds and now < when:
        why = "The VM is gone" if source.verdict is Verdict.GONE else "The VM is not tagged"
        step = f"{why}: replication is disabled at {when:%Y-%m-%d %H:%M} UTC"
        return run.wait_until(now, when, step).but(disable_at=when)
    request = VmRequest(vm_id=run.vm_id, confirmed=run.confirmed)
    outcome = yield from ask(context, run, "disable_protection", request)
    if not isinstance(outcome, Ready):
        return not_ready(context, run, outcome).but(disable_at=when)
    job = outcome.value["job"]
    if not job:
        return run.sleep(now, run.poll_seconds, "Looking at the VM again", job="", disable_at=when)
    attempts = run.attempts if run.disabling else 0
    run = run.but(disable_at=when, disabling=True, changing=False, attempts=attempts)
    return run.follow(now, run.poll_seconds, job, "Disabling replication")
