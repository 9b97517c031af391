"""Resource Graph lags: what it knows is an index of its own, which each write reaches some time after it was made."""

from collections.abc import Iterable

from local.simulator import ids
from local.simulator.graph import tables
from local.simulator.graph.tables import Row
from local.simulator.store import Subscription
from local.simulator.world import World


class Index:
    """All rows as they were `lag` service seconds ago. There is one only while there is a lag: it is a copy of all."""

    def __init__(self, world: World, lag: float) -> None:
        self._world = world
        self._lag = lag
        every = world.store.subscriptions.values()
        self._rows: dict[str, dict[str, Row]] = {
            table: {ids.key(row.body["id"]): tables.frozen(world, row) for row in tables.rows_of(world, table, every)}
            for table in tables.TABLES
        }

    def rows_of(self, table: str, subscriptions: Iterable[Subscription]) -> list[Row]:
        wanted = {each.id.lower() for each in subscriptions}
        return [row for resource_id, row in self._rows[table].items() if resource_id.split("/")[2] in wanted]

    def changed(self, path: str) -> None:
        """What has this ID, or what it hangs under, was written: as it is now it is known when the lag is over."""
        at = ids.key(path)
        while at:
            found = tables.find(self._world, at)
            table = found[0] if found else self._known_in(at)
            if table:
                self._learn_later(table, at, tables.frozen(self._world, found[1]) if found else None)
                return
            at = at.rpartition("/")[0]

    def _known_in(self, resource_id: str) -> str | None:
        return next((table for table, rows in self._rows.items() if resource_id in rows), None)

    def _learn_later(self, table: str, resource_id: str, row: Row | None) -> None:
        def learn(_moment: float) -> None:
            if row is None:
                self._rows[table].pop(resource_id, None)
            else:
                self._rows[table][resource_id] = row

        self._world.clock.at(self._world.clock.now() + self._lag, learn)


def follow(world: World) -> None:
    """Rebuilds the index from what exists. Call it after everything, or the lag, was replaced."""
    lag = world.behaviour.graph_lag_seconds
    world.graph = Index(world, lag) if lag else None
    world.store.changed = world.changed
