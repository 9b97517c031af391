"""The Site Recovery infrastructure of a vault: fabric, container, policy, mappings. Found by natural key.

A vault allows one fabric per region. A container mapping is identified by source, target and policy, a network mapping
by source network and target region, whatever name the portal, Terraform or Azure Policy gave them.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.get_or_create import UnderWayError
from shared.config.intervals import TTL_STATIC
from shared.model import naming
from shared.model.policy import Policy
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId, folded
from shared.model.target_resources import ContainerMapping
from shared.site_recovery.infrastructure_records import ContainerMappingRecord
from shared.site_recovery.vault import Vault


class MissingParentError(Exception):
    """The parent of a resource is missing: it is not created yet, or has just been removed."""


def policy_values(policy: Policy) -> models.A2APolicyCreationInput:
    return models.A2APolicyCreationInput(
        recovery_point_history=policy.retention_minutes,
        app_consistent_frequency_in_minutes=policy.app_consistent_minutes,
        crash_consistent_frequency_in_minutes=policy.crash_consistent_minutes,
        multi_vm_sync_status=models.SetMultiVmSyncStatus.ENABLE,
    )


async def find_fabric(vault: Vault, location: str) -> ResourceId | None:
    """The fabric of a region. A fabric in a container mapping still exists: the list need not be read again."""
    for fabric in await vault.fabrics.get(vault.azure.settings.poll_seconds * TTL_STATIC):
        if fabric.location == location and fabric.id in await _joined(vault):
            return fabric.id
    return next((fabric.id for fabric in await vault.fabrics.get() if fabric.location == location), None)


async def _joined(vault: Vault) -> set[ResourceId]:
    """The fabrics at both ends of the container mappings."""
    mappings = await vault.container_mappings.get()
    return {end.parent for mapping in mappings for end in (mapping.source_container, mapping.target_container)}


async def find_container(vault: Vault, location: str) -> ResourceId | None:
    """The container of a region: a mapped one, else the portal's by name, else the first.

    The mappings are asked first: in a vault that is set up they tell the containers, too, and save a list.
    """
    fabric = await find_fabric(vault, location)
    ends = ((mapping.source_container, mapping.target_container) for mapping in await vault.container_mappings.get())
    mapped = {end for pair in ends for end in pair if end.parent == fabric}
    found = mapped or {container for container in await vault.containers.get() if container.parent == fabric}
    by_name = (container for container in found if container.name.lower() == naming.container(location))
    return next(by_name, min(found, default=None))


async def policy_of_item(vault: Vault, item: ProtectedItem) -> Policy | None:
    """The policy of an item. If a cached list does not hold it, the list is read again."""
    for within in (vault.azure.settings.poll_seconds * TTL_STATIC, vault.azure.settings.poll_seconds):
        found = {record.id: record.policy for record in await vault.policies.get(within)}
        if item.policy_id in found:
            return found[item.policy_id]
    return None


async def _policies_like(vault: Vault, wanted: Policy) -> list[ResourceId]:
    return [record.id for record in await vault.policies.get() if record.policy.values == wanted.values]


async def find_policy(vault: Vault, wanted: Policy) -> ResourceId | None:
    """A policy with these values: of several, the one that this app named, else the first."""
    same = await _policies_like(vault, wanted)
    return next((found for found in same if folded(found.name) == folded(wanted.name)), min(same, default=None))


async def find_container_mapping(vault: Vault, wanted: ContainerMapping) -> ContainerMappingRecord | None:
    """A mapping between the regions with such a policy, whatever its containers and the name of the policy.

    Raises UnderWayError for one that is listed and not paired yet.
    """
    source = await find_fabric(vault, wanted.source_location)
    target = await find_fabric(vault, wanted.target_location)
    policies = await _policies_like(vault, wanted.policy)
    found = [
        mapping
        for mapping in await vault.container_mappings.get()
        if (mapping.source_container.parent, mapping.target_container.parent) == (source, target)
        and mapping.policy in policies
    ]
    if found and not any(mapping.paired for mapping in found):
        vault.container_mappings.forget()
        raise UnderWayError(f"The container mapping {found[0].id.name} is not paired.")
    return next((mapping for mapping in found if mapping.paired), None)


async def begin(send: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> str:
    """Starts an operation and does not wait for it. Returns the ID of the operation, or "" if it has completed.

    The poll URLs of the answer are signed and 3 KB long: only the ID is kept, which is the name of the job, too.
    """
    seen: list[Any] = []
    await send(*arguments, raw_response_hook=seen.append, **options)
    url: str = seen[-1].http_response.headers.get("Azure-AsyncOperation", "")
    return url.split("?", 1)[0].rsplit("/", 1)[-1]
