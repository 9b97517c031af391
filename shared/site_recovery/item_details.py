"""The details of one replicated item, by two calls. For one VM only, never for a sweep."""

from typing import Any

from azure.core.exceptions import HttpResponseError

from shared.arm.client import Azure
from shared.arm.errors import is_missing
from shared.model.item_details import DiskDetails, FailoverReadiness, HealthError, ItemDetails, RecoveryPoint
from shared.model.replicated_item import ProtectedItem
from shared.model.resource_id import ResourceId
from shared.site_recovery.vault import vault_of

MOST_POINTS = 50
"""The most recovery points in the result: one every five minutes makes 288 in 24 hours."""


async def read_details(azure: Azure, item: ProtectedItem) -> ItemDetails | None:
    """The details of the item, or None if it is gone. Raises HttpResponseError."""
    vault = vault_of(azure, item.vault)
    try:
        found = (await vault.client.replication_protected_items.get(*_path(item))).properties
    except HttpResponseError as answer:
        if is_missing(answer):
            return None
        raise
    points = await recovery_points(azure, item)
    a2a = found.provider_specific_details
    return ItemDetails(
        replication_health=found.replication_health or "",
        rpo_seconds=a2a.rpo_in_seconds,
        rpo_at=a2a.last_rpo_calculated_time,
        disks=tuple(_disk(disk) for disk in a2a.protected_managed_disks or ()),
        health_errors=tuple(_health_error(error) for error in found.health_errors or ()),
        failover=FailoverReadiness(
            health=found.failover_health or "",
            allowed_operations=tuple(found.allowed_operations or ()),
            tested_at=found.last_successful_test_failover_time,
        ),
        recovery_points=points[:MOST_POINTS],
        recovery_point_count=len(points),
    )


async def recovery_points(azure: Azure, item: ProtectedItem) -> tuple[RecoveryPoint, ...]:
    """The recovery points, newest first. Raises HttpResponseError.

    An item that was never protected has none, and is not asked.
    """
    if not item.held_recovery_points:
        return ()
    listed = vault_of(azure, item.vault).client.recovery_points.list_by_replication_protected_items(*_path(item))
    points = [_point(found) async for found in listed]
    return tuple(sorted(points, key=lambda point: point.time, reverse=True))


def _path(item: ProtectedItem) -> tuple[str, ...]:
    vault, container = item.vault, item.id.parent
    return (vault.resource_group, vault.name, container.parent.name, container.name, item.id.name)


def _disk(found: Any) -> DiskDetails:
    staged, at_source = found.data_pending_in_staging_storage_account_in_mb, found.data_pending_at_source_agent_in_mb
    return DiskDetails(
        id=ResourceId(found.disk_id),
        state=found.disk_state or "",
        percent=found.monitoring_percentage_completion,
        resync_required=bool(found.resync_required),
        pending_mb=round((staged or 0) + (at_source or 0), 1),
    )


def _health_error(found: Any) -> HealthError:
    return HealthError(
        code=found.error_code or "",
        level=found.error_level or "",
        category=found.error_category or "",
        message=found.error_message or "",
        possible_causes=found.possible_causes or "",
        action=found.recommended_action or "",
        since=found.creation_time_utc,
    )


def _point(found: Any) -> RecoveryPoint:
    details = found.properties.provider_specific_details
    return RecoveryPoint(
        name=found.name,
        time=found.properties.recovery_point_time,
        type=found.properties.recovery_point_type or "",
        multi_vm=getattr(details, "recovery_point_sync_type", None) == "MultiVmSyncRecoveryPoint",
    )
