"""Finding VMs by where they are or what they are tagged: by one list of all of them, and nothing else of them read."""

from collections.abc import Callable, Mapping

from shared.azure.gateway import Azure
from shared.azure.graph import query
from shared.domain.resource_id import ResourceId

# What is looked for is compared here, so that nothing that somebody typed gets into a query.
_VMS = """resources
| where type =~ 'microsoft.compute/virtualmachines'
| project id, tags
| order by id asc"""


async def find_vms(azure: Azure, wanted: Callable[[ResourceId, Mapping[str, str]], bool]) -> tuple[ResourceId, ...]:
    """The VMs in the source scope that are wanted, by their IDs and all of their tags. Resource Graph lags a little.

    Raises HttpResponseError, and TruncatedError where not all of them were told: a part is no answer here.
    """
    subscriptions = {scope.subscription for scope in azure.settings.source_scope}
    rows = [row async for row in query(azure, _VMS, subscriptions)]
    vms = ((ResourceId(row["id"]), row.get("tags") or {}) for row in rows)
    return tuple(vm for vm, tags in vms if vm in azure.settings.source and wanted(vm, tags))
