"""Remove the item of a failed attempt to enable: it holds no recovery point, and blocks the next attempt."""

from shared.arm.client import Azure
from shared.model.activity_io import VmRequest
from shared.model.replicated_item import Stage
from shared.model.step_result import Error, Failed, Ready, StepResult
from shared.reporting.audit_log import decided
from shared.site_recovery.item_origin import confirm, proven
from shared.site_recovery.replicated_items import find_protection, is_busy, refresh, remove


async def remove_failed_item(azure: Azure, request: VmRequest) -> StepResult:
    """Ready when the removal was requested, or nothing can be removed (yet): the item is gone, or a job is in progress.

    Only items that this deployment enabled are removed.
    """
    refresh(azure)
    protection = await find_protection(azure, request.vm_id)
    if protection is None:
        return Ready()
    vault, item = protection
    if item.stage is not Stage.FAILED or not item.is_ours or await is_busy(vault, item):
        return Ready()
    await confirm(azure, item)
    item = await proven(azure, item)
    if not item.is_ours:
        return Failed(
            error=Error(
                code="ForeignItemFailed",
                message=f"Enabling failed for the item {item.id.name}, and {item.unproven}.",
                action="Disable replication of the VM in the portal; the next run enables it again.",
            )
        )
    job = await remove(azure, item)
    decided("remove", request.vm_id, ("EnableFailed",), job=job, item=item.id)
    return Ready(value={"job": job})
