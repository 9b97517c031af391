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


def _same(*names: str) -> dict[str, str]:
    return dict(zip(names, names, strict=True))


# The fields of an update, and those of the item's details that hold their current values. An update has besides the
# address of an interface, which stays behind where the interface moves, and the parts that are put together below.
_SENT_BACK: dict[type[Any], dict[str, str]] = {
    models.UpdateReplicationProtectedItemInputProperties: {
        **_same("recovery_azure_vm_name", "recovery_azure_vm_size"),
        **_same("selected_recovery_azure_network_id", "selected_tfo_azure_network_id"),
        "recovery_availability_set_id": "recovery_availability_set",
    },
    models.A2AUpdateReplicationProtectedItemInput: {
        **_same("recovery_availability_zone", "platform_fault_domain", "tfo_azure_vm_name"),
        **_same("recovery_proximity_placement_group_id", "recovery_capacity_reservation_group_id"),
        **_same("recovery_virtual_machine_scale_set_id", "recovery_boot_diag_storage_account_id"),
        "recovery_resource_group_id": "recovery_azure_resource_group_id",
        "recovery_cloud_service_id": "recovery_cloud_service",
    },
    models.A2AVmManagedDiskUpdateDetails: {
        **_same("disk_id", "recovery_target_disk_account_type", "recovery_replica_disk_account_type"),
        **_same("failover_disk_name", "tfo_disk_name"),
    },
    models.DiskEncryptionKeyInfo: {
        "secret_identifier": "secret_identifier",
        "key_vault_resource_arm_id": "dek_key_vault_arm_id",
    },
    models.KeyEncryptionKeyInfo: {
        "key_identifier": "key_identifier",
        "key_vault_resource_arm_id": "kek_key_vault_arm_id",
    },
    models.VMNicInputDetails: {
        **_same("nic_id", "selection_type", "recovery_network_security_group_id", "tfo_network_security_group_id"),
        **_same("enable_accelerated_networking_on_recovery", "enable_accelerated_networking_on_tfo"),
        **_same("recovery_nic_name", "recovery_nic_resource_group_name", "reuse_existing_nic", "target_nic_name"),
        "tfo_nic_name": "tfo_recovery_nic_name",
        "tfo_nic_resource_group_name": "tfo_recovery_nic_resource_group_name",
        "tfo_reuse_existing_nic": "tfo_reuse_existing_nic",
    },
    models.IPConfigInputDetails: {
        "ip_config_name": "name",
        **_same("is_primary", "is_seleted_for_failover", "recovery_subnet_name"),
        **_same("recovery_public_ip_address_id", "recovery_lb_backend_address_pool_ids"),
        **_same("tfo_subnet_name", "tfo_static_ip_address", "tfo_public_ip_address_id"),
        **_same("tfo_lb_backend_address_pool_ids"),
    },
}


