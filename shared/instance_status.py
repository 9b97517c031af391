"""What an instance of an orchestration shows: whether it runs, its orders, its result, its last run. Pure."""

import json
from datetime import UTC, datetime
from typing import Any

from azure.durable_functions import OrchestrationRuntimeStatus

from shared.model.changes import RETRY, DiskFailure, Refusal
from shared.model.step_result import Error, first_line
from shared.reconcile.last_run import LastRun
from shared.reconcile.run_state import LastChange, RunResult

RUNNING = {
    OrchestrationRuntimeStatus.Pending,
    OrchestrationRuntimeStatus.Running,
    OrchestrationRuntimeStatus.ContinuedAsNew,
    OrchestrationRuntimeStatus.Suspended,
}

ENDED = [
    OrchestrationRuntimeStatus.Completed,
    OrchestrationRuntimeStatus.Failed,
    OrchestrationRuntimeStatus.Terminated,
]


def orders_of(status: Any) -> tuple[str, ...]:
    """The tokens that an instance shows: those of its custom status while it runs, then those of its result. Both are
    empty before its first turn: the input of an accepted start proves nothing."""
    shown = status.custom_status if status.runtime_status in RUNNING else status.output
    return tuple(shown.get("orders") or ()) if isinstance(shown, dict) else ()


def output_of(status: Any) -> Any:
    """The result of an instance; of one that failed the first line of the reason: a stack trace may follow."""
    return first_line(status.output) if isinstance(status.output, str) else status.output


def last_change_of(status: Any) -> LastChange | None:
    """The last change by the run with this status, or by an earlier one."""
    shown = status.custom_status if status.runtime_status in RUNNING else status.output
    try:
        if status.runtime_status is OrchestrationRuntimeStatus.Completed:
            result = RunResult.load(shown)
            if result.acted and status.last_updated_time:
                return LastChange(outcome=result.outcome, at=status.last_updated_time, error=result.error)
        return LastChange.load(shown["lastChange"])
    except (KeyError, TypeError, ValueError):
        return None


def last_run_of(status: Any) -> LastRun | None:
    """What the instance shows of the last run of a VM; None if there was none, or its history was purged."""
    ended, at = status.runtime_status, status.last_updated_time
    if ended is None:
        return None
    try:
        if ended in RUNNING:
            shown = status.custom_status or {}
            done = f" ({shown['percent']} %)" if "percent" in shown else ""
            step = f"{shown.get('step') or 'Observing the VM'}{done}"
            return LastRun(step=step, error=shown.get("lastError"), resume_at=shown.get("resumeAt"))
        if ended is OrchestrationRuntimeStatus.Completed:
            return LastRun(result=RunResult.load(status.output), at=at)
    except (AttributeError, TypeError, ValueError):
        return LastRun(unread="its state is of another version of the app")
    return LastRun(error=run_ended(status), step="It has ended", at=at)


def run_ended(status: Any) -> Error:
    """The error of an instance that did not end by itself."""
    why = f" {output_of(status)}" if status.output else ""
    return Error(code="RunEnded", message=f"Its run ended as {status.runtime_status.name}.{why}")


def failures_of(status: Any) -> tuple[tuple[DiskFailure, ...], tuple[Refusal, ...]]:
    """The disks that the run with this status, or an earlier one, could not add lately, and the changes that Azure
    refused."""
    if status.runtime_status is not OrchestrationRuntimeStatus.Completed:
        return (), ()
    since = datetime.now(UTC) - RETRY
    try:
        result = RunResult.load(status.output)
    except ValueError:
        return (), ()
    return (
        tuple(failure for failure in result.failed_disks if failure.at > since),
        tuple(refusal for refusal in result.refusals if refusal.at > since),
    )


def json_in(given: Any) -> Any:
    """The JSON in the input or output of an instance: the SDK encodes JSON in JSON, so it may be a string. Raises
    ValueError."""
    while isinstance(given, str):
        given = json.loads(given)
    return given
