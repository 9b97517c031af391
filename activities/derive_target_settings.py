"""Step 2: plan the protection of the VM, check whether it is eligible, and compare an existing item with the plan."""

from shared.arm.client import Azure
from shared.config.settings import Create
from shared.model.activity_io import DeriveRequest
from shared.model.step_result import Ready, StepResult
from shared.observe.vm import plan_for, preview
from shared.provision.registry import known


async def derive_target_settings(azure: Azure, request: DeriveRequest) -> StepResult:
    """Ready holds a `Plan`; its resources are those not known to exist yet."""
    plan = await plan_for(
        azure,
        request.vm,
        request.item,
        failed_disks=request.failed_disks,
        retry_disks=request.retry_disks,
        refusals=request.refusals,
    )
    if plan.resources and azure.settings.target_creation is not Create.ALL:
        # Report all missing resources that must not be created, before the first one is created.
        _, findings = await preview(azure, plan)
        if findings:
            return Ready(value=plan.with_(findings=(*plan.findings, *findings)).dump())
    waves = (tuple(resource for resource in wave if not known(azure, resource)) for wave in plan.resources)
    return Ready(value=plan.with_(resources=tuple(wave for wave in waves if wave)).dump())
