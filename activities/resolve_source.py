"""Step 1: the VM as it is now, and what protects it already."""

from shared.arm.client import Azure
from shared.model.activity_io import VmRequest
from shared.model.step_result import Outcome, Ready
from shared.observe.vm import look_at


async def resolve_source(azure: Azure, request: VmRequest) -> Outcome:
    """Ready holds a `Source`."""
    source = await look_at(azure, request.vm_id, as_if_tagged=request.as_if_tagged, confirmed=request.confirmed)
    return Ready(value=source.dump())
