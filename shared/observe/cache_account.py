"""The app's own cache account for a VM, as it exists; another name where others hold its name. Reads only."""

from collections.abc import Mapping
from typing import NamedTuple

from shared.arm.client import Azure
from shared.model.resource_id import ResourceId
from shared.model.vm import Existing, SourceVm
from shared.planning.storage import default_cache
from shared.readers.account_names import ELSEWHERE, holder_of_name
from shared.readers.named_resources import read_existing
from shared.readers.resource_groups import lies_in_missing_group

_MOST_NAMES = 5
"""The most names that are tried."""


class OwnCache(NamedTuple):
    """The account, if it exists or cannot be created; `taken` are those before it whose names others hold."""

    existing: tuple[Existing, ...] = ()
    taken: tuple[ResourceId, ...] = ()


async def own_cache(
    azure: Azure, vm: SourceVm, cached_disks: Mapping[str, int], within: float, *, high_churn: bool
) -> OwnCache:
    """What `within` seconds ago was so. Raises HttpResponseError."""
    taken: tuple[ResourceId, ...] = ()
    while True:
        account = default_cache(vm, cached_disks, azure.settings, taken, high_churn=high_churn)
        if account not in azure.settings.target:
            return OwnCache(taken=taken)
        # Accounts that this process created have no soft delete: reading it would cost a call for each account.
        missing = await lies_in_missing_group(azure, account)
        found = None if missing else await read_existing(azure, account, within, {account} - azure.made)
        if found or account in azure.made:
            return OwnCache((found,) if found else (), taken)
        holder = await holder_of_name(azure, account, within)
        if not holder:
            return OwnCache(taken=taken)
        if holder != ELSEWHERE:
            obstacle = f"is in the resource group {holder} now"
            return OwnCache((Existing(id=account, obstacle=obstacle),), taken)
        if len(taken) + 1 == _MOST_NAMES:
            obstacle = f"cannot be created: {ELSEWHERE} holds its name, and the {len(taken)} names before it"
            return OwnCache((Existing(id=account, obstacle=obstacle),), taken)
        taken = (*taken, account)
