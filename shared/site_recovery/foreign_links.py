"""Links on a VM to replicated items of earlier replications, or of vaults that are not configured."""

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

# A subscription without access returns 404, too.
_NOT_FOR_US = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


async def of_links(azure: Azure, vm: ResourceId, vault: Vault) -> tuple[Finding, ...]:
    """A finding for each link of a VM without an item in the configured vaults. During enabling, its link is new."""
    links = await read_links(azure, vm)
    if not links or await own_enable_job(vault, vm) or await may_be_enabled_already(azure, vm):
        return ()
    return tuple([finding for link in links if (finding := await _finding(azure, vm, link))])


async def _finding(azure: Azure, vm: ResourceId, link: LinkRecord) -> Finding | None:
    """The finding for a link; None for an item of a configured vault, which is read again before protection is
    enabled."""
    try:
        item = ResourceId(link.target)
    except ValueError:
        return preflight.stale_link(vm, link.name)
    if not item.type.lower().startswith(VAULT.lower()) or not await _is_there(azure, item):
        return preflight.stale_link(vm, link.name)
    ours = any(f"{item.key}/".startswith(f"{vault.key}/") for vault in azure.settings.vault_ids)
    return None if ours else preflight.protected_elsewhere(vm, str(item))


async def _is_there(azure: Azure, item: ResourceId) -> bool:
    """Whether the item exists. An item without read access counts as existing."""
    try:
        await azure.get(str(item), API_VERSION)
    except HttpResponseError as answer:
        if is_missing(answer):
            return False
        if answer.status_code not in _NOT_FOR_US:
            raise
    return True
