"""Step 1: observe the VM, and the item that protects it."""

from shared.arm.client import Azure
from shared.config.settings import Intent
from shared.model.activity_io import VmRequest
from shared.model.step_result import Ready, StepResult
from shared.observe.vm import observe


async def resolve_source(azure: Azure, request: VmRequest) -> StepResult:
    """Ready holds an `Observation`."""
    intent = Intent.YES if request.as_if_tagged else None
    observation = await observe(azure, request.vm_id, intent=intent, confirmed=request.confirmed)
    return Ready(value=observation.dump())
