"""Find VMs by scope or by tag, with one query."""

from collections.abc import Callable, Mapping

from shared.arm.client import Azure
from shared.arm.fields import Json, part, required
from shared.arm.listing import read_listing
from shared.arm.resource_graph import query
from shared.model.resource_id import ResourceId

# The values are compared here, so that no user input gets into a query.
_VMS = """resources
| where type =~ 'microsoft.compute/virtualmachines'
| project id, tags
| order by id asc"""


async def find_vms(azure: Azure, wanted: Callable[[ResourceId, Mapping[str, str]], bool]) -> tuple[ResourceId, ...]:
    """The VMs in the source scope for which `wanted(id, tags)` holds. Resource Graph lags behind by a minute or two.

    Raises HttpResponseError, and TruncatedError if the result is incomplete: a partial result is not used.
    """

    def chosen(row: Json) -> ResourceId | None:
        vm = required(row["id"])
        return vm if vm in azure.settings.source and wanted(vm, part(row, "tags")) else None

    # A row that cannot be read is skipped: no request could name its VM, or its tags request nothing.
    rows = query(azure, _VMS, {scope.subscription for scope in azure.settings.source.members})
    return (await read_listing(rows, "the VMs", chosen, ())).records
