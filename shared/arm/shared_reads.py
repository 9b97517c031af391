"""Reads that wait at the same time share a call: a list in place of many GETs.

A `Loader` is for single resources of one type: each answer was asked for after its reader began to wait, or needs it
(`needed_since`). It gathers the readers for a moment that grows with their number, and none where no one else reads.
`ListedType` says how a list shows what a GET shows.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, TypeVar

from shared.arm.errors import MalformedResponseError
from shared.arm.fields import Json
from shared.arm.rate_limit import is_low_priority, low_priority
from shared.arm.ttl_cache import serves_reader
from shared.config.intervals import GATHERING, LONGEST_GATHERING
from shared.model.resource_id import ResourceId, folded

log = logging.getLogger("dr.shared_reads")

T = TypeVar("T")

_others: ContextVar[int] = ContextVar("others_that_read", default=0)


@contextmanager
def among(others: int) -> Iterator[None]:
    """Within, so many others may read at the same time: they are waited for, even if none of them has begun."""
    token = _others.set(others)
    try:
        yield
    finally:
        _others.reset(token)


_FEWEST = 2
"""The fewest reads that a list may replace. Two lists cost as many calls as two reads, but serve who is due later."""


def _same(rows: Sequence[Json]) -> Json | None:
    return rows[0]


@dataclass(frozen=True)
class ListedType:
    """A type of resources, read by GETs with `query`. A list of their subscription for each of `lists`, which are
    queries, shows the same: `join` makes the body of the GET of one row of each, or None if the rows lack a part."""

    type: str
    api_version: str
    query: Mapping[str, str] = field(default_factory=dict)
    lists: tuple[Mapping[str, str], ...] = ({},)
    join: Callable[[Sequence[Json]], Json | None] = _same

    def path(self, subscription: str) -> str:
        return f"/subscriptions/{subscription}/providers/{self.type}"


@dataclass(eq=False)
class _Batch:
    """The reads of some resources, by key, that one list of each kind may answer; `asked_at` is a monotonic time."""

    rows: "asyncio.Task[dict[str, Json]]" = field(init=False)
    keys: set[str] = field(default_factory=set)
    low_priority: bool = True
    asked_at: float = field(init=False)

    def is_for(self, *, low_priority: bool) -> bool:
        """Whether a reader that has not joined the batch may use it: one of normal priority does not wait for a list of
        low priority."""
        return serves_reader(self.asked_at) and (self.rows.done() or low_priority or not self.low_priority)


class Loader:
    """Reads resources of one type in one subscription; `get` reads a single one, `pages` the list with a query.

    A list that named fewer resources than it cost calls is not tried again for less than twice as many readers,
    for `ttl` seconds: the subscription is large, or the app may not list it. The first page of the last list is kept
    for `longest_turn` seconds: it shows what those need who have waited for their turn since before.
    """

    def __init__(
        self,
        get: Callable[[ResourceId], Coroutine[Any, Any, Json]],
        pages: Callable[..., AsyncGenerator[list[Any], None]],
        listed: ListedType,
        ttl: float,
        longest_turn: float,
    ) -> None:
        self._listed = listed
        self._get = get
        self._pages = pages
        self._ttl = ttl
        self._longest_turn = longest_turn
        self._batch: _Batch | None = None
        self._last: _Batch | None = None
        self._lists: set[asyncio.Task[dict[str, Json]]] = set()
        self._begun: deque[float] = deque(maxlen=round(LONGEST_GATHERING / GATHERING))
        self._fewest = _FEWEST
        self._fewest_until = 0.0

    async def read(self, resource: ResourceId, parse: Callable[[Json], T]) -> T:
        """The resource, as a GET shows it at this time or later. Raises what the GET raises, and MalformedResponseError
        of `parse`. What no list names, or shows in another form, is read by its GET: that alone proves its absence."""
        row = None
        if self._last and self._last.is_for(low_priority=is_low_priority()):
            row = (await asyncio.shield(self._last.rows)).get(resource.key)
        if row is None:
            row = await self._gathered(resource.key)
        if row is not None:
            with suppress(MalformedResponseError):
                return parse(row)
        return parse(await self._get(resource))

    async def _gathered(self, key: str) -> Json | None:
        batch = self._batch or self._open()
        self._begun.append(monotonic())
        batch.keys.add(key)
        batch.low_priority &= is_low_priority()
        # The cancellation of one reader must not cancel the list of the others.
        return (await asyncio.shield(batch.rows)).get(key)

    def _open(self) -> _Batch:
        now = monotonic()
        others = max(sum(1 for each in self._begun if now - each < 1), _others.get())
        self._batch = batch = _Batch()
        batch.rows = asyncio.create_task(self._rows(batch, min(others * GATHERING, LONGEST_GATHERING)))
        # The event loop alone does not keep a task.
        self._lists.add(batch.rows)
        batch.rows.add_done_callback(self._lists.discard)
        return batch

    async def _rows(self, batch: _Batch, wait: float) -> dict[str, Json]:
        """What the lists show of the batch, which is closed by then."""
        await asyncio.sleep(wait)
        self._batch = None
        now, count = monotonic(), len(batch.keys)
        if count < (self._fewest if now < self._fewest_until else _FEWEST):
            return {}
        lists, self._last, batch.asked_at = self._listed.lists, batch, now
        asyncio.get_running_loop().call_later(self._longest_turn, self._forget, batch)
        with low_priority(batch.low_priority):
            most = count // (2 * len(lists))
            shown = await asyncio.gather(*(self._list(query, batch.keys, most) for query in lists))
        found: dict[str, Json] = {}
        for key in set[str]().union(*(rows for rows, _ in shown)):
            rows = [each[key] for each, _ in shown if key in each]
            with suppress(Exception):
                body = self._listed.join(rows) if len(rows) == len(lists) else None
                if body is not None:
                    found[key] = body
        if len(found.keys() & batch.keys) < sum(calls for _, calls in shown):
            self._fewest, self._fewest_until = 2 * count, now + self._ttl
        return found

    def _forget(self, batch: _Batch) -> None:
        if self._last is batch:
            self._last = None

    async def _list(self, query: Mapping[str, str], keys: set[str], most: int) -> tuple[dict[str, Json], int]:
        """The rows of the batch in at most that many pages of a list, all of the first, and how many were read."""
        rows: dict[str, Json] = {}
        calls = 0
        try:
            async with aclosing(self._pages(**query)) as pages:
                async for page in pages:
                    calls += 1
                    rows |= {key: row for row in page if (key := _key(row)) in keys or calls == 1}
                    if calls >= most or keys <= rows.keys():
                        break
        except Exception as fault:
            # Each reader meets it again by its own GET, if it concerns that.
            log.info("The list of %s broke off: %s", self._listed.type, fault)
            calls += 1
        return rows, calls


def _key(row: Any) -> str:
    given = row.get("id") if isinstance(row, dict) else None
    return folded(given.rstrip("/")) if isinstance(given, str) else ""
