"""The details of a replicated item: what its page in the portal shows beyond the list of items."""

from datetime import datetime

from shared.model.base import Model
from shared.model.resource_id import ResourceId


class DiskDetails(Model):
    """`state` is that of the service, `percent` the progress of the initial replication; `pending_mb` is the data not
    yet in the target region."""

    id: ResourceId
    state: str
    percent: int | None
    resync_required: bool
    pending_mb: float


class HealthError(Model):
    """`level` is Warning or Critical, `category` what it is about; `since` when the service first reported it."""

    code: str
    level: str
    category: str
    message: str
    possible_causes: str
    action: str
    since: datetime | None


class FailoverReadiness(Model):
    """`health` is the readiness for a failover by the service, `allowed_operations` what an operator may start;
    `tested_at` is the time of the last successful test failover."""

    health: str
    allowed_operations: tuple[str, ...]
    tested_at: datetime | None


class RecoveryPoint(Model):
    """`type` is CrashConsistent or ApplicationConsistent; one that is `multi_vm` is shared by a consistency group. `id`
    is what a drill or a failover names it by."""

    id: ResourceId
    name: str
    time: datetime
    type: str
    multi_vm: bool


class ItemDetails(Model):
    """`recovery_points` are the newest, newest first, of `recovery_point_count`."""

    replication_health: str
    rpo_seconds: int | None
    rpo_at: datetime | None
    disks: tuple[DiskDetails, ...]
    health_errors: tuple[HealthError, ...]
    failover: FailoverReadiness
    recovery_points: tuple[RecoveryPoint, ...]
    recovery_point_count: int
