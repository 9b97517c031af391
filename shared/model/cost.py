"""What the protection of a VM costs, and a drill of it."""

from shared.model.base import Model


class Cost(Model):
    """A month in `currency`. The instance fee begins after the first 31 days: until then it is `month - instance`.

    `unpriced` is what the table has no price for: types of disks, also of those whose size is not known, and `cache`.
    """

    currency: str
    month: float
    instance: float
    disks: float
    cache: float
    unpriced: tuple[str, ...] = ()


class DrillCost(Model):
    """What a drill costs in `currency`, at most: its test VM and its test disks, for so many `hours`. `vm` is None
    where no price of a core is known. `unpriced` as in `Cost`."""

    currency: str
    hours: float
    vm: float | None = None
    disks: float
    unpriced: tuple[str, ...] = ()
