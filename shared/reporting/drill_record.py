"""The evidence of one drill, as its file in the archive holds it. docs/archive.md describes the fields."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.drill import Check, Drill, DrillOutcome
from shared.model.replicated_item import TEST_CLEANUP, TEST_FAILOVER
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error


class RecordedResult(StrEnum):
    """The outcome of the drill. `passed`: every check did, and the cleanup is proven. Before the checks somebody ended
    one that is `cancelled`, and the run of one that is `interrupted` was lost."""

    PASSED = DrillOutcome.PASSED.lower()
    FAILED = DrillOutcome.FAILED.lower()
    CANCELLED = DrillOutcome.CANCELLED.lower()
    INTERRUPTED = DrillOutcome.INTERRUPTED.lower()


class TimedStep(Model):
    """A step, from when to when (UTC); without an end it did not end."""

    name: str
    started_at: datetime
    ended_at: datetime | None = None


class DrillJob(Model):
    """A job of Site Recovery, and what it does."""

    name: str
    scenario: str


class DrillRecord(Model):
    """A drill of one VM.

    `requested_point` is what was asked for (`latest`, `latestProcessed`, `appConsistent` or an ID), `recovery_point`
    the ID of what was used, "" if Site Recovery chose it, which is `recovery_point_age_seconds` old at the start of the
    test failover. `ended_by` is who ended the drill before its time. `rto_seconds` is measured: from the request of the
    test failover until the agent in the test VM was ready. `cleanup` are the checks that nothing is left.
    """

    drill: str
    vm_id: ResourceId
    item_id: ResourceId | None = None
    asked_by: tuple[Caller, ...] = ()
    ended_by: tuple[Caller, ...] = ()
    result: RecordedResult
    started_at: datetime
    ended_at: datetime
    network: ResourceId | None = None
    requested_point: str = ""
    recovery_point: str = ""
    recovery_point_at: datetime | None = None
    recovery_point_age_seconds: int | None = None
    rto_seconds: int | None = None
    test_size: str = ""
    steps: tuple[TimedStep, ...] = ()
    checks: tuple[Check, ...] = ()
    jobs: tuple[DrillJob, ...] = ()
    errors: tuple[Error, ...] = ()
    cleanup: tuple[Check, ...] = ()


def record_of(drill: Drill, ended_at: datetime) -> DrillRecord:
    """The evidence of a drill of which nothing is left."""
    age, rto, point = drill.point_age_seconds, drill.rto_seconds, drill.point
    return DrillRecord(
        drill=drill.token,
        vm_id=drill.vm,
        item_id=drill.item,
        asked_by=drill.order.asked_by,
        ended_by=drill.ended_by,
        result=RecordedResult(drill.outcome.lower()),
        started_at=drill.recorded_at,
        ended_at=ended_at,
        network=drill.network,
        requested_point=drill.order.recovery_point,
        recovery_point=str(point.id) if point else "",
        recovery_point_at=point.time if point else None,
        recovery_point_age_seconds=None if age is None else round(age),
        rto_seconds=None if rto is None else round(rto),
        test_size=drill.size,
        steps=tuple(_steps(drill, ended_at)),
        checks=drill.checks,
        jobs=tuple(
            DrillJob(name=job, scenario=scenario)
            for job, scenario in ((drill.job, TEST_FAILOVER), (drill.cleanup_job, TEST_CLEANUP))
            if job
        ),
        errors=(drill.error,) if drill.error else (),
        cleanup=tuple(Check(name=str(each), passed=True, found="gone") for each in (drill.test_vm, *drill.test_disks)),
    )


def _steps(drill: Drill, ended_at: datetime) -> Iterator[TimedStep]:
    steps = (
        ("checks and record", drill.recorded_at, drill.requested_at),
        ("test failover", drill.requested_at, drill.job_ended_at),
        ("start of the test VM", drill.job_ended_at, drill.running_at),
        ("agent of the test VM", drill.running_at, drill.ready_at),
        ("cleanup", drill.cleanup_requested_at, ended_at),
    )
    return (TimedStep(name=name, started_at=began, ended_at=ended) for name, began, ended in steps if began)
