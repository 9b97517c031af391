"""The target resources of replicated items: which do not exist, and what has the names and addresses that they take.

By lists of Resource Graph for all items together. It lags, and shows nothing of what the app may not read: what it does
not show is absent only if a read of it says so.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import ThrottledError, proves_absence
from shared.arm.fields import Json, address, objects, part, reference, required, text
from shared.arm.listing import read_listing
from shared.arm.resource_graph import TruncatedError, query
from shared.model.replicated_item import ProtectedItem, Stage
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.model.resource_types import POOL, type_of
from shared.planning import claims
from shared.planning.claims import Wanted
from shared.readers.resource_groups import API_VERSION
from shared.reconcile.readiness import SUBNET, Targets, used_by

_DISKS, _INTERFACES = "Microsoft.Compute/disks", "Microsoft.Network/networkInterfaces"
_PARTS = {SUBNET.lower(): "subnets", POOL.lower(): "backendAddressPools"}

_RESOURCES = """resources
| where {condition}
| project id, subnets = properties.subnets, backendAddressPools = properties.backendAddressPools, \
ipConfigurations = properties.ipConfigurations
| order by id asc"""

_GROUPS = """resourcecontainers
| where type =~ 'microsoft.resources/subscriptions/resourcegroups'
| where name in~ ({names})
| project id
| order by id asc"""

_AT_ONCE, _MOST_READ = 20, 100
_NAMES, _NETWORKS = 200, 50
"""The most resource groups, and the most networks, in one query."""


class _Row(NamedTuple):
    """A resource; `parts` are its subnets or pools, `addresses` those that an interface has in a network."""

    id: ResourceId
    parts: tuple[ResourceId, ...] = ()
    addresses: tuple[Wanted, ...] = ()


@dataclass
class _Read:
    """Of what no list shows: what is proven not to exist, what could not be read, and why."""

    absent: set[ResourceId] = field(default_factory=set)
    unread: set[ResourceId] = field(default_factory=set)
    faults: list[Exception] = field(default_factory=list)


async def read_targets(azure: Azure, items: Iterable[ProtectedItem]) -> tuple[Targets, Exception | None]:
    """What is known of the target resources of the items that are protected; and why not all that is in the target
    scope could be read, if so. Of what is outside, nothing is known.

    Raises ThrottledError.
    """
    ready = [item for item in items if item.stage is Stage.PROTECTED]
    every = frozenset(each for item in ready for each in used_by(item))
    used = {each for each in every if each in azure.settings.target}
    if not used:
        return Targets(unread=every), None
    try:
        rows = await _rows(azure, ready, used)
        groups = await _groups(azure, used)
    except ThrottledError:
        raise
    except Exception as fault:
        return Targets(unread=every), fault
    shown = groups.union(*({row.id, *row.parts} for row in rows))
    read = await _read_unlisted(azure, used, shown)
    holders = {claims.key_of(each): row.id for row in rows for each in _held_by(row)}
    return Targets(frozenset(read.absent), every - used | read.unread, holders), next(iter(read.faults), None)


async def _rows(azure: Azure, items: list[ProtectedItem], used: set[ResourceId]) -> list[_Row]:
    """Raises HttpResponseError, MalformedResponseError."""
    of_failovers = {each for item in items if (each := item.settings.target_group) and each in azure.settings.target}
    addressed = {nic.network for item in items for nic in item.nics if nic.network in used and nic.target_address}
    groups = sorted({each.group_id for each in used})
    kinds = _quoted({_kind(each).lower() for each in used if each.type})
    found: list[_Row] = []
    for some, networks in zip_longest(_chunks(groups, _NAMES), _chunks(sorted(filter(None, addressed)), _NETWORKS)):
        conditions = [
            f"(type in~ ({kinds}) and resourceGroup in~ ({_names(some)}))" if some else "",
            _created_in([each for each in some or () if each in of_failovers]),
            _interfaces_in(networks or ()),
        ]
        condition = " or ".join(filter(None, conditions))
        subscriptions = {each.subscription for each in (*(some or ()), *(networks or ()))}
        rows = query(azure, _RESOURCES.format(condition=condition), subscriptions)
        found += await read_listing(rows, "the target resources", _row, ())
    return found


def _created_in(groups: list[ResourceId]) -> str:
    """The condition for what has a name that a failover may take in these groups. There are as many replica disks as
    disks are replicated: nothing else is to have such a name."""
    if not groups:
        return ""
    kinds = f"type in~ ({_quoted({VIRTUAL_MACHINE, _INTERFACES})})"
    disks = f"(type =~ '{_DISKS}' and name !endswith '-ASRReplica')"
    return f"(({kinds} or {disks}) and resourceGroup in~ ({_names(groups)}))"


def _interfaces_in(networks: Iterable[ResourceId]) -> str:
    subnet = "tostring(properties.ipConfigurations[0].properties.subnet.id)"
    inside = " or ".join(f"{subnet} startswith '{each}/'" for each in networks)
    return f"(type =~ '{_INTERFACES}' and ({inside}))" if inside else ""


async def _groups(azure: Azure, used: set[ResourceId]) -> frozenset[ResourceId]:
    """Those of the groups that are listed. Raises HttpResponseError, MalformedResponseError."""
    groups, found = sorted({each.group_id for each in used}), set[ResourceId]()
    for some in _chunks(groups, _NAMES):
        rows = query(azure, _GROUPS.format(names=_names(some)), {each.subscription for each in some})
        found.update(await read_listing(rows, "the target groups", lambda row: required(row["id"]), ()))
    return frozenset(found)


def _chunks(given: list[ResourceId], size: int) -> Iterator[list[ResourceId]]:
    return (given[start : start + size] for start in range(0, len(given), size))


def _names(groups: Iterable[ResourceId]) -> str:
    return _quoted({each.resource_group.lower() for each in groups})


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(sorted(f"'{each}'" for each in texts))


def _kind(resource: ResourceId) -> str:
    """The type of what is in the list: subnets and pools are in the row of what they are parts of."""
    return resource.parent.type if resource.type.lower() in _PARTS else resource.type


def _row(found: Json) -> _Row:
    own = required(found["id"])
    parts = [own.child(kind, text(each.get("name"))) for kind in _PARTS.values() for each in objects(found, kind)]
    return _Row(own, tuple(parts), tuple(_addresses(found)))


def _addresses(interface: Json) -> Iterator[Wanted]:
    for each in objects(interface, "ipConfigurations"):
        properties = part(each, "properties")
        subnet, has = reference(part(properties, "subnet").get("id")), address(properties.get("privateIPAddress"))
        if subnet and has:
            yield claims.address_in(subnet.parent, has)


def _held_by(row: _Row) -> Iterator[Wanted]:
    kinds = {VIRTUAL_MACHINE: claims.virtual_machine, _DISKS: claims.failover_disk, _INTERFACES: claims.interface}
    yield from (wanted(row.id.group_id, row.id.name) for kind, wanted in kinds.items() if row.id.is_type(kind))
    yield from row.addresses


async def _read_unlisted(azure: Azure, used: set[ResourceId], shown: frozenset[ResourceId]) -> _Read:
    """Reads what no list shows. What is in an absent group is not read."""
    read = _Read()
    # Of an ID in several casings the same one is read each time.
    named = sorted(used, key=str)
    unknown = sorted({*(each.group_id for each in named), *named} - shown)
    await _read_each(azure, [each for each in unknown if not each.type], read)
    within = [each for each in unknown if each.type and each.group_id not in read.absent]
    # The subnets of a network that is not listed: it is read itself, and they are if it is listed.
    unlisted = {each for each in within if each.is_type(SUBNET) and each.parent not in shown}
    await _read_each(azure, [each for each in within if each not in unlisted], read)
    read.unread |= {each for each in unlisted if each.parent not in read.absent}
    return read


async def _read_each(azure: Azure, unknown: list[ResourceId], read: _Read) -> None:
    """A lost read right looks like deleted resources: it does not read too many. Raises ThrottledError."""
    if len(unknown) > _MOST_READ:
        text = f"{len(unknown)} are not listed, more than {_MOST_READ}: a read right may have been lost"
        read.faults.append(TruncatedError(text))
        read.unread.update(unknown)
        return
    for start in range(0, len(unknown), _AT_ONCE):
        some = unknown[start : start + _AT_ONCE]
        answers = await asyncio.gather(*(_is_absent(azure, each) for each in some), return_exceptions=True)
        for each, answer in zip(some, answers, strict=True):
            if isinstance(answer, ThrottledError):
                raise answer
            if isinstance(answer, Exception):
                read.faults.append(answer)
                read.unread.add(each)
            elif answer is True:
                read.absent.add(each)


async def _is_absent(azure: Azure, resource: ResourceId) -> bool:
    """Whether Azure says that it does not exist. Raises HttpResponseError, MalformedResponseError."""
    kind = _PARTS.get(resource.type.lower())
    read = resource.parent if kind else resource
    version = type_of(read if resource.is_type(SUBNET) else resource).api_version or API_VERSION
    try:
        found = await azure.get(str(read), version)
    except HttpResponseError as answer:
        if proves_absence(answer):
            return True
        raise
    if kind is None:
        return False
    names = {text(each.get("name")).lower() for each in objects(part(found, "properties"), kind)}
    return resource.name.lower() not in names
