"""Preflight checks of disks by the rules of `shared/config/support_rules.py`: what they are, and what they become."""

from collections.abc import Iterator

from shared.config.override_options import ZONE_REDUNDANT
from shared.model.findings import Finding
from shared.model.replication import DiskAccess, ReplicatedDisk
from shared.model.resource_id import ResourceId
from shared.model.vm import Disk
from shared.planning.builder import PlanBuilder
from shared.planning.catalog import finding_of
from shared.planning.support_findings import REDUNDANT

MOST_GIB, MOST_GIB_OF_OS_DISK = 32 * 1024, 4095
PREMIUM, _SECOND, _ULTRA = "Premium_LRS", "premiumv2_lrs", "ultrassd_lrs"
_HIGH_CHURN = {_SECOND: "a Premium SSD v2", _ULTRA: "an Ultra disk"}


def replica_of(disk: Disk) -> str:
    """The type of the replica unless another is requested: that of the disk, if a replica may be of it."""
    return PREMIUM if disk.sku.lower() in _HIGH_CHURN else disk.sku


def disk_obstacle(disk: Disk, shared: tuple[ResourceId, ...] = ()) -> str:
    """Why the disk cannot be replicated, or "".

    The kind of the disk is checked in `readers/virtual_machines.py`, which sets `obstacle`; its size is checked here.
    """
    if disk.obstacle or disk.id in shared:
        return disk.obstacle or "a shared disk"
    size = disk.size_gb
    if size is None:
        return ""
    if size < 1:
        return "smaller than 1 GiB (150172)"
    if disk.holds_os and size > MOST_GIB_OF_OS_DISK:
        return f"an OS disk larger than {MOST_GIB_OF_OS_DISK} GiB"
    return "larger than 32 TiB" if size > MOST_GIB else ""


def access_of(d: PlanBuilder, disk: Disk) -> DiskAccess | None:
    """Who may reach the replica of a private disk. A disk access is of the source's region: without it, no one may."""
    access = d.context.private_disks.get(disk.id.key)
    return access.with_(policy="DenyAll") if access and access.policy.lower() == "allowprivate" else access


def of_source(d: PlanBuilder, disk: Disk, *, set_requested: bool) -> Iterator[Finding]:
    """What keeps the disk, as it is, from being replicated."""
    which = f"The disk {disk.id.name} of {d.vm.id.name}"
    if obstacle := disk_obstacle(disk, d.context.shared_disks):
        yield finding_of("UnsupportedDisk", f"{which} is {obstacle}, which this app does not replicate.")
    access = d.context.private_disks.get(disk.id.key)
    if access and access.policy.lower() == "allowprivate":
        yield finding_of(
            "DiskAccessNotKept",
            f"{which} can be reached by a disk access alone, which is of its own region: its replica and its failover "
            "disk can be reached by none (DenyAll).",
        )
    if disk.write_accelerator:
        yield finding_of(
            "WriteAcceleratorDisk", f"{which} has write accelerator on, which Site Recovery does not support."
        )
    if disk.encryption_set and not set_requested:
        yield finding_of(
            "DiskEncryptionSetNeeded",
            f"{which} is encrypted with a customer-managed key ({disk.encryption_set.name}): the target needs a disk "
            "encryption set of its own.",
            tag=d.app.tag_name,
            target=d.context.target_location,
        )


def of_types(
    d: PlanBuilder, disk: Disk, replicated: ReplicatedDisk, *, high_churn: bool, zone: str
) -> Iterator[Finding]:
    """What keeps the replica and the target of the disk from being of these types."""
    which, target = f"The disk {disk.id.name} of {d.vm.id.name}", d.context.target_location
    types = [each.lower() for each in (disk.sku, replicated.target_sku, replicated.replica_sku)]
    of_source, of_target, of_replica = types
    if not high_churn and (needing := next((_HIGH_CHURN[each] for each in types if each in _HIGH_CHURN), "")):
        yield finding_of(
            "HighChurnNeeded",
            f"{which} is or becomes {needing}, which needs a premium cache account.",
            tag=d.app.tag_name,
        )
    if of_target == _SECOND and not zone:
        yield finding_of(
            "TargetZoneNeeded",
            f"{which} becomes a Premium SSD v2, which needs an availability zone in {target}.",
            tag=d.app.tag_name,
        )
    if disk.holds_os and of_target in _HIGH_CHURN and d.is_requested("target-disk-type"):
        allowed = f"types by disk, as <name>=<type>; the OS disk {disk.id.name} cannot be {_HIGH_CHURN[of_target]}"
        d.reject("target-disk-type", allowed)
    if of_replica in _HIGH_CHURN:
        yield finding_of(
            "UnsupportedReplicaType",
            f"The replica of {disk.id.name} would be {_HIGH_CHURN[of_replica]}.",
            tag=d.app.tag_name,
        )
    redundant = {of_target.endswith(ZONE_REDUNDANT), of_replica.endswith(ZONE_REDUNDANT)}
    if of_source.endswith(ZONE_REDUNDANT) and False in redundant:
        yield finding_of(
            "ZoneRedundancyLost",
            f"{which} is {disk.sku}, and would become {replicated.target_sku} by way of a replica that is "
            f"{replicated.replica_sku}: Site Recovery keeps a disk zone-redundant.",
        )
    offered = {each.lower() for each in d.context.offer.disk_types} if d.context.offer else set()
    kept = [disk.sku] if of_source.endswith(ZONE_REDUNDANT) else []
    needed = dict.fromkeys((*kept, replicated.target_sku, replicated.replica_sku))
    if offered and (missing := [each for each in needed if each and each.lower() not in offered]):
        yield finding_of(
            "DiskTypeNotInTarget",
            f"{which} needs a disk of the type {' and '.join(missing)}, and {target} offers the subscription none.",
            case=REDUNDANT if {*kept} & {*missing} else "",
            tag=d.app.tag_name,
        )
