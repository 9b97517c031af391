"""Plan the protection of the VM of a run: its target settings, and the target resources that it still needs."""

from shared.arm.client import Azure
from shared.config.settings import Create
from shared.model.activity_io import Failures
from shared.model.replicated_item import ProtectedItem
from shared.model.step_result import Ready, StepResult
from shared.model.vm import SourceVm
from shared.observe.vm import plan_for, preview
from shared.provision.registry import known


async def derive_target_settings(
    azure: Azure, vm: SourceVm, item: ProtectedItem | None = None, failures: Failures | None = None
) -> StepResult:
    """Ready holds a `Plan`, whose resources are those not known to exist yet. Raises HttpResponseError."""
    failures = failures or Failures()
    plan = await plan_for(
        azure,
        vm,
        item,
        failed_disks=failures.failed_disks,
        retry_disks=failures.retry_disks,
        refusals=failures.refusals,
    )
    if plan.resources and azure.settings.target_creation is not Create.ALL:
        # Report all missing resources that must not be created, before the first one is created.
        _, findings = await preview(azure, plan)
        if findings:
            return Ready(value=plan.with_(findings=(*plan.findings, *findings)).dump())
    waves = (tuple(resource for resource in wave if not known(azure, resource)) for wave in plan.resources)
    return Ready(value=plan.with_(resources=tuple(wave for wave in waves if wave)).dump())
