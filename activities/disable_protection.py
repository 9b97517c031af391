"""Step 7: the end of a protection that nobody asks for. Never without a last look, nor beyond the day's share."""

from shared.arm.client import Azure
from shared.model.activity_io import Verdict, VmRequest
from shared.model.replicated_item import ProtectedItem
from shared.model.step_result import Error, Outcome, Pending, Ready
from shared.observe.vm import look_at
from shared.reporting.audit_log import decided
from shared.site_recovery.daily_limits import disables_left
from shared.site_recovery.replicated_items import is_busy, look_anew, remove
from shared.site_recovery.vault import vault_of


async def disable_protection(azure: Azure, request: VmRequest) -> Outcome:
    """Ready holds `job`, its name, or "" where there is nothing (any more) that may be disabled now."""
    look_anew(azure)
    source = await look_at(azure, request.vm_id, confirmed=request.confirmed)
    item, poll = source.item, azure.settings.poll_seconds
    unwanted = source.verdict in {Verdict.NOT_TAGGED, Verdict.GONE}
    if item is None or not unwanted or not item.may_be_disabled:
        return Ready(value={"job": ""})
    if await is_busy(vault_of(azure, item.vault), item):
        return Pending(retry_after=poll, step="Waiting for another job on the item")
    if request.confirmed:
        return await _disable(azure, item, source.verdict, confirmed=True)
    async with disables_left(azure) as budget:
        if budget.wait:
            error = Error(code="DailyDisableLimitReached", message=budget.reason, action=budget.action)
            return Pending(retry_after=budget.wait, step="Waiting: too many VMs have been disabled", error=error)
        return await _disable(azure, item, source.verdict)


async def _disable(azure: Azure, item: ProtectedItem, verdict: Verdict, *, confirmed: bool = False) -> Ready:
    job = await remove(azure, item, confirmed=confirmed)
    rule = "SourceDeleted" if verdict is Verdict.GONE else "UntaggedButProtected"
    decided("disable", item.source, (rule,), origin=("request",) if confirmed else (), job=job, item=item.id)
    return Ready(value={"job": job})
