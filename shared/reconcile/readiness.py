"""Whether a failover of a replicated item finds what it uses, and whether what it creates is free. Pure.

Only what is proven counts as absent: what no list shows and no read proves may be there. Whether it is, is not known.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from shared.config.override_options import CHOICES
from shared.config.settings import Settings
from shared.model.findings import Finding
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.planning import claims
from shared.planning.catalog import finding_of, on_protected
from shared.planning.claims import Wanted

SUBNET = "Microsoft.Network/virtualNetworks/subnets"
_NOUNS = {
    row.resource_type.lower(): row.resource_type.noun for row in CHOICES.values() if row.resource_type is not None
}
_TAGS = {row.resource_type.lower(): row.tag for row in CHOICES.values() if row.resource_type is not None}


@dataclass(frozen=True)
class Targets:
    """What is known of the target resources of some items: those that are proven not to exist, those of which nothing
    is known, and who holds a name or an address already."""

    absent: frozenset[ResourceId] = frozenset()
    unread: frozenset[ResourceId] = frozenset()
    holders: Mapping[Wanted, ResourceId] = field(default_factory=dict)


def used_by(item: ProtectedItem) -> Iterator[ResourceId]:
    """What a failover of the item uses, as the item shows it; of a network also the subnets."""
    yield from item.settings.named
    yield from (disk.encryption_set for disk in item.disks if disk.encryption_set)
    for nic in item.nics:
        if nic.network:
            yield nic.network
        if nic.network and nic.target_subnet:
            with suppress(ValueError):  # A name that none can have says nothing about what exists.
                yield nic.network.child("subnets", nic.target_subnet)
        yield from filter(None, (nic.security_group, nic.public_ip, *nic.backend_pools))


def findings(item: ProtectedItem, targets: Targets, settings: Settings) -> Iterator[Finding]:
    """What is missing of the target of a protected VM, and what others hold of it."""
    name = item.source.name
    if gone := _gone(item, targets):
        what = "; ".join(f"{_NOUNS.get(each.type.lower(), 'a subnet')}, {each}" for each in gone)
        tags = (_TAGS.get(each.type.lower(), "target-subnet") for each in gone)
        others = ", ".join(dict.fromkeys(f"{settings.tag_name}-{tag}" for tag in tags))
        yield finding_of("TargetMissing", f"A failover of {name} uses what does not exist: {what}.", others=others)
    unread = dict.fromkeys(each for each in used_by(item) if each in targets.unread) if targets.unread else {}
    if unread:
        text = f"Whether this exists, which a failover of {name} uses, is not known: {', '.join(map(str, unread))}."
        yield finding_of("TargetNotRead", text)
    if item.failed_over_before:
        return  # a failover has made it, and the next one takes it again (150407, recorded)
    for each in claims.created_by(item):
        holder = targets.holders.get(claims.key_of(each))
        if holder:
            kind, place, given = each
            text = f"A failover of {name} would have the {kind} {given} in {place}, and {holder} has it."
            yield from on_protected(
                [finding_of("TargetConflict", text, case=claims.CASES[kind], tag=settings.tag_name)]
            )


def _gone(item: ProtectedItem, targets: Targets) -> tuple[ResourceId, ...]:
    """A group in place of what was in it, a network in place of its subnets."""
    if not targets.absent:
        return ()
    roots = (
        next((above for above in (each.group_id, _above(each), each) if above in targets.absent), None)
        for each in used_by(item)
    )
    return tuple(dict.fromkeys(each for each in roots if each))


def _above(resource: ResourceId) -> ResourceId:
    return resource.parent if resource.is_type(SUBNET) else resource
