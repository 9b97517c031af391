"""What every step has in common: it asks an activity, and goes on, waits or ends by the outcome."""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from shared.domain.batch import Batch
from shared.domain.model import Model
from shared.domain.outcome import Failed, Outcome, Pending, load_outcome
from shared.domain.run import Run
from shared.domain.sweep import Sweep

Step = Generator[Any, Any, Run]


def ask(context: Context, run: Run | Sweep | Batch, activity: str, request: Model) -> Generator[Any, Any, Outcome]:
    answer = yield call(context, run, activity, request)
    return load_outcome(answer)


def call(context: Context, run: Run | Sweep | Batch, activity: str, request: Model) -> Any:
    """The task of an activity, which is told whether it has to leave the way to others."""
    return context.call_activity(activity, request.dump() | ({"inBackground": True} if run.in_background else {}))


def not_ready(context: Context, run: Run, outcome: Outcome) -> Run:
    if isinstance(outcome, Pending):
        return run.wait_for(context.current_utc_datetime, outcome)
    if isinstance(outcome, Failed):
        return run.fail(outcome)
    raise TypeError(f"{outcome} is no reason to wait")
