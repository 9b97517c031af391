"""Finding VMs by where they are or what they are tagged: by one list of all of them, and nothing else of them read."""

from collections.abc import Callable, Mapping
from contextlib import suppress

from shared.arm.client import Azure
from shared.arm.resource_graph import query
from shared.model.resource_id import ResourceId

# What is looked for is compared here, so that nothing that somebody typed gets into a query.
_VMS = """resources
| where type =~ 'microsoft.compute/virtualmachines'
| project id, tags
| order by id asc"""


async def find_vms(azure: Azure, wanted: Callable[[ResourceId, Mapping[str, str]], bool]) -> tuple[ResourceId, ...]:
    """The VMs in the source scope that are wanted, by their IDs and all of their tags. Resource Graph lags a little.

    Raises HttpResponseError, and TruncatedError where not all of them were told: a part is no answer here.
    """
    found = []
    async for row in query(azure, _VMS, {scope.subscription for scope in azure.settings.source_scope}):
        # What has no ID that a request could name is not looked after.
        with suppress(ValueError):
            vm = ResourceId(row["id"])
            if vm in azure.settings.source and wanted(vm, row.get("tags") or {}):
                found.append(vm)
    return tuple(found)
