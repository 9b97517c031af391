"""Which VMs come first."""

from enum import StrEnum


class Priority(StrEnum):
    """Which VMs come up where a quota does not suffice for all, the first ones first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"
