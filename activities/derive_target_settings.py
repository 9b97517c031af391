"""Step 2: what the VM's protection is to look like, and whether it may have one."""

from shared.azure.gateway import Azure
from shared.azure.look import plan_for
from shared.azure.resources import known
from shared.domain.messages import DeriveRequest
from shared.domain.outcome import Outcome, Ready


async def derive_target_settings(azure: Azure, request: DeriveRequest) -> Outcome:
    """Ready holds a `Plan`; its resources are those that are not known to be there yet."""
    plan = await plan_for(azure, request.vm)
    waves = (tuple(resource for resource in wave if not known(azure, resource)) for wave in plan.resources)
    return Ready(value=plan.model_copy(update={"resources": tuple(wave for wave in waves if wave)}).dump())
