"""What failovers need of a target region, and what the region has: cores by quota, capacity reservations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from shared.model.base import Model
from shared.model.priority import Priority
from shared.model.resource_id import ResourceId
from shared.model.vm import Quota, Size


class Place(NamedTuple):
    """Where a quota holds: a subscription (its lower-cased ID, "" if it is not known) and a region."""

    subscription: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a failover of a VM needs. `reservation` is the capacity reservation group of the target VM; `since` is when
    its protection was enabled, None if no job of the vault tells: a vault forgets its jobs, the oldest first."""

    place: Place
    size: str
    zone: str = ""
    reservation: ResourceId | None = None
    priority: Priority = Priority.NORMAL
    since: datetime | None = None


class Reserved(NamedTuple):
    """The instances of a size (lower-cased) in a zone, "" for none, that a reservation has `free`."""

    size: str
    zone: str
    free: int


class RegionOffer(NamedTuple):
    """The sizes that a region offers a subscription, and its quotas, both by lower-cased name. `complete` is whether
    every quota could be read."""

    sizes: Mapping[str, Size]
    quotas: Mapping[str, Quota]
    complete: bool = True


@dataclass(frozen=True)
class Capacity:
    """The offers by their places, and the reservations by their groups, as far as they could be read."""

    offers: Mapping[Place, RegionOffer] = field(default_factory=dict)
    reservations: Mapping[ResourceId, tuple[Reserved, ...]] = field(default_factory=dict)


class QuotaLoad(Model):
    """The cores of a quota: `needed` by failovers, besides those that are `reserved` for them; `used` of the `limit`
    now. `quota` is a family of sizes, or `cores`: the total of the region."""

    subscription: str
    region: str
    quota: str
    needed: int
    reserved: int = 0
    limit: int
    used: int

    @property
    def left(self) -> int:
        return max(self.limit - self.used, 0)
