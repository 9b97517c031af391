"""Step 2: what the VM's protection is to look like, whether it may have one, and where the one it has differs."""

from shared.azure.gateway import Azure
from shared.azure.look import plan_for, preview
from shared.azure.resources import known
from shared.domain.messages import DeriveRequest
from shared.domain.outcome import Outcome, Ready
from shared.domain.settings import Create


async def derive_target_settings(azure: Azure, request: DeriveRequest) -> Outcome:
    """Ready holds a `Plan`; its resources are those that are not known to be there yet."""
    plan = await plan_for(azure, request.vm, request.item)
    if plan.resources and azure.settings.create is not Create.ALL:
        # Nothing is to be made half-way: what is missing and must not be made is told before the first of them.
        _, findings = await preview(azure, plan)
        if findings:
            return Ready(value=plan.model_copy(update={"findings": (*plan.findings, *findings)}).dump())
    waves = (tuple(resource for resource in wave if not known(azure, resource)) for wave in plan.resources)
    return Ready(value=plan.model_copy(update={"resources": tuple(wave for wave in waves if wave)}).dump())