async def update(azure: Azure, item: ProtectedItem, wanted: ItemUpdate) -> str:
    """Updates the settings. Returns the name of the job. Raises HttpResponseError, WriteRefusedError.

    Everything that the item has is sent back with its current value, as other clients do: whether the service keeps
    what an update omits is not documented.
    """
    azure.check_vm_write(item.source)
    azure.check_write(item.id, *wanted.named)
    operations = vault_of(azure, item.vault).client.replication_protected_items
    has = (await operations.get(*_path(item))).properties.provider_specific_details
    details = _updated(
        models.A2AUpdateReplicationProtectedItemInput,
        has,
        recovery_resource_group_id=text(wanted.target_group),
        recovery_boot_diag_storage_account_id=text(wanted.boot_diagnostics),
        recovery_proximity_placement_group_id=text(wanted.placement_group),
        recovery_capacity_reservation_group_id=text(wanted.capacity_reservation),
        recovery_virtual_machine_scale_set_id=text(wanted.scale_set),
        recovery_availability_zone=wanted.zone,
        managed_disk_update_details=_disks(has.protected_managed_disks or (), wanted),
    )
    properties = _updated(
        models.UpdateReplicationProtectedItemInputProperties,
        has,
        recovery_azure_vm_name=wanted.name,
        recovery_azure_vm_size=wanted.size,
        selected_recovery_azure_network_id=text(wanted.network),
        recovery_availability_set_id=text(wanted.availability_set),
        vm_nics=_nics(has.vm_nics or (), wanted),
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
    operations = vault_of(azure, item.vault).client_for(disks).replication_protected_items
    body = models.AddDisksInput(properties=models.AddDisksInputProperties(provider_specific_details=details))
    return await begin(operations.begin_add_disks, *_path(item), body)


async def update_agent(azure: Azure, item: ProtectedItem) -> str:
    """Has the VM's mobility agent updated. Returns the name of the job. Raises HttpResponseError, WriteRefusedError.

    The account that the request may name is one of a configuration server: there is none between Azure regions.
    """
    azure.check_vm_write(item.source)
    azure.check_write(item.id)
    operations = vault_of(azure, item.vault).client.replication_protected_items
    body = models.UpdateMobilityServiceRequest(properties=models.UpdateMobilityServiceRequestProperties())
    return await begin(operations.begin_update_mobility_service, *_path(item), body)


def _path(item: ProtectedItem) -> tuple[str, str, str, str, str]:
    container = item.id.parent
    return item.vault.resource_group, item.vault.name, container.parent.name, container.name, item.id.name


def _updated(model: type[Any], has: Any, **requested: Any) -> Any:
    """The model of an update with what is requested, and what the item has where nothing is. An empty text is none."""
    current = {name: getattr(has, field) for name, field in _SENT_BACK[model].items()}
    kept = {name: value for name, value in current.items() if value not in ("", None)}
    return model(**kept | {name: value for name, value in requested.items() if value})


def _disks(found: Iterable[Any], wanted: ItemUpdate) -> list[Any]:
    requested = {disk.id: disk for disk in wanted.disks}
    return [_disk(disk, requested.get(ResourceId(disk.disk_id))) for disk in found]


def _disk(has: Any, requested: ReplicatedDisk | None) -> Any:
    """A disk, with its keys of Azure Disk Encryption: the item shows them as fields of the disk."""
    keys = models.DiskEncryptionInfo(
        disk_encryption_key_info=_updated(models.DiskEncryptionKeyInfo, has),
        key_encryption_key_info=_updated(models.KeyEncryptionKeyInfo, has) if has.key_identifier else None,
    )
    return _updated(
        models.A2AVmManagedDiskUpdateDetails,
        has,
        recovery_target_disk_account_type=requested and requested.target_sku,
        recovery_replica_disk_account_type=requested and requested.replica_sku,
        disk_encryption_info=keys if has.secret_identifier else None,
    )


def _nics(found: Iterable[Any], wanted: ItemUpdate) -> list[Any]:
    """All interfaces of the item, complete: the service replaces each as a whole."""
    requested = {nic.id: nic for nic in wanted.nics}
    moved = wanted.network is not None
    return [
        _nic(requested.get(source := ResourceId(nic.source_nic_arm_id), ReplicatedNic(id=source)), nic, moved=moved)
        for nic in found
        if nic.source_nic_arm_id
    ]


def _nic(wanted: ReplicatedNic, has: Any, *, moved: bool) -> Any:
    configurations = has.ip_configs or ()
    first = next((each for each in configurations if each.is_primary), next(iter(configurations), None))
    nothing = ReplicatedNic(id=wanted.id)
    return _updated(
        models.VMNicInputDetails,
        has,
        recovery_network_security_group_id=text(wanted.security_group),
        ip_configs=[_configuration(wanted if each is first else nothing, each, moved=moved) for each in configurations],
    )


def _configuration(requested: ReplicatedNic, has: Any, *, moved: bool) -> Any:
    """The IP configuration. An interface that moves to another subnet gets a new address, unless one is requested."""
    subnet = has.recovery_subnet_name or ""
    moved = moved or (requested.subnet or subnet).lower() != subnet.lower()
    return _updated(
        models.IPConfigInputDetails,
        has,
        recovery_subnet_name=requested.subnet,
        recovery_static_ip_address=requested.address or (None if moved else has.recovery_static_ip_address),
        recovery_public_ip_address_id=text(requested.public_ip),
        recovery_lb_backend_address_pool_ids=requested.backend_pool and [str(requested.backend_pool)],
    )
