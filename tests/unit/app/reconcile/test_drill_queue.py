"""The schedule of drills: what is started when, on a clock of 200 days."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.config.drill_schedule import DrillSchedule
from shared.model.capacity import Place
from shared.model.resource_id import VIRTUAL_MACHINE, ResourceId
from shared.reconcile.drill_queue import DrillNeed, Limit, Scheduled, to_start
from tests.properties import examples
from tests.unit.app.examples import SUBSCRIPTION

NOW = datetime(2026, 3, 1, 0, 20, tzinfo=UTC)
PLACE = Place(SUBSCRIPTION, "westeurope")
NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/drills/providers/Microsoft.Network/virtualNetworks/dr-drill"
DAYS, HOUR, DAY = 200, timedelta(hours=1), timedelta(days=1)
REGION = Limit("cores", PLACE)


def schedule(**fields: Any) -> DrillSchedule:
    given = {"everyDays": 30, "window": "22-04", "network": NETWORK, "maxCores": 1000, "atOnce": 50}
    return DrillSchedule.model_validate({**given, **fields})


def need(name: str, cores: int = 2, last: datetime = NOW, family: str = "dsv5", **fields: Any) -> Scheduled:
    given: dict[str, Any] = {"profile": "default", "schedule": schedule(), **fields}
    vm = ResourceId.of(SUBSCRIPTION, "web", VIRTUAL_MACHINE, name)
    return Scheduled(need=DrillNeed(vm=vm, cores=cores, place=PLACE, quotas=(family, "cores")), last=last, **given)


@dataclass
class Simulated:
    """What a sweep each hour starts, where each drill takes `hours`, and Azure's quotas count what is under way."""

    needs: list[Scheduled]
    quotas: Mapping[Limit, int]
    hours: int
    begun: defaultdict[ResourceId, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    first: dict[ResourceId, datetime] = field(default_factory=dict)

    def run(self) -> None:
        self.first = {each.need.vm: each.last for each in self.needs}
        under_way: list[tuple[datetime, Scheduled]] = []
        for hour in range(DAYS * 24):
            now = NOW + hour * HOUR
            under_way = [(ends, drill) for ends, drill in under_way if ends > now]
            running = [drill for _, drill in under_way]
            idle = [each for each in self.needs if each.need.vm not in {drill.need.vm for drill in running}]
            started = to_start(idle, running, self._left(running), now)
            for drill in started:
                self.begun[drill.need.vm].append(now)
                under_way.append((now + self.hours * HOUR, drill))
            self._check([drill for _, drill in under_way], started, now)
            begun = {drill.need.vm for drill in started}
            self.needs = [replace(each, last=now) if each.need.vm in begun else each for each in self.needs]

    def _left(self, running: list[Scheduled]) -> dict[Limit, int]:
        used = Counter({Limit(name, PLACE): 0 for name in ("dsv5", "cores")})
        for drill in running:
            used.update(drill.need.amounts)
        return {limit: quota - used[limit] for limit, quota in self.quotas.items()}

    def _check(self, running: list[Scheduled], started: list[Scheduled], now: datetime) -> None:
        for drill in started:
            of_profile = [each for each in running if each.profile == drill.profile]
            assert drill.schedule.is_open(now)
            assert now - drill.last >= timedelta(days=drill.schedule.every_days)
            assert len(of_profile) <= drill.schedule.at_once
            assert sum(each.need.cores for each in of_profile) <= drill.schedule.max_cores
        assert all(left >= 0 for left in self._left(running).values())

    def latest(self) -> timedelta:
        """The most that a VM was due before its drill began, or the clock ended."""
        return max(
            at - previous - timedelta(days=each.schedule.every_days)
            for each in self.needs
            for previous, at in self._intervals(each)
        )

    def _intervals(self, each: Scheduled) -> Iterator[tuple[datetime, datetime]]:
        return pairwise((self.first[each.need.vm], *self.begun[each.need.vm], NOW + DAYS * DAY))


windows = st.tuples(st.integers(0, 23), st.integers(1, 23)).map(
    lambda drawn: f"{drawn[0]:02}-{(drawn[0] + drawn[1]) % 24:02}"
)


@st.composite
def fleets(draw: st.DrawFn, profiles: int = 2) -> list[Scheduled]:
    found = []
    for number in range(profiles):
        of_profile = schedule(
            everyDays=draw(st.integers(8, 60)),
            window=draw(windows),
            atOnce=draw(st.integers(1, 4)),
            maxCores=draw(st.integers(8, 32)),
        )
        for vm in range(draw(st.integers(1, 6))):
            last = NOW - draw(st.integers(0, of_profile.every_days * 24)) * HOUR
            cores, family = draw(st.integers(1, 8)), draw(st.sampled_from(["dsv5", "esv5"]))
            name = f"vm-{number}-{vm}"
            found.append(need(name, cores, last, family, profile=f"profile-{number}", schedule=of_profile))
    return found


def quotas(dsv5: int, esv5: int, region: int) -> dict[Limit, int]:
    return {Limit("dsv5", PLACE): dsv5, Limit("esv5", PLACE): esv5, REGION: region}


@examples(40)
@given(fleet=fleets(), family=st.integers(8, 24), region=st.integers(8, 40), hours=st.integers(1, 3))
def test_each_vm_is_drilled_in_its_time_within_the_window_and_the_limits(
    fleet: list[Scheduled], family: int, region: int, hours: int
) -> None:
    """Where the limits do not suffice for all at once: a drill after the other is always possible, so none waits for
    longer than all others take."""
    simulated = Simulated(fleet, quotas(family, family, region), hours)

    simulated.run()

    assert simulated.latest() <= (len(fleet) * hours + 2) * DAY


@examples(40)
@given(fleet=fleets(), hours=st.integers(1, 3))
def test_with_enough_of_everything_a_vm_is_late_by_the_time_to_the_next_window_at_most(
    fleet: list[Scheduled], hours: int
) -> None:
    wide = [replace(each, schedule=each.schedule.with_(at_once=50, max_cores=1000)) for each in fleet]
    simulated = Simulated(wide, quotas(1000, 1000, 1000), hours)

    simulated.run()

    assert simulated.latest() <= DAY + HOUR


def names(started: list[Scheduled]) -> list[str]:
    return [each.need.vm.name for each in started]


OVERDUE, DUE = NOW - 40 * DAY, NOW - 31 * DAY
PLENTY = quotas(100, 100, 100)


@pytest.mark.parametrize(
    ("waiting", "under_way", "left", "started"),
    [
        ([need("new"), need("due", last=DUE), need("overdue", last=OVERDUE)], [], PLENTY, ["overdue", "due"]),
        ([need("a", 60, DUE), need("b", 50, DUE)], [], PLENTY, ["a"]),
        ([need("large", 64, OVERDUE), need("small", 2, DUE)], [need("now", 40)], quotas(60, 60, 60), []),
        ([need("too-large", 200, OVERDUE), need("small", 2, DUE)], [need("now", 40)], quotas(60, 60, 60), ["small"]),
        ([need("other", 2, DUE, "msv3"), need("small", 2, DUE)], [], PLENTY, ["small"]),
        ([need("a", 2, DUE)], [], {REGION: 100}, []),
    ],
    ids=["most overdue", "quota", "held for the large one", "never fits", "family not known", "quota not read"],
)
def test_what_is_started(
    waiting: list[Scheduled], under_way: list[Scheduled], left: dict[Limit, int], started: list[str]
) -> None:
    assert names(to_start(waiting, under_way, left, NOW)) == started


@pytest.mark.parametrize(
    ("window", "open_hours"),
    [("22-04", {22, 23, 0, 1, 2, 3}), ("01-03", {1, 2}), ("20-24", {20, 21, 22, 23}), ("00-24", set())],
)
def test_a_window_may_pass_midnight(window: str, open_hours: set[int]) -> None:
    if not open_hours:
        with pytest.raises(ValidationError, match="two different hours of UTC"):
            schedule(window=window)
    else:
        of_day = schedule(window=window)
        assert {hour for hour in range(24) if of_day.is_open(NOW.replace(hour=hour))} == open_hours


@pytest.mark.parametrize(
    ("field_name", "given_value", "allowed"),
    [
        ("window", "25-04", "two different hours of UTC"),
        ("window", "4-9", "two different hours of UTC"),
        ("window", 22, "two different hours of UTC"),
        ("network", "dr-drill", "the resource ID of a virtual network"),
        ("network", f"/subscriptions/{SUBSCRIPTION}", "the resource ID of a virtual network"),
        ("everyDays", 0, "greater than or equal to 1"),
        ("atOnce", 51, "less than or equal to 50"),
        ("keepMinutes", 1441, "less than or equal to 1440"),
        ("maxCores", 0, "greater than or equal to 1"),
        ("cores", 1, "Extra inputs are not permitted"),
    ],
)
def test_what_is_not_allowed_is_named(field_name: str, given_value: Any, allowed: str) -> None:
    with pytest.raises(ValidationError, match=allowed) as error:
        schedule(**{field_name: given_value})
    assert field_name in str(error.value)
