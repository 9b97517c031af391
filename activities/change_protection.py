"""Step 6: change the replicated item in place. Never while another operation on it is in progress."""

from shared.arm.client import Azure
from shared.model.activity_io import ChangeRequest
from shared.model.replicated_item import Stage
from shared.model.step_result import Pending, Ready, StepResult
from shared.reporting.audit_log import decided
from shared.site_recovery.changes import add_disks, update, update_agent
from shared.site_recovery.replicated_items import find_protection, is_busy, refresh


async def change_protection(azure: Azure, request: ChangeRequest) -> StepResult:
    """Ready holds `job`, the name of the change job, or "" if the change cannot be made now."""
    refresh(azure)
    protection = await find_protection(azure, request.vm_id)
    if protection is None or protection[1].stage is not Stage.PROTECTED:
        return Ready(value={"job": ""})
    vault, item = protection
    if await is_busy(vault, item):
        return Pending(retry_after=azure.settings.poll_seconds, step="Waiting for another job on the item")
    changes = request.changes
    if changes.update:
        job, rule = await update(azure, item, changes.update), [each.setting for each in changes.differences]
    elif changes.old_agent:
        job, rule = await update_agent(azure, item), ["AgentOutdated"]
    else:
        job, rule = await add_disks(azure, item, changes.added_disks), ["DiskNotProtected"]
    vault.items.forget()
    decided("change", request.vm_id, rule, origin=request.origins, job=job, item=item.id)
    return Ready(value={"job": job})
