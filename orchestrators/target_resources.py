"""Create target resources: what is independent in parallel, what rests on it afterwards."""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import call
from shared.model.activity_io import ResourceRequest
from shared.model.step_result import Failed, Outcome, Pending, Ready, load_outcome
from shared.model.target_resources import TargetResource
from shared.reconcile.run_state import Run

Waves = tuple[tuple[TargetResource, ...], ...]


def create_target_resources(context: Context, run: Run) -> Generator[Any, Any, tuple[Outcome, Waves]]:
    """Asks for every resource of a wave at once, and goes on to the next when all of it is there.

    Returns Ready, or what stands in the way (the first refusal, else the wait that ends first) with what remains.
    """
    waves = run.remaining
    for index, wave in enumerate(waves):
        asked = [call(context, run, "create_target_resource", ResourceRequest(resource=resource)) for resource in wave]
        answers = yield context.task_all(asked)
        outcomes = [load_outcome(answer) for answer in answers]
        missing = tuple(
            resource for resource, outcome in zip(wave, outcomes, strict=True) if not isinstance(outcome, Ready)
        )
        if missing:
            return _standing_in_the_way(outcomes), (missing, *waves[index + 1 :])
    return Ready(), ()


def _standing_in_the_way(outcomes: list[Outcome]) -> Outcome:
    for outcome in outcomes:
        if isinstance(outcome, Failed):
            return outcome
    pending = [outcome for outcome in outcomes if isinstance(outcome, Pending)]
    return min(pending, key=lambda outcome: outcome.retry_after)
