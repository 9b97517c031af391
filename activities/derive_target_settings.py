"""Step 2: what the VM's protection is to look like, whether it may have one, and where the one it has differs."""

from shared.arm.client import Azure
from shared.config.settings import Create
from shared.model.activity_io import DeriveRequest
from shared.model.step_result import Ready, StepResult
from shared.observe.vm import plan_for, preview
from shared.provision.registry import known


async def derive_target_settings(azure: Azure, request: DeriveRequest) -> StepResult:
    """Ready holds a `Plan`; its resources are those that are not known to be there yet."""
    plan = await plan_for(azure, request.vm, request.item)
    if plan.resources and azure.settings.target_creation is not Create.ALL:
        # Nothing is to be made half-way: what is missing and must not be made is told before the first of them.
        _, findings = await preview(azure, plan)
        if findings:
            return Ready(value=plan.model_copy(update={"findings": (*plan.findings, *findings)}).dump())
    waves = (tuple(resource for resource in wave if not known(azure, resource)) for wave in plan.resources)
    return Ready(value=plan.model_copy(update={"resources": tuple(wave for wave in waves if wave)}).dump())
