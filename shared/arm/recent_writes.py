"""What this process has asked for, and no list shows yet."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Ledger:
    """The names of jobs and when they were asked for, and how many requests are on their way."""

    asked: dict[str, datetime] = field(default_factory=dict)
    on_their_way: int = 0
