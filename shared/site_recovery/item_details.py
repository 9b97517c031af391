"""The details of one replicated item, by two calls. For one VM only, never for a sweep."""

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.arm.fields import Json, objects, part, required, text, time_of, whole
from shared.arm.listing import read_listing, read_one
from shared.model.item_details import DiskDetails, FailoverReadiness, HealthError, ItemDetails, RecoveryPoint
from shared.model.replicated_item import ProtectedItem
from shared.site_recovery.vault import API_VERSION

MOST_POINTS = 50
"""The most recovery points in the result: one every five minutes makes 288 in 24 hours."""


async def read_details(azure: Azure, item: ProtectedItem) -> ItemDetails | None:
    """The details of the item, or None if it is gone. Raises HttpResponseError, MalformedResponseError."""
    try:
        found = await azure.get(str(item.id), API_VERSION)
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    points = await recovery_points(azure, item)
    details = read_one(found, f"the item {item.id}", _details)
    return details.model_copy(update={"recovery_points": points[:MOST_POINTS], "recovery_point_count": len(points)})


def _details(found: Json) -> ItemDetails:
    item = found["properties"]
    a2a = part(item, "providerSpecificDetails")
    allowed = item.get("allowedOperations")
    return ItemDetails(
        replication_health=text(item.get("replicationHealth")),
        rpo_seconds=whole(a2a.get("rpoInSeconds")),
        rpo_at=time_of(a2a.get("lastRpoCalculatedTime")),
        disks=tuple(map(_disk, objects(a2a, "protectedManagedDisks"))),
        health_errors=tuple(map(_health_error, objects(item, "healthErrors"))),
        failover=FailoverReadiness(
            health=text(item.get("failoverHealth")),
            allowed_operations=tuple(map(text, allowed if isinstance(allowed, list) else ())),
            tested_at=time_of(item.get("lastSuccessfulTestFailoverTime")),
        ),
        recovery_points=(),
        recovery_point_count=0,
    )


async def recovery_points(azure: Azure, item: ProtectedItem) -> tuple[RecoveryPoint, ...]:
    """The recovery points, newest first. Raises HttpResponseError, MalformedResponseError.

    An item that was never protected has none, and is not asked.
    """
    if not item.held_recovery_points:
        return ()
    path = f"{item.id}/recoveryPoints"
    found = await read_listing(azure.list(path, API_VERSION), path, _point, ())
    return tuple(sorted(found, key=lambda point: point.time, reverse=True))


def _disk(found: Json) -> DiskDetails:
    pending = (found.get("dataPendingInStagingStorageAccountInMB"), found.get("dataPendingAtSourceAgentInMB"))
    return DiskDetails(
        id=required(found.get("diskId")),
        state=text(found.get("diskState")),
        percent=whole(found.get("monitoringPercentageCompletion")),
        resync_required=found.get("resyncRequired") is True,
        pending_mb=round(sum(each for each in pending if isinstance(each, int | float)), 1),
    )


def _health_error(found: Json) -> HealthError:
    return HealthError(
        code=text(found.get("errorCode")),
        level=text(found.get("errorLevel")),
        category=text(found.get("errorCategory")),
        message=text(found.get("errorMessage")),
        possible_causes=text(found.get("possibleCauses")),
        action=text(found.get("recommendedAction")),
        since=time_of(found.get("creationTimeUtc")),
    )


def _point(found: Json) -> RecoveryPoint:
    point = found["properties"]
    time = time_of(point["recoveryPointTime"])
    if time is None:
        raise ValueError(f"its time is {point['recoveryPointTime']!r}")
    details = part(point, "providerSpecificDetails")
    return RecoveryPoint(
        id=required(found.get("id")),
        name=text(found.get("name")),
        time=time,
        type=text(point.get("recoveryPointType")),
        multi_vm=details.get("recoveryPointSyncType") == "MultiVmSyncRecoveryPoint",
    )
