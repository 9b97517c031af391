"""The registry of target resource kinds: how each is found and created."""

from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Any, NamedTuple

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError
from shared.arm.get_or_create import PendingCreate
from shared.arm.rate_limit import low_priority
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, StepResult
from shared.model.target_resources import (
    AvailabilitySet,
    CacheAccount,
    Container,
    ContainerMapping,
    Fabric,
    InVault,
    NetworkMapping,
    PlacementGroup,
    ReplicationPolicy,
    ResourceGroup,
    TargetResource,
    VirtualNetwork,
)
from shared.planning import preflight
from shared.planning.catalog import finding_of
from shared.provision import target_resources
from shared.provision.target_resources import IncompatibleResourceError
from shared.readers.resource_groups import forget_groups
from shared.site_recovery import infrastructure
from shared.site_recovery.vault import Vault, vault_of


class _Kind(NamedTuple):
    """The functions of a kind, called with `Azure` or a vault and the resource. `create` returns an ID if it completed.

    `forget` invalidates the cached list that `find` reads, if it is older than the given time.
    """

    find: Callable[[Any, Any], Awaitable[ResourceId | None]]
    create: Callable[[Any, Any], Awaitable[PendingCreate | ResourceId]]
    forget: Callable[[Any, Any, float], None] | None = None


_KINDS: dict[type[TargetResource], _Kind] = {
    ResourceGroup: _Kind(
        target_resources.find_resource_group,
        target_resources.create_resource_group,
        lambda azure, wanted, time: forget_groups(azure, wanted.id, if_before=time),
    ),
    VirtualNetwork: _Kind(target_resources.find_placed, target_resources.create_virtual_network),
    AvailabilitySet: _Kind(target_resources.find_placed, target_resources.create_availability_set),
    PlacementGroup: _Kind(target_resources.find_placed, target_resources.create_placement_group),
    CacheAccount: _Kind(target_resources.find_placed, target_resources.create_cache_account),
    Fabric: _Kind(
        lambda vault, wanted: infrastructure.find_fabric(vault, wanted.location),
        infrastructure.create_fabric,
        lambda vault, _, time: vault.fabrics.forget(if_before=time),
    ),
    Container: _Kind(
        lambda vault, wanted: infrastructure.find_container(vault, wanted.location),
        infrastructure.create_container,
        lambda vault, _, time: vault.containers.forget(if_before=time),
    ),
    ReplicationPolicy: _Kind(
        lambda vault, wanted: infrastructure.find_policy(vault, wanted.policy),
        infrastructure.create_policy,
        lambda vault, _, time: vault.policies.forget(if_before=time),
    ),
    ContainerMapping: _Kind(
        infrastructure.find_container_mapping_id,
        infrastructure.create_container_mapping,
        lambda vault, _, time: vault.container_mappings.forget(if_before=time),
    ),
    NetworkMapping: _Kind(
        infrastructure.find_network_mapping,
        infrastructure.create_network_mapping,
        lambda vault, _, time: vault.network_mappings.forget(if_before=time),
    ),
}


async def ensure(azure: Azure, resource: TargetResource) -> StepResult:
    """Ready if the resource exists, Pending while it is created. Raises HttpResponseError, MissingParentError."""
    holder, forget = _holder(azure, resource), _KINDS[type(resource)].forget
    recently = monotonic() - azure.settings.poll_seconds
    refresh = partial(forget, holder, resource, recently) if forget else None
    try:
        # Other callers share this read, those of events too: it must not wait with low priority.
        with low_priority(False):
            return await holder.get_or_create.ensure(
                resource.key, partial(find, azure, resource), partial(_create, azure, resource), refresh
            )
    except IncompatibleResourceError as unfit:
        refused = finding_of("IncompatibleTargetResource", str(unfit), tag=azure.settings.tag_name)
        return Failed(error=Error(code=refused.code, message=refused.message, action=refused.fix), by_settings=True)


async def find(azure: Azure, resource: TargetResource) -> ResourceId | None:
    """The ID of the resource if it exists. Reads only. Raises HttpResponseError, UnfitError."""
    return await _KINDS[type(resource)].find(_holder(azure, resource), resource)


async def _create(azure: Azure, resource: TargetResource) -> PendingCreate | ResourceId:
    forbidden = preflight.not_to_be_made(resource, azure.settings)
    if forbidden:
        raise WriteRefusedError(forbidden.code, forbidden.message, forbidden.fix)
    return await _KINDS[type(resource)].create(_holder(azure, resource), resource)


def known(azure: Azure, resource: TargetResource) -> bool:
    """Whether the resource is in the cache of this process. Makes no call."""
    return _holder(azure, resource).get_or_create.knows(resource.key)


def _holder(azure: Azure, resource: TargetResource) -> Azure | Vault:
    return vault_of(azure, resource.vault) if isinstance(resource, InVault) else azure
