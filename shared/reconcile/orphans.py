"""Orphaned target resources: created by this app, and no longer needed. Pure: what was read in, reasons to keep out.

Two checks. The lists (tagged VMs, replicated items) show which resources nothing needs; a read of the resource right
before its removal shows whether it may be removed. If either check is uncertain, the resource stays.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared.config.intervals import LONGEST_FOR_TARGETS
from shared.config.settings import Create, Mode, Settings
from shared.model import naming
from shared.model.drill_words import CREATE
from shared.model.findings import Finding
from shared.model.origin import Origin, gap_of
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId, folded
from shared.model.resource_types import ACCOUNT
from shared.model.target_resources import REMOVABLE
from shared.model.values import parts
from shared.model.vm import Lock, SourceVm
from shared.planning.catalog import finding_of
from shared.planning.overrides import Overrides, SharedOverrides
from shared.planning.placement import location
from shared.planning.references import references, target_group
from shared.reconcile.readiness import used_by

_LEAVES_FIRST = [kind.type.lower() for kind in REMOVABLE]
_MOST_NOTES = 20


@dataclass(frozen=True)
class ReferencedResources:
    """The target resources that the VMs of the estate need, and all that items name, by lower-cased ID.

    With a group all cache accounts in it are needed: that of its region for an item that does not name those of all its
    disks. The target network of a VM, and the app's own for its drills, are listed only once the VM is Protected:
    `interfaces` are those of the VMs before that. `unclear` is an item that names no network and whose VM is gone, or
    "".
    """

    needed: frozenset[str] = frozenset()
    interfaces: frozenset[str] = frozenset()
    unclear: str = ""


@dataclass(frozen=True)
class ResourceUsage:
    """A resource as read right before its removal. `use` describes what it contains or what uses it; `content` is the
    digest of the parts that others may have added to; `incarnation` and `created_at` tell it from one that is made
    again."""

    id: ResourceId
    tags: Mapping[str, str]
    use: tuple[str, ...] = ()
    content: str = ""
    incarnation: str = ""
    created_at: datetime | None = None


def digest_of(
    address_space: Iterable[str], subnets: Mapping[str, Iterable[str]], dns_servers: Iterable[str] = ()
) -> str:
    """The digest of a network. `subnets` are address prefixes by name. Azure preserves neither order nor case."""
    lines = [*address_space, *(f"{name}={','.join(sorted(prefixes))}" for name, prefixes in subnets.items())]
    lines += [f"dns {server}" for server in dns_servers]
    return sha256("\n".join(sorted(line.lower() for line in lines)).encode()).hexdigest()[:16]


def references_of(
    vms: Iterable[SourceVm],
    items: Iterable[ProtectedItem],
    group_tags: Mapping[str, Mapping[str, str]],
    settings: Settings,
    vault_regions: Iterable[str] = (),
) -> ReferencedResources:
    """The target resources that these VMs need. `group_tags` are by the lower-cased ID of the resource group,
    `vault_regions` those of all vaults: any of them may be the target region of a VM."""
    unknown = {item.source: item for item in items if not _names_its_network(item)}
    protected = {item.source for item in items} - unknown.keys()
    regions = set(vault_regions) or {""}
    shared = SharedOverrides(group_tags, settings)
    needed: set[ResourceId] = set()
    # What a VM needs depends on nothing but these.
    seen: set[tuple[object, ...]] = set()
    interfaces: set[str] = set()
    for vm in vms:
        tagged = settings.requests_protection(vm.tags)
        if tagged:
            overrides = shared.of(vm)
            alike = (id(overrides), vm.location, vm.availability_set_id, vm.placement_group_id)
            if alike not in seen:
                seen.add(alike)
                for region in regions:
                    needed.update(_needed_by(vm, overrides, location(vm, overrides, settings, region).value))
        if vm.id in unknown or (tagged and vm.id not in protected):
            interfaces |= {nic.key for nic in vm.nic_ids}
        unknown.pop(vm.id, None)
    needed |= {
        settings.names.cache_group_of(item.source.subscription, item.settings.source_location)
        for item in items
        if item.settings.source_location and not _names_its_caches(item)
    }
    if any(profile.drill and profile.drill.network == CREATE for profile in settings.profiles.values()):
        needed |= {naming.drill_network(each.target_network) for each in items if each.target_network}
    unclear = min((str(item.id) for item in unknown.values()), default="")
    return ReferencedResources(_with_groups(needed), frozenset(interfaces), unclear)


def _names_its_network(item: ProtectedItem) -> bool:
    return bool(item.nics) and all(nic.network for nic in item.nics)


def _names_its_caches(item: ProtectedItem) -> bool:
    return bool(item.disks) and all(disk.cache_account for disk in item.disks)


def _needed_by(vm: SourceVm, overrides: Overrides, target: str) -> Iterator[ResourceId]:
    """The resources that a run of the VM would create or read, without networks. Any cache account may be the next."""
    group, names = target_group(vm, overrides, target), overrides.names_between(vm.location, target)
    yield group
    yield overrides.names.cache_group_of(vm.id.subscription, vm.location)
    if vm.availability_set_id:
        yield names.in_group(group, vm.availability_set_id)
    if vm.placement_group_id:
        yield names.sibling(vm.placement_group_id)
    yield from (resource for _, resource in references(vm, overrides, target))


def named_by(items: Iterable[ProtectedItem]) -> frozenset[str]:
    """All resources that the items name, and their groups, whatever the owner and the state of the item."""
    return _with_groups({resource for item in items for resource in _named_by(item)})


def _named_by(item: ProtectedItem) -> Iterator[ResourceId]:
    yield from used_by(item)
    yield from (disk.cache_account for disk in item.disks if disk.cache_account)
    yield from item.failover_vms


def _with_groups(resources: set[ResourceId]) -> frozenset[str]:
    return frozenset(each.key for resource in resources for each in (resource, resource.group_id))


def unneeded(made: Iterable[ResourceId], wanted: frozenset[str], settings: Settings) -> tuple[ResourceId, ...]:
    """The orphans among `made`, leaves first. `wanted` are lower-cased IDs.

    Resources that the settings name, or that the app could not create again, are not included.
    """
    named = _named_in(settings)
    free = {
        resource
        for resource in made
        if _is_removable(resource, settings)
        and resource in settings.target
        and _may_be_made(resource, settings)
        and resource.key not in wanted
        and not (resource.is_type(ACCOUNT) and resource.group_id.key in wanted)
        and not {resource.key, folded(resource.name)} & named
    }
    return tuple(sorted(free, key=lambda resource: (_LEAVES_FIRST.index(resource.type.lower()), resource.key)))


def _is_removable(resource: ResourceId, settings: Settings) -> bool:
    """Whether type and name are those of the app: an Azure policy may copy the tags of a group to other resources."""
    if resource.type.lower() not in _LEAVES_FIRST:
        return False
    if resource.is_type(ACCOUNT):
        return settings.names.is_cache_group(resource) and resource.name.lower().startswith("asrcache")
    return naming.is_drill_network(resource) or settings.names.may_be_made(resource)


def _may_be_made(resource: ResourceId, settings: Settings) -> bool:
    return settings.target_creation is Create.ALL or (
        settings.target_creation is Create.CACHE and settings.names.is_cache_group(resource)
    )


def _named_in(settings: Settings) -> frozenset[str]:
    """What profiles set or allow, by ID or by name, and the members of the target scope: role assignments depend on
    them."""
    profiles = settings.profiles.values()
    given = [text for profile in profiles for text in profile.values.values()]
    given += [str(profile.drill.network) for profile in profiles if profile.drill]
    given += [entry for profile in profiles for entries in profile.allow.values() for entry in entries]
    names = {folded(value) for text in given for value in parts(text).values()}
    return frozenset(names | {member.key for member in settings.target.members})


def removal_disabled(orphan: ResourceId, settings: Settings) -> str:
    """Why the settings do not allow to remove an orphan, or "": a network for drills goes wherever drills are on."""
    if settings.writes_disabled:
        return settings.writes_disabled
    if settings.mode is Mode.CLEANUP or (settings.drills and naming.is_drill_network(orphan)):
        return ""
    return f"DR_MODE is {settings.mode}"


def reason_to_keep(
    found: ResourceUsage, origin: Origin, locks: Iterable[Lock], now: datetime, settings: Settings
) -> str:
    """The reason to keep an orphan, or "". Its tags only keep it: `origin`, its record, proves that it is this one."""
    if gap := gap_of(origin, found.incarnation, found.created_at):
        return gap
    if not (found.incarnation or found.created_at):
        return "Azure does not tell whether it is the one that this deployment made"
    if gap := tag_gap(found.tags, origin, settings):
        return gap
    made_at = origin.intended_at
    if now - made_at < stays_for(settings):
        return f"it was created at {made_at:%Y-%m-%d %H:%M} UTC, less than {_in_words(stays_for(settings))} ago"
    for lock in locks:
        if lock.covers(found.id) or f"{folded(lock.scope)}/".startswith(f"{found.id.key}/"):
            return f"the lock {lock.name} on {lock.scope} is in the way"
    if found.use:
        return "; ".join(found.use)
    return "" if origin.accounts_for(found.content) else "it was changed since it was created"


def tag_gap(found: Mapping[str, str], origin: Origin, settings: Settings) -> str:
    """Which tag of this deployment a resource does not carry as its record says, or ""."""
    tags = {name.lower(): value for name, value in found.items()}
    expected = {naming.MADE_BY: naming.maker(settings.deployment), naming.MADE_AT: origin.intended_at.isoformat()}
    missing = next((name for name, value in expected.items() if tags.get(name) != value), "")
    return f"it does not carry the tag {missing} as this deployment wrote it" if missing else ""


def stays_for(settings: Settings) -> timedelta:
    """The minimum age of an orphan: the grace period, and at least as long as a run may need for its target
    resources."""
    return max(
        timedelta(hours=settings.untag_grace_hours), timedelta(seconds=LONGEST_FOR_TARGETS * settings.poll_seconds)
    )


def _in_words(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:g} h"


def notes_of(kept: Mapping[ResourceId, str]) -> tuple[Finding, ...]:
    """A note for each orphan that is kept, up to the limit of a report."""
    shown = list(kept.items())[:_MOST_NOTES]
    found = [
        finding_of(
            "OrphanedTarget",
            f"{resource} carries the tag {naming.MADE_BY} of this deployment, and no tagged or protected VM needs it. "
            f"It is kept: {why}.",
        )
        for resource, why in shown
    ]
    more = len(kept) - len(shown)
    if more:
        found.append(finding_of("OrphanedTarget", f"{more} more resources with the tag {naming.MADE_BY} are kept."))
    return tuple(found)


def notes_of_plans(plans: Sequence[ResourceId]) -> tuple[Finding, ...]:
    """A note for each recovery plan of a drill whose records are lost, likewise."""
    why = "named as this app names those for drills, and no record of a drill names"
    found = [finding_of("OrphanedPlan", f"{plan} is {why} it. It is kept.") for plan in plans[:_MOST_NOTES]]
    if more := len(plans) - len(found):
        found.append(finding_of("OrphanedPlan", f"{more} more recovery plans are {why} them. They are kept."))
    return tuple(found)
