"""The differences between a replicated item and its plan: which ones Azure changes in place, and which it cannot.

Defaults apply to creation only: a setting of an item changes only if an override requests another value, so that the
app never reverts what an operator has set in the portal. Replication is never disabled and enabled to change a setting.
"""

from collections.abc import Iterable
from typing import Any

from shared.config.override_options import CHOICES, ITEM_FIELDS, UPDATED_FIELDS
from shared.model.changes import Changes, Difference, ItemUpdate
from shared.model.findings import Finding, warning
from shared.model.plan import Plan
from shared.model.replicated_item import ItemNic, ProtectedItem
from shared.model.replication import ReplicatedDisk, ReplicatedNic, Replication
from shared.model.resource_id import ResourceId
from shared.model.vm import SourceVm
from shared.planning.overrides import Overrides


def with_changes(plan: Plan, overrides: Overrides, item: ProtectedItem, failed: Iterable[ResourceId] = ()) -> Plan:
    """The plan for a VM that `item` protects, with the changes to make in place and findings about the others. `failed`
    are disks that could not be added."""
    if plan.replication is None:
        return plan
    changes, cannot = changes_of(plan.replication, overrides, item, frozenset((*plan.unfit_disks, *failed)))
    return plan.model_copy(update={"findings": (*plan.findings, *cannot), "changes": changes})


def changes_of(
    replication: Replication, overrides: Overrides, item: ProtectedItem, unfit: frozenset[ResourceId] = frozenset()
) -> tuple[Changes, tuple[Finding, ...]]:
    """The changes to make in place, and a finding for each difference that Azure cannot change.

    `unfit` are disks that cannot be replicated. Disks are added only to items that this app created: the owner of
    another item may have left a disk out on purpose.
    """
    differing = {tag: _differs(tag, name, replication, item) for tag, name in ITEM_FIELDS.items()}
    requested = {tag: found for tag, found in differing.items() if found and tag in overrides.requested}
    # An update replaces an availability set by another one, never by none; and it clears no setting.
    changed = {
        tag: found
        for tag, found in requested.items()
        if tag in UPDATED_FIELDS and found.wanted and (tag != "target-availability-set" or found.current)
    }
    disks, of_disks = _disks(replication, overrides, item)
    nics, of_nics = _nics(replication, item)
    fields: dict[str, Any] = {UPDATED_FIELDS[tag]: getattr(replication, UPDATED_FIELDS[tag]) for tag in changed}
    if disks:
        fields["disks"] = disks
    if nics:
        fields["nics"] = nics
    known = {disk.id for disk in item.disks} | unfit
    late = tuple(disk for disk in replication.disks if disk.id not in known) if item.is_ours else ()
    cannot = [found for tag, found in requested.items() if tag not in changed] + _of_disks_for_good(
        replication, overrides, item
    )
    return (
        Changes(
            differences=(*changed.values(), *of_disks, *of_nics),
            update=ItemUpdate(**fields) if fields else None,
            added_disks=late,
        ),
        tuple(_needs_reenable(item, found) for found in cannot),
    )


def removed_disks(vm: SourceVm, item: ProtectedItem) -> tuple[Finding, ...]:
    """A data disk that was detached from the VM while it was replicated."""
    attached = {disk.id for disk in vm.disks}
    return tuple(
        warning(
            "DiskRemoved",
            f"The disk {disk.id.name} is replicated, and no longer attached to {vm.id.name}.",
            "Attach it again, or remove it from the item in the portal under Disks: its recovery points go with it.",
        )
        for disk in item.disks
        if disk.id not in attached and not disk.holds_os
    )


def _differs(tag: str, name: str, replication: Replication, item: ProtectedItem) -> Difference | None:
    wanted, current = getattr(replication, name), getattr(item.settings, name)
    if tag == "target-vnet" and item.nics:
        current = item.nics[0].network or current
    if _text(wanted).lower() == _text(current).lower():
        return None
    return Difference(setting=CHOICES[tag].setting, current=_text(current), wanted=_text(wanted))


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "high" if value else "normal"
    return str(value or "")


