"""Step 6: what protects the VM is changed in place. Never while anything else is being done to it."""

from shared.azure.changes import add_disks, update
from shared.azure.gateway import Azure
from shared.azure.protection import find_protection, is_busy, look_anew
from shared.domain.decisions import decided
from shared.domain.messages import ChangeRequest
from shared.domain.outcome import Outcome, Pending, Ready
from shared.domain.protected_item import Stage


async def change_protection(azure: Azure, request: ChangeRequest) -> Outcome:
    """Ready holds `job`, the name of the one that makes the change, or "" where it is not to be made now."""
    look_anew(azure)
    protection = await find_protection(azure, request.vm_id)
    if protection is None or protection[1].stage is not Stage.PROTECTED:
        return Ready(value={"job": ""})
    vault, item = protection
    if await is_busy(vault, item):
        return Pending(retry_after=azure.settings.poll_seconds, step="Waiting for another job on the item")
    changes = request.changes
    if changes.update:
        job = await update(azure, item, changes.update)
    else:
        job = await add_disks(azure, item, changes.added_disks)
    vault.items.forget()
    rule = [difference.setting for difference in changes.differences] if changes.update else ["DiskNotProtected"]
    decided("change", request.vm_id, rule, origin=request.origins, job=job, item=item.id)
    return Ready(value={"job": job})
