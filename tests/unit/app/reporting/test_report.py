"""The report's arithmetic: time adds up, for each VM and in sum, and the median is one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.reporting.periods import VmPeriod
from shared.reporting.report import MOST_CHANGES, report_of, seconds_of, summary_of
from tests.unit.app.examples import VM_ID

END = 100_000


@st.composite
def periods(draw: st.DrawFn) -> VmPeriod:
    first = draw(st.integers(1, END))
    last = draw(st.integers(first, END))
    observed = draw(st.integers(0, last - first))
    compliant = draw(st.integers(0, observed))
    rpo = draw(st.dictionaries(st.integers(0, 200), st.integers(0, 5000), max_size=5))
    over = draw(st.integers(0, observed))
    return VmPeriod(f"{VM_ID}-{draw(st.integers(0, 10**6))}", first, last, observed, compliant, over, -1, rpo)


@given(st.lists(periods(), max_size=8), st.integers(0, END))
def test_time_adds_up_for_each_vm_and_in_sum(vms: list[VmPeriod], last_full: int) -> None:
    each = [seconds_of(vm, last_full, END) for vm in vms]
    for seconds in each:
        assert seconds.compliant + seconds.not_compliant + seconds.unknown == seconds.total
        assert min(seconds.compliant, seconds.not_compliant, seconds.unknown) >= 0
        assert seconds.share is None or 0 <= seconds.share <= 1

    summary = summary_of(vms, {}, {}, last_full, END)
    assert summary.seconds.total == sum(seconds.total for seconds in each)
    assert summary.seconds.compliant == sum(seconds.compliant for seconds in each)
    assert summary.drilled + summary.drill_failed + summary.never_drilled == summary.virtual_machines == len(vms)


@given(periods(), st.integers(0, END))
def test_time_that_no_sweep_speaks_for_makes_no_vm_more_compliant(vm: VmPeriod, more: int) -> None:
    known = seconds_of(vm, vm.last, END)
    later = seconds_of(vm, vm.last, END + more)

    assert (later.compliant, later.unknown) == (known.compliant, known.unknown + more)


@pytest.mark.parametrize(
    ("rpo", "median"),
    [({}, None), ({3: 0}, 3), ({1: 10, 50: 9}, 1), ({1: 9, 2: 1, 50: 10}, 2), ({1: 1, 50: 10}, 50), ({7: 5, 1: 5}, 1)],
)
def test_the_median_is_by_time(rpo: dict[int, int], median: int | None) -> None:
    vm = VmPeriod(str(VM_ID), 1, 2, 1, 1, rpo=rpo)

    assert report_of(vm, [], None, 2, 2).rpo.p50_minutes == median
    assert summary_of([vm, replace(vm)], {}, {}, 2, 2).rpo.p50_minutes == median


def test_of_many_changes_the_latest_are_shown_and_the_others_counted() -> None:
    changes = [
        {"at": f"2026-11-{1 + n // 24:02}T{n % 24:02}:00:00Z", "outcome": str(n)} for n in range(MOST_CHANGES + 3)
    ]

    report = report_of(VmPeriod(str(VM_ID), 1, 2), changes, None, 2, 2)

    assert [change.outcome for change in report.changes] == [str(n) for n in range(3, MOST_CHANGES + 3)]
    assert report.changes_left_out == 3
