"""Create target resources: independent ones in parallel, dependent ones afterwards."""

from collections.abc import Generator
from typing import Any

from azure.durable_functions import DurableOrchestrationContext as Context

from orchestrators.steps import activity_task, named
from shared.model.activity_io import ResourceRequest
from shared.model.step_result import Failed, Pending, Ready, StepResult, load_step_result
from shared.model.target_resources import TargetResource
from shared.reconcile.run_state import RunState

Waves = tuple[tuple[TargetResource, ...], ...]


def create_target_resources(context: Context, run: RunState) -> Generator[Any, Any, tuple[StepResult, Waves]]:
    """Requests all resources of a wave at once, and continues with the next wave when all of them exist.

    Returns Ready, or the obstacle (the first failure, else the shortest wait), and the resources that remain.
    """
    waves = run.remaining
    for index, wave in enumerate(waves):
        tasks = [
            activity_task(context, run, "create_target_resource", ResourceRequest(resource=resource))
            for resource in wave
        ]
        answers = yield context.task_all(tasks)
        outcomes = [
            named(load_step_result(answer), f"Creating {resource.kind}")
            for resource, answer in zip(wave, answers, strict=True)
        ]
        missing = tuple(
            resource for resource, outcome in zip(wave, outcomes, strict=True) if not isinstance(outcome, Ready)
        )
        if missing:
            return _first_obstacle(outcomes), (missing, *waves[index + 1 :])
    return Ready(), ()


def _first_obstacle(outcomes: list[StepResult]) -> StepResult:
    for outcome in outcomes:
        if isinstance(outcome, Failed):
            return outcome
    pending = [outcome for outcome in outcomes if isinstance(outcome, Pending)]
    return min(pending, key=lambda outcome: outcome.retry_after)
