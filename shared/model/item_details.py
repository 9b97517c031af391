"""A replicated item drilled down: what its own page in the portal shows beside what the list of items tells."""

from datetime import datetime

from shared.model.base import Model
from shared.model.resource_id import ResourceId


class DiskDetails(Model):
    """`state` is the service's word for it, `percent` that of its initial replication; `pending_mb` is what has not
    come to the target region yet."""

    id: ResourceId
    state: str
    percent: int | None
    resync_required: bool
    pending_mb: float


class HealthError(Model):
    """`level` is Warning or Critical, `category` what it is about; `since` when the service first saw it."""

    code: str
    level: str
    category: str
    message: str
    possible_causes: str
    action: str
    since: datetime | None


class FailoverReadiness(Model):
    """`health` is the service's verdict on a failover now, `allowed_operations` what an operator may begin; `tested_at`
    is when a test failover last went well."""

    health: str
    allowed_operations: tuple[str, ...]
    tested_at: datetime | None


class RecoveryPoint(Model):
    """`type` is CrashConsistent or ApplicationConsistent; one that is `multi_vm` is shared by a consistency group."""

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
