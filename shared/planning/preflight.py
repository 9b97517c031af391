"""Preflight checks of what surrounds a VM: whether it can be protected at all. Pure: the context in, findings out.

A blocker ends the run as `NotEligible`; a later change of the VM starts the next run.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from shared.config.settings import Create, Settings
from shared.model.findings import Finding
from shared.model.hold import ALLOWED, Hold
from shared.model.plan import Plan
from shared.model.replication import Replication
from shared.model.resource_id import CLASSIC_VIRTUAL_MACHINE, ResourceId
from shared.model.target_resources import CacheAccount, InVault, ResourceGroup, TargetResource
from shared.model.vm import Existing, Lock, PlanningContext, SourceVm
from shared.planning import size_support, target_groups
from shared.planning.catalog import finding_of
from shared.planning.support_findings import AVAILABILITY_ONLY

MOST_TAGS = 50
MOST_REPLICATED_DISKS = 3000

_FROM_MEMORY = {
    "OverrideInvalid",
    "ReadOnlyLock",
    "SizeNotInTarget",
    "TargetQuotaExceeded",
    "IncompatibleTargetResource",
    "TargetGroupInSourceRegion",
    "CacheAccountUnreachable",
    "UnsupportedDisk",
    "DiskTypeNotInTarget",
    "TargetSubnetUnusable",
}


def may_be_old(plan: Plan) -> bool:
    """Whether what blocks the plan depends on cached data: that is checked again before it is reported."""
    return plan.replication is None and any(finding.code in _FROM_MEMORY for finding in plan.findings)


def without_reading(vm: ResourceId, settings: Settings) -> list[Finding]:
    """The checks that need only the ID of the VM."""
    if vm.is_type(CLASSIC_VIRTUAL_MACHINE):
        return [
            finding_of(
                "ClassicVm",
                f"{vm.name} is a classic VM: Azure has retired those, and Site Recovery does not protect them.",
            )
        ]
    if vm not in settings.source:
        return [
            finding_of(
                "OutOfScope",
                f"{vm} lies outside DR_SOURCE_SCOPE ({settings.source}).",
            )
        ]
    return []


def of_context(vm: SourceVm, context: PlanningContext) -> Iterator[Finding]:
    """The checks that need the planning context: group, locks, and the service's own eligibility check."""
    if context.group_managed_by:
        yield finding_of(
            "ManagedResourceGroup",
            f"The resource group {vm.id.resource_group} is managed by {context.group_managed_by}, which owns its VMs.",
        )
    for error in context.eligibility_errors:
        text = f"Site Recovery's own check says {error.code}: {error.message}"
        yield finding_of("NotEligibleForReplication", text, action=error.action)
    yield from size_support.of_own_size(vm, context.offer)


def of_disk_limit(vm: SourceVm, context: PlanningContext, disks: int) -> Iterator[Finding]:
    """A blocker if the subscription would have more replicated disks in the target region than Site Recovery takes."""
    if context.replicated_disks + disks > MOST_REPLICATED_DISKS:
        yield finding_of(
            "TooManyReplicatedDisks",
            f"{context.replicated_disks} disks of the subscription {vm.id.subscription} are replicated to "
            f"{context.target_location}, and {vm.id.name} has {disks} more: Site Recovery replicates at most "
            f"{MOST_REPLICATED_DISKS}.",
        )


def of_scale_set(vm: SourceVm, found: Existing | None, target: ResourceId | None, tag: str) -> Iterator[Finding]:
    """A blocker, or a note, about the scale set of the VM. `found` is the set, None if it could not be found; `target`
    is the one that an override names."""
    if vm.scale_set_id is None:
        return
    which = f"{vm.id.name} is an instance of the scale set {vm.scale_set_id.name}"
    obstacle = "could not be found" if found is None else found.obstacle
    if obstacle:
        yield finding_of("ScaleSetInstance", f"{which}, which {obstacle}: such a set makes and removes its VMs.")
    elif target is None:
        text = f"{which}: a failover VM is in no scale set, unless {tag}-target-scale-set names one."
        yield finding_of("ScaleSetInstance", text, case=AVAILABILITY_ONLY, tag=tag)


