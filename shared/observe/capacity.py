"""What the target regions have for failovers: sizes, quotas, reservations. By few lists, which runs of VMs share."""

import asyncio
from collections.abc import Iterable

from shared.arm.client import Azure
from shared.config.intervals import TTL_SLOW, TTL_STATIC
from shared.model.capacity import Capacity, Need
from shared.observe.gaps import Gaps, or_gap
from shared.readers.reservations import read_reservations
from shared.readers.skus import read_region


async def read_capacity(azure: Azure, needs: Iterable[Need], gaps: Gaps) -> Capacity:
    """What the needs are held against, as far as it could be read: two lists for each target subscription and region,
    and one for each group of reservations. Errors are not raised, but recorded in `gaps`."""
    wanted, poll = tuple(needs), azure.settings.poll_seconds
    places = sorted({need.place for need in wanted if all(need.place)})
    groups = sorted({need.reservation for need in wanted if need.reservation})
    offers, reservations = await asyncio.gather(
        asyncio.gather(
            *(
                or_gap(
                    read_region(azure, place, poll * TTL_STATIC, poll * TTL_SLOW),
                    f"the quotas of {place.subscription} in {place.region}",
                    gaps,
                )
                for place in places
            )
        ),
        asyncio.gather(
            *(
                or_gap(read_reservations(azure, group, poll * TTL_SLOW), f"the reservations of {group}", gaps)
                for group in groups
            )
        ),
    )
    for place, offer in zip(places, offers, strict=True):
        if offer and not offer.complete:
            gaps.setdefault(f"the quotas of {place.subscription} in {place.region}", LookupError("a row is malformed"))
    return Capacity(
        {place: offer for place, offer in zip(places, offers, strict=True) if offer},
        {group: found for group, found in zip(groups, reservations, strict=True) if found is not None},
    )
