"""Source VMs, as Azure shows them now. Reads only.

The JSON is parsed without the SDK's models, for a single VM and for a row of a list: for ten thousand rows, building
those models took longer than everything else.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import proves_absence
from shared.arm.fields import Json, objects, part, reference, region, required, text, time_of, whole
from shared.arm.listing import read_one
from shared.arm.shared_reads import ListedType
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.resource_types import COMPUTE_API_VERSION
from shared.model.vm import Disk, SourceVm

_ROWS = """resources
| where type =~ 'microsoft.compute/virtualmachines'
| where {condition}
| project id, location, extendedLocation, tags, zones, properties
| order by id asc"""


def vms_where(condition: str) -> str:
    """The query of Resource Graph for rows that `vm_of_row` reads."""
    return _ROWS.format(condition=condition)


async def read_vm(azure: Azure, vm: ResourceId) -> SourceVm | None:
    """The VM as it is now, or None if it does not exist. Raises HttpResponseError, MalformedResponseError."""

    def parse(found: Json) -> SourceVm:
        return read_one(
            found, f"the VM {vm}", lambda body: _source_vm(_own_id(vm, body), body, azure.settings.tag_name)
        )

    try:
        return await azure.load(VMS, vm, parse)
    except HttpResponseError as answer:
        if proves_absence(answer):
            return None
        raise


def _with_status(rows: Sequence[Json]) -> Json | None:
    """The VM of a row of the list and the row of its status. What a list of statuses shows besides the power state is
    not documented: a row that lacks what a GET shows is not used."""
    vm, view = rows[0], part(part(rows[1], "properties"), "instanceView")
    power = _power_state(objects(view, "statuses"))
    shown = {"disks", "hyperVGeneration", *(["vmAgent"] if power == "running" else [])}
    if power == "unknown" or not shown <= view.keys():
        return None
    return {**vm, "properties": {**part(vm, "properties"), "instanceView": view}}


# A list takes `$expand=instanceView` for the VMs of a scale set only; `statusOnly` shows the statuses, and no VM.
VMS = ListedType(
    VIRTUAL_MACHINE,
    COMPUTE_API_VERSION,
    {"$expand": "instanceView"},
    lists=({}, {"statusOnly": "true"}),
    join=_with_status,
)


def _own_id(vm: ResourceId, found: Json) -> ResourceId:
    """The ID as Azure writes it. Raises ValueError if the body is that of another VM: it would count as untagged."""
    own = required(found.get("id"))
    if own != vm:
        raise ValueError(f"its ID is {own}")
    return own


def vm_of_row(row: Json, tag_name: str) -> SourceVm:
    """The VM in a row of Resource Graph: as ARM shows it, except for the power state. Raises anything if malformed."""
    properties = part(row, "properties")
    shown = part(part(properties, "extended"), "instanceView")
    power = part(shown, "powerState").get("code")
    view = {"statuses": [{"code": power}] if power else [], "hyperVGeneration": shown.get("hyperVGeneration")}
    return _source_vm(required(row["id"]), {**row, "properties": {**properties, "instanceView": view}}, tag_name)


def _source_vm(vm: ResourceId, found: Json, tag_name: str) -> SourceVm:
    prefix = f"{tag_name}-".lower()
    properties = part(found, "properties")
    storage, view = part(properties, "storageProfile"), part(properties, "instanceView")
    os_disk, security = part(storage, "osDisk"), part(properties, "securityProfile")
    if not os_disk:
        # Every VM has an OS disk. If the response lacks it, the disks of the VM are not known.
        raise ValueError("it has no OS disk")
    if not (location := region(found.get("location"))):
        # Where its targets are to be follows from it: another region's cache, or none.
        raise ValueError("it has no location")
    attached = [os_disk, *objects(storage, "dataDisks")]
    unmanaged = [disk for disk in attached if not _is_managed(disk)]
    nics = objects(part(properties, "networkProfile"), "networkInterfaces")
    return SourceVm(
        id=vm,
        location=location,
        tags=_tags(
            tuple(
                (name, _tag(value))
                for name, value in part(found, "tags").items()
                if f"{name.lower()}-".startswith(prefix)
            )
        ),
        tag_count=len(part(found, "tags")),
        power_state=_power_state(objects(view, "statuses")),
        provisioning_state=text(properties.get("provisioningState")) or "Unknown",
        size=text(part(properties, "hardwareProfile").get("vmSize")),
        os=text(os_disk.get("osType")),
        zone=text(next(iter(found.get("zones") or ()), "")),
        security_type=text(security.get("securityType")),
        encryption_at_host=security.get("encryptionAtHost") is True,
        disk_encryption=_has_disk_encryption(os_disk, view),
        disk_controller=text(storage.get("diskControllerType")),
        generation=text(view.get("hyperVGeneration")),
        dedicated_host=_named(properties, "host") or _named(properties, "hostGroup"),
        edge_zone=text(part(found, "extendedLocation").get("name")),
        extensions=_takes_extensions(part(properties, "osProfile")),
        disks=tuple(_disk(disk, holds_os=disk is os_disk) for disk in attached if _is_managed(disk)),
        unmanaged_disks=len(unmanaged),
        unmanaged_accounts=tuple(
            dict.fromkeys(_account_of(part(disk, "vhd")) for disk in unmanaged if disk.get("vhd"))
        ),
        nic_ids=tuple(required(nic["id"]) for nic in nics),
        availability_set_id=_named(properties, "availabilitySet"),
        placement_group_id=_named(properties, "proximityPlacementGroup"),
        scale_set_id=_named(properties, "virtualMachineScaleSet"),
        created_at=time_of(properties.get("timeCreated")),
    )


@lru_cache(10_000)
def _tags(given: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Of ten thousand VMs, most have the same few tags of the app."""
    return dict(given)


