"""Taking back an attempt to enable that failed: such an item holds no recovery point, and stands in the way."""

from shared.arm.client import Azure
from shared.model.activity_io import VmRequest
from shared.model.replicated_item import Stage
from shared.model.step_result import Error, Failed, Ready, StepResult
from shared.reporting.audit_log import decided
from shared.site_recovery.replicated_items import find_protection, is_busy, refresh, remove


async def remove_failed_item(azure: Azure, request: VmRequest) -> StepResult:
    """Ready when the removal was asked for, or nothing is to be removed (yet): the item is gone, or a job is on it.

    Only what this app made is ever removed by it.
    """
    refresh(azure)
    protection = await find_protection(azure, request.vm_id)
    if protection is None:
        return Ready()
    vault, item = protection
    if item.stage is not Stage.FAILED or await is_busy(vault, item):
        return Ready()
    if not item.is_ours:
        return Failed(
            error=Error(
                code="ForeignItemFailed",
                message=f"Enabling failed for the item {item.id.name}, which this app did not make.",
                action="Disable replication of the VM in the portal; it is enabled anew at the next look.",
            )
        )
    job = await remove(azure, item)
    decided("remove", request.vm_id, ("EnableFailed",), job=job, item=item.id)
    return Ready(value={"job": job})
