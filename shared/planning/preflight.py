"""Preflight checks: whether a VM can be protected at all. Pure: the context in, findings out.

A blocker ends the run as `NotEligible`; a later change of the VM starts the next run.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from shared.config.settings import Create, Settings
from shared.model.findings import Finding, Severity, blocker, warning
from shared.model.replication import Replication
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.model.target_resources import CacheAccount, InVault, ResourceGroup, TargetResource
from shared.model.vm import Disk, Lock, PlanningContext, Size, SourceVm

# The support matrix of 2025-06: 2 cores and 1 GiB of memory; an OS disk and 64 data disks, of 1 GiB to 32 TiB.
LEAST_CORES, LEAST_MEMORY = 2, 1
MOST_DISKS = 65
MOST_TAGS = 50
MOST_GIB, MOST_GIB_OF_OS_DISK = 32 * 1024, 4095


_FROM_MEMORY = {
    "OverrideInvalid",
    "ReadOnlyLock",
    "SizeNotInTarget",
    "TargetQuotaExceeded",
    "IncompatibleTargetResource",
    "UnsupportedDisk",
}


def may_be_old(findings: Iterable[Finding]) -> bool:
    """Whether one of these blockers depends on cached data: it is checked again with fresh data before it is
    reported."""
    return any(finding.severity is Severity.BLOCKER and finding.code in _FROM_MEMORY for finding in findings)


def without_reading(vm: ResourceId, settings: Settings) -> list[Finding]:
    """The checks that need only the ID of the VM."""
    if vm.is_type(CLASSIC_VIRTUAL_MACHINE):
        return [
            blocker(
                "ClassicVm",
                f"{vm.name} is a classic VM: Azure has retired those, and Site Recovery does not protect them.",
                "Migrate it to Azure Resource Manager (https://aka.ms/classicvmretirement), then tag the new VM.",
            )
        ]
    if vm not in settings.source:
        return [
            blocker(
                "OutOfScope",
                f"{vm} lies outside DR_SOURCE_SCOPE ({settings.source}).",
                "Add its subscription or resource group to DR_SOURCE_SCOPE if this app is to look after it.",
            )
        ]
    return []


def of_vm(vm: SourceVm) -> Iterator[Finding]:
    """The checks that need only the VM."""
    if vm.scale_set_id:
        yield blocker(
            "ScaleSetInstance",
            f"{vm.id.name} is an instance of the scale set {vm.scale_set_id.name}, which makes and removes its VMs.",
            "Protect stand-alone VMs; a scale set is created again from its model in the other region.",
        )
    if vm.provisioning_state.lower() != "succeeded":
        yield blocker(
            "VmNotReady",
            f"The provisioning state of {vm.id.name} is {vm.provisioning_state}; it must be Succeeded (150019).",
            "Fix or redeploy the VM; it is checked again after its next update.",
        )
    if vm.power_state != "running":
        yield blocker(
            "VmNotRunning",
            f"{vm.id.name} is {vm.power_state}; Site Recovery installs its agent in a running VM only.",
            "Start the VM: it is checked again when it starts.",
        )
    if len(vm.disks) > MOST_DISKS:
        yield blocker(
            "TooManyDisks",
            f"{vm.id.name} has {len(vm.disks)} disks; Site Recovery replicates at most {MOST_DISKS}.",
            "Detach disks, or join them.",
        )
    if vm.unmanaged_disks:
        yield blocker(
            "UnmanagedDisks",
            f"{vm.id.name} has {vm.unmanaged_disks} unmanaged disk(s), which Azure retired on 2025-09-30.",
            "Convert the disks to managed disks.",
        )
    yield from _of_security(vm)


def _of_security(vm: SourceVm) -> Iterator[Finding]:
    if vm.security_type.lower() == "confidentialvm":
        yield blocker(
            "ConfidentialVm",
            f"{vm.id.name} is a confidential VM, which this app does not protect.",
            "Protect it by the means of its application.",
        )
    if vm.security_type.lower() == "trustedlaunch" and vm.os.lower() == "linux":
        made = f": this one was made on {vm.created_at:%Y-%m-%d}" if vm.created_at else ""
        yield warning(
            "TrustedLaunchLinux",
            f"{vm.id.name} is a Linux VM with Trusted Launch: Site Recovery supports some distributions of VMs made "
            f"since April 2024, in preview{made}.",
            "Check the support matrix for its distribution.",
        )
    if vm.disk_encryption:
        yield blocker(
            "DiskEncryptionNeedsKeys",
            f"{vm.id.name} uses Azure Disk Encryption: its keys have to be copied to a key vault in the target region "
            "under an account that may read them, which this app is not.",
            "Enable its replication in the portal, which copies the keys as you; the app adopts the item.",
        )
    if vm.encryption_at_host:
        yield warning(
            "EncryptionAtHostNotKept",
            f"{vm.id.name} is encrypted at host; what a failover makes of it is not.",
            "Turn on encryption at host after a failover.",
        )


def disk_obstacle(disk: Disk, shared: tuple[ResourceId, ...] = ()) -> str:
    """Why the disk cannot be replicated, or ""."""
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


def unsupported(vm: SourceVm, disk: ResourceId, obstacle: str) -> Finding:
    return blocker(
        "UnsupportedDisk",
        f"The disk {disk.name} of {vm.id.name} is {obstacle}, which this app does not replicate.",
        "Move its data to a disk of another kind, or protect the VM by hand.",
    )


def of_context(vm: SourceVm, context: PlanningContext) -> Iterator[Finding]:
    """The checks that need the planning context: group, locks, and the service's own eligibility check."""
    if context.group_managed_by:
        yield blocker(
            "ManagedResourceGroup",
            f"The resource group {vm.id.resource_group} is managed by {context.group_managed_by}, which owns its VMs.",
            "Protect what runs there by the means of that service.",
        )
    for error in context.eligibility_errors:
        yield blocker(
            "NotEligibleForReplication", f"Site Recovery's own check says {error.code}: {error.message}", error.action
        )
    for size in context.offer.sizes if context.offer else ():
        if size.name.lower() == vm.size.lower() and _is_small(size):
            memory = "" if size.memory is None else f" and {size.memory:g} GiB of memory"
            yield warning(
                "SmallVm",
                f"The size {size.name} of {vm.id.name} has {size.cores} core(s){memory}; Site Recovery supports VMs of "
                f"{LEAST_CORES} cores and {LEAST_MEMORY} GiB and more.",
                "Resize the VM if its agent cannot be installed or replication does not keep up.",
            )


