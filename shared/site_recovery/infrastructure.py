"""The Site Recovery infrastructure of a vault: fabric, container, policy, mappings. Found by natural key, or created.

A vault allows one fabric per region. A container mapping is identified by source, target and policy, a network mapping
by source network and target region, whatever name the portal, Terraform or Azure Policy gave them.
"""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.get_or_create import PendingCreate, UnderWayError, usually
from shared.arm.listing import Listing
from shared.arm.parsing import ContainerMappingRecord
from shared.arm.ttl_cache import TTL_STATIC, TtlCache
from shared.model import naming
from shared.model.replicated_item import JobStage, ProtectedItem
from shared.model.replication import Policy
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.target_resources import Container, ContainerMapping, Fabric, NetworkMapping, ReplicationPolicy
from shared.site_recovery.vault import Vault

# Seconds after which most of each kind had completed in recorded traffic.
_USUALLY_TAKES = {"fabric": 75, "container": 2, "policy": 2, "container mapping": 105, "network mapping": 5}

# The service's name for "all networks of Azure" as the parent of a network mapping.
_AZURE_NETWORK = "azureNetwork"


class MissingParentError(Exception):
    """The parent of a resource is missing: it is not created yet, or has just been removed."""


async def create_fabric(vault: Vault, wanted: Fabric) -> PendingCreate:
    body = models.FabricCreationInput(
        properties=models.FabricCreationInputProperties(
            custom_details=models.AzureFabricCreationInput(location=wanted.location)
        )
    )
    create = vault.client.replication_fabrics.begin_create
    return await _started(vault, "fabric", vault.fabrics, create, wanted.name, body)


async def create_container(vault: Vault, wanted: Container) -> PendingCreate:
    body = models.CreateProtectionContainerInput(
        properties=models.CreateProtectionContainerInputProperties(
            provider_specific_input=[models.A2AContainerCreationInput()]
        )
    )
    fabric = await _needed(find_fabric(vault, wanted.location), f"the fabric of {wanted.location}")
    create = vault.client.replication_protection_containers.begin_create
    return await _started(vault, "container", vault.containers, create, fabric.name, wanted.name, body)


async def create_policy(vault: Vault, wanted: ReplicationPolicy) -> PendingCreate:
    values = policy_values(wanted.policy)
    body = models.CreatePolicyInput(properties=models.CreatePolicyInputProperties(provider_specific_input=values))
    create = vault.client.replication_policies.begin_create
    name = naming.free(wanted.name, [record.id.name for record in await vault.policies.get()])
    return await _started(vault, "policy", vault.policies, create, name, body)


def policy_values(policy: Policy) -> models.A2APolicyCreationInput:
    return models.A2APolicyCreationInput(
        recovery_point_history=policy.retention_minutes,
        app_consistent_frequency_in_minutes=policy.app_consistent_minutes,
        crash_consistent_frequency_in_minutes=policy.crash_consistent_minutes,
        multi_vm_sync_status=models.SetMultiVmSyncStatus.ENABLE,
    )


async def create_container_mapping(vault: Vault, wanted: ContainerMapping) -> PendingCreate:
    """Creates the mapping, or changes the agent updates of a mapping that this app created."""
    existing = await find_container_mapping(vault, wanted)
    if existing:
        return await _update_container_mapping(vault, existing.id, wanted)
    source = await _needed(find_container(vault, wanted.source_location), f"a container of {wanted.source_location}")
    target = await _needed(find_container(vault, wanted.target_location), f"a container of {wanted.target_location}")
    policy = await _needed(find_policy(vault, wanted.policy), f"the policy {wanted.policy.name}")
    body = models.CreateProtectionContainerMappingInput(
        properties=models.CreateProtectionContainerMappingInputProperties(
            policy_id=str(policy),
            target_protection_container_id=str(target),
            provider_specific_input=_agent_update(wanted.automation_account),
        )
    )
    create = vault.client.replication_protection_container_mappings.begin_create
    taken = [record.id.name for record in await vault.container_mappings.get() if record.source_container == source]
    path = (source.parent.name, source.name, naming.free(wanted.name, taken))
    return await _started(vault, "container mapping", vault.container_mappings, create, *path, body)


