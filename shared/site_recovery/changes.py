"""Change a replicated item in place: one call updates its settings, another adds disks."""

from collections.abc import Iterable
from typing import Any

from azure.mgmt.recoveryservicessiterecovery import models

from shared.arm.client import Azure
from shared.arm.errors import WriteRefusedError
from shared.model.changes import ItemUpdate
from shared.model.replicated_item import ProtectedItem
from shared.model.replication import ReplicatedDisk, ReplicatedNic
from shared.model.resource_id import ResourceId
from shared.site_recovery.infrastructure import begin
from shared.site_recovery.replicated_items import managed_disk, text
from shared.site_recovery.vault import vault_of

# Settings of an interface and its IP configurations that the app does not manage.
_KEPT_OF_NIC = (
    "nic_id",
    "selection_type",
    "enable_accelerated_networking_on_recovery",
    "tfo_network_security_group_id",
    "enable_accelerated_networking_on_tfo",
    "recovery_nic_name",
    "recovery_nic_resource_group_name",
    "reuse_existing_nic",
    "target_nic_name",
)
_KEPT_OF_CONFIGURATION = (
    "is_primary",
    "is_seleted_for_failover",
    "tfo_subnet_name",
    "tfo_static_ip_address",
    "tfo_public_ip_address_id",
    "tfo_lb_backend_address_pool_ids",
)


async def update(azure: Azure, item: ProtectedItem, wanted: ItemUpdate) -> str:
    """Updates the settings. Returns the name of the job. Raises HttpResponseError, WriteRefusedError.

    Unchanged settings are sent back with their current values, as other clients do: whether the service keeps omitted
    ones is not documented.
    """
    azure.check_vm_write(item.source)
    azure.check_write(item.id, *wanted.named)
    operations = vault_of(azure, item.vault).client.replication_protected_items
    has = (await operations.get(*_path(item))).properties.provider_specific_details
    details = models.A2AUpdateReplicationProtectedItemInput(
        recovery_resource_group_id=text(wanted.target_group) or has.recovery_azure_resource_group_id,
        recovery_boot_diag_storage_account_id=text(wanted.boot_diagnostics)
        or has.recovery_boot_diag_storage_account_id,
        recovery_proximity_placement_group_id=text(wanted.placement_group) or has.recovery_proximity_placement_group_id,
        recovery_capacity_reservation_group_id=text(wanted.capacity_reservation)
        or has.recovery_capacity_reservation_group_id,
        tfo_azure_vm_name=has.tfo_azure_vm_name,
        managed_disk_update_details=[
            models.A2AVmManagedDiskUpdateDetails(
                disk_id=str(disk.id),
                recovery_target_disk_account_type=disk.target_sku,
                recovery_replica_disk_account_type=disk.replica_sku,
            )
            for disk in wanted.disks
        ]
        or None,
    )
    properties = models.UpdateReplicationProtectedItemInputProperties(
        recovery_azure_vm_name=wanted.name or has.recovery_azure_vm_name,
        recovery_azure_vm_size=wanted.size or has.recovery_azure_vm_size,
        selected_recovery_azure_network_id=text(wanted.network) or has.selected_recovery_azure_network_id,
        selected_tfo_azure_network_id=has.selected_tfo_azure_network_id,
        recovery_availability_set_id=text(wanted.availability_set) or has.recovery_availability_set,
        vm_nics=_nics(has.vm_nics or (), wanted) or None,
        provider_specific_details=details,
    )
    body = models.UpdateReplicationProtectedItemInput(properties=properties)
    return await begin(operations.begin_update, *_path(item), body)


async def add_disks(azure: Azure, item: ProtectedItem, disks: tuple[ReplicatedDisk, ...]) -> str:
    """Adds disks to the replication, with the cache account of the other disks. Returns the name of the job.

    Raises HttpResponseError, WriteRefusedError.
    """
    azure.check_vm_write(item.source)
    cache = next((disk.cache_account for disk in item.disks if disk.cache_account), None)
    group = item.settings.target_group
    if cache is None or group is None:
        raise WriteRefusedError("ItemIncomplete", f"{item.id} does not show its cache account and its target group")
    azure.check_write(item.id, cache, group, *(disk.encryption_set for disk in disks if disk.encryption_set))
    details = models.A2AAddDisksInput(vm_managed_disks=[managed_disk(disk, cache, group) for disk in disks])
    operations = vault_of(azure, item.vault).client.replication_protected_items
    body = models.AddDisksInput(properties=models.AddDisksInputProperties(provider_specific_details=details))
    return await begin(operations.begin_add_disks, *_path(item), body)


def _path(item: ProtectedItem) -> tuple[str, str, str, str, str]:
    container = item.id.parent
    return item.vault.resource_group, item.vault.name, container.parent.name, container.name, item.id.name


def _nics(found: Iterable[Any], wanted: ItemUpdate) -> list[models.VMNicInputDetails]:
    """The interfaces to update, complete: the service replaces each as a whole."""
    has = {ResourceId(nic.source_nic_arm_id): nic for nic in found if nic.source_nic_arm_id}
    moved = wanted.network is not None
    return [_nic(nic, has[nic.id], moved=moved) for nic in wanted.nics if nic.id in has]


def _nic(wanted: ReplicatedNic, has: Any, *, moved: bool) -> models.VMNicInputDetails:
    kept = {name: getattr(has, name) for name in _KEPT_OF_NIC}
    configurations = has.ip_configs or ()
    first = next((each for each in configurations if each.is_primary), next(iter(configurations), None))
    nothing = ReplicatedNic(id=wanted.id)
    return models.VMNicInputDetails(
        **kept,
        tfo_nic_name=has.tfo_recovery_nic_name,
        tfo_nic_resource_group_name=has.tfo_recovery_nic_resource_group_name,
        tfo_reuse_existing_nic=has.tfo_reuse_existing_nic,
        recovery_network_security_group_id=text(wanted.security_group) or has.recovery_network_security_group_id,
        ip_configs=[_configuration(wanted if each is first else nothing, each, moved=moved) for each in configurations],
    )


def _configuration(requested: ReplicatedNic, has: Any, *, moved: bool) -> models.IPConfigInputDetails:
    """The IP configuration. An interface that moves to another subnet gets a new address, unless one is requested."""
    subnet = has.recovery_subnet_name or ""
    moved = moved or (requested.subnet or subnet).lower() != subnet.lower()
    address = None if moved else has.recovery_static_ip_address or None
    pools = [str(requested.backend_pool)] if requested.backend_pool else has.recovery_lb_backend_address_pool_ids
    return models.IPConfigInputDetails(
        **{name: getattr(has, name) for name in _KEPT_OF_CONFIGURATION},
        ip_config_name=has.name,
        recovery_subnet_name=requested.subnet or has.recovery_subnet_name,
        recovery_static_ip_address=requested.address or address,
        recovery_public_ip_address_id=text(requested.public_ip) or has.recovery_public_ip_address_id,
        recovery_lb_backend_address_pool_ids=pools,
    )
