"""The archive of this deployment, in DR_ARCHIVE: what was found and done, for auditors and for the report.

It decides nothing, and nothing waits for it: what cannot be written is logged as `ArchiveNotWritable`, for an alert.
"""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import UTC, date, datetime

from shared.arm.origin_store import OriginStoreError, Store
from shared.model.step_result import Error, Pending, Ready, StepResult
from shared.reporting.archive import (
    DAYS,
    File,
    Json,
    Link,
    Rows,
    Stream,
    decode,
    encode,
    folder,
    is_name,
    name_of,
    number_of,
)

log = logging.getLogger("dr.archive")

LATEST = "-latest"
"""What is added to DR_ARCHIVE for the container of what is overwritten, which an immutable one does not permit."""

NOT_WRITABLE = "ArchiveNotWritable"
"""The code, and the first word of the log line that an alert is about."""

_MOST_ATTEMPTS = 200
"""The most files of other hosts between two of this one. Each is read: its hash goes into the next."""

_REMEMBERED = 1000


class ArchiveError(Exception):
    """The archive cannot be read or written."""


def not_writable(what: str, fault: ArchiveError) -> None:
    """Writes the line that an alert is about."""
    log.error("%s: %s not kept: %s", NOT_WRITABLE, what, fault)


class Archive:
    """All processes of a deployment share it. Without a store there is no archive: nothing is kept, and nothing read.

    `latest` is the store of what is overwritten. All methods but `keep` raise ArchiveError.
    """

    def __init__(self, store: Store | None = None, latest: Store | None = None) -> None:
        self._store = store
        self._latest = latest
        self._tails: dict[str, tuple[int, Link | None]] = {}
        self._locks: defaultdict[Stream, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._kept: deque[str] = deque(maxlen=_REMEMBERED)

    def __bool__(self) -> bool:
        return self._store is not None

    async def keep(
        self,
        stream: Stream,
        body: Json,
        rows: Rows = tuple,
        *,
        retry_after: float,
        key: str = "",
        day: date | None = None,
    ) -> StepResult:
        """Ready once the document is in the archive, or there is none; else Pending, and the failure is logged.

        With a `key` a document that this process has kept already is not written again.
        """
        if key and key in self._kept:
            return Ready()
        try:
            await self.append(stream, body, rows, day=day)
        except ArchiveError as fault:
            not_writable(stream, fault)
            return Pending(retry_after=retry_after, error=Error(code=NOT_WRITABLE, message=f"{fault}."))
        if key:
            self._kept.append(key)
        return Ready()

    async def append(self, stream: Stream, body: Json, rows: Rows = tuple, *, day: date | None = None) -> str:
        """Writes the next file of a stream, of today unless a `day` is given. Returns its name, or "" without an
        archive."""
        if self._store is None:
            return ""
        where = day or datetime.now(UTC).date()
        async with self._locks[stream]:
            number, previous = await self._tail(stream, where)
            for _ in range(_MOST_ATTEMPTS):
                number += 1
                name = name_of(stream, where, number)
                text = await asyncio.to_thread(encode, name, body, previous, rows)
                written = await self._write(name, text)
                # Of an attempt whose response was lost, the next one finds its own file.
                found = text if written else await self._text(name)
                previous = Link.to(name, found)
                self._tails[folder(stream, where)] = number, previous
                if found == text:
                    return name
        raise ArchiveError(f"{name} is taken, as are the {_MOST_ATTEMPTS} before it")

    async def write(self, name: str, body: Json, previous: Link | None, rows: Rows) -> None:
        """Writes a file that is in no stream, unless it is there already."""
        await self._write(name, await asyncio.to_thread(encode, name, body, previous, rows))

    async def overwrite(self, name: str, pieces: Iterable[str]) -> None:
        """Writes what is not kept, as what is there now replaces it: the text that the pieces make."""
        try:
            if self._latest:
                await self._latest.replace(name, pieces)
        except OriginStoreError as fault:
            raise ArchiveError(str(fault)) from fault

    async def read(self, name: str, *, with_rows: bool = True, of: str = "") -> File:
        """A file that is there, its header alone, or with the rows `of` one VM, by its lower-cased ID."""
        text = await self._text(name)
        try:
            return await asyncio.to_thread(decode, name, text, with_rows=with_rows, of=of)
        except ValueError as fault:
            raise ArchiveError(str(fault)) from fault

    async def link(self, name: str) -> Link:
        """The hash of a file that is there."""
        return Link.to(name, await self._text(name))

    async def names(self, prefix: str) -> list[str]:
        """The names of its files that begin so, in order; none without an archive."""
        try:
            return sorted(filter(is_name, await self._store.names(prefix))) if self._store else []
        except OriginStoreError as fault:
            raise ArchiveError(str(fault)) from fault

    async def _tail(self, stream: Stream, day: date) -> tuple[int, Link | None]:
        """The number of the last file of a stream on that day, and what the next has to hold the hash of."""
        where = folder(stream, day)
        if where not in self._tails:
            last = (await self.names(where) or await self.names(f"{DAYS}/"))[-1:]
            link = Link.to(last[0], await self._text(last[0])) if last else None
            self._tails[where] = number_of(last[0]) if last and last[0].startswith(where) else 0, link
        return self._tails[where]

    async def _text(self, name: str) -> bytes:
        try:
            text = await self._store.read(name) if self._store else None
        except OriginStoreError as fault:
            raise ArchiveError(str(fault)) from fault
        if text is None:
            raise ArchiveError(f"{name} is not in the archive")
        return text

    async def _write(self, name: str, text: bytes) -> bool:
        try:
            return await self._store.write(name, text, new=True) if self._store else False
        except OriginStoreError as fault:
            raise ArchiveError(str(fault)) from fault
