"""A job of Site Recovery, its tasks, and why it fails."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from local.simulator.wire import Json


@dataclass(frozen=True, slots=True)
class Failure:
    """Why and where a job fails: in task number `task`, `after` seconds from its start.

    `summary` is code and message of the operation status, which for an enable job does not name the cause.
    """

    code: str
    message: str
    possible_causes: str = ""
    recommended_action: str = ""
    task: int = 0
    after: float | None = None
    summary: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class TaskPlan:
    id: str
    name: str
    friendly_name: str
    seconds: float
    group: str = ""
    """Of a recovery plan: what its children are, the VMs of the plan."""


@dataclass(slots=True, eq=False)
class Job:
    """`ends` is when it succeeds or fails. `notes` are errors of level Information of a job that succeeds.

    `details` are its customDetails, without those they have in common. A job with a `placeholder` shows nothing but its
    ID when it is read for the first time. One that was accepted under another name is `requested` by it. `instance` is
    its targetInstanceType, if not the scenario's. A job that is `held` waits for somebody after its last task.
    """

    vault_id: str
    scenario: str
    started: float
    tasks: tuple[TaskPlan, ...]
    target_id: str
    target_name: str
    affected: Json
    result: Callable[[], Json | None]
    failure: Failure | None = None
    notes: list[Failure] = field(default_factory=list)
    activity_id: str = ""
    details: Callable[[], Json] = lambda: {"instanceType": "AsrJobDetails"}
    placeholder: bool = False
    requested: str = ""
    instance: str = ""
    held: bool = False
    over: bool = False
    children: list["Job"] = field(default_factory=list)
    finish: Callable[[float], None] = lambda _moment: None
    name: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def id(self) -> str:
        return f"{self.vault_id}/replicationJobs/{self.name}"

    def begins(self, task: int) -> float:
        """When the task of this number begins."""
        return self.started + sum(each.seconds for each in self.tasks[:task])

    @property
    def ends(self) -> float:
        if self.failure is None:
            return self.begins(len(self.tasks))
        planned = self.tasks[self.failure.task].seconds
        return self.begins(self.failure.task) + (planned if self.failure.after is None else self.failure.after)

    @property
    def running(self) -> bool:
        """Until its end has changed what it works on: so that no read shows the one without the other."""
        return not self.over

    @property
    def state(self) -> tuple[str, str]:
        """`state` and `stateDescription`."""
        if self.running:
            return "InProgress", "InProgress"
        if self.held:
            return "Suspended", "WaitingForStopTestFailover"
        if self.failure:
            return "Failed", "Failed"  # [U]: documented, never recorded
        return "Succeeded", "CompletedWithInformation" if self.notes else "Completed"
