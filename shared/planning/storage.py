"""Disks: types, encryption sets, and the cache account that buffers their writes."""

from collections.abc import Container, Iterable, Mapping

from shared.config.override_options import HIGH_CHURN, NORMAL_CHURN
from shared.config.settings import Settings
from shared.model import naming
from shared.model.findings import Finding, Severity
from shared.model.plan import DEFAULT_ORIGIN, ITEM_ORIGIN, Setting
from shared.model.replicated_item import ProtectedItem
from shared.model.replication import ReplicatedDisk
from shared.model.resource_id import ResourceId
from shared.model.vm import Disk, Existing, SourceVm
from shared.planning import disk_support
from shared.planning.builder import OF_ITEM, PlanBuilder
from shared.planning.catalog import finding_of, on_protected
from shared.planning.exclusion import exclusion

# Documented: 375 disks per account at 8 MB/s each. The rest is a reserve for VMs that are enabled concurrently.
MOST_CACHED_DISKS = 350
PREMIUM_KIND = "BlockBlobStorage"


def cache(d: PlanBuilder) -> tuple[ResourceId, bool]:
    """The cache account, and whether it is one for high churn. Those of an item are permanent."""
    if d.item:
        return _cache_of_item(d, d.item)
    high = d.text("churn", NORMAL_CHURN, "54 MB/s a VM: a standard cache account") == HIGH_CHURN
    default = default_cache(d.vm, d.context.cached_disks, d.app, d.context.taken_accounts, high_churn=high)
    chosen = d.resource("cache-storage", default, "one for each subscription, source region and churn") or default
    existing = d.existing(chosen)
    if existing is None:
        return chosen, high
    is_premium = existing.kind == PREMIUM_KIND
    _check_access(d, existing, is_premium=is_premium)
    if not d.is_requested("cache-storage"):
        return chosen, high
    if d.is_requested("churn") and is_premium != high:
        d.reject("churn", f"{HIGH_CHURN if is_premium else NORMAL_CHURN}: {chosen.name} is a {existing.kind} account")
    return chosen, is_premium


def _check_access(d: PlanBuilder, account: Existing, *, is_premium: bool) -> None:
    """Rejects an account that Site Recovery cannot access: it uses the keys of the account, or the identity of the
    vault."""
    name, shut_out = account.id.name, account.keys_off and not d.context.vault_has_identity
    if not account.obstacle and (unreachable := _unreachable(d, account)):
        message = f"The cache account {account.id} {unreachable}: the agent in {d.vm.id.name} cannot write to it."
        d.findings.append(finding_of("CacheAccountUnreachable", message, tag=d.app.tag_name))
    if d.is_requested("cache-storage") and shut_out:
        d.reject("cache-storage", f"an account with key access, or a vault with an identity; {name} has keys off")
    elif account.obstacle or shut_out:
        obstacle = account.obstacle or "has keys off, and the vault has no identity to go by"
        d.findings.append(
            finding_of(
                "IncompatibleTargetResource",
                f"The cache account {account.id} {obstacle}: Site Recovery cannot use it.",
                tag=d.app.tag_name,
            )
        )
    elif account.keys_off:
        d.findings.append(
            finding_of(
                "CacheAccountRolesNeeded",
                f"{name} does not allow access by key, which the support matrix of 2026-01 demands; by a page of "
                "2025-10 the vault's identity serves instead, with Contributor and Storage Blob Data "
                f"{'Owner' if is_premium else 'Contributor'} on it.",
            )
        )


def _unreachable(d: PlanBuilder, account: Existing) -> str:
    """Why the VM cannot reach the account, or "". That it has a private endpoint in the VM's own network is not
    checked."""
    subnets = list(dict.fromkeys(nic.subnet for nic in d.context.nics))
    if account.lets_in is None or account.private_endpoint or not subnets:
        return ""
    if not account.lets_in:
        return "takes no public access, or lets no subnet in, and has no private endpoint"
    if any(subnet in account.lets_in for subnet in subnets):
        return ""
    return f"lets no subnet of the VM in ({', '.join(map(str, subnets))}), and has no private endpoint"


def _cache_of_item(d: PlanBuilder, item: ProtectedItem) -> tuple[ResourceId, bool]:
    has = next((disk.cache_account for disk in item.disks if disk.cache_account), None)
    requested = d.resource("cache-storage", has, OF_ITEM) if d.is_requested("cache-storage") else None
    if requested is None:
        d.record("cacheStorage", has or "none", OF_ITEM, ITEM_ORIGIN)
    churn = HIGH_CHURN if item.settings.high_churn else NORMAL_CHURN
    if d.is_requested("churn"):
        churn = d.text("churn", churn, "")
    else:
        d.record("churn", churn, OF_ITEM, ITEM_ORIGIN)
    account = requested or has or d.app.names.cache_account(d.vm.id.subscription, d.vm.location, d.app.deployment)
    return account, churn == HIGH_CHURN


