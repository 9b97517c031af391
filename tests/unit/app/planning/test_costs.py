"""What protection costs a month: from the table, and requested to be incomplete where that has no price."""

import pytest

from shared.config.prices import Prices
from shared.model.vm import Disk
from shared.planning.costs import cost_of, cost_of_drill, sum_of_drills
from tests.unit.app.examples import (
    DATA_DISK,
    OS_DISK,
    asking,
    open_settings,
    plan_of,
    planning_context,
    settings,
    source_vm,
)

TABLE = Prices(currency="EUR", instance=20, disk_gb={"Premium_LRS": 0.1, "Standard_LRS": 0.05}, cache=3)


def test_a_month_is_the_instance_the_replica_disks_and_a_share_of_the_cache() -> None:
    cost = cost_of([("Premium_LRS", 128), ("standard_lrs", 100)], TABLE)

    assert (cost.currency, cost.instance, cost.disks, cost.cache, cost.month) == ("EUR", 20, 17.8, 3, 40.8)
    assert cost.unpriced == ()


@pytest.mark.parametrize("disk", [("UltraSSD_LRS", 64), ("Premium_LRS", None), ("", 64)])
def test_a_disk_without_a_price_or_a_size_is_reported_and_not_guessed(disk: tuple[str, int | None]) -> None:
    cost = cost_of([disk, ("Premium_LRS", 10)], TABLE)

    assert (cost.disks, cost.unpriced) == (1.0, (disk[0],))


def test_no_disks_cost_nothing() -> None:
    assert cost_of([], TABLE).month == 23


@pytest.mark.parametrize(("core_hour", "of_vm"), [(0.05, 0.3), (None, None), (0, 0)])
def test_a_drill_costs_the_hours_of_its_cores_if_they_have_a_price_and_of_its_disks(
    core_hour: float | None, of_vm: float | None
) -> None:
    prices = TABLE.with_(core_hour=core_hour)
    one = cost_of_drill([("Premium_LRS", 730), ("UltraSSD_LRS", 64)], 4, 1.5, prices)
    every = sum_of_drills([one, cost_of_drill([("Premium_LRS", 730)], 4, 1.5, prices)], prices)

    assert (one.currency, one.hours, one.vm, one.disks, one.unpriced) == ("EUR", 1.5, of_vm, 0.15, ("UltraSSD_LRS",))
    assert (every.hours, every.vm, every.disks) == (3, None if of_vm is None else 2 * of_vm, 0.3)
    assert every.unpriced == one.unpriced


def test_a_plan_reports_what_it_costs_by_the_table_of_the_settings() -> None:
    plan = plan_of(source_vm(), planning_context(), settings(prices=TABLE))

    assert plan.cost
    assert (plan.cost.currency, plan.cost.month) == ("EUR", 20 + 6.4 + 3)


def test_a_plan_counts_the_replica_s_type_and_not_the_source_s() -> None:
    disks = (Disk(id=OS_DISK, sku="Premium_LRS", size_gb=64), Disk(id=DATA_DISK, sku="Premium_LRS", size_gb=100))
    vm = asking(replica_disk_type=f"{DATA_DISK.name}=Standard_LRS").with_(disks=disks)

    plan = plan_of(vm, planning_context(), open_settings(prices=TABLE))

    assert plan.cost
    assert plan.cost.disks == pytest.approx(6.4 + 5)


def test_what_has_no_price_is_named_and_not_guessed() -> None:
    cost = cost_of([("Premium_LRS", 1)], Prices())

    assert (cost.month, cost.disks, cost.cache) == (cost.instance, 0, 0)
    assert cost.unpriced == ("Premium_LRS", "cache")