def of_locks(
    vm: SourceVm, locks: tuple[Lock, ...], replication: Replication, made: tuple[ResourceId, ...] = ()
) -> Iterator[Finding]:
    """Findings about locks that prevent writes, or the later removal of what replication adds. `made` are the networks
    to be created."""
    written = (vm.id, replication.target_group, replication.cache_account, replication.vault)
    for lock in locks:
        held = [each for each in (*written, *(made if lock.read_only else ())) if lock.covers(each)]
        if held and lock.read_only:
            yield finding_of(
                "ReadOnlyLock",
                f"The lock {lock.name} on {lock.scope} makes {', '.join(each.name for each in held)} read-only.",
            )
        elif held and vm.id not in held:
            yield finding_of(
                "LockedTarget",
                f"The lock {lock.name} on {lock.scope} forbids to delete {', '.join(each.name for each in held)}: what "
                "a disabled replication or a test failover leaves there stays.",
            )
        elif held:
            yield finding_of(
                "LockedVm",
                f"The lock {lock.name} on {lock.scope} forbids to delete: when replication is disabled, links stay on "
                f"{vm.id.name} (150225), and it cannot be enabled again until they are removed.",
            )


def stale_link(vm: ResourceId, link: str) -> Finding:
    return finding_of(
        "StaleLink",
        f"The resource link {link} of {vm.name} was left by an earlier protection (150226).",
        vm=str(vm),
        link=link,
    )


def protected_elsewhere(vm: ResourceId, item: str) -> Finding:
    return finding_of(
        "ProtectedElsewhere",
        f"{vm.name} is protected by {item}, in a vault that is not among DR_VAULT_IDS: it is not protected twice.",
    )


def region_not_mapped(vm: SourceVm) -> Finding:
    return finding_of(
        "RegionNotMapped",
        f"{vm.id.name} is in {vm.location}, and DR_REGION_MAP names no vault for that region.",
    )


def vault_not_found(vault: ResourceId) -> Finding:
    return finding_of("VaultNotFound", f"The vault {vault}, which DR_VAULT_IDS names, does not exist.")


def not_to_be_made(resource: TargetResource, settings: Settings) -> Finding | None:
    """The blocker if a missing resource must not be created. Resources in the vault always may be."""
    group = resource if isinstance(resource, ResourceGroup) else None
    of_cache = isinstance(resource, CacheAccount) or (group is not None and group.for_cache)
    allowed = settings.target_creation is Create.ALL or (settings.target_creation is Create.CACHE and of_cache)
    if allowed or isinstance(resource, InVault):
        return next(target_groups.not_created(group, settings), None) if group else None
    return finding_of(
        "CreationDisabled",
        f"The {resource.kind} {resource.name} does not exist, and DR_TARGET_CREATION={settings.target_creation} "
        "forbids to make it.",
    )


def old_enough_at(vm: SourceVm, settings: Settings) -> datetime | None:
    """When the VM reaches the minimum age, or None without one."""
    if vm.created_at is None or settings.min_age_minutes == 0:
        return None
    return vm.created_at + timedelta(minutes=settings.min_age_minutes)


def on_hold(vm: SourceVm, settings: Settings, hold: Hold) -> tuple[Finding, ...]:
    tag = settings.tag_name
    found = finding_of("OnHold", f"{vm.id.name} is on hold by its tag {tag}-hold {hold}: it is left as it is.", tag=tag)
    if not hold.unreadable:
        return (found,)
    text = f"The tag {tag}-hold of {vm.id.name} says until={hold.unreadable}, which is no time. Allowed: {ALLOWED}."
    return (found, finding_of("HoldDateInvalid", text, tag=tag))


def hold_expired(vm: SourceVm, settings: Settings, hold: Hold) -> Finding:
    text = f"The tag {settings.tag_name}-hold of {vm.id.name} said {hold}: it holds no longer."
    return finding_of("HoldExpired", text, hold.until, tag=settings.tag_name)


def too_many_tags(vm: SourceVm, written: Iterable[str]) -> Finding | None:
    """The blocker if Azure would not take the tags of these names beside those that the VM has."""
    has = {name.lower() for name in vm.tags}
    new = [name for name in written if name.lower() not in has]
    if not new or vm.tag_count + len(new) <= MOST_TAGS:
        return None
    return finding_of(
        "TooManyTags",
        f"{vm.id.name} has {vm.tag_count} tags already, and Azure allows {MOST_TAGS}: there is no place for "
        f"{', '.join(new)}.",
    )


def failover_vm(vm: ResourceId, original: ResourceId) -> Finding:
    return finding_of(
        "FailoverVm",
        f"{vm.name} is a copy that a failover or test failover made of {original}; it carries the same tags.",
    )
