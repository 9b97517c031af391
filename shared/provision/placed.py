"""The kinds outside the vault: resource group, virtual network, availability set, placement group, cache account.

Only what is missing is created: a PUT on a network replaces what others have added to it. An existing resource that is
incompatible (another region) is reported and left.
"""

from collections.abc import Iterator
from time import monotonic
from typing import Any, TypeVar

from shared.arm.client import Azure
from shared.arm.fields import created_at_of, incarnation_of, objects, part, text, time_of
from shared.arm.get_or_create import PendingCreate
from shared.config.intervals import FRESH_FOR
from shared.model.origin import Origin, gap_of
from shared.model.resource_id import ResourceId
from shared.model.target_resources import (
    AvailabilitySet,
    CacheAccount,
    IsolatedNetwork,
    NetworkToMake,
    PlacementGroup,
    ResourceGroup,
    VirtualNetwork,
)
from shared.planning.storage import PREMIUM_KIND
from shared.provision.kind import SHOWN, IncompatibleResourceError, Json, PlacedKind, register, state_of, tags_of
from shared.readers.named_resources import account_obstacle
from shared.readers.networks import network_of
from shared.readers.resource_groups import API_VERSION, forget_groups, read_group
from shared.reconcile.orphans import ResourceUsage, digest_of, tag_gap

# Site Recovery uses blobs only. No recording shows the names of its containers, which it leaves behind when replication
# is disabled (azure-powershell issue 5613): so any container may hold the data of others, and keeps its account.
_NOT_OF_SITE_RECOVERY = {"fileServices": "shares", "queueServices": "queues", "tableServices": "tables"}


@register(ResourceGroup)
class ResourceGroups(PlacedKind[ResourceGroup]):
    async def find(self, azure: Azure, wanted: ResourceGroup) -> ResourceId | None:
        """The group in any region: only its resources have to be in the target region."""
        return wanted.id if await read_group(azure, wanted.id, refresh=True) else None

    async def create(self, azure: Azure, wanted: ResourceGroup) -> ResourceId:
        """Creates the group, after another read: the list may be stale, and a PUT would replace the tags of an
        existing group."""
        azure.check_write(wanted.id)
        self.forget(azure, wanted, monotonic() - FRESH_FOR)
        if not await self.find(azure, wanted):
            client = azure.resources(wanted.id.subscription).resource_groups
            origin = await azure.origins.intend(wanted.id)
            body = {"location": wanted.location, "tags": tags_of(azure, origin)}
            answers: list[Any] = []
            await client.create_or_update(wanted.id.name, body, raw_response_hook=answers.append)
            if origin.is_created_by(answers[0].http_response.status_code, None):
                azure.new_groups[wanted.id] = monotonic()
                await azure.origins.prove(origin)
        return wanted.id

    def forget(self, azure: Azure, wanted: ResourceGroup, if_before: float) -> None:
        forget_groups(azure, wanted.id, if_before=if_before)

    async def usage(self, azure: Azure, resource: ResourceId) -> ResourceUsage | None:
        body = await azure.read(resource, API_VERSION, 0, **{"$expand": "createdTime"})
        if body is None:
            return None
        # Whatever is listed is in it, also what cannot be read.
        listed = azure.list(f"{resource}/resources", API_VERSION, **{"$top": str(SHOWN)})
        inside = [text(each.get("name")) if isinstance(each, dict) else "something" async for each in listed]
        use = [f"{', '.join(filter(None, inside[:SHOWN]))} is in it"] if inside else []
        if body.get("managedBy"):
            use.append(f"it is managed by {body['managedBy']}")
        created_at = time_of(body.get("createdTime"))
        return ResourceUsage(resource, part(body, "tags"), tuple(use), created_at=created_at)


N = TypeVar("N", bound=NetworkToMake)


class Networks(PlacedKind[N]):
    """Since API 2025-07-01 a new subnet is private unless its body says otherwise: it says what the source's has."""

    takes = 5

    def body(self, wanted: N) -> Json:
        subnets = []
        for name, some in wanted.subnets.items():
            prefixes = {"addressPrefix": some[0]} if len(some) == 1 else {"addressPrefixes": list(some)}
            outbound = {"defaultOutboundAccess": name not in wanted.private_subnets}
            subnets.append({"name": name, "properties": prefixes | outbound})
        properties: Json = {"addressSpace": {"addressPrefixes": list(wanted.address_space)}, "subnets": subnets}
        if wanted.dns_servers:
            properties["dhcpOptions"] = {"dnsServers": list(wanted.dns_servers)}
        return {"properties": properties}

    def content(self, wanted: N) -> str:
        return digest_of(wanted.address_space, wanted.subnets, wanted.dns_servers)

    async def uses(self, _azure: Azure, _resource: ResourceId, body: Json) -> tuple[str, ...]:
        """Any reference in the network counts as use, of unknown kinds too: networks created by this app have none."""
        properties = part(body, "properties")
        use = [f"it has {name}" for name in _holding(properties, "addressSpace", "subnets", "dhcpOptions")]
        for subnet in objects(properties, "subnets"):
            held = _holding(part(subnet, "properties"), "addressPrefixes")
            use += [f"its subnet {subnet.get('name')} has {name}" for name in held]
        return tuple(use)

    def content_of(self, resource: ResourceId, body: Json) -> str:
        network = network_of(resource, body)
        subnets = {name: subnet.prefixes for name, subnet in network.subnets.items()}
        return digest_of(network.address_space, subnets, network.dns_servers)