def _tag(value: object) -> str:
    """The value of a tag. Raises ValueError if it cannot be read: then it means neither yes nor no."""
    if not isinstance(value, str | None):
        raise ValueError(f"the value {value!r} of a tag is no text")
    return text(value)


def _disk(disk: Json, *, holds_os: bool) -> Disk:
    managed = disk["managedDisk"]
    return Disk(
        id=required(managed["id"]),
        sku=text(managed.get("storageAccountType")),
        size_gb=whole(disk.get("diskSizeGB")),
        encryption_set=_named(managed, "diskEncryptionSet"),
        obstacle="an ephemeral OS disk" if part(disk, "diffDiskSettings").get("option") else "",
        holds_os=holds_os,
        write_accelerator=disk.get("writeAcceleratorEnabled") is True,
        lun=whole(disk.get("lun")),
    )


def _is_managed(disk: Json) -> bool:
    return bool(part(disk, "managedDisk").get("id"))


def _account_of(blob: Json) -> str:
    """The account in `https://account.blob.core.windows.net/vhds/disk.vhd`."""
    return str(blob.get("uri") or "").partition("://")[2].partition(".")[0]


def _takes_extensions(profile: Json) -> bool | None:
    """Whether the VM has an agent and may use it. A VM that was made of a disk of its own has no OS profile."""
    if not profile:
        return None
    configurations = (part(profile, "windowsConfiguration"), part(profile, "linuxConfiguration"))
    has_agent = all(configuration.get("provisionVMAgent") is not False for configuration in configurations)
    return has_agent and profile.get("allowExtensionOperations") is not False


def _has_disk_encryption(os_disk: Json, view: Json) -> bool:
    """Azure Disk Encryption: the older kind shows in the VM's model, the newer one in its instance view's disks."""
    shown = [each for disk in objects(view, "disks") for each in objects(disk, "encryptionSettings")]
    return any(each.get("enabled") for each in (part(os_disk, "encryptionSettings"), *shown))


def _power_state(statuses: Any) -> str:
    """The power state, as `running` or `deallocated`; `unknown` if Azure does not show it."""
    prefix = "PowerState/"
    codes = (str(status.get("code") or "") for status in statuses)
    return next((code.removeprefix(prefix) for code in codes if code.startswith(prefix)), "unknown")


def _named(body: Json, name: str) -> ResourceId | None:
    return reference(part(body, name).get("id"))
