"""The evidence of a drill, from its record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.model.caller import Caller, CallerKind, Via
from shared.model.drill import Check, Drill, DrillOrder, DrillPoint
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reporting.drill_record import RecordedResult, record_of
from tests.unit.app.examples import SUBSCRIPTION, VM_ID

AT = datetime(2026, 11, 30, 22, tzinfo=UTC)
NETWORK = ResourceId.of(SUBSCRIPTION, "drills", "Microsoft.Network/virtualNetworks", "dr-drill")
ITEM = ResourceId.of(SUBSCRIPTION, "dr", "Microsoft.RecoveryServices/vaults", "vault").child("replicationFabrics", "a")
TEST_VM = ResourceId.of(SUBSCRIPTION, "web-asr", VM_ID.type, "web-1-test")
TEST_DISK = ResourceId.of(SUBSCRIPTION, "web-asr", "Microsoft.Compute/disks", "os-ASRtest")
USER = Caller(kind=CallerKind.USER, via=Via.HTTP, id="11111111-2222-4333-8444-555555555555")


def after(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def drill(**changes: Any) -> Drill:
    of_drill = {
        "vm": VM_ID,
        "item": ITEM,
        "token": "t1",
        "order": DrillOrder(network=NETWORK, recovery_point="appConsistent", asked_by=(USER,)),
        "request": "r1",
        "recorded_at": AT,
        "network": NETWORK,
        "test_vm": TEST_VM,
        "test_disks": (TEST_DISK,),
        "size": "Standard_D2s_v5",
        "point": DrillPoint(
            id=ITEM.child("recoveryPoints", "p1"), time=AT - timedelta(hours=1), type="CrashConsistent"
        ),
        "job": "job-1",
        "requested_at": after(1),
        "job_ended_at": after(4),
        "running_at": after(5),
        "ready_at": after(6),
        "checks": (Check(name="exists", passed=True, found="yes"),),
        "cleanup_job": "job-2",
        "cleanup_requested_at": after(66),
    }
    return Drill.model_validate({**of_drill, **changes})


def test_all_that_an_auditor_asks_is_there() -> None:
    record = record_of(drill(), after(68))

    assert (record.result, record.asked_by) == (RecordedResult.PASSED, (USER,))
    assert (record.rto_seconds, record.recovery_point_age_seconds) == (300, 3660)
    assert [(step.name, step.started_at, step.ended_at) for step in record.steps] == [
        ("checks and record", AT, after(1)),
        ("test failover", after(1), after(4)),
        ("start of the test VM", after(4), after(5)),
        ("agent of the test VM", after(5), after(6)),
        ("cleanup", after(66), after(68)),
    ]
    assert [(job.name, job.scenario) for job in record.jobs] == [
        ("job-1", "TestFailover"),
        ("job-2", "TestFailoverCleanup"),
    ]
    assert [check.name for check in record.cleanup] == [str(TEST_VM), str(TEST_DISK)]


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("DrillCancelled", "cancelled"),
        ("DrillInterrupted", "interrupted"),
        ("150097", "failed"),
    ],
)
def test_a_drill_that_did_not_pass_measures_nothing_and_says_why(code: str, result: str) -> None:
    failed = drill(error=Error(code=code, message="No."), ready_at=None, running_at=None, point=None)

    record = record_of(failed, after(68))

    assert (record.result, record.rto_seconds, record.recovery_point_age_seconds) == (result, None, None)
    assert failed.outcome.lower() == result
    assert [error.code for error in record.errors] == [code]
    assert [step.name for step in record.steps if step.ended_at is None] == ["start of the test VM"]