async def _update_container_mapping(vault: Vault, mapping: ResourceId, wanted: ContainerMapping) -> PendingCreate:
    values = _agent_update(wanted.automation_account)
    body = models.UpdateProtectionContainerMappingInput(
        properties=models.UpdateProtectionContainerMappingInputProperties(
            provider_specific_input=models.A2AUpdateContainerMappingInput(
                agent_auto_update_status=values.agent_auto_update_status,
                automation_account_arm_id=values.automation_account_arm_id,
                automation_account_authentication_type=values.automation_account_authentication_type,
            )
        )
    )
    change = vault.client.replication_protection_container_mappings.begin_update
    path = (mapping.parent.parent.name, mapping.parent.name, mapping.name)
    return await _started(vault, "container mapping", vault.container_mappings, change, *path, body)


def _agent_update(account: ResourceId | None) -> models.A2AContainerMappingInput:
    """Whether the mobility agents are updated automatically, and by which automation account."""
    if account is None:
        return models.A2AContainerMappingInput(agent_auto_update_status=models.AgentAutoUpdateStatus.DISABLED)
    return models.A2AContainerMappingInput(
        agent_auto_update_status=models.AgentAutoUpdateStatus.ENABLED,
        automation_account_arm_id=str(account),
        automation_account_authentication_type=models.AutomationAccountAuthenticationType.SYSTEM_ASSIGNED_IDENTITY,
    )


async def create_network_mapping(vault: Vault, wanted: NetworkMapping) -> PendingCreate:
    source = await _needed(find_fabric(vault, wanted.source_location), f"the fabric of {wanted.source_location}")
    target = await _needed(find_fabric(vault, wanted.target_location), f"the fabric of {wanted.target_location}")
    body = models.CreateNetworkMappingInput(
        properties=models.CreateNetworkMappingInputProperties(
            recovery_fabric_name=target.name,
            recovery_network_id=str(wanted.target_network),
            fabric_specific_details=models.AzureToAzureCreateNetworkMappingInput(
                primary_network_id=str(wanted.source_network)
            ),
        )
    )
    create = vault.client.replication_network_mappings.begin_create
    path = (source.name, _AZURE_NETWORK, wanted.name)
    return await _started(vault, "network mapping", vault.network_mappings, create, *path, body)


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
    by_name = (container for container in found if container.name == naming.container(location))
    return next(by_name, min(found, key=str, default=None))


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
    return next((found for found in same if found.name == wanted.name), min(same, key=str, default=None))


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


async def find_container_mapping_id(vault: Vault, wanted: ContainerMapping) -> ResourceId | None:
    """The mapping; None also if its agent updates have to be changed in place, for a mapping that this app created."""
    found = await find_container_mapping(vault, wanted)
    if found is None or (
        found.id.name.startswith(wanted.name) and wanted.automation_account not in {None, found.automation_account}
    ):
        return None
    return found.id


async def find_network_mapping(vault: Vault, wanted: NetworkMapping) -> ResourceId | None:
    for mapping in await vault.network_mappings.get():
        if mapping.source_network == wanted.source_network and mapping.target_location == wanted.target_location:
            return mapping.id
    return None


async def _needed(found: Awaitable[ResourceId | None], what: str) -> ResourceId:
    parent = await found
    if parent is None:
        raise MissingParentError(f"The vault does not hold {what}.")
    return parent


async def _started(
    vault: Vault,
    kind: str,
    shown_in: TtlCache[Listing[Any]],
    create: Callable[..., Awaitable[Any]],
    *path_and_body: Any,
) -> PendingCreate:
    vault.azure.check_write(vault.id)
    (await shown_in.get()).check_complete()
    started = monotonic()
    job_name = await begin(create, vault.id.resource_group, vault.id.name, *path_and_body)

    async def progress() -> bool | Error:
        vault.jobs.forget(if_before=started)
        job = await vault.job(job_name) if job_name else None
        if job and job.stage is JobStage.RUNNING:
            return False
        shown_in.forget(if_before=vault.jobs.requested_at)
        return await vault.job_error(job_name) if job and job.stage is JobStage.FAILED else True

    return PendingCreate(usually(_USUALLY_TAKES[kind], vault.azure.settings.poll_seconds), progress)


async def begin(send: Callable[..., Awaitable[Any]], *arguments: Any, **options: Any) -> str:
    """Starts an operation and does not wait for it. Returns the ID of the operation, or "" if it has completed.

    The poll URLs of the answer are signed and 3 KB long: only the ID is kept, which is the name of the job, too.
    """
    seen: list[Any] = []
    await send(*arguments, raw_response_hook=seen.append, **options)
    url: str = seen[-1].http_response.headers.get("Azure-AsyncOperation", "")
    return url.split("?", 1)[0].rsplit("/", 1)[-1]
