"""Step 3: get or create one target resource by its natural key. Pending until it exists."""

from shared.arm.client import Azure
from shared.model.activity_io import ResourceRequest
from shared.model.step_result import Error, Pending, StepResult
from shared.provision.registry import ensure
from shared.site_recovery.infrastructure import MissingParentError


async def create_target_resource(azure: Azure, request: ResourceRequest) -> StepResult:
    try:
        outcome = await ensure(azure, request.resource)
    except MissingParentError as missing:
        return Pending(retry_after=azure.settings.poll_seconds, error=Error(code="MissingParent", message=str(missing)))
    if isinstance(outcome, Pending):
        return outcome.with_(step=f"Creating {request.resource.kind}")
    return outcome
