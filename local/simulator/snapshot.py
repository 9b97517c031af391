"""The content of a list that lags: a copy of what exists, which each write reaches after the lag."""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from local.simulator import ids
from local.simulator.clock import Clock

T = TypeVar("T")


class Snapshot(Generic[T]):
    """Values by resource ID as they were `lag` service seconds ago.

    `find` returns what has an ID now, or None. Values must not change once they are in the snapshot.
    """

    def __init__(
        self, clock: Clock, lag: float, everything: Iterable[tuple[str, T]], find: Callable[[str], T | None]
    ) -> None:
        self._clock = clock
        self._lag = lag
        self._find = find
        self._values = {ids.key(resource_id): value for resource_id, value in everything}

    def items(self) -> Iterator[tuple[str, T]]:
        """Each ID, in lower case, with its value."""
        return iter(self._values.items())

    def changed(self, path: str) -> None:
        """Records a write at this ID, or of the resource above it: the snapshot shows it after the lag."""
        at = ids.key(path)
        while at:
            found = self._find(at)
            if found is not None or at in self._values:
                self._learn_later(at, found)
                return
            at = at.rpartition("/")[0]

    def _learn_later(self, resource_id: str, value: T | None) -> None:
        def learn(_moment: float) -> None:
            if value is None:
                self._values.pop(resource_id, None)
            else:
                self._values[resource_id] = value

        self._clock.at(self._clock.now() + self._lag, learn)
