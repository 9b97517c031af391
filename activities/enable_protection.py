"""Step 4: asking for protection. Never twice: the item and a running enable job of the VM are looked for first."""

from shared.azure.gateway import Azure
from shared.azure.protection import enable, find_enable_job, find_item
from shared.azure.site_recovery import MissingParentError
from shared.domain.messages import EnableRequest
from shared.domain.outcome import Error, Outcome, Pending, Ready


async def enable_protection(azure: Azure, request: EnableRequest) -> Outcome:
    """Ready holds `job`, its name, or "" where the item is there already."""
    vault = azure.vault(request.replication.vault)
    if await find_item(vault, request.vm_id):
        return Ready(value={"job": ""})
    running = await find_enable_job(vault, request.vm_id)
    if running:
        return Ready(value={"job": running.name})
    try:
        return Ready(value={"job": await enable(azure, request.vm_id, request.replication)})
    except MissingParentError as missing:
        return Pending(retry_after=azure.settings.poll_seconds, error=Error(code="MissingParent", message=str(missing)))
