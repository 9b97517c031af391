"""What is left over in the target: made by this app, and needed by nothing any more. Pure: what was read in, what to
keep and why out.

Two looks. What lists tell (who is tagged, what the items name) says which resources nobody needs; what such a resource
tells of itself, right before it would be removed, says whether it may go. Where either is not sure it stays.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared.config.override_options import ACCOUNT, AVAILABILITY_SET, NETWORK, PLACEMENT_GROUP, RESOURCE_GROUP
from shared.config.settings import Create, Settings
from shared.model import naming
from shared.model.findings import Finding, note
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.model.values import parts
from shared.model.vm import Lock, SourceVm
from shared.planning.overrides import Overrides, overrides_of
from shared.planning.placement import LONGEST_SET_NAME
from shared.planning.references import references, target_group
from shared.reconcile.run_state import LONGEST_FOR_TARGETS

LEAVES_FIRST = tuple(kind.lower() for kind in (AVAILABILITY_SET, PLACEMENT_GROUP, ACCOUNT, NETWORK, RESOURCE_GROUP))
"""All that is ever removed, in this order. No disk of any kind is, and nothing that is in a vault."""

_MOST_NOTES = 20


@dataclass(frozen=True)
class ReferencedResources:
    """What the VMs of an estate need of the target, by lower-cased ID.

    Which network a VM leads to, no list tells before it is Protected: `interfaces` are those of such VMs. `unclear` is
    an item that names no network and whose VM is not there to be asked, or "".
    """

    needed: frozenset[str] = frozenset()
    interfaces: frozenset[str] = frozenset()
    unclear: str = ""


@dataclass(frozen=True)
class ResourceUsage:
    """A resource as it is now. `use` says in words what is in it or uses it, `made_of` is the digest of what others may
    have added to."""

    id: ResourceId
    tags: Mapping[str, str]
    use: tuple[str, ...] = ()
    made_of: str = ""


def digest_of(address_space: Iterable[str], subnets: Mapping[str, Iterable[str]]) -> str:
    """Of a network: `subnets` are address prefixes by name. Azure keeps neither order nor case."""
    lines = [*address_space, *(f"{name}={','.join(sorted(prefixes))}" for name, prefixes in subnets.items())]
    return sha256("\n".join(sorted(line.lower() for line in lines)).encode()).hexdigest()[:16]


def references_of(
    vms: Iterable[SourceVm],
    items: Iterable[ProtectedItem],
    group_tags: Mapping[str, Mapping[str, str]],
    settings: Settings,
) -> ReferencedResources:
    """`group_tags` are those of the VMs' resource groups, by lower-cased ID."""
    unknown = {item.source: item for item in items if not _names_its_network(item)}
    protected = {item.source for item in items} - unknown.keys()
    needed: set[ResourceId] = set()
    interfaces: set[str] = set()
    for vm in vms:
        asks = settings.requests_protection(vm.tags)
        if asks:
            overrides = overrides_of(vm, group_tags.get(vm.id.group_id.key, {}), settings)
            needed.update(_needed_by(vm, overrides))
        if vm.id in unknown or (asks and vm.id not in protected):
            interfaces |= {nic.key for nic in vm.nic_ids}
        unknown.pop(vm.id, None)
    unclear = min((str(item.id) for item in unknown.values()), default="")
    return ReferencedResources(_with_groups(needed), frozenset(interfaces), unclear)


def _names_its_network(item: ProtectedItem) -> bool:
    return bool(item.nics) and all(nic.network for nic in item.nics)


def _needed_by(vm: SourceVm, overrides: Overrides) -> Iterator[ResourceId]:
    """What a run of the VM would make, or look for, but for networks. Of the cache accounts any may be the next."""
    group = target_group(vm, overrides)
    yield group
    yield naming.cache_account(vm.id.subscription, vm.location).group_id
    if vm.availability_set_id:
        yield naming.in_group(group, vm.availability_set_id, LONGEST_SET_NAME)
    if vm.placement_group_id:
        yield naming.target_sibling(vm.placement_group_id, LONGEST_SET_NAME)
    yield from (resource for _, resource in references(vm, overrides))


def named_by(items: Iterable[ProtectedItem]) -> frozenset[str]:
    """Everything that the items name, whoever made them and whatever their state, and the groups of it."""
    return _with_groups({resource for item in items for resource in _named_by(item)})


def _named_by(item: ProtectedItem) -> Iterator[ResourceId]:
    target = item.settings
    named = [target.target_group, target.network, target.availability_set, target.placement_group]
    named += [target.capacity_reservation, target.boot_diagnostics]
    named += [each for disk in item.disks for each in (disk.cache_account, disk.encryption_set)]
    for nic in item.nics:
        named += [nic.network, nic.security_group, nic.public_ip, *nic.backend_pools]
    yield from (resource for resource in named if resource)
    yield from item.failover_vms


