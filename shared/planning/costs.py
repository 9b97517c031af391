"""The monthly cost of protecting a VM, and the cost of a drill of it, from the price table of the settings."""

from collections.abc import Iterable

from shared.config.prices import Prices
from shared.model.cost import Cost, DrillCost

_HOURS_OF_A_MONTH = 730
_CACHE = "cache"


def cost_of(disks: Iterable[tuple[str, int | None]], prices: Prices) -> Cost:
    """`disks` are the type and the size in GiB of each replica disk."""
    total, unpriced = _of_disks(disks, prices)
    cache = prices.cache or 0.0
    return Cost(
        currency=prices.currency,
        month=round(prices.instance + total + cache, 2),
        instance=prices.instance,
        disks=round(total, 2),
        cache=cache,
        unpriced=unpriced if prices.cache is not None else (*unpriced, _CACHE),
    )


def _of_disks(disks: Iterable[tuple[str, int | None]], prices: Prices) -> tuple[float, tuple[str, ...]]:
    """What they cost a month, and the types that have no price."""
    known = {name.lower(): price for name, price in prices.disk_gb.items()}
    total, unpriced = 0.0, set()
    for sku, size in disks:
        price = known.get(sku.lower())
        if price is None or size is None:
            unpriced.add(sku)
        else:
            total += price * size
    return total, tuple(sorted(unpriced))


def cost_of_drill(disks: Iterable[tuple[str, int | None]], cores: int, hours: float, prices: Prices) -> DrillCost:
    """`disks` are the test disks, as in `cost_of`; `cores` are those of the test VM."""
    month, unpriced = _of_disks(disks, prices)
    return DrillCost(
        currency=prices.currency,
        hours=round(hours, 4),
        vm=None if prices.core_hour is None else round(prices.core_hour * cores * hours, 4),
        disks=round(month / _HOURS_OF_A_MONTH * hours, 4),
        unpriced=unpriced,
    )


def sum_of_drills(costs: Iterable[DrillCost], prices: Prices) -> DrillCost:
    every = tuple(costs)
    return DrillCost(
        currency=prices.currency,
        hours=round(sum(cost.hours for cost in every), 4),
        vm=None if prices.core_hour is None else round(sum(cost.vm or 0 for cost in every), 4),
        disks=round(sum(cost.disks for cost in every), 4),
        unpriced=tuple(sorted({sku for cost in every for sku in cost.unpriced})),
    )


def sum_of(costs: Iterable[Cost], prices: Prices) -> Cost:
    every = tuple(costs)
    return Cost(
        currency=prices.currency,
        month=round(sum(cost.month for cost in every), 2),
        instance=round(sum(cost.instance for cost in every), 2),
        disks=round(sum(cost.disks for cost in every), 2),
        cache=round(sum(cost.cache for cost in every), 2),
        unpriced=tuple(sorted({sku for cost in every for sku in cost.unpriced})),
    )
