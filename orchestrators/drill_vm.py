"""The drill of one VM: a test failover into an isolated network, looked at, written down and cleaned up.

One instance for each VM at a time, with an ID of its own that is a function of the VM's and serves as the lock. It runs
in passes, as `protect_vm` does, each parked in a wait. Before the test failover is requested, a record is written; from
then on every way leads through the cleanup, and the run ends only once that is shown to be clean. A run that is lost
with its task hub leaves the record: the next sweep starts another run, which begins with the cleanup.

Events of the VM are for its own run. This one takes orders only: to end the drill now.
"""

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.passes import late_events, wait
from orchestrators.steps import call_activity, show, unexpected
from shared.config.intervals import CLEAN_WITHIN, LONGEST_BOOT
from shared.model.activity_io import DrillRequest, DrillStep, JobRequest, Refused
from shared.model.drill import ENDED_EARLY, Drill, DrillOutcome
from shared.model.order import Order, hint_in
from shared.model.step_result import Error, Failed, Pending, Ready
from shared.reconcile.drill_state import DrillPhase, DrillRun
from shared.reconcile.run_state import CHANGED


def drill_vm(context: Context) -> Generator[Any, Any, dict[str, Any] | None]:
    """One pass. Returns the `DrillResult` when everything is clean, else continues as new."""
    run = DrillRun.load(context.get_input())
    show(context, run.status())
    changed = context.wait_for_external_event(CHANGED)

    due = yield from wait(context, run, changed)
    heeded = 0
    if changed.is_completed:
        # An order that changes nothing returns the same state: then the run goes on waiting.
        before = run
        run, changed = _heed(context, run, changed), context.wait_for_external_event(CHANGED)
        due, heeded = due or run is not before, 1
        if not due:
            # Something has to be awaited behind the cancelled timer: see `late_events`.
            yield context.create_timer(context.current_utc_datetime)
    if due:
        try:
            run = yield from _pass(context, run)
        except Exception as fault:
            run = run.back_off(context.current_utc_datetime, unexpected(fault))

    if run.result is None:
        yield from late_events(context, changed, heeded)
        if changed.is_completed:
            run = _heed(context, run, changed)
    if run.result:
        show(context, run.status())
        return run.result.dump()
    context.continue_as_new(run.dump())
    return None


def _heed(context: Context, run: DrillRun, changed: Any) -> DrillRun:
    order = hint_in(changed.result)
    return run.take_up(order, context.current_utc_datetime) if isinstance(order, Order) else run


def _pass(context: Context, run: DrillRun) -> Generator[Any, Any, DrillRun]:
    """Calls the activity of the phase, whose result says how the run goes on."""
    if run.phase is DrillPhase.KEEP:
        # The time for which the test VM is kept is over, or somebody has ended the drill.
        return run.go_to(DrillPhase.CLEANUP, context.current_utc_datetime)
    activity, go_on = _PHASES[run.phase]
    outcome = yield from call_activity(context, run, activity, _request(run, context.current_utc_datetime))
    now = context.current_utc_datetime
    return run.wait_for(now, outcome) if isinstance(outcome, Pending) else go_on(run, now, outcome)


def _request(run: DrillRun, now: datetime) -> DrillRequest | DrillStep | JobRequest:
    if run.phase is DrillPhase.PREPARE:
        return DrillRequest(vm_id=run.vm_id, token=run.token, order=run.order)
    if run.phase in {DrillPhase.FOLLOW, DrillPhase.FOLLOW_CLEANUP}:
        return JobRequest(vm_id=run.vm_id, job=run.job, vault=run.vault)
    # The last step writes down why something may be left, those before it why the drill has failed.
    error = run.cleanup_error if run.phase is DrillPhase.FINISH else run.error
    return DrillStep(vm_id=run.vm_id, token=run.token, error=error, ended_by=run.ended_by, last=_is_last(run, now))


def _is_last(run: DrillRun, now: datetime) -> bool:
    """Whether the activity waits no longer for what it looks at."""
    if run.phase is DrillPhase.FINISH:
        return run.cleanup_error is not None or run.spent(now) > CLEAN_WITHIN * run.poll_seconds
    return run.phase is DrillPhase.LOOK and run.spent(now) > LONGEST_BOOT * run.poll_seconds


