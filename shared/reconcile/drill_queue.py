"""Which drills fit, and which are due by the schedules of profiles. Pure.

The first in the order goes first. One that does not fit yet, but would once the drills under way have ended, holds what
it waits for: those behind it that need the same wait, too, so that a large VM is not passed over for ever.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from shared.config.drill_schedule import DrillSchedule
from shared.model.capacity import Place
from shared.model.resource_id import ResourceId

T = TypeVar("T")


class Limit(NamedTuple):
    """What bounds the drills at a time: a quota of the `place`, or a bound of a profile or a batch, by its name."""

    name: str
    place: Place | None = None


Amounts = Mapping[Limit, int]


@dataclass(frozen=True, kw_only=True)
class DrillNeed:
    """The cores of the test VM of a VM, and the names of the quotas that it counts against in `place`. With it go the
    `others` of its consistency group."""

    vm: ResourceId
    cores: int
    place: Place
    quotas: tuple[str, ...]
    others: tuple["DrillNeed", ...] = ()

    @property
    def amounts(self) -> Counter[Limit]:
        """Of all of them."""
        amounts = Counter({Limit(name, self.place): self.cores for name in self.quotas})
        for each in self.others:
            amounts.update(each.amounts)
        return amounts

    @property
    def all_cores(self) -> int:
        return self.cores + sum(each.cores for each in self.others)


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A VM that the schedule of its profile covers; of a consistency group its most overdue one, for all. `last` is
    when its last drill or test failover began, or else when its protection was enabled."""

    need: DrillNeed
    profile: str
    schedule: DrillSchedule
    last: datetime

    @property
    def due_at(self) -> datetime:
        return self.last + timedelta(days=self.schedule.every_days)

    @property
    def amounts(self) -> dict[Limit, int]:
        return {_at_once(self.profile): 1, _cores(self.profile): self.need.all_cores, **self.need.amounts}


def fitting(candidates: Sequence[tuple[T, Amounts]], under_way: Iterable[Amounts], left: Amounts) -> list[T]:
    """Those that fit now, in their order. `left` is what is left of each limit, drills under way counted; a limit that
    is not among them is not known, and nothing is started on it."""
    held = Counter[Limit]()
    for amounts in under_way:
        held.update(amounts)
    free, waited_for, chosen = Counter(left), set[Limit](), list[T]()
    for candidate, amounts in candidates:
        short = {limit for limit, amount in amounts.items() if limit not in left or free[limit] < amount}
        if short:
            # Quotas are used by others, too: only what these drills hold comes back when they end.
            if all(limit in left and free[limit] + held[limit] >= amount for limit, amount in amounts.items()):
                waited_for |= short
        elif not waited_for & amounts.keys():
            chosen.append(candidate)
            free.subtract(amounts)
            held.update(amounts)
    return chosen


def to_start(
    covered: Iterable[Scheduled], under_way: Sequence[Scheduled], quotas: Amounts, now: datetime
) -> list[Scheduled]:
    """The drills to start now, the most overdue first. `quotas` are the cores that are left now.

    A VM is due `every_days` after the last time; it is started in the first window since. So it is late by a day and
    the time to the next sweep at most, unless the limits of its profile or the quota do not suffice for all.
    """
    due = sorted(
        (each for each in covered if each.due_at <= now and each.schedule.is_open(now)),
        key=lambda each: (each.due_at, each.need.vm.key),
    )
    left = Counter(quotas)
    for each in due:
        left[_at_once(each.profile)], left[_cores(each.profile)] = each.schedule.at_once, each.schedule.max_cores
    for each in under_way:
        left.subtract({_at_once(each.profile): 1, _cores(each.profile): each.need.all_cores})
    return fitting([(each, each.amounts) for each in due], [each.amounts for each in under_way], left)


def _at_once(profile: str) -> Limit:
    return Limit(f"{profile} atOnce")


def _cores(profile: str) -> Limit:
    return Limit(f"{profile} maxCores")
