"""The evidence of one drill, as its file in the archive holds it. docs/archive.md describes the fields."""

from datetime import datetime
from enum import StrEnum

from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error


class DrillResult(StrEnum):
    """`passed`: every check did, and the cleanup is proven. `cancelled`: somebody ended it before the checks."""

    PASSED = "passed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DrillStep(Model):
    """A step, from when to when (UTC); without an end it did not end."""

    name: str
    started_at: datetime
    ended_at: datetime | None = None


class DrillCheck(Model):
    """What was looked at, whether it is as it has to be (None: it could not be read), and what was found."""

    name: str
    passed: bool | None
    found: str = ""


class DrillJob(Model):
    """A job of Site Recovery: its name, what it does, how it ended, and its error."""

    name: str
    scenario: str
    state: str
    error: Error | None = None


class DrillRecord(Model):
    """A drill of one VM.

    `requested_point` is what was asked for (`latest`, `latestProcessed`, `appConsistent` or an ID), `recovery_point`
    the ID of what was used, "" if Site Recovery chose it, which is `recovery_point_age_seconds` old at the start of the
    test failover. `rto_seconds` is measured: from the request of the test failover until the test VM was seen running.
    `cleanup` are the checks that nothing is left.
    """

    drill: str
    vm_id: ResourceId
    item_id: ResourceId | None = None
    asked_by: tuple[Caller, ...] = ()
    result: DrillResult
    started_at: datetime
    ended_at: datetime
    network: ResourceId | None = None
    requested_point: str = ""
    recovery_point: str = ""
    recovery_point_at: datetime | None = None
    recovery_point_age_seconds: int | None = None
    rto_seconds: int | None = None
    source_size: str = ""
    test_size: str = ""
    steps: tuple[DrillStep, ...] = ()
    checks: tuple[DrillCheck, ...] = ()
    jobs: tuple[DrillJob, ...] = ()
    errors: tuple[Error, ...] = ()
    cleanup: tuple[DrillCheck, ...] = ()
