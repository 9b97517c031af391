"""The protection of one VM: enable it, follow it, and remove a failed item."""

from collections.abc import Iterable
from time import monotonic
from typing import Any
from uuid import uuid4

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.client import Azure
from shared.arm.errors import ThrottledError, WriteRefusedError
from shared.arm.listing import NotKnownError
from shared.config.intervals import FRESH_FOR
from shared.config.override_options import CHOICES
from shared.model import naming
from shared.model.replicated_item import DISABLE, ENABLE, JobStage, ProtectedItem, Stage
from shared.model.replication import ReplicatedDisk, Replication
from shared.model.resource_id import ResourceId
from shared.model.target_resources import ContainerMapping
from shared.model.unread_row import UnreadRow
from shared.site_recovery.daily_limits import requested
from shared.site_recovery.infrastructure import MissingParentError, begin, find_container_mapping
from shared.site_recovery.infrastructure_records import ContainerMappingRecord
from shared.site_recovery.item_origin import proven
from shared.site_recovery.vault import Vault, read_again, vault_of, vaults_of


def refresh(azure: Azure) -> None:
    """Invalidates the cached items and jobs before a write: another process may have written since."""
    recently = monotonic() - FRESH_FOR
    for vault in vaults_of(azure):
        vault.items.forget(if_before=recently)
        vault.jobs.forget(if_before=recently)


async def unread_about(vaults: Iterable[Vault], vm: ResourceId, location: str = "") -> UnreadRow | None:
    """A row of the lists of items that could not be read and may be about the VM, or None."""
    rows = [row for vault in vaults for row in (await vault.items.get()).listing.unread]
    return next((row for row in rows if row.concerns(vm, location)), None)


async def check_known(azure: Azure, vm: ResourceId, location: str) -> None:
    """Passes if it is known what protects the VM. Raises NotKnownError."""
    if row := await unread_about(vaults_of(azure), vm, location):
        raise NotKnownError(row)


async def find_item(vault: Vault, vm: ResourceId) -> ProtectedItem | None:
    """The item of this vault that protects the VM, or None. Raises NotKnownError."""
    found = (await vault.items.get()).of(vm)
    if found is None and (row := await unread_about((vault,), vm)):
        raise NotKnownError(row)
    return found


async def find_protection(azure: Azure, vm: ResourceId, location: str = "") -> tuple[Vault, ProtectedItem] | None:
    """The item that protects the VM, and its vault; None if nothing does. A failed item does not hide another one.

    Raises NotKnownError if a row that could not be read may protect it.
    """
    looked = [(vault, (await vault.items.get()).of(vm)) for vault in vaults_of(azure)]
    found = [(vault, item) for vault, item in looked if item]
    if not found:
        await check_known(azure, vm, location)
    return min(found, key=lambda pair: pair[1].stage is Stage.FAILED, default=None)


async def find_original(azure: Azure, vm: ResourceId) -> ResourceId | None:
    """The original of a failover VM, or None."""
    found = [(await vault.items.get()).original_of(vm) for vault in vaults_of(azure)]
    return next((original for original in found if original), None)


async def is_busy(vault: Vault, item: ProtectedItem) -> bool:
    """Whether a job on the item is in progress: the job that it names, or a removal by this process."""
    names = {item.job, vault.remove_jobs.get(item.id, "")} - {""}
    jobs = [await vault.job(name) for name in names]
    return any(job and job.stage is JobStage.RUNNING for job in jobs)


async def own_enable_job(vault: Vault, vm: ResourceId) -> str:
    """The running enable job of the VM that this process started, or ""."""
    job = await vault.job(vault.enable_jobs[vm]) if vault.enable_jobs.get(vm) else None
    return job.name if job and job.stage is JobStage.RUNNING else ""


async def may_be_enabled_already(azure: Azure, vm: ResourceId) -> bool:
    """Whether another client is enabling a VM of this name: while the job runs, the item may not be readable.

    A job tells no more than the name: to wait for another VM's costs minutes, to ask twice may cost the protection.
    """
    for vault in vaults_of(azure):
        running = (await vault.jobs.get()).enabling(vm)
        known = set(vault.enable_jobs.values()) if running else set()
        if any(job.name not in known for job in running):
            return True
    return False


async def enabled_meanwhile(azure: Azure, vm: ResourceId) -> bool:
    """Whether the VM is protected since the items were read, before the jobs were: a job that has enabled a VM of this
    name may have ended in between, and neither list showed it. The items are read again only if there is such a job."""
    for vault in vaults_of(azure):
        jobs = await vault.jobs.get()
        if any(job.scenario == ENABLE and job.stage is JobStage.SUCCEEDED for job in jobs.about(vm)):
            vault.items.forget(if_before=vault.jobs.requested_at)
    return await find_protection(azure, vm) is not None


