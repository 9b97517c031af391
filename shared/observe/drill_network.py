"""The network of a drill: the one that is named, or the app's own for the target network of the VM."""

from dataclasses import dataclass

from shared.arm.client import Azure
from shared.arm.get_or_create import UnderWayError
from shared.model.drill_network import DrillNetwork, NetworkChange
from shared.model.findings import Finding
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.target_resources import IsolatedNetwork
from shared.planning import preflight
from shared.planning.catalog import finding_of
from shared.planning.drill_network import as_created, isolated
from shared.provision.kind import IncompatibleResourceError
from shared.provision.registry import find, is_changed
from shared.readers.drill_networks import read_drill_network
from shared.readers.networks import read_network


@dataclass(frozen=True)
class NetworkOfDrill:
    """`seen` is the network as it is, or will be after the `change`; None if it does not exist. `own` is what a network
    of the app's own is to be, None for another. `id` is None if `findings` say why there is none."""

    id: ResourceId | None
    seen: DrillNetwork | None = None
    own: IsolatedNetwork | None = None
    change: NetworkChange | None = None
    findings: tuple[Finding, ...] = ()


async def network_of_drill(azure: Azure, wanted: ResourceId | str, item: ProtectedItem) -> NetworkOfDrill:
    """Reads only. Raises HttpResponseError, MalformedResponseError, OriginStoreError."""
    if isinstance(wanted, ResourceId):
        return NetworkOfDrill(wanted, await read_drill_network(azure, wanted))
    target = item.target_network
    there = await read_network(azure, target, azure.settings.poll_seconds) if target else None
    if there is None:
        which = f"{target} is not there, or may not be read" if target else "its item does not name one"
        text = f"The target network of {item.source.name}: {which}."
        return NetworkOfDrill(None, findings=(finding_of("DrillNotKnown", text),))
    own = isolated(there)
    try:
        change = None if await find(azure, own) else await _change(azure, own)
    except IncompatibleResourceError as unfit:
        return NetworkOfDrill(None, findings=(finding_of("DrillNetworkTaken", f"{unfit}."),))
    except UnderWayError:
        change = NetworkChange.CREATE
    forbidden = preflight.not_to_be_made(own, azure.settings) if change else None
    if change is NetworkChange.CREATE:
        seen: DrillNetwork | None = as_created(own)
    else:
        seen = await read_drill_network(azure, own.id)
    return NetworkOfDrill(own.id, seen, own, change, (forbidden,) if forbidden else ())


async def _change(azure: Azure, own: IsolatedNetwork) -> NetworkChange:
    return NetworkChange.UPDATE if await is_changed(azure, own) else NetworkChange.CREATE