def _with_groups(resources: set[ResourceId]) -> frozenset[str]:
    return frozenset(each.key for resource in resources for each in (resource, resource.group_id))


def unneeded(made: Iterable[ResourceId], wanted: frozenset[str], settings: Settings) -> tuple[ResourceId, ...]:
    """Those of the app's own making that nobody needs, as far as lists tell, leaves first. `wanted` goes by lower-cased
    IDs. What the settings name, or would not let the app make again, is not among them."""
    named = _named_in(settings)
    free = {
        resource
        for resource in made
        if _is_removable(resource)
        and resource in settings.target
        and _may_be_made(resource, settings)
        and resource.key not in wanted
        and not (resource.is_type(ACCOUNT) and resource.group_id.key in wanted)
        and not {resource.key, resource.name.lower()} & named
    }
    return tuple(sorted(free, key=lambda resource: (LEAVES_FIRST.index(resource.type.lower()), resource.key)))


def _is_removable(resource: ResourceId) -> bool:
    """By type and by name: a policy that copies a group's tags to what is in it makes nothing ours."""
    name = resource.name.lower()
    if resource.type.lower() not in LEAVES_FIRST:
        return False
    if resource.is_type(ACCOUNT):
        return _is_of_cache(resource) and name.startswith("asrcache")
    return name.endswith(naming.SUFFIX) or (not resource.type and _is_of_cache(resource))


def _is_of_cache(resource: ResourceId) -> bool:
    return resource.resource_group.lower().startswith(naming.CACHE_GROUP)


def _may_be_made(resource: ResourceId, settings: Settings) -> bool:
    return settings.target_creation is Create.ALL or (
        settings.target_creation is Create.CACHE and _is_of_cache(resource)
    )


def _named_in(settings: Settings) -> frozenset[str]:
    """What profiles set or allow, by ID or by name, and the members of the target scope: rights hang on those."""
    profiles = settings.profiles.values()
    given = [text for profile in profiles for text in profile.values.values()]
    given += [entry for profile in profiles for entries in profile.allow.values() for entry in entries]
    names = {value.lower() for text in given for value in parts(text).values()}
    return frozenset(names | {member.key for member in settings.target.members})


def reason_to_keep(found: ResourceUsage, locks: Iterable[Lock], now: datetime, settings: Settings) -> str:
    """Why a resource that nobody needs stays all the same, or ""."""
    tags = {name.lower(): value for name, value in found.tags.items()}
    if any(tags.get(name) != value for name, value in naming.MADE_BY.items()):
        return f"it no longer carries the tag {next(iter(naming.MADE_BY))}"
    made_at = _moment(tags.get(naming.MADE_AT, ""))
    if made_at is None:
        return f"the tag {naming.MADE_AT} does not say when it was made"
    if now - made_at < stays_for(settings):
        return f"it was made at {made_at:%Y-%m-%d %H:%M} UTC, less than {_in_words(stays_for(settings))} ago"
    for lock in locks:
        if lock.covers(found.id) or f"{lock.scope.lower()}/".startswith(f"{found.id.key}/"):
            return f"the lock {lock.name} on {lock.scope} is in the way"
    if found.use:
        return "; ".join(found.use)
    if found.made_of and found.made_of != tags.get(naming.MADE_AS):
        return f"somebody has changed it since it was made, or the tag {naming.MADE_AS}"
    return ""


def stays_for(settings: Settings) -> timedelta:
    """How long what was made is left alone: the grace, and never less than a run may take over its target resources."""
    return max(
        timedelta(hours=settings.untag_grace_hours), timedelta(seconds=LONGEST_FOR_TARGETS * settings.poll_seconds)
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _in_words(length: timedelta) -> str:
    return f"{length.total_seconds() / 3600:g} h"


def notes_of(kept: Mapping[ResourceId, str]) -> tuple[Finding, ...]:
    """A note for each that nobody needs and that stays, as many as a report has room for."""
    shown = list(kept.items())[:_MOST_NOTES]
    found = [
        note(
            "LeftoverTarget",
            f"This app made {resource}, and nothing that is tagged or protected needs it. It stays: {why}.",
            "Remove it by hand, if it is to go all the same.",
        )
        for resource, why in shown
    ]
    more = len(kept) - len(shown)
    if more:
        tag = next(iter(naming.MADE_BY))
        found.append(note("LeftoverTarget", f"{more} more stay likewise.", f"They carry the tag {tag}."))
    return tuple(found)
