"""What an earlier protection, or one that is none of ours, has left on a VM: a link from it to an item."""

from http import HTTPStatus

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.model.findings import Finding
from shared.model.resource_id import VAULT, ResourceId
from shared.planning import preflight
from shared.readers.locks import LinkRecord, read_links
from shared.site_recovery.replicated_items import may_be_enabled_already, own_enable_job
from shared.site_recovery.vault import API_VERSION, Vault

# A subscription that is not seen answers 404, too.
_NOT_FOR_US = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


async def of_links(azure: Azure, vm: ResourceId, vault: Vault) -> tuple[Finding, ...]:
    """A finding for each link of a VM that none of our vaults protects. While it is being enabled its link is new."""
    links = await read_links(azure, vm)
    if not links or await own_enable_job(vault, vm) or await may_be_enabled_already(azure, vm):
        return ()
    return tuple([finding for link in links if (finding := await _finding(azure, vm, link))])


async def _finding(azure: Azure, vm: ResourceId, link: LinkRecord) -> Finding | None:
    """None for an item of ours that the list does not hold yet: it is looked for once more before anything is asked."""
    try:
        item = ResourceId(link.target)
    except ValueError:
        return preflight.stale_link(vm, link.name)
    if not item.type.lower().startswith(VAULT.lower()) or not await _is_there(azure, item):
        return preflight.stale_link(vm, link.name)
    ours = any(f"{item.key}/".startswith(f"{vault.key}/") for vault in azure.settings.vault_ids)
    return None if ours else preflight.protected_elsewhere(vm, str(item))


async def _is_there(azure: Azure, item: ResourceId) -> bool:
    """An item that we may not read is there for all we know."""
    try:
        await azure.get(str(item), API_VERSION)
    except HttpResponseError as answer:
        if is_missing(answer):
            return False
        if answer.status_code not in _NOT_FOR_US:
            raise
    return True