def _prepared(run: DrillRun, now: datetime, outcome: Ready | Failed) -> DrillRun:
    """It was checked whether the drill may begin, and its record is written."""
    if isinstance(outcome, Failed):
        return run.finish(DrillOutcome.REFUSED, error=outcome.error)
    if findings := Refused.load(outcome.value).findings:
        return run.finish(DrillOutcome.REFUSED, findings)
    return run.go_to(DrillPhase.START, now)


def _started(run: DrillRun, now: datetime, outcome: Ready | Failed) -> DrillRun:
    """The test failover was requested, once."""
    if isinstance(outcome, Failed):
        return run.fail(now, outcome.error)
    return run.go_to(DrillPhase.FOLLOW, now, **_job_in(outcome.value)).sleep(now, run.poll_seconds)


def _followed(run: DrillRun, now: datetime, outcome: Ready | Failed) -> DrillRun:
    """The job of the test failover has ended."""
    error = _error_in(outcome)
    return run.fail(now, error) if error else run.go_to(DrillPhase.LOOK, now)


def _looked(run: DrillRun, now: datetime, outcome: Ready | Failed) -> DrillRun:
    """The test VM is ready, or was not for as long as a VM may take: it is kept for as long as is asked for."""
    error = _error_in(outcome)
    # Without an order this run only cleans up what another one began.
    if isinstance(outcome, Failed) or run.order is None:
        return run.fail(now, error) if error else run.go_to(DrillPhase.CLEANUP, now)
    keeping = run.go_to(DrillPhase.KEEP, now, error=error)
    return keeping.with_(resume_at=now + timedelta(minutes=run.order.keep_minutes))


def _cleaned_up(run: DrillRun, now: datetime, outcome: Ready | Failed) -> DrillRun:
    """The cleanup was requested, if there is something to clean up."""
    if isinstance(outcome, Failed):
        return run.go_to(DrillPhase.FINISH, now, cleanup_error=outcome.error)
    if not outcome.value:
        return run.go_to(DrillPhase.FINISH, now)
    following = run.go_to(DrillPhase.FOLLOW_CLEANUP, now, **_job_in(outcome.value))
    return following.sleep(now, run.poll_seconds)


def _followed_cleanup(run: DrillRun, now: datetime, outcome: Ready | Failed) -> DrillRun:
    return run.go_to(DrillPhase.FINISH, now, cleanup_error=_error_in(outcome))


def _finished(run: DrillRun, now: datetime, outcome: Ready | Failed) -> DrillRun:
    """Everything is clean, the record is closed, and the evidence complete; or not yet."""
    if isinstance(outcome, Failed):
        # Written down by the activity: the next attempt has an error of its own, or none.
        return run.with_(cleanup_error=None).not_clean(now, outcome.error)
    if "drill" not in outcome.value:
        # Nothing was recorded, so nothing was begun.
        nothing = DrillOutcome.REFUSED if run.order else DrillOutcome.NOTHING_LEFT
        return run.finish(ENDED_EARLY.get(run.error.code, nothing) if run.error else nothing, error=run.error)
    drill = Drill.load(outcome.value["drill"])
    return run.finish(drill.outcome, error=drill.error, drill=drill)


def _job_in(value: dict[str, Any]) -> dict[str, Any]:
    job = JobRequest.load(value)
    return {"job": job.job, "vault": job.vault}


def _error_in(outcome: Ready | Failed) -> Error | None:
    if isinstance(outcome, Failed):
        return outcome.error
    return Error.load(outcome.value["error"]) if "error" in outcome.value else None


_PHASES: dict[DrillPhase, tuple[str, Callable[[DrillRun, datetime, Ready | Failed], DrillRun]]] = {
    DrillPhase.PREPARE: ("prepare_drill", _prepared),
    DrillPhase.START: ("start_drill", _started),
    DrillPhase.FOLLOW: ("monitor_job", _followed),
    DrillPhase.LOOK: ("look_at_drill", _looked),
    DrillPhase.CLEANUP: ("clean_up_drill", _cleaned_up),
    DrillPhase.FOLLOW_CLEANUP: ("monitor_job", _followed_cleanup),
    DrillPhase.FINISH: ("finish_drill", _finished),
}
"""The activity of each phase that has one, and what the run does once it has succeeded or failed."""
