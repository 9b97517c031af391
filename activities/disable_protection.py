"""Step 7: disable the protection of an untagged VM, after observing it once more, within the daily limit."""

from shared.arm.client import Azure
from shared.model.activity_io import Observation, VmRequest
from shared.model.decision import Action
from shared.model.replicated_item import ProtectedItem
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.observe.vm import observe
from shared.reporting.audit_log import decided
from shared.site_recovery.daily_limits import disables_left
from shared.site_recovery.replicated_items import is_busy, refresh, remove
from shared.site_recovery.vault import vault_of


async def disable_protection(azure: Azure, request: VmRequest) -> StepResult:
    """Ready holds `job`, the name of the disable job, or "" if nothing may be disabled (any more)."""
    refresh(azure)
    observation = await observe(azure, request.vm_id, confirmed=request.confirmed)
    item, poll = observation.item, azure.settings.poll_seconds
    if item is None or observation.decision.action is not Action.DISABLE:
        return Ready(value={"job": ""})
    if await is_busy(vault_of(azure, item.vault), item):
        return Pending(retry_after=poll, step="Waiting for another job on the item")
    if request.confirmed:
        return await _disable(azure, item, observation, confirmed=True)
    async with disables_left(azure) as budget:
        if budget.wait:
            error = Error(code="DailyDisableLimitReached", message=budget.reason, action=budget.action)
            return Pending(retry_after=budget.wait, step="Waiting: too many VMs have been disabled", error=error)
        return await _disable(azure, item, observation)


async def _disable(azure: Azure, item: ProtectedItem, observation: Observation, *, confirmed: bool = False) -> Ready:
    job = await remove(azure, item, confirmed=confirmed)
    rules = tuple(finding.code for finding in observation.decision.findings)
    decided("disable", item.source, rules, origin=("request",) if confirmed else (), job=job, item=item.id)
    return Ready(value={"job": job})
