"""The drill of one VM: a test failover into an isolated network, looked at, written down and cleaned up.

One instance for each VM at a time, with an ID of its own that is a function of the VM's and serves as the lock. It runs
in passes, as `protect_vm` does, each parked in a wait. Before the test failover is requested, a record is written; from
then on every way leads through the cleanup, and the run ends only once that is shown to be clean. A run that is lost
with its task hub leaves the record: the next sweep starts another run, which begins with the cleanup.

Events of the VM are for its own run. This one takes orders only: to end the drill now.
"""

from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.passes import late_events, wait
from orchestrators.steps import call_activity, show, unexpected
from shared.config.intervals import CLEAN_WITHIN, LONGEST_BOOT
from shared.model.activity_io import DrillRequest, DrillStep, JobRequest, Refused
from shared.model.drill import ENDED_EARLY, Drill, DrillOutcome
from shared.model.order import Order, hint_in
from shared.model.step_result import Error, Failed, Pending, StepResult
from shared.reconcile.drill_state import DrillPhase, DrillRun
from shared.reconcile.run_state import CHANGED

Step = Generator[Any, Any, DrillRun]


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
            run = yield from _PHASES[run.phase](context, run)
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


def _call(context: Context, run: DrillRun, activity: str, *, last: bool = False) -> Generator[Any, Any, StepResult]:
    # The last step writes down why something may be left, those before it why the drill has failed.
    error = run.cleanup_error if run.phase is DrillPhase.FINISH else run.error
    request = DrillStep(vm_id=run.vm_id, token=run.token, error=error, ended_by=run.ended_by, last=last)
    return call_activity(context, run, activity, request)


def _prepare(context: Context, run: DrillRun) -> Step:
    """Checks whether the drill may begin, and writes its record."""
    request = DrillRequest(vm_id=run.vm_id, token=run.token, order=run.order)
    outcome = yield from call_activity(context, run, "prepare_drill", request)
    if isinstance(outcome, Pending):
        return run.wait_for(context.current_utc_datetime, outcome)
    if isinstance(outcome, Failed):
        return run.finish(DrillOutcome.REFUSED, error=outcome.error)
    if findings := Refused.load(outcome.value).findings:
        return run.finish(DrillOutcome.REFUSED, findings)
    return run.go_to(DrillPhase.START, context.current_utc_datetime)


def _start(context: Context, run: DrillRun) -> Step:
    """Requests the test failover, once."""
    outcome = yield from _call(context, run, "start_drill")
    now = context.current_utc_datetime
    if isinstance(outcome, Pending):
        return run.wait_for(now, outcome)
    if isinstance(outcome, Failed):
        return run.fail(now, outcome.error)
    return run.go_to(DrillPhase.FOLLOW, now, **_job_in(outcome.value)).sleep(now, run.poll_seconds)


def _follow(context: Context, run: DrillRun) -> Step:
    """Follows the job of the test failover."""
    outcome = yield from _monitored(context, run)
    now = context.current_utc_datetime
    if isinstance(outcome, Pending):
        return run.wait_for(now, outcome)
    error = _error_in(outcome)
    return run.fail(now, error) if error else run.go_to(DrillPhase.LOOK, now)


def _look(context: Context, run: DrillRun) -> Step:
    """Looks at the test VM until it is ready, or for as long as a VM may take; keeps it for as long as is asked for."""
    last = run.spent(context.current_utc_datetime) > LONGEST_BOOT * run.poll_seconds
    outcome = yield from _call(context, run, "look_at_drill", last=last)
    now = context.current_utc_datetime
    if isinstance(outcome, Pending):
        return run.wait_for(now, outcome)
    error = _error_in(outcome)
    # Without an order this run only cleans up what another one began.
    if isinstance(outcome, Failed) or run.order is None:
        return run.fail(now, error) if error else run.go_to(DrillPhase.CLEANUP, now)
    keeping = run.go_to(DrillPhase.KEEP, now, error=error)
    return keeping.with_(resume_at=now + timedelta(minutes=run.order.keep_minutes))


def _keep(context: Context, run: DrillRun) -> Step:
    """The time for which the test VM is kept is over, or somebody has ended the drill."""
    yield from ()  # a step as the others, which calls no activity
    return run.go_to(DrillPhase.CLEANUP, context.current_utc_datetime)


def _clean_up(context: Context, run: DrillRun) -> Step:
    """Requests the cleanup, if there is something to clean up."""
    outcome = yield from _call(context, run, "clean_up_drill")
    now = context.current_utc_datetime
    if isinstance(outcome, Pending):
        return run.wait_for(now, outcome)
    if isinstance(outcome, Failed):
        return run.go_to(DrillPhase.FINISH, now, cleanup_error=outcome.error)
    if not outcome.value:
        return run.go_to(DrillPhase.FINISH, now)
    following = run.go_to(DrillPhase.FOLLOW_CLEANUP, now, **_job_in(outcome.value))
    return following.sleep(now, run.poll_seconds)


def _follow_cleanup(context: Context, run: DrillRun) -> Step:
    outcome = yield from _monitored(context, run)
    now = context.current_utc_datetime
    if isinstance(outcome, Pending):
        return run.wait_for(now, outcome)
    return run.go_to(DrillPhase.FINISH, now, cleanup_error=_error_in(outcome))


def _finish(context: Context, run: DrillRun) -> Step:
    """Looks whether everything is clean: then the record is closed, and the evidence is complete."""
    last = run.cleanup_error is not None or run.spent(context.current_utc_datetime) > CLEAN_WITHIN * run.poll_seconds
    outcome = yield from _call(context, run, "finish_drill", last=last)
    now = context.current_utc_datetime
    if isinstance(outcome, Pending):
        return run.wait_for(now, outcome)
    if isinstance(outcome, Failed):
        # Written down by the activity: the next attempt has an error of its own, or none.
        return run.with_(cleanup_error=None).not_clean(now, outcome.error)
    if "drill" not in outcome.value:
        # Nothing was recorded, so nothing was begun.
        nothing = DrillOutcome.REFUSED if run.order else DrillOutcome.NOTHING_LEFT
        return run.finish(ENDED_EARLY.get(run.error.code, nothing) if run.error else nothing, error=run.error)
    drill = Drill.load(outcome.value["drill"])
    return run.finish(drill.outcome, error=drill.error, drill=drill)


def _monitored(context: Context, run: DrillRun) -> Generator[Any, Any, StepResult]:
    return call_activity(context, run, "monitor_job", JobRequest(vm_id=run.vm_id, job=run.job, vault=run.vault))


def _job_in(value: dict[str, Any]) -> dict[str, Any]:
    job = JobRequest.load(value)
    return {"job": job.job, "vault": job.vault}


def _error_in(outcome: StepResult) -> Error | None:
    if isinstance(outcome, Failed):
        return outcome.error
    return Error.load(outcome.value["error"]) if not isinstance(outcome, Pending) and "error" in outcome.value else None


_PHASES: dict[DrillPhase, Callable[[Context, DrillRun], Step]] = {
    DrillPhase.PREPARE: _prepare,
    DrillPhase.START: _start,
    DrillPhase.FOLLOW: _follow,
    DrillPhase.LOOK: _look,
    DrillPhase.KEEP: _keep,
    DrillPhase.CLEANUP: _clean_up,
    DrillPhase.FOLLOW_CLEANUP: _follow_cleanup,
    DrillPhase.FINISH: _finish,
}
