"""The size of the target VM, held to everything that the target region's list of sizes says."""

from collections.abc import Iterator

from shared.config.override_options import OF_SOURCE
from shared.model.findings import Finding
from shared.model.replication import ReplicatedDisk
from shared.model.values import NONE
from shared.model.vm import REGIONAL_CORES, Offer, Size, SourceVm
from shared.planning.builder import PlanBuilder
from shared.planning.catalog import finding_of
from shared.planning.support_findings import REGIONAL
from shared.planning.vm_support import is_arm

LEAST_CORES, LEAST_MEMORY = 2, 1
_ARM, _X64, _SCSI, _NVME, _ULTRA = "Arm64", "x64", "SCSI", "NVMe", "ultrassd_lrs"


def of_own_size(vm: SourceVm, offer: Offer | None) -> Iterator[Finding]:
    """What the size of the VM, where the target region offers it, says about the VM itself."""
    size = _offered(offer, vm.size) if offer else None
    if size is None:
        return
    if 0 < size.cores < LEAST_CORES or (size.memory is not None and size.memory < LEAST_MEMORY):
        memory = "" if size.memory is None else f" and {size.memory:g} GiB of memory"
        yield finding_of(
            "SmallVm",
            f"The size {size.name} of {vm.id.name} has {size.cores} core(s){memory}; Site Recovery supports VMs of "
            f"{LEAST_CORES} cores and {LEAST_MEMORY} GiB and more.",
        )
    if size.architecture == _ARM and not is_arm(vm.size):
        text = f"The size {size.name} of {vm.id.name} has an ARM64 processor: Site Recovery does not support it."
        yield finding_of("ArmArchitecture", text)
    if size.controllers == (_NVME,) and not vm.disk_controller:
        text = (
            f"The size {size.name} of {vm.id.name} reaches disks by NVMe alone, which Site Recovery does not support."
        )
        yield finding_of("NvmeDiskController", text)


def size(d: PlanBuilder, zone: str, disks: tuple[ReplicatedDisk, ...]) -> str:
    """The size of the override, or "" for that of the VM; the target region has to offer it."""
    wanted = d.text("target-size", d.vm.size or NONE, "the VM's own")
    wanted = d.vm.size if wanted.lower() == OF_SOURCE else wanted
    requested = wanted if d.is_requested("target-size") else ""
    has = d.item.settings.size if d.item else ""
    if d.context.offer is None or not wanted or wanted.lower() == has.lower():
        return requested
    offered, target = _offered(d.context.offer, wanted), d.context.target_location
    if d.is_requested("target-location") and d.context.offer == Offer():
        d.reject("target-location", "a region of Azure that offers VMs to the subscription")
    elif offered is None and requested:
        d.reject("target-size", f"a size that {target} offers to the subscription")
    elif offered is None:
        d.findings.append(
            finding_of(
                "SizeNotInTarget",
                f"{target} does not offer the size {wanted} of {d.vm.id.name} to the subscription (150097).",
                tag=d.app.tag_name,
                target=target,
            )
        )
    else:
        _check(d, offered, zone, disks, requested)
    return requested


def _offered(offer: Offer, name: str) -> Size | None:
    return next((each for each in offer.sizes if each.name.lower() == name.lower()), None)


def _check(d: PlanBuilder, offered: Size, zone: str, disks: tuple[ReplicatedDisk, ...], requested: str) -> None:
    target = d.context.target_location
    lacking = ", and that ".join(_lacking(d.vm, offered, disks))
    if (tag := _requests_more(d)) and lacking:
        d.reject(tag, f"{'' if requested else 'premium disks with '}a size that {lacking}")
    elif zone and zone not in offered.zones:
        tag = "target-zone" if d.is_requested("target-zone") else "target-size"
        d.reject(tag, f"zone {', '.join(offered.zones) or 'none'}, which {target} offers {offered.name} in; not {zone}")
    for quota in offered.quotas:
        if quota.left < offered.cores:
            d.findings.append(
                finding_of(
                    "TargetQuotaExceeded",
                    f"{offered.name} needs {offered.cores} cores of the quota {quota.name} in {target}, and "
                    f"{max(quota.left, 0)} are left (150097).",
                    case=REGIONAL if quota.name == REGIONAL_CORES else "",
                    tag=d.app.tag_name,
                    target=target,
                )
            )
    ultra = [disk.id.name for disk in disks if disk.target_sku.lower() == _ULTRA]
    if ultra and not (zone in offered.ultra_zones if zone else offered.ultra):
        where = f"zone {zone} of {target}" if zone else f"{target} outside a zone"
        zones = f" (zones with them: {', '.join(offered.ultra_zones)})" if offered.ultra_zones else ""
        d.findings.append(
            finding_of(
                "UltraDisksNotInTarget",
                f"{offered.name} has no Ultra disks in {where}{zones}: a failover VM with {', '.join(ultra)} cannot be "
                "created there.",
                tag=d.app.tag_name,
            )
        )


def _requests_more(d: PlanBuilder) -> str:
    """The override that may require more of the size than the VM needs now, or ""."""
    return next((tag for tag in ("target-size", "target-disk-type") if d.is_requested(tag)), "")


def _lacking(vm: SourceVm, size: Size, disks: tuple[ReplicatedDisk, ...]) -> Iterator[str]:
    """The requirements of the VM that the size does not meet, as far as Azure tells."""
    name, data_disks, interfaces = size.name, len(disks) - 1, len(vm.nic_ids)
    if size.data_disks is not None and data_disks > size.data_disks:
        yield f"takes {data_disks} data disks; {name} takes {size.data_disks}"
    if not size.premium and any(disk.target_sku.lower().startswith("premium") for disk in disks):
        yield f"takes premium disks; {name} does not"
    if size.interfaces is not None and interfaces > size.interfaces:
        yield f"takes {interfaces} interfaces; {name} takes {size.interfaces}"
    architecture = _ARM if is_arm(vm.size) else _X64
    if size.architecture and size.architecture != architecture:
        yield f"has an {architecture} processor; {name} has {size.architecture}"
    if vm.generation and size.generations and vm.generation not in size.generations:
        yield f"takes VMs of generation {vm.generation}; {name} takes {', '.join(size.generations)}"
    controller = vm.disk_controller or _SCSI
    if size.controllers and controller not in size.controllers:
        yield f"has the disk controller {controller}; {name} has {', '.join(size.controllers)}"
    if not size.trusted_launch and vm.security_type.lower() == "trustedlaunch":
        yield f"supports Trusted Launch; {name} does not"
