"""Step 4: enable protection. Never twice: the item and a running enable job of the VM are read first."""

from shared.arm.client import Azure
from shared.arm.get_or_create import UnderWayError
from shared.model.activity_io import EnableRequest
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.reporting.audit_log import decided
from shared.site_recovery.daily_limits import enables_left
from shared.site_recovery.infrastructure import MissingParentError
from shared.site_recovery.replicated_items import (
    enable,
    enabled_meanwhile,
    find_protection,
    may_be_enabled_already,
    own_enable_job,
    refresh,
)
from shared.site_recovery.vault import vault_of


async def enable_protection(azure: Azure, request: EnableRequest) -> StepResult:
    """Ready holds `job`, the name of the enable job, or "" if the item exists already."""
    vault, vm = vault_of(azure, request.replication.vault), request.vm_id
    refresh(azure)
    poll = azure.settings.poll_seconds
    if await find_protection(azure, vm):
        return Ready(value={"job": ""})
    if job := await own_enable_job(vault, vm):
        return Ready(value={"job": job})
    if await may_be_enabled_already(azure, vm):
        return Pending(retry_after=poll, step="Waiting: a VM of this name is being enabled")
    if await enabled_meanwhile(azure, vm):
        return Ready(value={"job": ""})
    async with enables_left(azure) as budget:
        if budget.wait:
            error = Error(code="DailyEnableLimitReached", message=budget.reason, action=budget.action)
            return Pending(retry_after=budget.wait, step="Waiting: too many VMs have been enabled", error=error)
        try:
            job = await enable(azure, vm, request.replication)
        except (MissingParentError, UnderWayError) as not_yet:
            return Pending(retry_after=poll, error=Error(code="MissingParent", message=str(not_yet)))
    decided("enable", vm, ("MissingProtection",), origin=request.origins, job=job)
    return Ready(value={"job": job})
