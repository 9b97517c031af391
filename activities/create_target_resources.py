"""Step 3: get or create the target resources by their natural keys, wave by wave: a wave needs those before it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from shared.arm.client import Azure
from shared.arm.errors import to_step_result
from shared.model.activity_io import Remaining, ResourcesRequest
from shared.model.step_result import Error, Failed, Pending, Ready, StepResult
from shared.model.target_resources import TargetResource
from shared.provision.registry import ensure
from shared.site_recovery.infrastructure import MissingParentError


async def create_target_resources(azure: Azure, request: ResourcesRequest) -> StepResult:
    """Ready holds nothing if all of them exist, else what is `Remaining`.

    Each is found again by its key, so that an activity that was killed loses nothing.
    """
    poll = azure.settings.poll_seconds
    return await by_wave(request.waves, lambda resource: to_step_result(create_target_resource(azure, resource), poll))


async def by_wave(
    waves: Sequence[tuple[TargetResource, ...]], create: Callable[[TargetResource], Awaitable[StepResult]]
) -> Ready:
    """Requests all resources of a wave at once, and the next wave when all of them exist. An unexpected error is raised
    when the others of its wave have ended: no request is left alone."""
    for index, wave in enumerate(waves):
        ended = await asyncio.gather(*map(create, wave), return_exceptions=True)
        missing: list[TargetResource] = []
        obstacles: list[Pending | Failed] = []
        for resource, outcome in zip(wave, ended, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if not isinstance(outcome, Ready):
                missing.append(resource)
                obstacles.append(_named(outcome, resource))
        if missing:
            rest = (tuple(missing), *waves[index + 1 :])
            return Ready(value=Remaining(waves=rest, obstacle=_first(obstacles)).dump())
    return Ready()


async def create_target_resource(azure: Azure, resource: TargetResource) -> StepResult:
    try:
        return await ensure(azure, resource)
    except MissingParentError as missing:
        return Pending(retry_after=azure.settings.poll_seconds, error=Error(code="MissingParent", message=str(missing)))


def _named(obstacle: Pending | Failed, resource: TargetResource) -> Pending | Failed:
    if isinstance(obstacle, Failed):
        return obstacle
    return obstacle.with_(step=obstacle.step or f"Creating {resource.kind}")


def _first(obstacles: list[Pending | Failed]) -> Pending | Failed:
    """The first failure, else the longest wait: a shorter one decides nothing, for the next wave needs all."""
    return max(obstacles, key=lambda each: each.retry_after if isinstance(each, Pending) else float("inf"))
