"""What the protection of a VM costs."""

from shared.model.base import Model


class Cost(Model):
    """A month in `currency`. The instance fee begins after the first 31 days: until then it is `month - instance`.

    `unpriced` are the types of disks that the table has no price for, or whose size is not known.
    """

    currency: str
    month: float
    instance: float
    disks: float
    cache: float
    unpriced: tuple[str, ...] = ()
