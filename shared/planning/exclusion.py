"""Disks that an override excludes from replication, by their names or LUNs."""

from shared.model.resource_id import ResourceId
from shared.model.values import NONE
from shared.model.vm import Disk, SourceVm
from shared.planning.builder import PlanBuilder
from shared.planning.overrides import Overrides

TAG = "exclude-disks"


def excluded_disks(vm: SourceVm, overrides: Overrides) -> dict[ResourceId, str]:
    """The excluded data disks, each with what excludes it. The OS disk never is one: Site Recovery needs it."""
    entries = _entries(overrides)
    by = f"the {overrides.requested[TAG].where} excludes it" if entries else ""
    return {disk.id: by for disk in vm.disks if not disk.holds_os and _names(disk) & entries}


def without_excluded(vm: SourceVm, overrides: Overrides) -> SourceVm:
    """The VM with the disks that are to be replicated: the others hinder nothing."""
    excluded = excluded_disks(vm, overrides)
    return vm.with_(disks=tuple(disk for disk in vm.disks if disk.id not in excluded)) if excluded else vm


def exclusion(d: PlanBuilder) -> frozenset[ResourceId]:
    """Records what is excluded. Rejects the OS disk, and a name that no disk has: it may be misspelt. A LUN may be
    empty, since a profile is for many VMs."""
    entries, requested = _entries(d.overrides), d.overrides.requested.get(TAG)
    origin = {"origin": requested.origin} if requested else {}
    reason = f"requested by the {requested.origin}" if requested else "all disks are replicated"
    d.record("excludeDisks", requested.value if requested else NONE, reason, **origin)
    known = {name for disk in d.vm.disks for name in _names(disk)}
    strangers = {each for each in entries - known if not each.isdigit()}
    if of_os := [disk.id.name for disk in d.vm.disks if disk.holds_os and _names(disk) & entries]:
        d.reject(TAG, f"data disks only: {of_os[0]} is the OS disk, without which nothing is replicated")
    elif strangers:
        data = ", ".join(disk.id.name for disk in d.vm.disks if not disk.holds_os)
        d.reject(TAG, f"the names or LUNs of {data or 'data disks, of which the VM has none'}")
    return frozenset(excluded_disks(d.vm, d.overrides))


def _entries(overrides: Overrides) -> set[str]:
    requested = overrides.requested.get(TAG)
    return set(requested.value.lower().split(", ")) - {NONE} if requested else set()


def _names(disk: Disk) -> set[str]:
    """What names the disk: its name, and its LUN, which an OS disk does not have."""
    return {disk.id.name.lower()} | ({str(disk.lun)} if disk.lun is not None and not disk.holds_os else set())
