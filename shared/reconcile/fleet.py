"""Whether the target regions have room for all VMs that are to fail over into them. Pure: needs and capacity in, loads
and findings out.

For each target subscription and region, for each family of sizes and for the region's total (the quota `cores`):

    needed = cores of the protected VMs, without those for which a capacity reservation has an instance free
    left   = limit - used, as the list of usages of Microsoft.Compute has both (it counts vCPUs)
    over   = needed - left, if more than 0

What is in the region already is in `used`, and is not needed once more:

- A VM that was failed over or is under test failover: its item is frozen, and has no need.
- The instances of a capacity reservation, whether VMs have them or not: it takes quota for all of them when it is made
  ("Create a capacity reservation", learn.microsoft.com). A VM that gets a free one needs no more; one beyond them needs
  quota as any other VM does ("On-demand capacity reservation"). An instance is free that no VM is associated with.

Of what is over a quota those VMs are named that are the last in the order of priority, begin of protection, ID. A VM
whose size, quota or reservation is not known is counted nowhere, and named as such.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from shared.config.profiles import PRIORITY
from shared.model.capacity import Capacity, Need, Place, QuotaLoad
from shared.model.findings import Finding
from shared.model.plan import Plan
from shared.model.priority import Priority
from shared.model.resource_id import ResourceId
from shared.model.vm import REGIONAL_CORES, Size
from shared.planning.catalog import OF_QUOTA, finding_of
from shared.planning.support_findings import FLEET
from shared.reconcile.inventory import Loss, VmStatus

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Judgement(NamedTuple):
    """The loads of the quotas; `over` are the VMs for which they do not suffice, each with the quota; `unknown` those
    that are not counted, each with the reason."""

    loads: tuple[QuotaLoad, ...]
    over: Mapping[ResourceId, QuotaLoad]
    unknown: Mapping[ResourceId, str]


def judge(needs: Mapping[ResourceId, Need], capacity: Capacity) -> Judgement:
    """Holds the needs of failovers at one time against the capacity. The order of `needs` makes no difference."""
    free: Counter[tuple[ResourceId | None, str, str]] = Counter(
        {
            (group, reserved.size, reserved.zone): reserved.free
            for group, listed in capacity.reservations.items()
            for reserved in listed
        }
    )
    counted: defaultdict[tuple[Place, str], list[tuple[ResourceId, int]]] = defaultdict(list)
    reserved: Counter[tuple[Place, str]] = Counter()
    unknown: dict[ResourceId, str] = {}
    for vm, need in sorted(needs.items(), key=_rank):
        size = _size(need, capacity)
        if isinstance(size, str):
            unknown[vm] = size
            continue
        instance = (need.reservation, size.name.lower(), need.zone)
        is_reserved = free[instance] > 0
        free[instance] -= is_reserved
        for name in size.counts_against:
            if name in capacity.offers[need.place].quotas:
                reserved[need.place, name] += size.cores * is_reserved
                counted[need.place, name].append((vm, size.cores * (not is_reserved)))
    loads, over = [], dict[ResourceId, QuotaLoad]()
    for (place, name), vms in sorted(counted.items(), key=_families_first):
        quota = capacity.offers[place].quotas[name]
        load = QuotaLoad(
            subscription=place.subscription,
            region=place.region,
            quota=quota.name,
            needed=sum(cores for _, cores in vms),
            reserved=reserved[place, name],
            limit=quota.limit,
            used=quota.used,
        )
        loads.append(load)
        # What a family's quota does not let come up takes nothing of the region's.
        waiting = [(vm, cores) for vm, cores in vms if cores and vm not in over]
        excess = sum(cores for _, cores in waiting) - load.left
        while excess > 0:
            vm, cores = waiting.pop()
            over[vm] = load
            excess -= cores
    return Judgement(tuple(loads), over, unknown)


def need_of(plan: Plan, now: datetime) -> Need | None:
    """What a failover will need of a VM that is protected by the plan now; None if the plan is blocked."""
    replication = plan.replication
    if replication is None:
        return None
    (priority,) = (each.value for each in plan.settings if each.name == PRIORITY)
    return Need(
        place=Place(replication.target_group.subscription.lower(), replication.target_location),
        size=replication.size or plan.vm.size,
        zone=replication.zone,
        reservation=replication.capacity_reservation,
        priority=Priority(priority),
        since=now,
    )


def _rank(entry: tuple[ResourceId, Need]) -> tuple[int, datetime, str]:
    """The order in which VMs come up: the ID makes it the same each time."""
    vm, need = entry
    return list(Priority).index(need.priority), need.since or _LONG_AGO, vm.key


def _families_first(entry: tuple[tuple[Place, str], object]) -> tuple[Place, bool, str]:
    (place, name), _ = entry
    return place, name == REGIONAL_CORES, name


def _size(need: Need, capacity: Capacity) -> Size | str:
    """The size that the VM is to have there; or why its cores cannot be counted."""
    offer = capacity.offers.get(need.place)
    if offer is None:
        return f"the sizes and quotas of {need.place.region} could not be read"
    if need.reservation and need.reservation not in capacity.reservations:
        return f"the capacity reservations of {need.reservation} could not be read"
    size = offer.sizes.get(need.size.lower())
    if size is None or not (size.family and size.cores):
        return f"{need.place.region} does not say how many cores of which family {need.size or 'its size'} has"
    if REGIONAL_CORES not in offer.quotas or not (offer.complete or size.family.lower() in offer.quotas):
        return f"the quotas of {need.place.region} could not be read in full"
    return size


def with_quotas(vm_statuses: Iterable[VmStatus], capacity: Capacity, tag: str) -> Loss:
    """The statuses with the findings about quotas, as if all of these VMs were to fail over at once."""
    every = tuple(vm_statuses)
    judgement = judge({each.vm_id: each.need for each in every if each.need}, capacity)
    judged = tuple(
        each.with_(findings=(*each.findings, *found))
        if each.need and (found := shortage(each.vm_id, each.need.priority, judgement, tag))
        else each
        for each in every
    )
    return Loss(judged, judgement.loads)


def losses(vm_statuses: Iterable[VmStatus], capacity: Capacity, tag: str) -> dict[str, Loss]:
    """What the loss of each source region alone would mean, by region."""
    by_region: defaultdict[str, list[VmStatus]] = defaultdict(list)
    for each in vm_statuses:
        by_region[each.location].append(each)
    return {region: with_quotas(found, capacity, tag) for region, found in sorted(by_region.items()) if region}


def shortage(vm: ResourceId, priority: str, judgement: Judgement, tag: str) -> tuple[Finding, ...]:
    """The finding about the quotas of a VM, if there is one."""
    if why := judgement.unknown.get(vm):
        text = f"Whether a failover of {vm.name} finds cores is not known: {why}."
        return (finding_of("TargetQuotaUnknown", text, tag=tag),)
    load = judgement.over.get(vm)
    if load is None:
        return ()
    text = (
        f"Failovers need {load.needed} cores of the quota {load.quota} in {load.region} (subscription "
        f"{load.subscription}), and {load.left} of {load.limit} are left: {vm.name}, of priority {priority}, is "
        "among those for which they do not suffice."
    )
    return (finding_of(OF_QUOTA, text, case=FLEET, tag=tag, target=load.region),)
