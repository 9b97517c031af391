"""Source VMs, as Azure shows them now. Reads only.

By the JSON itself, whether it is the VM's own or a row of a list: of ten thousand rows, building the SDK's models took
longer than all else.
"""

import logging
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.arm.parsing import Json, region, time_of
from shared.model.resource_id import ResourceId
from shared.model.resource_types import COMPUTE_API_VERSION
from shared.model.vm import Disk, SourceVm

log = logging.getLogger("dr.source")

# Support matrix of 2025-06. Microsoft's pages disagree about ultra disks: unsupported until they agree.
_UNSUPPORTED = {"ultrassd_lrs": "an ultra disk"}


async def read_vm(azure: Azure, vm: ResourceId) -> SourceVm | None:
    """The VM, by one call, or None if it does not exist."""
    try:
        found = await azure.get(str(vm), COMPUTE_API_VERSION, **{"$expand": "instanceView"})
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    return _source_vm(vm, found, azure.settings.tag_name)


def vm_of_row(row: Json, tag_name: str) -> SourceVm | None:
    """The VM in a row of Resource Graph: as ARM shows it, except for the power state. None if malformed."""
    try:
        properties = _part(row, "properties")
        shown = _part(_part(properties, "extended"), "instanceView")
        power = _part(shown, "powerState").get("code")
        view = {"statuses": [{"code": power}] if power else []}
        found = {**row, "properties": {**properties, "instanceView": view}}
        return _source_vm(ResourceId(row["id"]), found, tag_name)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("Not read: %s: %s", row.get("id"), error)
        return None


def _source_vm(vm: ResourceId, found: Json, tag_name: str) -> SourceVm:
    prefix = f"{tag_name}-".lower()
    properties = _part(found, "properties")
    storage, view = _part(properties, "storageProfile"), _part(properties, "instanceView")
    os_disk, security = _part(storage, "osDisk"), _part(properties, "securityProfile")
    attached = [*([os_disk] if os_disk else []), *(storage.get("dataDisks") or ())]
    unmanaged = [disk for disk in attached if not _is_managed(disk)]
    nics = _part(properties, "networkProfile").get("networkInterfaces") or ()
    return SourceVm(
        id=vm,
        location=region(found.get("location")),
        tags={
            name: value or "" for name, value in _part(found, "tags").items() if f"{name.lower()}-".startswith(prefix)
        },
        tag_count=len(_part(found, "tags")),
        power_state=_power_state(view.get("statuses") or ()),
        provisioning_state=properties.get("provisioningState") or "Unknown",
        size=_part(properties, "hardwareProfile").get("vmSize") or "",
        os=os_disk.get("osType") or "",
        zone=next(iter(found.get("zones") or ()), ""),
        security_type=security.get("securityType") or "",
        encryption_at_host=bool(security.get("encryptionAtHost")),
        disk_encryption=_has_disk_encryption(os_disk, view),
        disks=tuple(_disk(disk, holds_os=disk is os_disk) for disk in attached if _is_managed(disk)),
        unmanaged_disks=len(unmanaged),
        unmanaged_accounts=tuple(dict.fromkeys(_account_of(disk["vhd"]) for disk in unmanaged if disk.get("vhd"))),
        nic_ids=tuple(ResourceId(nic["id"]) for nic in nics),
        availability_set_id=_reference(properties, "availabilitySet"),
        placement_group_id=_reference(properties, "proximityPlacementGroup"),
        scale_set_id=_reference(properties, "virtualMachineScaleSet"),
        created_at=time_of(properties.get("timeCreated")),
    )


def _part(body: Json, name: str) -> Json:
    """A member that is an object; {} if Azure leaves it out or writes null."""
    part: Json = body.get(name) or {}
    return part


def _disk(disk: Json, *, holds_os: bool) -> Disk:
    managed = disk["managedDisk"]
    return Disk(
        id=ResourceId(managed["id"]),
        sku=managed.get("storageAccountType") or "",
        size_gb=disk.get("diskSizeGB"),
        encryption_set=_reference(managed, "diskEncryptionSet"),
        obstacle=_obstacle(disk),
        holds_os=holds_os,
    )


def _obstacle(disk: Json) -> str:
    if _part(disk, "diffDiskSettings").get("option"):
        return "an ephemeral OS disk"
    return _UNSUPPORTED.get((disk["managedDisk"].get("storageAccountType") or "").lower(), "")


def _is_managed(disk: Json) -> bool:
    return bool(_part(disk, "managedDisk").get("id"))


def _account_of(blob: Json) -> str:
    """The account in `https://account.blob.core.windows.net/vhds/disk.vhd`."""
    return str(blob.get("uri") or "").partition("://")[2].partition(".")[0]


def _has_disk_encryption(os_disk: Json, view: Json) -> bool:
    """Azure Disk Encryption: the older kind shows in the VM's model, the newer one in its instance view's disks."""
    shown = [each for disk in view.get("disks") or () for each in disk.get("encryptionSettings") or ()]
    return any(each.get("enabled") for each in (_part(os_disk, "encryptionSettings"), *shown))


def _power_state(statuses: Any) -> str:
    """The power state, as `running` or `deallocated`; `unknown` if Azure does not show it."""
    prefix = "PowerState/"
    codes = (str(status.get("code") or "") for status in statuses)
    return next((code.removeprefix(prefix) for code in codes if code.startswith(prefix)), "unknown")


def _reference(body: Json, name: str) -> ResourceId | None:
    found = _part(body, name).get("id")
    return ResourceId(found) if found else None
