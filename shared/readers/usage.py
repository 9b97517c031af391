"""Usage checks before deletion: what uses a target resource, read right before its removal. Reads only.

Azure refuses to delete a network, a set or a placement group that something is in, and nothing else: a storage account
goes with its data, a resource group with everything in it.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from shared.arm.client import Azure
from shared.arm.fields import Json, objects, part, text
from shared.config.override_options import ACCOUNT, AVAILABILITY_SET, NETWORK, PLACEMENT_GROUP
from shared.model.resource_id import ResourceId
from shared.planning.storage import PREMIUM_KIND
from shared.readers.named_resources import STORAGE_API_VERSION, api_version_of
from shared.readers.networks import API_VERSION as NETWORK_API_VERSION
from shared.readers.networks import network_of
from shared.readers.resource_groups import API_VERSION as GROUP_API_VERSION
from shared.reconcile.orphans import ResourceUsage, digest_of

_SHOWN = 3
_MEMBERS = ("virtualMachines", "availabilitySets", "virtualMachineScaleSets")

# Site Recovery uses blobs only. The names of its containers are not documented, and it leaves them behind when
# replication is disabled (azure-powershell issue 5613): containers known to belong to others are recognized instead.
_NOT_OF_SITE_RECOVERY = {"fileServices": "shares", "queueServices": "queues", "tableServices": "tables"}
_CONTAINERS_OF_OTHERS = ("$", "bootdiagnostics", "insights-", "vhds")


async def resource_usage(azure: Azure, resource: ResourceId) -> ResourceUsage | None:
    """The usage of the resource now, or None if it is gone. Raises HttpResponseError, MalformedResponseError."""
    if not resource.type:
        return await _group(azure, resource)
    body = await azure.read(resource, api_version_of(resource), 0)
    if body is None:
        return None
    state = str(part(body, "properties").get("provisioningState") or "Succeeded")
    if state != "Succeeded":
        return ResourceUsage(resource, part(body, "tags"), (f"it is {state}",))
    read = next(read for kind, read in _READERS.items() if resource.is_type(kind))
    return await read(azure, resource, body)


async def _group(azure: Azure, group: ResourceId) -> ResourceUsage | None:
    body = await azure.read(group, GROUP_API_VERSION, 0)
    if body is None:
        return None
    # Whatever is listed is in it, also what cannot be read.
    inside = [each async for each in azure.list(f"{group}/resources", GROUP_API_VERSION, **{"$top": str(_SHOWN)})]
    names = [text(each.get("name")) if isinstance(each, dict) else "something" for each in inside[:_SHOWN]]
    use = [f"{', '.join(filter(None, names))} is in it"] if inside else []
    if body.get("managedBy"):
        use.append(f"it is managed by {body['managedBy']}")
    return ResourceUsage(group, part(body, "tags"), tuple(use))


async def _members(_azure: Azure, resource: ResourceId, body: Json) -> ResourceUsage:
    """The members of an availability set or a proximity placement group."""
    properties = part(body, "properties")
    inside = [str(each.get("id")).rsplit("/", 1)[-1] for name in _MEMBERS for each in objects(properties, name)]
    return ResourceUsage(resource, part(body, "tags"), (f"{', '.join(inside[:_SHOWN])} is in it",) if inside else ())


async def _network(_azure: Azure, resource: ResourceId, body: Json) -> ResourceUsage:
    """Any reference in the network counts as use, of unknown kinds too: networks created by this app have none."""
    network, properties = network_of(resource, body), part(body, "properties")
    made_of = digest_of(network.address_space, {name: subnet.prefixes for name, subnet in network.subnets.items()})
    use = [f"it has {name}" for name in _holding(properties, "addressSpace", "subnets")]
    for subnet in objects(properties, "subnets"):
        held = _holding(part(subnet, "properties"), "addressPrefixes")
        use += [f"its subnet {subnet.get('name')} has {name}" for name in held]
    return ResourceUsage(resource, part(body, "tags"), tuple(use), made_of)


def _holding(properties: Json, *with_: str) -> Iterator[str]:
    yield from (name for name, value in properties.items() if name not in with_ and _holds(value))


def _holds(value: Any) -> bool:
    """Whether a property refers to something, rather than being a mere setting."""
    if isinstance(value, dict):
        return "id" in value or any(map(_holds, value.values()))
    return isinstance(value, list) and bool(value)


async def _account(azure: Azure, resource: ResourceId, body: Json) -> ResourceUsage:
    properties = part(body, "properties")
    has_nsg = ("privateEndpointConnections", "networkAcls", "customDomain")
    use = [f"it has {name}" for name in has_nsg if _holds(properties.get(name))]
    containers = await _listed(azure, resource, "blobServices", "containers")
    use += [f"its container {each.get('name')} is not of Site Recovery" for each in containers if _is_of_others(each)]
    for service, kind in _NOT_OF_SITE_RECOVERY.items() if body.get("kind") != PREMIUM_KIND else ():
        if await _listed(azure, resource, service, kind):
            use.append(f"it has {kind}")
    return ResourceUsage(resource, part(body, "tags"), tuple(use))


async def _listed(azure: Azure, account: ResourceId, service: str, kind: str) -> list[Json]:
    listed = azure.list(f"{account}/{service}/default/{kind}", STORAGE_API_VERSION)
    return [each if isinstance(each, dict) else {} async for each in listed]


def _is_of_others(container: Json) -> bool:
    properties, name = part(container, "properties"), text(container.get("name"))
    kept = properties.get("hasLegalHold") or properties.get("hasImmutabilityPolicy") or properties.get("metadata")
    public = properties.get("publicAccess") not in {None, "None"}
    return bool(kept or public or not name or name.startswith(_CONTAINERS_OF_OTHERS))


_READERS: dict[str, Callable[[Azure, ResourceId, Json], Awaitable[ResourceUsage]]] = {
    AVAILABILITY_SET: _members,
    PLACEMENT_GROUP: _members,
    ACCOUNT: _account,
    NETWORK: _network,
}


async def interfaces_in(azure: Azure, network: ResourceId) -> frozenset[str]:
    """The lower-cased IDs of the network interfaces in a network."""
    body = await azure.read(network, NETWORK_API_VERSION, azure.settings.poll_seconds) or {}
    subnets = [part(subnet, "properties") for subnet in objects(part(body, "properties"), "subnets")]
    inside = [str(each.get("id")).lower() for subnet in subnets for each in objects(subnet, "ipConfigurations")]
    return frozenset(each.rsplit("/ipconfigurations/", 1)[0] for each in inside)
