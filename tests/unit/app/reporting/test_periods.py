"""What sweeps say of a VM together: time adds up, and what is not known never counts as compliant."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.model.decision import State
from shared.reconcile.inventory import VmStatus
from shared.reporting.periods import Periods, VmPeriod, bucket, row_of
from shared.reporting.report import seconds_of
from tests.findings import note, warning
from tests.unit.app.examples import VM_ID

DAY = 86400
LIMIT = 7200
VM = str(VM_ID)
KEY = VM.lower()


def row(state: str = "Protected", compliant: int = 1, required: int = 1, *more: Any) -> list[Any]:
    return [VM, state, compliant, required, *more]


def test_a_row_is_as_short_as_it_can_be() -> None:
    vm_status = VmStatus(vm_id=VM_ID, state=State.NOT_TAGGED)
    assert row_of(vm_status, "", None) == [VM, "NotTagged", 0, 0]

    findings = (warning("RpoBreached", "It is late."), note("OrphanedTarget", "It stays."))
    vm_status = VmStatus(vm_id=VM_ID, state=State.PROTECTED, rpo_seconds=61, tags={"dr": "true"}, findings=findings)
    expected = [VM, "Protected", 0, 1, 61, [["RpoBreached"]], "gold", "", {"dr": "true"}]
    assert row_of(vm_status, "gold", "") == expected


def test_a_sweep_speaks_for_the_time_since_the_one_before_it_for_a_limited_time() -> None:
    periods = Periods(0, DAY, LIMIT)
    periods.add(3600, [row(rpo := "Protected", 1, 1, 90)])  # the first of all: for no time
    periods.add(7200, [row(rpo, 1, 1, 90)])
    periods.add(10800, [row(rpo, 0, 1, 3000, [["RpoBreached", 5]], "gold", "migration")])
    periods.add(43200, [row(rpo, 1, 1, 60)])  # nine hours later: for two of them

    vm = periods.vms[KEY]
    assert (vm.first, vm.last, vm.observed, vm.compliant, vm.over) == (3600, 43200, 14400, 10800, 3600)
    assert (vm.worst, vm.rpo, vm.causes) == (3000, {2: 3600, 50: 3600, 1: 7200}, {"RpoBreached": 3600})
    assert (vm.holds, vm.policy, vm.protected_since, periods.covered) == ({"migration": 3600}, "gold", 3600, 14400)


@pytest.mark.parametrize(("rows", "covered"), [([], 0), ([row("Unknown", 0)], 3600), ([row("NotTagged", 0, 0)], 3600)])
def test_a_vm_that_is_not_seen_not_known_or_not_required_has_no_time(rows: list[Any], covered: int) -> None:
    periods = Periods(0, DAY, LIMIT)
    periods.add(3600, [row()])
    periods.add(7200, rows)

    vm = periods.vms[KEY]
    assert (vm.observed, vm.compliant, periods.covered) == (0, 0, covered)


@pytest.mark.parametrize(
    ("states", "since"),
    [
        (["Protected", "Protected"], 1),
        (["Protecting", "Protected"], 2),
        (["Protected", "Frozen", "Unknown", "Protected"], 1),
        (["Protected", "Unprotected", "Protected"], 3),
        (["Protected", "NotTagged"], 0),
    ],
)
def test_protected_since_is_the_first_time_since_nothing_protected_the_vm(states: list[str], since: int) -> None:
    periods = Periods(0, DAY, LIMIT)
    for hour, state in enumerate(states, 1):
        periods.add(hour * 3600, [row(state)])

    assert periods.vms[KEY].protected_since == since * 3600


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(0, 0), (1, 1), (60, 1), (61, 2), (5940, 99), (6001, 110), (60001, 1100)]
)
def test_an_rpo_is_rounded_up_to_two_digits(seconds: int, minutes: int) -> None:
    assert bucket(seconds) == minutes


sweeps = st.lists(
    st.tuples(
        st.integers(1, 4 * 3600),
        st.sampled_from(
            [
                [],
                [row()],
                [row(compliant=0)],
                [row("Unknown", 0)],
                [row("NotTagged", 0, 0)],
                [row("Protected", 1, 1, 300)],
            ]
        ),
    ),
    max_size=60,
)


def summed(given: list[tuple[int, list[Any]]], start: int, end: int) -> Periods:
    """The sweeps, so many seconds apart, in a part of three days: as a day is summed up, with the next one's first."""
    at, before, periods, after = 0, 0, None, False
    for apart, rows in given:
        at += apart
        if at < start:
            before = at
            continue
        periods = periods or Periods(start, end, LIMIT, before)
        if after:
            break
        periods.add(at, rows)
        after = at >= end
    return periods or Periods(start, end, LIMIT, before)


def test_a_day_on_which_nothing_is_known_of_a_vm_is_not_left_out_of_the_month() -> None:
    first, second, month = Periods(0, DAY, LIMIT), Periods(DAY, 2 * DAY, LIMIT, DAY), Periods(0, 2 * DAY, LIMIT)
    for hour in range(1, 25):
        first.add(hour * 3600, [row()])
        second.add(DAY + hour * 3600, [row("Unknown", 0)])
    for day in (first, second):
        month.merge(day.vms.values(), day.covered)

    found = seconds_of(month.vms[KEY], 2 * DAY, 2 * DAY)

    # The first sweep of all speaks for no time.
    assert (found.compliant, found.unknown, found.total) == (DAY - 3600, DAY, 2 * DAY - 3600)


@example([(DAY - 3600, [row()]), (3600, []), (3600, [row("Unknown", 0)])])
@given(sweeps)
def test_time_adds_up_and_days_make_the_whole(given: list[tuple[int, list[Any]]]) -> None:
    whole = summed(given, 0, 3 * DAY)
    days = Periods(0, 3 * DAY, LIMIT)
    for day in range(3):
        part = summed(given, day * DAY, (day + 1) * DAY)
        assert part.covered <= DAY
        days.merge([VmPeriod.load(json.loads(json.dumps(each))) for each in part.rows()], part.covered)

    assert days.covered == whole.covered
    for vm in whole.vms.values():
        assert 0 <= vm.compliant <= vm.observed <= vm.last - vm.first
        assert vm.observed <= whole.covered
        assert sum(vm.rpo.values()) <= vm.observed
        other = days.vms[KEY]
        same = ("first", "last", "observed", "compliant", "over", "worst", "rpo", "causes", "state")
        assert {name: getattr(other, name) for name in same} == {name: getattr(vm, name) for name in same}


@given(sweeps, st.integers(0, 59))
def test_a_sweep_less_never_makes_more_compliant_time_than_its_gap_allows(
    given: list[tuple[int, list[Any]]], lost: int
) -> None:
    """A sweep that reads nothing in place of one that does."""
    full = summed(given, 0, 3 * DAY).vms.get(KEY, VmPeriod(VM))
    gap = [(apart, [] if number == lost else rows) for number, (apart, rows) in enumerate(given)]
    less = summed(gap, 0, 3 * DAY).vms.get(KEY, VmPeriod(VM))

    assert less.compliant <= full.compliant
    assert less.observed <= full.observed


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 cells"):
        VmPeriod.load([VM, 1, 2])
