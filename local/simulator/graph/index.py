"""The rows that queries see: with a lag, those of a snapshot."""

from collections.abc import Iterator

from local.simulator.graph import tables
from local.simulator.graph.tables import Row
from local.simulator.snapshot import Snapshot
from local.simulator.store import Subscription
from local.simulator.wire import Json
from local.simulator.world import World


def follow(world: World) -> None:
    """Rebuilds the snapshot from what exists. Call it after everything, or the lag, was replaced."""
    lag = world.behaviour.graph_lag_seconds
    world.graph = Snapshot(world.clock, lag, _every(world), lambda at: _find(world, at)) if lag else None


def rows_of(world: World, table: str, subscriptions: list[Subscription]) -> Iterator[Row]:
    """The rows of a table as a query sees them now."""
    if world.graph is None:
        yield from tables.rows_of(world, table, subscriptions)
        return
    wanted = {each.id.lower() for each in subscriptions}
    for resource_id, (of, body) in world.graph.items():
        if of == table and resource_id.split("/")[2] in wanted:
            yield Row(body)


def _every(world: World) -> Iterator[tuple[str, tuple[str, Json]]]:
    for table in tables.TABLES:
        for row in tables.rows_of(world, table, world.store.subscriptions.values()):
            yield row.body["id"], (table, tables.frozen(world, row))


def _find(world: World, resource_id: str) -> tuple[str, Json] | None:
    found = tables.find(world, resource_id)
    return (found[0], tables.frozen(world, found[1])) if found else None
