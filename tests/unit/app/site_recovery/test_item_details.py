"""A replicated item drilled down: what the service reports it, and what it does not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.model.item_details import FailoverReadiness, HealthError, ItemDetails, RecoveryPoint
from shared.model.replicated_item import ProtectedItem
from shared.site_recovery.item_details import MOST_POINTS, read_details
from shared.site_recovery.replicated_items import find_protection
from tests.unit.app.examples import DATA_DISK, OS_DISK, VM_ID, settings
from tests.unit.app.fake_azure import Cloud, FakeAzure, answer, item_body, point_body

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
RPO_READ: dict[str, Any] = {"rpoInSeconds": 95, "lastRpoCalculatedTime": NOON.isoformat()}


async def item_in(azure: FakeAzure) -> ProtectedItem:
    protection = await find_protection(azure, VM_ID)
    assert protection
    return protection[1]


async def details_of(cloud: Cloud, body: dict[str, Any]) -> ItemDetails:
    cloud.vault["replication_protected_items"] = [body]
    azure = FakeAzure(settings(), cloud)
    details = await read_details(azure, await item_in(azure))
    assert details
    return details


async def test_its_disks_say_how_far_each_of_them_is() -> None:
    disks = [
        {
            "diskId": str(OS_DISK),
            "diskState": "Protected",
            "resyncRequired": True,
            "dataPendingAtSourceAgentInMB": 1.25,
        },
        {"diskId": str(DATA_DISK), "diskState": "InitialReplicationPending", "monitoringPercentageCompletion": 33},
    ]

    details = await details_of(Cloud(), item_body("Protected", protectedManagedDisks=disks))

    reported = [(disk.id, disk.state, disk.percent, disk.resync_required, disk.pending_mb) for disk in details.disks]
    assert reported == [
        (OS_DISK, "Protected", None, True, 1.2),
        (DATA_DISK, "InitialReplicationPending", 33, False, 0),
    ]


async def test_its_health_errors_come_with_their_causes_and_what_to_do() -> None:
    body = item_body("Protected", **RPO_READ)
    body["properties"] |= {
        "replicationHealth": "Warning",
        "failoverHealth": "Critical",
        "allowedOperations": ["UnplannedFailover", "TestFailover"],
        "lastSuccessfulTestFailoverTime": NOON.isoformat(),
        "healthErrors": [
            {
                "errorCode": "153007",
                "errorLevel": "Critical",
                "errorCategory": "Replication",
                "errorMessage": "No recovery point.",
                "possibleCauses": "The churn is too high.",
                "recommendedAction": "Choose high churn.",
                "creationTimeUtc": NOON.isoformat(),
            }
        ],
    }

    details = await details_of(Cloud(), body)

    assert details.health_errors == (
        HealthError(
            code="153007",
            level="Critical",
            category="Replication",
            message="No recovery point.",
            possible_causes="The churn is too high.",
            action="Choose high churn.",
            since=NOON,
        ),
    )
    assert details.failover == FailoverReadiness(
        health="Critical", allowed_operations=("UnplannedFailover", "TestFailover"), tested_at=NOON
    )
    assert (details.replication_health, details.rpo_seconds, details.rpo_at) == ("Warning", 95, NOON)


async def test_its_newest_recovery_points_come_first_and_all_are_counted() -> None:
    cloud = Cloud()
    times = [NOON + timedelta(minutes=5 * number) for number in range(MOST_POINTS + 10)]
    cloud.recovery_points = [point_body(time.isoformat()) for time in times]
    cloud.recovery_points.append(
        point_body(
            (NOON + timedelta(days=1)).isoformat(),
            "ApplicationConsistent",
            recoveryPointSyncType="MultiVmSyncRecoveryPoint",
        )
    )

    details = await details_of(cloud, item_body("Protected", **RPO_READ))

    newest, second, *_ = details.recovery_points
    assert newest == RecoveryPoint(
        id=newest.id,
        name=f"at {(NOON + timedelta(days=1)).isoformat()}",
        time=NOON + timedelta(days=1),
        type="ApplicationConsistent",
        multi_vm=True,
    )
    assert (second.time, second.type, second.multi_vm) == (times[-1], "CrashConsistent", False)
    assert (len(details.recovery_points), details.recovery_point_count) == (MOST_POINTS, MOST_POINTS + 11)


async def test_an_item_that_never_was_protected_is_not_asked_for_recovery_points() -> None:
    cloud = Cloud()

    details = await details_of(cloud, item_body("InitialReplicationInProgress"))

    assert (details.recovery_points, details.recovery_point_count, details.rpo_at) == ((), 0, None)
    assert not [read for read in cloud.reads if read.startswith("recovery points")]


async def test_an_item_that_is_gone_meanwhile_has_no_details() -> None:
    cloud = Cloud()
    cloud.vault["replication_protected_items"] = [item_body("Protected")]
    azure = FakeAzure(settings(), cloud)
    item = await item_in(azure)
    cloud.vault["replication_protected_items"] = []

    assert await read_details(azure, item) is None


async def test_what_azure_refuses_is_no_missing_item() -> None:
    cloud = Cloud()
    cloud.vault["replication_protected_items"] = [item_body("Protected", **RPO_READ)]
    azure = FakeAzure(settings(), cloud)
    item = await item_in(azure)
    cloud.faults[f"recovery points of {item.id.name}"] = answer(403, "AuthorizationFailed")

    with pytest.raises(HttpResponseError):
        await read_details(azure, item)
