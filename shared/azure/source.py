"""Reading a source VM as it is now. Reads only."""

import logging
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.azure.answers import is_missing
from shared.azure.gateway import Azure
from shared.azure.records import moment, region
from shared.domain.resource_id import ResourceId
from shared.domain.vm import Disk, SourceVm

log = logging.getLogger("dr.source")

# Support matrix of 2025-06. Some of Microsoft's pages name ultra disks, others do not: not before it is sure.
_UNSUPPORTED = {"ultrassd_lrs": "an ultra disk"}


async def read_vm(azure: Azure, vm: ResourceId) -> SourceVm | None:
    """The VM as it is now, in one call, or None if there is none."""
    client = azure.compute(vm.subscription)
    try:
        found = await client.virtual_machines.get(vm.resource_group, vm.name, expand="instanceView")
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    return _source_vm(vm, found, azure.settings.tag_name)


def vm_of_row(row: dict[str, Any], tag_name: str) -> SourceVm | None:
    """The VM that a row of Resource Graph tells of: as ARM shows it, but for the power state. None if malformed."""
    from azure.mgmt.compute.models import VirtualMachine

    properties = row.get("properties") or {}
    shown = (properties.get("extended") or {}).get("instanceView") or {}
    power = (shown.get("powerState") or {}).get("code")
    view = {"statuses": [{"code": power}] if power else []}
    try:
        found = VirtualMachine({**row, "properties": {**properties, "instanceView": view}})
        return _source_vm(ResourceId(row["id"]), found, tag_name)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("Not read: %s: %s", row.get("id"), error)
        return None


def _source_vm(vm: ResourceId, found: Any, tag_name: str) -> SourceVm:
    properties = found.properties
    storage, network, view = properties.storage_profile, properties.network_profile, properties.instance_view
    attached = [storage.os_disk, *(storage.data_disks or ())] if storage else []
    hardware, security = properties.hardware_profile, properties.security_profile
    return SourceVm(
        id=vm,
        location=region(found.location),
        tags={
            name: value or "" for name, value in (found.tags or {}).items() if name.lower().startswith(tag_name.lower())
        },
        power_state=_power_state((view.statuses if view else None) or ()),
        provisioning_state=properties.provisioning_state or "Unknown",
        size=(hardware.vm_size if hardware else None) or "",
        os=(storage.os_disk.os_type if storage else None) or "",
        zone=next(iter(found.zones or ()), ""),
        security_type=(security.security_type if security else None) or "",
        encryption_at_host=bool(security and security.encryption_at_host),
        disk_encryption=_has_disk_encryption(storage, view),
        disks=tuple(
            Disk(
                id=ResourceId(disk.managed_disk.id),
                sku=disk.managed_disk.storage_account_type or "",
                size_gb=disk.disk_size_gb,
                encryption_set=_reference(disk.managed_disk.disk_encryption_set),
                obstacle=_obstacle(disk),
                holds_os=disk is storage.os_disk,
            )
            for disk in attached
            if _is_managed(disk)
        ),
        unmanaged_disks=sum(1 for disk in attached if not _is_managed(disk)),
        unmanaged_accounts=tuple(
            dict.fromkeys(_account_of(disk.vhd.uri) for disk in attached if not _is_managed(disk) and disk.vhd)
        ),
        nic_ids=tuple(ResourceId(nic.id) for nic in network.network_interfaces or ()) if network else (),
        availability_set_id=_reference(properties.availability_set),
        placement_group_id=_reference(properties.proximity_placement_group),
        scale_set_id=_reference(properties.virtual_machine_scale_set),
        created_at=moment(properties.time_created),
    )


def _obstacle(disk: Any) -> str:
    local = getattr(disk, "diff_disk_settings", None)
    if local and local.option:
        return "an ephemeral OS disk"
    return _UNSUPPORTED.get((disk.managed_disk.storage_account_type or "").lower(), "")


def _is_managed(disk: Any) -> bool:
    return bool(disk.managed_disk and disk.managed_disk.id)


def _account_of(uri: str | None) -> str:
    """Of `https://account.blob.core.windows.net/vhds/disk.vhd` the account."""
    return (uri or "").partition("://")[2].partition(".")[0]


def _has_disk_encryption(storage: Any, view: Any) -> bool:
    """Azure Disk Encryption: the older kind shows in the VM's model, the newer one in its instance view's disks."""
    old = storage and storage.os_disk.encryption_settings
    shown = [each for disk in (view.disks if view else None) or () for each in disk.encryption_settings or ()]
    return bool(old and old.enabled) or any(each.enabled for each in shown)


def _power_state(statuses: Any) -> str:
    """As `running` or `deallocated`; `unknown` where Azure does not say."""
    prefix = "PowerState/"
    codes = [status.code.removeprefix(prefix) for status in statuses if (status.code or "").startswith(prefix)]
    return codes[0] if codes else "unknown"


def _reference(sub_resource: Any) -> ResourceId | None:
    return ResourceId(sub_resource.id) if sub_resource and sub_resource.id else None