@register(VirtualNetwork)
class VirtualNetworks(Networks[VirtualNetwork]):
    """With the address space, subnets and DNS servers of the source: a VM keeps its address at a failover."""


@register(IsolatedNetwork)
class IsolatedNetworks(Networks[IsolatedNetwork]):
    """What others have made under that name is left alone; what this deployment made is kept like its target network
    while nothing is in it and no one else has changed it."""

    async def find(self, azure: Azure, wanted: IsolatedNetwork) -> ResourceId | None:
        """None also if it is to be brought up to date."""
        if not await self.is_changed(azure, wanted):
            return None
        origin, body = await self._own(azure, wanted)
        await super().find(azure, wanted)
        content = self.content_of(wanted.id, body)
        outdated = content != self.content(wanted) and origin.accounts_for(content)
        return None if outdated and not await self.uses(azure, wanted.id, body) else wanted.id

    async def is_changed(self, azure: Azure, wanted: IsolatedNetwork) -> bool:
        return await azure.read(wanted.id, wanted.type.api_version, FRESH_FOR) is not None

    async def create(self, azure: Azure, wanted: IsolatedNetwork) -> PendingCreate | ResourceId:
        if not await self.is_changed(azure, wanted):
            return await super().create(azure, wanted)
        azure.check_write(wanted.id)
        origin, body = await self._own(azure, wanted)
        replaced = self.content_of(wanted.id, body)
        revised = await azure.origins.revise(origin, replaced=replaced, content=self.content(wanted))
        return await self.put(azure, wanted, revised, part(body, "tags"))

    async def _own(self, azure: Azure, wanted: IsolatedNetwork) -> tuple[Origin, Json]:
        """The record of the network, and the network. Raises IncompatibleResourceError if it is not this deployment's:
        a host that was killed may have created it and not proven it, and then its tags have to do."""
        body = await azure.read(wanted.id, wanted.type.api_version, FRESH_FOR) or {}
        origin = await azure.origins.of(wanted.id)
        if origin is None or origin.proven_at:
            why = gap_of(origin, incarnation_of(body), created_at_of(body))
        else:
            why = tag_gap(part(body, "tags"), origin, azure.settings)
        if why or origin is None:
            raise IncompatibleResourceError(f"{wanted.id} exists, and {why}: it is left as it is")
        return origin, body


def _holding(properties: Json, *but: str) -> Iterator[str]:
    yield from (name for name, value in properties.items() if name not in but and _holds(value))


def _holds(value: Any) -> bool:
    """Whether a property refers to something, rather than being a mere setting."""
    if isinstance(value, dict):
        return "id" in value or any(map(_holds, value.values()))
    return isinstance(value, list) and bool(value)


@register(AvailabilitySet)
class AvailabilitySets(PlacedKind[AvailabilitySet]):
    takes = 2

    def body(self, wanted: AvailabilitySet) -> Json:
        properties: Json = {
            "platformFaultDomainCount": wanted.fault_domains,
            "platformUpdateDomainCount": wanted.update_domains,
        }
        if wanted.placement_group:
            properties["proximityPlacementGroup"] = {"id": str(wanted.placement_group)}
        return {"sku": {"name": wanted.sku}, "properties": properties}


@register(PlacementGroup)
class PlacementGroups(PlacedKind[PlacementGroup]):
    takes = 2

    def body(self, _wanted: PlacementGroup) -> Json:
        return {"properties": {"proximityPlacementGroupType": "Standard"}}


@register(CacheAccount)
class CacheAccounts(PlacedKind[CacheAccount]):
    """In the region of the VM: replication data is buffered there. Premium block blobs sustain a high churn."""

    takes = 20

    def body(self, wanted: CacheAccount) -> Json:
        properties = {"supportsHttpsTrafficOnly": True, "minimumTlsVersion": "TLS1_2", "allowBlobPublicAccess": False}
        kind, sku = (PREMIUM_KIND, "Premium_LRS") if wanted.premium else ("StorageV2", "Standard_LRS")
        return {"kind": kind, "sku": {"name": sku}, "properties": properties}

    def obstacle(self, wanted: CacheAccount, found: Json) -> str:
        other_kind = wanted.premium != (found.get("kind") == PREMIUM_KIND)
        obstacle = account_obstacle(found) if state_of(found) == "Succeeded" else ""
        return obstacle or ("is an account of another kind" if other_kind else "")

    async def uses(self, azure: Azure, resource: ResourceId, body: Json) -> tuple[str, ...]:
        async def listed(service: str, kind: str) -> list[Json]:
            path = f"{resource}/{service}/default/{kind}"
            rows = azure.list(path, CacheAccount.type.api_version)
            return [each if isinstance(each, dict) else {} async for each in rows]

        properties = part(body, "properties")
        connected = ("privateEndpointConnections", "networkAcls", "customDomain")
        use = [f"it has {name}" for name in connected if _holds(properties.get(name))]
        containers = await listed("blobServices", "containers")
        use += [f"it holds the container {each.get('name')}" for each in containers[:SHOWN]]
        for service, kind in _NOT_OF_SITE_RECOVERY.items() if body.get("kind") != PREMIUM_KIND else ():
            if await listed(service, kind):
                use.append(f"it has {kind}")
        return tuple(use)
