"""Step 3: one target resource. Looked for by its natural key; asked for if it is missing; Pending until it is there."""

from shared.azure.gateway import Azure
from shared.azure.resources import ensure
from shared.azure.site_recovery import MissingParentError
from shared.domain.messages import ResourceRequest
from shared.domain.outcome import Error, Outcome, Pending


async def create_target_resource(azure: Azure, request: ResourceRequest) -> Outcome:
    try:
        outcome = await ensure(azure, request.resource)
    except MissingParentError as missing:
        return Pending(retry_after=azure.settings.poll_seconds, error=Error(code="MissingParent", message=str(missing)))
    if isinstance(outcome, Pending):
        return outcome.model_copy(update={"step": f"Creating {request.resource.kind}"})
    return outcome
