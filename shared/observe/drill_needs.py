"""What the drills of VMs take of the quotas of their target regions, and what of these is left."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from shared.arm.client import Azure
from shared.config.intervals import COUNTED_WITHIN, TTL_STATIC
from shared.model.capacity import Place, RegionOffer
from shared.model.drill import Drill
from shared.model.resource_id import ResourceId
from shared.observe.drill_groups import listed_with
from shared.observe.inventory import compliance_report
from shared.readers.skus import read_region
from shared.reconcile.drill_queue import Amounts, DrillNeed, Limit


@dataclass(frozen=True)
class DrillNeeds:
    """`needs` are those of the VMs whose target place and size are known, `quotas` the cores that are left by Azure's
    usage, less those of drills under way whose test VM may not be counted there yet; `under_way` are their records.
    `groups` are the VMs that are drilled with each, itself among them."""

    needs: Mapping[ResourceId, DrillNeed]
    quotas: Amounts
    under_way: Mapping[ResourceId, Drill]
    groups: Mapping[ResourceId, tuple[ResourceId, ...]]

    def lead(self, vm: ResourceId) -> ResourceId:
        """The VM whose run the drill is."""
        return self.groups[vm][0]

    def together(self, vm: ResourceId) -> DrillNeed | None:
        """The need of the whole drill; None if that of one of its VMs is not known."""
        found = [self.needs.get(each) for each in self.groups[vm]]
        known = [need for need in found if need]
        return replace(known[0], others=tuple(known[1:])) if len(known) == len(found) else None

    def of(self, vm: ResourceId) -> Amounts:
        need = self.together(vm)
        return need.amounts if need else {}

    def left(self, begun: Iterable[ResourceId]) -> Counter[Limit]:
        """What is left if these drills have begun, too, recorded or not yet."""
        left: Counter[Limit] = Counter(self.quotas)
        for vm in {self.lead(each) for each in begun}:
            if vm not in self.under_way:
                left.subtract(self.of(vm))
        return left


async def drill_needs(azure: Azure, vms: Iterable[ResourceId]) -> DrillNeeds:
    """By the compliance report, the open records of drills, and two lists for each target subscription and region.
    Raises HttpResponseError, OriginStoreError."""
    # In this order: a drill that begins meanwhile is in the records then, or was none yet when the report was read.
    report = await compliance_report(azure)
    drills = await azure.drills.open()
    statuses = {each.vm_id: each for each in report.vm_statuses}
    under_way = {drill.vm: drill for drill in drills}
    groups = await _groups(azure, {*vms, *under_way}, under_way)
    wanted: dict[ResourceId, tuple[Place, str]] = {}
    for vm in groups:
        status, drill = statuses.get(vm), under_way.get(vm)
        if drill and status:
            # Under test failover it has no need of its own.
            wanted[vm] = Place(drill.test_vm.subscription.lower(), status.target_location), drill.size
        elif status and status.need:
            wanted[vm] = status.need.place, status.need.size
    places = sorted({place for place, _ in wanted.values() if all(place)})
    poll = azure.settings.poll_seconds
    # By the app's own clock: Azure cuts the end of a job to whole seconds.
    counted = datetime.now(UTC) - timedelta(seconds=COUNTED_WITHIN * poll)
    offers = dict(
        zip(
            places,
            await asyncio.gather(*(read_region(azure, place, poll * TTL_STATIC, poll) for place in places)),
            strict=True,
        )
    )
    needs = {vm: need for vm, (place, size) in wanted.items() if (need := _need(vm, place, size, offers.get(place)))}
    quotas = Counter(
        {Limit(name, place): quota.left for place, offer in offers.items() for name, quota in offer.quotas.items()}
    )
    for vm, drill in under_way.items():
        if vm in needs and not (drill.running_at and drill.running_at < counted):
            quotas.subtract(needs[vm].amounts)
    return DrillNeeds(needs, quotas, under_way, groups)


async def _groups(
    azure: Azure, vms: Iterable[ResourceId], under_way: Mapping[ResourceId, Drill]
) -> dict[ResourceId, tuple[ResourceId, ...]]:
    """By each VM of each group: as its drill began, else as the group is now."""
    found: dict[ResourceId, tuple[ResourceId, ...]] = {}
    for vm in vms:
        if vm not in found:
            drill = under_way.get(vm)
            group = (drill.members or (vm,)) if drill else await listed_with(azure, vm)
            found |= dict.fromkeys(group, group)
    return found


def _need(vm: ResourceId, place: Place, size: str, offer: RegionOffer | None) -> DrillNeed | None:
    found = offer.sizes.get(size.lower()) if offer else None
    if found is None or not found.cores:
        return None
    return DrillNeed(vm=vm, cores=found.cores, place=place, quotas=found.counts_against)
