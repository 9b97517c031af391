"""The recovery points of a replicated item: which there are now, as lists show them, and the one that an ID names."""

import random
from collections.abc import Iterator

from local.simulator import ids
from local.simulator.ids import lowered, stable_guid
from local.simulator.recovery import errors, lists, scope, views
from local.simulator.routing import Routes
from local.simulator.vault.model import CONTAINER_TYPE, ProtectedItem
from local.simulator.vault.test_failover import RecoveryPoint
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

routes = Routes("site-recovery")
_POINTS = scope.ITEM + "/recoveryPoints"
# Recorded with a policy of 24 hours (PS-CL, 2025-03): the last hour has a point every 5 minutes, the time before it one
# every 55 minutes.
_DENSE_SECONDS = 62 * 60
_SPARSE = 11


@routes.route("GET", _POINTS)
def list_points(world: World, call: Call) -> Answer:
    """Oldest first, as recorded; a page of Microsoft's warns that the list may be unsorted."""
    item = scope.item(world, call)
    found = [_view(world, item, point) for point in kept(world, item)]
    if world.behaviour.recovery_points_order == "unsorted":
        random.Random(item.made).shuffle(found)  # noqa: S311
    return lists.listed(world, call, found)


@routes.route("GET", _POINTS + "/{point}")
def get_point(world: World, call: Call) -> Answer:
    item = scope.item(world, call)
    found = next((point for point in kept(world, item) if point.name == call["point"].lower()), None)
    if found is None:
        raise errors.missing(call["point"])
    return views.answer(_view(world, item, found))


def kept(world: World, item: ProtectedItem) -> list[RecoveryPoint]:
    """The points within the retention of the policy, oldest first; the newest is kept whatever its age. None before the
    item is protected."""
    if item.protected_at is None or not item.test_outcome.points:
        return []
    now, step = world.clock.now(), item.policy.crash_consistent * 60
    newest = int((now - item.protected_at) // step)
    oldest = max(0, newest - int(item.policy.retention * 60 // step))
    return list(_points(item, range(oldest, newest + 1), step, now))


def _points(item: ProtectedItem, numbers: range, step: int, now: float) -> Iterator[RecoveryPoint]:
    app_every = max(1, item.policy.app_consistent * 60 // step)
    for number in numbers:
        at = (item.protected_at or 0.0) + number * step
        consistent = item.policy.app_consistent > 0 and number % app_every == 0
        if consistent or number % _SPARSE == 0 or now - at <= _DENSE_SECONDS or number == numbers[-1]:
            yield RecoveryPoint(stable_guid("recovery point", item.made, str(number)), at, consistent)


def named(world: World, item: ProtectedItem, point_id: str) -> RecoveryPoint | None:
    """The point of the item that an ID names. The container is a GUID in the IDs that lists show, so it is not read."""
    parts = ids.key(point_id).split("/")
    if parts[-2:-1] != ["recoverypoints"] or parts[-3] != item.name.lower():
        return None
    return next((point for point in kept(world, item) if point.name == parts[-1]), None)


def _view(world: World, item: ProtectedItem, point: RecoveryPoint) -> Json:
    """No recording has an application-consistent point; its type is in the official description."""
    return {
        "id": item.point_id(point),
        "name": point.name,
        "type": f"{CONTAINER_TYPE}/replicationProtectedItems/recoveryPoints",
        "properties": {
            "recoveryPointTime": world.clock.stamp(point.at),
            "recoveryPointType": "ApplicationConsistent" if point.consistent else "CrashConsistent",
            "providerSpecificDetails": {
                "instanceType": "A2A",
                "recoveryPointSyncType": "PerVmRecoveryPoint",
                "disks": [lowered(disk.id) for disk in item.disks],
            },
        },
    }
