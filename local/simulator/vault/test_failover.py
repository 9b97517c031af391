"""A test failover of an item, and the recovery point that it is made from."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from local.simulator.vault.job import Job


class RecoveryPoint(NamedTuple):
    """A recovery point of an item: its name, a GUID, and its moment of the clock."""

    name: str
    at: float
    consistent: bool
    """Whether it is application consistent."""


class TestStage(Enum):
    """What a test failover of an item waits for."""

    RUNNING = "its job"
    WAITING = "its cleanup"
    CLEANING = "the job of its cleanup"


@dataclass(slots=True, eq=False)
class TestFailover:
    """A test failover of an item, until it is cleaned up. `made` are the IDs of what it has created, `plan` is the name
    of the recovery plan that it is part of."""

    network: str
    point: RecoveryPoint
    job: Job
    stage: TestStage = TestStage.RUNNING
    vm: str | None = None
    made: list[str] = field(default_factory=list)
    plan: str = ""