def _disks(
    replication: Replication, overrides: Overrides, item: ProtectedItem
) -> tuple[tuple[ReplicatedDisk, ...], list[Difference]]:
    """The disks whose types change, and the differences. Without an override the item keeps its type."""
    changed, differences = [], []
    has = {disk.id: disk for disk in item.disks}
    for disk in replication.disks:
        if disk.id not in has:
            continue
        found = []
        for tag, wanted, current in (
            ("target-disk-type", disk.target_sku, has[disk.id].target_sku),
            ("replica-disk-type", disk.replica_sku, has[disk.id].replica_sku),
        ):
            if tag in overrides.requested and wanted.lower() != current.lower():
                name = f"{CHOICES[tag].setting}/{disk.id.name}"
                found.append(Difference(setting=name, current=current, wanted=wanted))
        if found:
            keep = {
                "target_sku": disk.target_sku if "target-disk-type" in overrides.requested else has[disk.id].target_sku,
                "replica_sku": disk.replica_sku
                if "replica-disk-type" in overrides.requested
                else has[disk.id].replica_sku,
            }
            changed.append(disk.model_copy(update=keep))
            differences += found
    return tuple(changed), differences


def _nics(replication: Replication, item: ProtectedItem) -> tuple[tuple[ReplicatedNic, ...], list[Difference]]:
    """The interfaces with a difference, each with all its requested settings, and the differences."""
    has = {nic.source: nic for nic in item.nics}
    changed, differences = [], []
    for nic in replication.nics:
        found = _of_nic(nic, has[nic.id]) if nic.id in has else []
        if found:
            changed.append(nic)
            differences += found
    return tuple(changed), differences


def _of_nic(wanted: ReplicatedNic, has: ItemNic) -> list[Difference]:
    pool = next(
        (each for each in has.backend_pools if each == wanted.backend_pool), next(iter(has.backend_pools), None)
    )
    pairs: tuple[tuple[str, str | ResourceId | None, str | ResourceId | None], ...] = (
        ("target-subnet", wanted.subnet, has.target_subnet),
        ("target-ip", wanted.address, has.target_address),
        ("target-nsg", wanted.security_group, has.security_group),
        ("target-public-ip", wanted.public_ip, has.public_ip),
        ("target-backend-pool", wanted.backend_pool, pool),
    )
    return [
        Difference(setting=f"{CHOICES[tag].setting}/{wanted.id.name}", current=_text(current), wanted=_text(value))
        for tag, value, current in pairs
        if value and _text(value).lower() != _text(current).lower()
    ]


def _of_disks_for_good(replication: Replication, overrides: Overrides, item: ProtectedItem) -> list[Difference]:
    """Differences of the cache account and the encryption set: fixed when a disk is enabled."""
    has = {disk.id: disk for disk in item.disks}
    found = []
    for disk in replication.disks:
        pairs: tuple[tuple[str, ResourceId | None, ResourceId | None], ...] = ()
        if disk.id in has:
            pairs = (
                ("cache-storage", replication.cache_account, has[disk.id].cache_account),
                ("target-disk-encryption-set", disk.encryption_set, has[disk.id].encryption_set),
            )
        for tag, wanted, current in pairs:
            if tag in overrides.requested and wanted != current:
                name = f"{CHOICES[tag].setting}/{disk.id.name}"
                found.append(Difference(setting=name, current=_text(current), wanted=_text(wanted)))
    return found


def _needs_reenable(item: ProtectedItem, found: Difference) -> Finding:
    return warning(
        "SettingNeedsReenable",
        f"{found.setting} of {item.source.name} is {found.current or 'none'}, and {found.wanted or 'none'} is "
        "requested: Site Recovery does not change it on a protected item.",
        "Leave it, or disable and enable replication at a time of your choice: its recovery points are lost then.",
    )
