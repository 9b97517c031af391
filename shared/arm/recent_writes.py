"""Requests of this process that the lists of Azure do not show yet."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class RecentWrites:
    """The time of each request by job name, and how many requests are in flight."""

    requested: dict[str, datetime] = field(default_factory=dict)
    in_flight: int = 0