async def enable(azure: Azure, vm: ResourceId, replication: Replication) -> str:
    """Enables protection. Returns the name of the job. Raises HttpResponseError, MissingParentError, NotKnownError.

    Sent once and never repeated by the SDK: after a lost response the item and its job are read first.
    """
    azure.check_vm_write(vm)
    azure.check_write(replication.vault, *replication.named)
    await check_known(azure, vm, replication.source_location)
    vault = vault_of(azure, replication.vault)
    mapping = await _mapping(vault, replication)
    fabric, container = mapping.source_container.parent.name, mapping.source_container.name
    body = models.EnableProtectionInput(
        properties=models.EnableProtectionInputProperties(
            policy_id=str(mapping.policy), provider_specific_details=_a2a(vm, replication, mapping)
        )
    )
    send = vault.client_for(replication.disks).replication_protected_items.begin_create
    item = mapping.source_container.child("replicationProtectedItems", naming.item_name(vm, azure.settings.deployment))
    path = (vault.id.resource_group, vault.id.name, fabric, container, item.name)
    request = str(uuid4())
    await azure.origins.intend(item, vm=vm, tag_name=azure.settings.tag_name, request=request)
    try:
        vault.enable_jobs[vm] = await begin(send, *path, body, retry_total=0, request_id=request)
        requested(azure, ENABLE, vault.enable_jobs[vm])
    except ThrottledError:
        raise  # the request was not sent
    except BaseException:
        # Azure may have accepted the request all the same, or refused it for a target resource that was changed since
        # it was read.
        vault.items.forget()
        vault.jobs.forget()
        read_again(azure, if_before=monotonic() - azure.settings.poll_seconds)
        raise
    return vault.enable_jobs[vm]


async def remove(azure: Azure, item: ProtectedItem, *, confirmed: bool = False) -> str:
    """Disables protection, or removes the item of a failed attempt. Returns the name of the job.

    Raises HttpResponseError, NotKnownError, and WriteRefusedError where no record proves that this deployment enabled
    the item, or it holds recovery points and the settings do not allow to give them up, unless a caller has confirmed
    that.
    """
    azure.check_vm_write(item.source)
    item = await proven(azure, item)
    if not item.is_ours:
        raise WriteRefusedError("NotManagedByApp", f"{item.id} stays: {item.unproven or 'others enabled it'}")
    if item.held_recovery_points and not confirmed:
        azure.check_disable()
    await check_known(azure, item.source, item.settings.source_location)
    vault = vault_of(azure, item.vault)
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
    requested(azure, DISABLE, vault.remove_jobs[item.id])
    vault.items.forget()
    return vault.remove_jobs[item.id]


def _a2a(vm: ResourceId, replication: Replication, mapping: ContainerMappingRecord) -> models.A2AEnableProtectionInput:
    """The input of enable protection. Without a network, the network mapping selects the target network and subnet."""
    sent: dict[str, Any] = {
        row.sent_as: str(getattr(replication, row.field) or "") or None for row in CHOICES.values() if row.sent_as
    }
    return models.A2AEnableProtectionInput(
        fabric_object_id=str(vm),
        recovery_container_id=str(mapping.target_container),
        **sent,
        recovery_subnet_name=replication.subnet or None,
        vm_managed_disks=[
            managed_disk(disk, replication.cache_account, replication.target_group) for disk in replication.disks
        ],
    )


def managed_disk(
    disk: ReplicatedDisk, cache_account: ResourceId, target_group: ResourceId
) -> models.A2AVmManagedDiskInputDetails:
    """A disk in the input of enable protection."""
    details = models.A2AVmManagedDiskInputDetails(
        disk_id=str(disk.id),
        primary_staging_azure_storage_account_id=str(cache_account),
        recovery_resource_group_id=str(target_group),
        recovery_replica_disk_account_type=disk.replica_sku or None,
        recovery_target_disk_account_type=disk.target_sku or None,
        recovery_disk_encryption_set_id=text(disk.encryption_set),
    )
    if disk.access:
        # The models of SDK 2.0.0 do not have these fields; they are of the API version that `client_for` takes.
        details["recoveryNetworkAccessPolicy"] = disk.access.policy or None
        details["recoveryPublicNetworkAccess"] = disk.access.public or None
    return details


def text(resource: ResourceId | None) -> str | None:
    return str(resource) if resource else None


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
