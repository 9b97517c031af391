"""The kinds in a vault: fabric, protection container, replication policy, container mapping, network mapping."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import Any, NamedTuple, TypeVar

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.client import Azure
from shared.arm.get_or_create import PendingCreate, usually
from shared.arm.listing import Listing
from shared.arm.ttl_cache import TtlCache
from shared.model import naming
from shared.model.replicated_item import JobStage
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.target_resources import (
    Container,
    ContainerMapping,
    Fabric,
    InVault,
    NetworkMapping,
    ReplicationPolicy,
)
from shared.provision.kind import Kind, register
from shared.site_recovery import infrastructure
from shared.site_recovery.infrastructure import MissingParentError, begin
from shared.site_recovery.infrastructure_records import (
    ContainerMappingRecord,
    FabricRecord,
    NetworkMappingRecord,
    PolicyRecord,
)
from shared.site_recovery.vault import Vault, vault_of

V = TypeVar("V", bound=InVault)


class Request(NamedTuple):
    """The operation of the SDK, the resource that it creates or, with `changes`, changes, and the body. `record` is the
    resource as the list will show it once the operation has succeeded."""

    send: Callable[..., Awaitable[Any]]
    resource: ResourceId
    body: Any
    record: Any
    changes: bool = False


# The service's name for "all networks of Azure" as the parent of a network mapping.
_AZURE_NETWORK = "azureNetwork"


class VaultPart(Kind[V]):
    """A kind in a vault. `listed` is the list of the vault that shows its resources."""

    listed: str

    async def find(self, azure: Azure, wanted: V) -> ResourceId | None:
        return await self.find_in(vault_of(azure, wanted.vault), wanted)

    async def create(self, azure: Azure, wanted: V) -> PendingCreate:
        vault = vault_of(azure, wanted.vault)
        send, resource, body, record, changes = await self.request(vault, wanted)
        azure.check_write(vault.id)
        shown: Listing[Any] = await self._shown_in(azure, wanted).get()
        shown.check_complete()
        origin = None if changes else await azure.origins.intend(resource)
        # Site Recovery writes IDs in a casing of its own.
        names = resource.text[len(vault.id.text) :].split("/")[2::2]
        started = monotonic()
        job_name = await begin(send, vault.id.resource_group, vault.id.name, *names, body)

        async def progress() -> bool | Error:
            vault.jobs.forget(if_before=started)
            job = await vault.job(job_name) if job_name else None
            if job and job.stage is JobStage.RUNNING:
                return False
            if job and job.stage is JobStage.SUCCEEDED:
                vault.made(self.listed, record)
                return True
            self.forget(azure, wanted, vault.jobs.requested_at)
            return await vault.job_error(job_name) if job else True

        async def prove(found: ResourceId) -> None:
            if origin and found == resource:
                await azure.origins.prove(origin)

        return PendingCreate(usually(self.takes, azure.settings.poll_seconds), progress, prove)

    def forget(self, azure: Azure, wanted: V, if_before: float) -> None:
        self._shown_in(azure, wanted).forget(if_before=if_before)

    def _shown_in(self, azure: Azure, wanted: V) -> TtlCache[Any]:
        shown_in: TtlCache[Any] = getattr(vault_of(azure, wanted.vault), self.listed)
        return shown_in

    @abstractmethod
    async def find_in(self, vault: Vault, wanted: V) -> ResourceId | None:
        """As `find`."""

    @abstractmethod
    async def request(self, vault: Vault, wanted: V) -> Request:
        """The request to create it, or to change it in place. Raises HttpResponseError, MissingParentError."""


async def _needed(find: Callable[[Vault, Any], Awaitable[ResourceId | None]], vault: Vault, by: Any) -> ResourceId:
    """A parent by its natural key. Raises MissingParentError, HttpResponseError."""
    parent = await find(vault, by)
    if parent is None:
        raise MissingParentError(f"The vault holds no {find.__name__.removeprefix('find_')} for {by}.")
    return parent


@register(Fabric)
class Fabrics(VaultPart[Fabric]):
    takes, listed = 75, "fabrics"

    async def find_in(self, vault: Vault, wanted: Fabric) -> ResourceId | None:
        return await infrastructure.find_fabric(vault, wanted.location)

    async def request(self, vault: Vault, wanted: Fabric) -> Request:
        details = models.AzureFabricCreationInput(location=wanted.location)
        body = models.FabricCreationInput(properties=models.FabricCreationInputProperties(custom_details=details))
        resource = vault.id.child("replicationFabrics", wanted.name)
        record = FabricRecord(resource, wanted.location)
        return Request(vault.client.replication_fabrics.begin_create, resource, body, record)


@register(Container)
class Containers(VaultPart[Container]):
    takes, listed = 2, "containers"

    async def find_in(self, vault: Vault, wanted: Container) -> ResourceId | None:
        return await infrastructure.find_container(vault, wanted.location)

    async def request(self, vault: Vault, wanted: Container) -> Request:
        details: Any = [models.A2AContainerCreationInput()]
        properties = models.CreateProtectionContainerInputProperties(provider_specific_input=details)
        fabric = await _needed(infrastructure.find_fabric, vault, wanted.location)
        resource = fabric.child("replicationProtectionContainers", wanted.name)
        create = vault.client.replication_protection_containers.begin_create
        return Request(create, resource, models.CreateProtectionContainerInput(properties=properties), resource)


@register(ReplicationPolicy)
class ReplicationPolicies(VaultPart[ReplicationPolicy]):
    takes, listed = 2, "policies"

    async def find_in(self, vault: Vault, wanted: ReplicationPolicy) -> ResourceId | None:
        return await infrastructure.find_policy(vault, wanted.policy)

    async def request(self, vault: Vault, wanted: ReplicationPolicy) -> Request:
        details = infrastructure.policy_values(wanted.policy)
        properties = models.CreatePolicyInputProperties(provider_specific_input=details)
        name = naming.free(wanted.name, [record.id.name for record in await vault.policies.get()])
        body, resource = models.CreatePolicyInput(properties=properties), vault.id.child("replicationPolicies", name)
        record = PolicyRecord(resource, wanted.policy)
        return Request(vault.client.replication_policies.begin_create, resource, body, record)


@register(ContainerMapping)
class ContainerMappings(VaultPart[ContainerMapping]):
    """A mapping that this deployment created, with other agent updates than wanted, is changed in place."""

    takes, listed = 105, "container_mappings"

    async def find_in(self, vault: Vault, wanted: ContainerMapping) -> ResourceId | None:
        found = await infrastructure.find_container_mapping(vault, wanted)
        if found and wanted.automation_account not in {None, found.automation_account}:
            _, gap = await vault.azure.origins.proof(found.id)
            return found.id if gap else None
        return found.id if found else None

    async def is_changed(self, azure: Azure, wanted: ContainerMapping) -> bool:
        return await infrastructure.find_container_mapping(vault_of(azure, wanted.vault), wanted) is not None

    async def request(self, vault: Vault, wanted: ContainerMapping) -> Request:
        operations = vault.client.replication_protection_container_mappings
        updates = _agent_updates(wanted.automation_account)
        existing = await infrastructure.find_container_mapping(vault, wanted)
        if existing:
            details = models.A2AUpdateContainerMappingInput(**updates)
            update = models.UpdateProtectionContainerMappingInputProperties(provider_specific_input=details)
            change = models.UpdateProtectionContainerMappingInput(properties=update)
            record = replace(existing, automation_account=wanted.automation_account)
            return Request(operations.begin_update, existing.id, change, record, changes=True)
        source = await _needed(infrastructure.find_container, vault, wanted.source_location)
        target = await _needed(infrastructure.find_container, vault, wanted.target_location)
        policy = await _needed(infrastructure.find_policy, vault, wanted.policy)
        properties = models.CreateProtectionContainerMappingInputProperties(
            policy_id=str(policy),
            target_protection_container_id=str(target),
            provider_specific_input=models.A2AContainerMappingInput(**updates),
        )
        taken = [record.id.name for record in await vault.container_mappings.get() if record.source_container == source]
        resource = source.child("replicationProtectionContainerMappings", naming.free(wanted.name, taken))
        body = models.CreateProtectionContainerMappingInput(properties=properties)
        record = ContainerMappingRecord(resource, source, target, policy, True, wanted.automation_account)
        return Request(operations.begin_create, resource, body, record)


def _agent_updates(account: ResourceId | None) -> dict[str, Any]:
    """Whether the mobility agents are updated automatically, and by which automation account."""
    if account is None:
        return {"agent_auto_update_status": models.AgentAutoUpdateStatus.DISABLED}
    return {
        "agent_auto_update_status": models.AgentAutoUpdateStatus.ENABLED,
        "automation_account_arm_id": str(account),
        "automation_account_authentication_type": models.AutomationAccountAuthenticationType.SYSTEM_ASSIGNED_IDENTITY,
    }


@register(NetworkMapping)
class NetworkMappings(VaultPart[NetworkMapping]):
    takes, listed = 5, "network_mappings"

    async def find_in(self, vault: Vault, wanted: NetworkMapping) -> ResourceId | None:
        mappings = await vault.network_mappings.get()
        key = (wanted.source_network, wanted.target_location)
        return next((each.id for each in mappings if (each.source_network, each.target_location) == key), None)

    async def request(self, vault: Vault, wanted: NetworkMapping) -> Request:
        source = await _needed(infrastructure.find_fabric, vault, wanted.source_location)
        target = await _needed(infrastructure.find_fabric, vault, wanted.target_location)
        networks = models.AzureToAzureCreateNetworkMappingInput(primary_network_id=str(wanted.source_network))
        properties = models.CreateNetworkMappingInputProperties(
            recovery_fabric_name=target.name,
            recovery_network_id=str(wanted.target_network),
            fabric_specific_details=networks,
        )
        networks_of = source.child("replicationNetworks", _AZURE_NETWORK)
        resource = networks_of.child("replicationNetworkMappings", wanted.name)
        body = models.CreateNetworkMappingInput(properties=properties)
        places = (wanted.source_network, wanted.target_network, wanted.source_location, wanted.target_location)
        record = NetworkMappingRecord(resource, *places)
        return Request(vault.client.replication_network_mappings.begin_create, resource, body, record)
