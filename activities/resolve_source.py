"""Step 1: the VM as it is now, and what protects it already."""

from shared.azure.gateway import Azure
from shared.azure.look import look_at
from shared.domain.messages import VmRequest
from shared.domain.outcome import Outcome, Ready


async def resolve_source(azure: Azure, request: VmRequest) -> Outcome:
    """Ready holds a `Source`."""
    source = await look_at(azure, request.vm_id, as_if_tagged=request.as_if_tagged, confirmed=request.confirmed)
    return Ready(value=source.dump())
