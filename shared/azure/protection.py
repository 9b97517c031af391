"""The protection of one VM: asking for it, following it, and taking back an attempt that failed."""

from time import monotonic

from azure.mgmt.recoveryservicessiterecovery import models

from shared.azure.gateway import Azure
from shared.azure.site_recovery import MissingParentError, begin, find_container_mapping
from shared.azure.vault import ContainerMappingRecord, Vault
from shared.domain import naming
from shared.domain.protected_item import JobStage, ProtectedItem
from shared.domain.resource_id import ResourceId
from shared.domain.target import ContainerMapping, Replication

# Seconds. The look that led to a write has just read the lists, and they serve for so long.
_FRESH_FOR = 2.0


def look_anew(vault: Vault) -> None:
    """Before a write: items and jobs are read anew, for another process may have written a moment ago."""
    recently = monotonic() - _FRESH_FOR
    vault.items.forget(if_before=recently)
    vault.jobs.forget(if_before=recently)


async def find_item(vault: Vault, vm: ResourceId) -> ProtectedItem | None:
    """The item that protects a VM, whoever made it."""
    return next((item for item in await vault.items.get() if item.source == vm), None)


async def find_original(vault: Vault, vm: ResourceId) -> ResourceId | None:
    """The VM that this one is a copy of, if a failover or a test failover made it."""
    return next((item.source for item in await vault.items.get() if vm in item.copies), None)


async def is_busy(vault: Vault, item: ProtectedItem) -> bool:
    """Whether a job is under way on the item: the one it names, or a removal that this process has asked for."""
    names = {item.job, vault.remove_jobs.get(item.id, "")} - {""}
    jobs = [await vault.job(name) for name in names]
    return any(job and job.stage is JobStage.RUNNING for job in jobs)


async def own_enable_job(vault: Vault, vm: ResourceId) -> str:
    """The job that this process has asked for and that is still enabling the VM, or ""."""
    job = await vault.job(vault.enable_jobs[vm]) if vault.enable_jobs.get(vm) else None
    return job.name if job and job.stage is JobStage.RUNNING else ""


async def may_be_enabled_already(vault: Vault, vm: ResourceId) -> bool:
    """Whether a job that others began is enabling a VM of this name: while it runs, its item may not be readable.

    A job tells no more than the name: to wait for another VM's costs minutes, to ask twice may cost the protection.
    """
    running = [job for job in await vault.jobs.get() if job.enables(vm) and job.stage is JobStage.RUNNING]
    known = set(vault.enable_jobs.values()) if running else set()
    return any(job.name not in known for job in running)


async def enable(azure: Azure, vm: ResourceId, replication: Replication) -> str:
    """Asks for protection. Returns the name of the job. Raises HttpResponseError, MissingParentError.

    Sent once and never repeated by the SDK: after a lost answer the item and its job are looked for first.
    """
    azure.check_vm_write(vm)
    azure.check_write(replication.target_group, replication.vault)
    vault = azure.vault(replication.vault)
    mapping = await _mapping(vault, replication)
    fabric, container = mapping.source_container.parent.name, mapping.source_container.name
    body = models.EnableProtectionInput(
        properties=models.EnableProtectionInputProperties(
            policy_id=str(mapping.policy), provider_specific_details=_a2a(vm, replication, mapping)
        )
    )
    send = vault.client.replication_protected_items.begin_create
    path = (vault.id.resource_group, vault.id.name, fabric, container, naming.item_name(vm))
    try:
        vault.enable_jobs[vm] = await begin(send, *path, body, retry_total=0)
    except BaseException:
        # It may have been taken all the same: whoever looks next looks at the vault, not at what is remembered of it.
        vault.items.forget()
        vault.jobs.forget()
        raise
    return vault.enable_jobs[vm]


async def remove(azure: Azure, item: ProtectedItem) -> str:
    """Takes back an attempt to enable that failed and never held a recovery point. Returns the name of the job."""
    azure.check_vm_write(item.source)
    vault = azure.vault(azure.settings.vault)
    container = item.id.parent
    body = models.DisableProtectionInput(
        properties=models.DisableProtectionInputProperties(
            disable_protection_reason=models.DisableProtectionReason.NOT_SPECIFIED
        )
    )
    vault.remove_jobs[item.id] = await begin(
        vault.client.replication_protected_items.begin_delete,
        vault.id.resource_group,
        vault.id.name,
        container.parent.name,
        container.name,
        item.id.name,
        body,
    )
    return vault.remove_jobs[item.id]


def _a2a(vm: ResourceId, replication: Replication, mapping: ContainerMappingRecord) -> models.A2AEnableProtectionInput:
    """No network in it: the network mapping leads to the target network and to the subnet of the same name."""
    return models.A2AEnableProtectionInput(
        fabric_object_id=str(vm),
        recovery_container_id=str(mapping.target_container),
        recovery_resource_group_id=str(replication.target_group),
        recovery_availability_set_id=str(replication.availability_set) if replication.availability_set else None,
        vm_managed_disks=[
            models.A2AVmManagedDiskInputDetails(
                disk_id=str(disk.id),
                primary_staging_azure_storage_account_id=str(replication.cache_account),
                recovery_resource_group_id=str(replication.target_group),
                recovery_replica_disk_account_type=disk.replica_sku or None,
                recovery_target_disk_account_type=disk.target_sku or None,
            )
            for disk in replication.disks
        ],
    )


async def _mapping(vault: Vault, replication: Replication) -> ContainerMappingRecord:
    wanted = ContainerMapping(
        vault=vault.id,
        source_location=replication.source_location,
        target_location=replication.target_location,
        policy=replication.policy,
    )
    found = await find_container_mapping(vault, wanted)
    if found is None:
        raise MissingParentError(
            f"The vault holds no container mapping from {wanted.source_location} to {wanted.target_location} "
            f"with the policy {wanted.policy.name}."
        )
    return found
