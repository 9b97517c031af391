"""What all steps share: call an activity, and continue, wait or end by its result."""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from shared.model.base import Model
from shared.model.step_result import Error, Failed, Pending, StepResult, first_line, load_step_result
from shared.reconcile.batch import BatchOf
from shared.reconcile.custom_status import bounded
from shared.reconcile.drill_state import DrillRun
from shared.reconcile.run_state import Phase, RunState
from shared.reconcile.sweep import Sweep

Step = Generator[Any, Any, RunState]

_STEPS = {
    "resolve_source": "Observing the VM",
    "create_target_resources": "Creating the target resources",
    "enable_protection": "Enabling protection",
    "change_protection": "Changing the settings of the replicated item",
    "remove_failed_item": "Removing the failed item",
    "disable_protection": "Disabling replication",
}
"""The step that the status shows while an activity is pending that names none itself."""

_ONLY_READS = {"resolve_source", "monitor_job"}
"""Activities that get the time at which the run was due: what others have asked for since serves it, too."""


def call_activity(
    context: Context, run: RunState | DrillRun | Sweep | BatchOf[Any], activity: str, request: Model
) -> Generator[Any, Any, StepResult]:
    """Marked as low priority if the caller is; and as a retry after a failed attempt to enable: a target resource that
    was changed since the process read it may be why."""
    retry = isinstance(run, RunState) and run.attempts and run.phase is not Phase.FOLLOW
    marks: dict[str, Any] = {
        mark: True for mark, is_set in (("lowPriority", run.low_priority), ("retry", retry)) if is_set
    }
    if isinstance(run, RunState) and activity in _ONLY_READS:
        marks["due"] = run.due(context.current_utc_datetime).isoformat()
    answer = yield context.call_activity(activity, request.dump() | marks)
    return named(load_step_result(answer), _STEPS.get(activity, ""))


def named(outcome: StepResult, step: str) -> StepResult:
    """The result; one that waits is called `step`, unless it says itself what for."""
    if isinstance(outcome, Pending) and not outcome.step:
        return outcome.model_copy(update={"step": step})
    return outcome


def not_ready(context: Context, run: RunState, outcome: StepResult) -> RunState:
    if isinstance(outcome, Pending):
        return run.wait_for(context.current_utc_datetime, outcome)
    if isinstance(outcome, Failed):
        return run.fail(outcome)
    raise TypeError(f"{outcome} is no reason to wait")


def show(context: Context, status: dict[str, Any]) -> None:
    """Sets the custom status. One that is too large would fail the orchestration for good."""
    context.set_custom_status(bounded(status))


def unexpected(fault: Exception) -> Error:
    """The error of an activity: its first line, without the stack trace and the paths that the extension appends."""
    return Error(code="UnexpectedError", message=first_line(str(fault)))
