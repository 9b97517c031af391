"""A drill: a test failover of one VM into an isolated network, what was seen of it, and the proof of its cleanup. The
VMs of a consistency group are drilled together: each has a record of its own."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.drill_words import LATEST, LONGEST_KEEP
from shared.model.findings import Finding
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error


class DrillOrder(Model):
    """What a caller asks for. `asked_by` goes to the app's own records and to the archive only."""

    network: ResourceId | Literal["create"]
    recovery_point: str = LATEST
    keep_minutes: Annotated[int, Field(ge=0, le=LONGEST_KEEP)] = 0
    asked_by: tuple[Caller, ...] = ()


class DrillPoint(Model):
    """The recovery point that was asked for by name; without `id` the service takes the latest."""

    id: ResourceId
    time: datetime
    type: str


class DrillNic(Model):
    """An interface of the test VM."""

    id: ResourceId
    subnet: ResourceId | None = None
    address: str = ""


class DrillVm(Model):
    """The test VM as it was last seen. `agent` is the status of the VM agent, as `Ready`; `boot_diagnostics`
    is "on", an error of theirs, "not known", or "" where they are off."""

    id: ResourceId
    power_state: str = ""
    provisioning_state: str = ""
    size: str = ""
    agent: str = ""
    agent_version: str = ""
    disks: tuple[ResourceId, ...] = ()
    nics: tuple[DrillNic, ...] = ()
    boot_diagnostics: str = ""

    @property
    def is_running(self) -> bool:
        return self.power_state == "running"

    @property
    def is_ready(self) -> bool:
        """Whether the operating system has come up: its agent reports to Azure."""
        return self.is_running and self.agent.lower() == "ready"


class Check(Model):
    """What was looked at, whether it is as it has to be, and what was found."""

    name: str
    passed: bool
    found: str


class DrillOutcome(StrEnum):
    """How a drill ended: the VM came up, or not; before that was seen, somebody has ended it, or its run was lost; the
    drill was refused before anything was begun; or there was none."""

    PASSED = "Passed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    INTERRUPTED = "Interrupted"
    REFUSED = "Refused"
    NOTHING_LEFT = "NothingLeft"


ENDED_EARLY = {"DrillCancelled": DrillOutcome.CANCELLED, "DrillInterrupted": DrillOutcome.INTERRUPTED}
"""What ends a drill before its VM was looked at, by the code of its error: it shows nothing about the VM."""


class Drill(Model):
    """The record of a drill, from before its test failover is requested, and the evidence once it has `ended_at`.

    `token` is the order that began it, `request` the client request ID of its test failover: the job that shows it is
    this drill's, and no other one is. `network` is that of the test VM; `test_vm` and `test_disks` are what the test
    failover creates in the target groups. Times are in UTC: `requested_at` is that of the test failover, `running_at`
    and `ready_at` are when the test VM was first seen so. `ended_by` is who ended it before its time, likewise for the
    archive only. `error` is what went wrong about the test, `cleanup_error` why the last attempt to clean up did not
    succeed; `left` is what was still there then.

    Of a consistency group `members` are all VMs, the first of which leads, and `plan` is the temporary recovery plan
    that tests them together. They have `request`, `job` and `cleanup_job` in common.
    """

    version: int = 1
    vm: ResourceId
    item: ResourceId
    token: str
    order: DrillOrder
    request: str
    recorded_at: datetime
    # A record that an earlier version wrote before a deployment has only that of its order.
    network: ResourceId = Field(default_factory=lambda made: made["order"].network)
    test_vm: ResourceId
    test_disks: tuple[ResourceId, ...] = ()
    size: str = ""
    cores: int = 0
    point: DrillPoint | None = None
    job: str = ""
    requested_at: datetime | None = None
    job_started_at: datetime | None = None
    job_ended_at: datetime | None = None
    seen: DrillVm | None = None
    checks: tuple[Check, ...] = ()
    running_at: datetime | None = None
    ready_at: datetime | None = None
    ended_by: tuple[Caller, ...] = ()
    error: Error | None = None
    cleanup_job: str = ""
    cleanup_requested_at: datetime | None = None
    cleanup_attempts: int = 0
    cleanup_error: Error | None = None
    left: tuple[ResourceId, ...] = ()
    plan: ResourceId | None = None
    members: tuple[ResourceId, ...] = ()
    ended_at: datetime | None = None

    @property
    def lead(self) -> ResourceId:
        """The VM whose run this drill is."""
        return self.members[0] if self.members else self.vm

    @property
    def vault(self) -> ResourceId:
        return self.item.parent.parent.parent

    @property
    def outcome(self) -> DrillOutcome:
        """That of a drill that has ended."""
        if self.error:
            return ENDED_EARLY.get(self.error.code, DrillOutcome.FAILED)
        return DrillOutcome.PASSED if self.ready_at else DrillOutcome.INTERRUPTED

    @property
    def rto_seconds(self) -> float | None:
        """The measured recovery time: from the request of the test failover until the agent was ready."""
        if self.requested_at is None or self.ready_at is None:
            return None
        return (self.ready_at - self.requested_at).total_seconds()

    @property
    def point_age_seconds(self) -> float | None:
        """How old the recovery point was when the test failover was requested; None for the latest, which the service
        makes then."""
        if self.point is None or self.requested_at is None:
            return None
        return (self.requested_at - self.point.time).total_seconds()


class DrillResult(Model):
    """What the run of a drill returns. `findings` are why it was refused; `orders` are the tokens that it accepted."""

    outcome: DrillOutcome
    vm_id: ResourceId
    findings: tuple[Finding, ...] = ()
    error: Error | None = None
    drill: Drill | None = None
    rto_seconds: float | None = None
    orders: tuple[str, ...] = ()
