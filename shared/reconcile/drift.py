"""Findings about a replicated item that is not as its VM requests. Pure: the actual state in, findings out."""

from collections.abc import Mapping
from types import MappingProxyType

from shared.model.changes import Changes
from shared.model.drill import Drill
from shared.model.findings import Finding
from shared.model.policy import Policy
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.model.vm import Disk, SourceVm
from shared.planning.catalog import NOT_ADDED, STILL_REPLICATED, finding_of
from shared.reconcile.diff import late_disks


def unprotected_disks(
    vm: SourceVm,
    item: ProtectedItem,
    failed: Mapping[ResourceId, Error] = MappingProxyType({}),
    left_out: Mapping[ResourceId, str] = MappingProxyType({}),
) -> tuple[Finding, ...]:
    """A disk attached after replication was enabled is not replicated with the others; an OS disk never can be.

    `failed` are those that could not be added, with the error; `left_out` those that are not to be, with the reason.
    """
    protected = bool(item.disks)
    return tuple(
        _os_disk_replaced(vm, disk)
        if disk.holds_os and protected
        else _left_out(vm, disk, left_out[disk.id])
        if disk.id in left_out
        else _late(vm, disk, failed)
        for disk in late_disks(vm, item)
    )


def _left_out(vm: SourceVm, disk: Disk, reason: str) -> Finding:
    return finding_of("DiskExcluded", f"The disk {disk.id.name} of {vm.id.name} is not replicated: {reason}.")


def still_replicated(vm: SourceVm, item: ProtectedItem, left_out: Mapping[ResourceId, str]) -> tuple[Finding, ...]:
    """A replicated disk that has been excluded since."""
    return tuple(
        finding_of(
            "DiskExcluded",
            f"The disk {disk.id.name} of {vm.id.name} is replicated, although {left_out[disk.id]}.",
            case=STILL_REPLICATED,
        )
        for disk in item.disks
        if disk.id in left_out
    )


def _late(vm: SourceVm, disk: Disk, failed: Mapping[ResourceId, Error]) -> Finding:
    text = f"The disk {disk.id.name} of {vm.id.name} is not replicated"
    error = failed.get(disk.id)
    if error is None:
        return finding_of("DiskNotProtected", f"{text}: it was attached later.")
    return finding_of(
        "DiskNotProtected", f"{text}: {error.code}: {error.message.rstrip('.')}.", case=NOT_ADDED, action=error.action
    )


def _os_disk_replaced(vm: SourceVm, disk: Disk) -> Finding:
    return finding_of("OsDiskReplaced", f"The OS disk of {vm.id.name} is {disk.id.name} now, which is not replicated.")


def detached_disks(vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    """A data disk that was detached from the VM while it was replicated."""
    attached = {disk.id for disk in vm.disks}
    return tuple(
        finding_of("DiskRemoved", f"The disk {disk.id.name} is replicated, and no longer attached to {vm.id.name}.")
        for disk in item.disks
        if disk.id not in attached and not disk.holds_os
    )


def other_policy(vm: SourceVm, has: Policy | None, wanted: Policy) -> tuple[Finding, ...]:
    """A finding if the profile was changed after replication was enabled; `has` is the policy of the item."""
    if has is None or has.values == wanted.values:
        return ()
    sizes = [disk.size_gb for disk in vm.disks]
    data = "its disks" if None in sizes else f"{sum(size or 0 for size in sizes)} GiB"
    return (
        finding_of(
            "PolicyMismatch",
            f"{vm.id.name} is protected with the policy {has}, and its profile requests {wanted}.",
            retention=_in_hours(has.retention_minutes),
            data=data,
        ),
    )


def _in_hours(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def replaced(vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    """A blocker if the VM is not the protected one but another of the same name: created after the service last
    calculated the recovery points of the item, or without any of its disks."""
    if item.stage not in {Stage.PROTECTED, Stage.REPLICATING}:
        return ()
    attached = {disk.id for disk in vm.disks}
    exchanged = bool(item.disks and attached) and not any(disk.id in attached for disk in item.disks)
    is_younger = bool(vm.created_at and item.rpo_at and vm.created_at > item.rpo_at)
    if vm.created_at and item.rpo_at and len(item.disks) == len(attached) == 1:
        exchanged = False  # the VM is the same, and its only disk was exchanged
    if not (exchanged or is_younger):
        return ()
    return (
        finding_of(
            "SourceReplaced",
            f"{vm.id.name} is another VM than the one of that name which {item.id.name} protects.",
            vm.created_at,
        ),
    )


def is_moved(vm: SourceVm, item: ProtectedItem) -> bool:
    """Whether the VM seems to be the one that the item protects under another ID: it was moved to another resource
    group or subscription. Its name, region and the names of its disks are the same, and it is as old."""
    names, attached = {disk.id.name.lower() for disk in item.disks}, {disk.id.name.lower() for disk in vm.disks}
    is_younger = bool(vm.created_at and item.rpo_at and vm.created_at > item.rpo_at)
    same_place = vm.id.name.lower() == item.source.name.lower() and vm.location == item.settings.source_location
    return vm.id != item.source and same_place and bool(names) and names <= attached and not is_younger


def frozen(item: ProtectedItem) -> Finding:
    described = item.state_description or item.state
    reverse = f", replication reversed to {item.settings.target_location}" if item.direction_reversed else ""
    return finding_of(
        "ItemFrozen",
        f"The replicated item is {described!r}, test failover {item.test_failover or 'None'!r}, active location "
        f"{item.active_location or 'Primary'!r}{reverse}: it is reported and never written to.",
    )


def not_changed(vm: SourceVm, changes: Changes, error: Error | None) -> Finding:
    """A finding about changes that this run requested and that the item does not show."""
    return finding_of(
        "ChangeNotMade",
        f"The replicated item of {vm.id.name} could not be changed ({changes}): "
        f"{error or 'it shows its old settings'}.",
    )


def adopted(item: ProtectedItem) -> tuple[Finding, ...]:
    """A note if the portal, Terraform or Azure Policy created the item: it counts as protection."""
    if item.is_ours:
        return ()
    return (
        finding_of(
            "NotManagedByApp",
            f"{item.source.name} is protected by {item.id.name}, which this deployment did not create"
            f"{f' ({item.unproven})' if item.unproven else ''}: the app monitors it, changes it in place where an "
            "override requests it, and never removes it.",
        ),
    )


def not_cleaned_up(drill: Drill | None) -> tuple[Finding, ...]:
    """A finding about a drill whose cleanup did not succeed, or is held."""
    if drill is None or drill.cleanup_error is None:
        return ()
    text = f"The drill of {drill.vm.name} from {drill.recorded_at:%Y-%m-%d %H:%M} UTC is not cleaned up: "
    return (finding_of("DrillNotCleanedUp", f"{text}{drill.cleanup_error}", drill.recorded_at),)