def default_cache(
    vm: SourceVm,
    cached_disks: Mapping[str, int],
    settings: Settings,
    taken: Container[ResourceId] = (),
    *,
    high_churn: bool,
) -> ResourceId:
    """The first of the deployment's accounts with capacity for the disks of the VM, whose name is not `taken` by
    others."""
    number = 1
    while True:
        account = settings.names.cache_account(
            vm.id.subscription, vm.location, settings.deployment, premium=high_churn, number=number
        )
        used = cached_disks.get(account.key, 0)
        if account not in taken and (not used or used + len(vm.disks) <= MOST_CACHED_DISKS):
            return account
        number += 1


def disks(d: PlanBuilder, zone: str, *, high_churn: bool) -> tuple[ReplicatedDisk, ...]:
    """The disks to replicate: all but the excluded ones. One that the item replicates stays, until an operator removes
    it."""
    names = [disk.id.name for disk in d.vm.disks]
    targets, replicas = d.each("target-disk-type", names), d.each("replica-disk-type", names)
    has = {disk.id: disk for disk in d.item.disks} if d.item else {}
    kept = {disk.id.name: disk.encryption_set for disk in has.values()}
    sets = d.each_or_none("target-disk-encryption-set", names, kept)
    high_churn = d.item.settings.high_churn if d.item else high_churn
    made, excluded = [], exclusion(d)
    for disk in d.vm.disks:
        if disk.id in excluded and disk.id not in has:
            continue
        name, own = disk.id.name, has.get(disk.id)
        origin, reason = (ITEM_ORIGIN, OF_ITEM) if own else (DEFAULT_ORIGIN, "the source disk's")
        target, replica = (own.target_sku, own.replica_sku) if own else (disk.sku, disk_support.replica_of(disk))
        if name not in targets:
            d.record(f"targetDiskType/{name}", target, reason, origin)
        if name not in replicas:
            newer = "Premium SSD: a replica is of no newer kind" if not own and replica != disk.sku else reason
            d.record(f"replicaDiskType/{name}", replica, newer, origin)
        replicated = ReplicatedDisk(
            id=disk.id,
            replica_sku=replicas.get(name, replica),
            target_sku=targets.get(name, target),
            encryption_set=_encryption_set(d, name, sets) if name in sets else own.encryption_set if own else None,
            access=None if own else disk_support.access_of(d, disk),
        )
        made.append(replicated)
        if own is None and d.item and disk.holds_os:
            d.unfit.add(disk.id)  # it was exchanged, and Site Recovery adds no OS disk
            continue
        of_types = disk_support.of_types(d, disk, replicated, high_churn=high_churn, zone=zone)
        if own is None:
            _check(d, disk, (*disk_support.of_source(d, disk, set_requested=name in sets), *of_types))
        elif name in targets or name in replicas:
            d.findings += of_types
    return tuple(made)


def _check(d: PlanBuilder, disk: Disk, obstacles: Iterable[Finding]) -> None:
    """Findings about disks that cannot be replicated: a blocker, or a warning if the VM is protected already."""
    found = d.overrides.judge(obstacles)
    if d.item and any(each.severity is Severity.BLOCKER for each in found):
        d.unfit.add(disk.id)
        found = on_protected(found)
    d.findings += found


def _encryption_set(d: PlanBuilder, disk: str, requested: dict[str, str]) -> ResourceId | None:
    tag = "target-disk-encryption-set"
    found = d.referred(tag, requested[disk])
    return d.checked(tag, found) if found else None


def check_boot_diagnostics(d: PlanBuilder, chosen: ResourceId | None) -> None:
    existing = d.existing(chosen) if chosen and d.is_requested("target-boot-diagnostics") else None
    if existing and existing.sku.lower().startswith("premium"):
        d.reject("target-boot-diagnostics", f"a standard account; {existing.id.name} is {existing.sku}")


def target_accounts(d: PlanBuilder) -> None:
    """Records the storage accounts of unmanaged disks, although such a VM is rejected."""
    if not d.is_requested("target-storage"):
        d.settings += unmanaged(d.vm)
    elif d.vm.unmanaged_disks:
        d.resource("target-storage", None, "")
    else:
        d.reject("target-storage", f"none, since {d.vm.id.name} has no unmanaged disks")


def unmanaged(vm: SourceVm) -> tuple[Setting, ...]:
    """The targets of unmanaged disks, as in the portal. Azure has retired them: the VM is rejected all the same."""
    return tuple(
        Setting(
            name=f"targetStorage/{account}",
            value=naming.target_account(account),
            origin=DEFAULT_ORIGIN,
            reason="the source's storage account, with asr",
        )
        for account in vm.unmanaged_accounts
    )
