"""The lists of a vault. With a lag they show a snapshot; a GET by ID is always current."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from local.simulator import ids
from local.simulator.paging import page
from local.simulator.recovery import item_view, job_view, scope, views
from local.simulator.snapshot import Snapshot
from local.simulator.vault.model import RecoveryVault
from local.simulator.wire import Answer, Call, Json
from local.simulator.world import World

T = TypeVar("T")
# The last segment of the lists that can lag.
_LAGGING = {
    "replicationfabrics",
    "replicationprotectioncontainers",
    "replicationpolicies",
    "replicationprotectioncontainermappings",
    "replicationnetworkmappings",
    "replicationprotecteditems",
    "replicationjobs",
}


def listed(world: World, call: Call, values: Sequence[T], show: Callable[[T], Any] = lambda value: value) -> Answer:
    """Site Recovery's lists always have a nextLink, null on the last page. The size of a page is invented."""
    if world.vault_lists is not None and ids.last_segment(call.path).lower() in _LAGGING:
        shown = [show(value) for value in values]
        known = _known(world.vault_lists, call.path, shown, only="$filter" in call.query)
        return Answer(200, {"nextLink": None, **page(world, call, known)})
    return Answer(200, {"nextLink": None, **page(world, call, values, show)})


def _known(snapshot: Snapshot[Json], path: str, shown: list[Json], *, only: bool) -> list[Json]:
    """The part of the snapshot that a list shows, in the order of `shown`; with `only`, restricted to `shown`."""
    place = {ids.key(str(each.get("id", ""))): number for number, each in enumerate(shown)}
    over, _, kind = ids.key(path).rpartition("/")
    found = [
        (place.get(at, -1), body)
        for at, body in snapshot.items()
        if at.startswith(f"{over}/") and at.split("/")[-2] == kind and (at in place or not only)
    ]
    return [body for _, body in sorted(found, key=lambda pair: pair[0])]


def follow(world: World) -> None:
    """Rebuilds the snapshot from what exists. Call it after everything, or the lag, was replaced."""
    lag = world.behaviour.vault_lists_lag_seconds
    world.vault_lists = Snapshot(world.clock, lag, _every(world), lambda at: _find(world, at)) if lag else None


def _every(world: World) -> Iterator[tuple[str, Json]]:
    for vault in world.recovery.values():
        for at, show in _content(world, vault):
            yield at, copy.deepcopy(show())


def _find(world: World, resource_id: str) -> Json | None:
    vault = world.recovery.get("/" + "/".join(resource_id.strip("/").split("/")[:8]))
    for at, show in _content(world, vault) if vault else ():
        if ids.key(at) == resource_id:
            return copy.deepcopy(show())
    return None


def _content(world: World, vault: RecoveryVault) -> Iterator[tuple[str, Callable[[], Json]]]:
    """The ID of each object that a list of the vault shows, and the function that makes its body."""
    infrastructure: tuple[tuple[Iterable[Any], Callable[[Any], Json]], ...] = (
        (vault.fabrics.values(), views.fabric),
        (vault.containers(), views.container),
        (vault.policies.values(), views.policy),
        (vault.container_mappings(), views.container_mapping),
        (vault.network_mappings(), views.network_mapping),
    )
    for found, show in infrastructure:
        yield from ((each.id, partial(show, each)) for each in found if scope.visible(world, each.ready))
    for item in vault.items():
        if item_view.shown(world, item):
            yield item.id, partial(item_view.view, world, item)
    for job in vault.jobs.values():
        yield job.id, partial(job_view.view, world, job, full=False)