def _is_small(size: Size) -> bool:
    """Where Azure tells it."""
    return 0 < size.cores < LEAST_CORES or (size.memory is not None and size.memory < LEAST_MEMORY)


def of_locks(
    vm: SourceVm, locks: tuple[Lock, ...], replication: Replication, made: tuple[ResourceId, ...] = ()
) -> Iterator[Finding]:
    """Findings about locks that prevent writes, or the later removal of what replication adds. `made` are the networks
    to be created."""
    written = (vm.id, replication.target_group, replication.cache_account, replication.vault)
    for lock in locks:
        held = [each for each in (*written, *(made if lock.read_only else ())) if lock.covers(each)]
        if held and lock.read_only:
            yield blocker(
                "ReadOnlyLock",
                f"The lock {lock.name} on {lock.scope} makes {', '.join(each.name for each in held)} read-only.",
                "Remove the lock, or make it CanNotDelete.",
            )
        elif held and vm.id not in held:
            yield warning(
                "LockedTarget",
                f"The lock {lock.name} on {lock.scope} forbids to delete {', '.join(each.name for each in held)}: what "
                "a disabled replication or a test failover leaves there stays.",
                "Remove the lock before you clean up.",
            )
        elif held:
            yield warning(
                "LockedVm",
                f"The lock {lock.name} on {lock.scope} forbids to delete: when replication is disabled, links stay on "
                f"{vm.id.name} (150225), and it cannot be enabled again until they are removed.",
                "Remove the lock before replication is disabled.",
            )


def stale_link(vm: ResourceId, link: str) -> Finding:
    return blocker(
        "StaleLink",
        f"The resource link {link} of {vm.name} was left by an earlier protection (150226).",
        f"Remove it: az resource delete --ids {vm}/providers/Microsoft.Resources/links/{link}",
    )


def protected_elsewhere(vm: ResourceId, item: str) -> Finding:
    return blocker(
        "ProtectedElsewhere",
        f"{vm.name} is protected by {item}, in a vault that is not among DR_VAULT_IDS: it is not protected twice.",
        "Add that vault to DR_VAULT_IDS to have it looked after, or disable that replication first.",
    )


def region_not_mapped(vm: SourceVm) -> Finding:
    return blocker(
        "RegionNotMapped",
        f"{vm.id.name} is in {vm.location}, and DR_REGION_MAP names no vault for that region.",
        "Add the region to DR_REGION_MAP, or a vault to the VM's profile.",
    )


def not_to_be_made(resource: TargetResource, settings: Settings) -> Finding | None:
    """The blocker if a missing resource must not be created. Resources in the vault always may be."""
    if settings.target_creation is Create.ALL or isinstance(resource, InVault):
        return None
    of_cache = isinstance(resource, CacheAccount) or (isinstance(resource, ResourceGroup) and resource.for_cache)
    if settings.target_creation is Create.CACHE and of_cache:
        return None
    return blocker(
        "CreationDisabled",
        f"The {resource.kind} {resource.name} does not exist, and DR_TARGET_CREATION={settings.target_creation} "
        "forbids to make it.",
        "Make it beforehand, or let the app make it with DR_TARGET_CREATION=all.",
    )


def old_enough_at(vm: SourceVm, settings: Settings) -> datetime | None:
    """When the VM reaches the minimum age, or None without one."""
    if vm.created_at is None or settings.min_age_minutes == 0:
        return None
    return vm.created_at + timedelta(minutes=settings.min_age_minutes)


def on_hold(vm: SourceVm, settings: Settings) -> Finding:
    return blocker(
        "OnHold",
        f"{vm.id.name} carries the tag {settings.tag_name}-hold: it is left as it is.",
        f"Remove the tag {settings.tag_name}-hold when the app may go on.",
    )


def too_many_tags(vm: SourceVm, written: Iterable[str]) -> Finding | None:
    """The blocker if Azure would not take the tags of these names beside those that the VM has."""
    has = {name.lower() for name in vm.tags}
    new = [name for name in written if name.lower() not in has]
    if not new or vm.tag_count + len(new) <= MOST_TAGS:
        return None
    return blocker(
        "TooManyTags",
        f"{vm.id.name} has {vm.tag_count} tags already, and Azure allows {MOST_TAGS}: there is no place for "
        f"{', '.join(new)}.",
        "Remove a tag from the VM.",
    )


def copy_of(vm: ResourceId, original: ResourceId) -> Finding:
    return blocker(
        "FailoverVm",
        f"{vm.name} is a copy that a failover or test failover made of {original}; it carries the same tags.",
        "Nothing to do: the original stays under protection. A committed failover is reprotected by an operator.",
    )
