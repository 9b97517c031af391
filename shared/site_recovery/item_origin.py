"""Whether this deployment enabled an item, by its record: the name alone is no proof."""

from azure.core.exceptions import AzureError

from shared.arm.client import Azure
from shared.model.origin import Origin
from shared.model.replicated_item import ENABLE, ProtectedItem, Stage
from shared.site_recovery.vault import vault_of


async def confirm(azure: Azure, item: ProtectedItem, job: str = "") -> None:
    """Turns the intent to enable into the proof: the run that follows the enabling has found its item.

    `job` is the job of the run's own request. A run that knows of none, because its host was killed after the request,
    looks for it: others may have made an item of that name. Raises OriginStoreError.
    """
    # An item that never got so far as to have an incarnation holds no recovery point either.
    if not item.is_ours or not (item.incarnation or item.stage is Stage.FAILED):
        return
    intent = await azure.origins.unproven(item.id, item.incarnation)
    if intent and (job or await _started_it(azure, item, intent)):
        await azure.origins.prove(intent, item.incarnation)


async def proven(azure: Azure, item: ProtectedItem) -> ProtectedItem:
    """The item; ours only if the record proves it, with the tag under which it was enabled. Read for an item that might
    be disabled or removed, and for no other."""
    if not item.is_ours:
        return item
    origin, gap = await azure.origins.proof(item.id, item.incarnation)
    if origin and not origin.proven_at and item.incarnation and await _started_it(azure, item, origin):
        gap = ""
    if gap or origin is None:
        return item.with_(is_ours=False, unproven=gap)
    return item.with_(enabled_tag=origin.tag_name)


async def _started_it(azure: Azure, item: ProtectedItem, intent: Origin) -> bool:
    """Whether the request of an intent that no run confirmed has enabled the item: a host was killed after it.

    The last enable job of the VM's name shows the ID of the request that started it. A later one, of another request or
    of another VM of that name, may have made the item again.
    """
    vault, names = vault_of(azure, item.vault), {item.source.name.lower(), ""}
    try:
        jobs = await vault.jobs.get()
        enables = [job for job in jobs if job.scenario == ENABLE and job.target.lower() in names]
        if not intent.request or not enables or jobs.listing.unread:
            return False
        last = max(enables, key=lambda job: job.started.timestamp() if job.started else float("inf"))
        return await vault.request_of(last.name) == intent.request
    except AzureError:
        return False
