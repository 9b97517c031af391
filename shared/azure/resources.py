"""Every kind of target resource, and who ensures it."""

from collections.abc import Awaitable, Callable
from typing import Any

from shared.azure import site_recovery, target_resources
from shared.azure.gateway import Azure
from shared.domain.outcome import Outcome
from shared.domain.target import (
    AvailabilitySet,
    CacheAccount,
    Container,
    ContainerMapping,
    Fabric,
    InVault,
    NetworkMapping,
    ReplicationPolicy,
    ResourceGroup,
    TargetResource,
    VirtualNetwork,
)

_ENSURE: dict[type[TargetResource], Callable[[Any, Any], Awaitable[Outcome]]] = {
    ResourceGroup: target_resources.ensure_resource_group,
    VirtualNetwork: target_resources.ensure_virtual_network,
    AvailabilitySet: target_resources.ensure_availability_set,
    CacheAccount: target_resources.ensure_cache_account,
    Fabric: site_recovery.ensure_fabric,
    Container: site_recovery.ensure_container,
    ReplicationPolicy: site_recovery.ensure_policy,
    ContainerMapping: site_recovery.ensure_container_mapping,
    NetworkMapping: site_recovery.ensure_network_mapping,
}


async def ensure(azure: Azure, resource: TargetResource) -> Outcome:
    """Ready if it is there, whoever made it; Pending while it is made. Raises HttpResponseError, MissingParentError."""
    holder = azure.vault(resource.vault) if isinstance(resource, InVault) else azure
    return await _ENSURE[type(resource)](holder, resource)


def known(azure: Azure, resource: TargetResource) -> bool:
    """Whether this process saw it a while ago at most. Costs no call."""
    holder = azure.vault(resource.vault) if isinstance(resource, InVault) else azure
    return holder.ensurer.knows(resource.key)
