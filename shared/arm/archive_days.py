"""Sums up the days and months of the archive, and reads what they hold: a report of a year reads twelve files.

The first sweep of a day sums up the days before it. Files are read one by one, so the memory is that of one sweep and
of one row for each VM.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from shared.arm.archive import Archive, ArchiveError
from shared.model.resource_id import ResourceId
from shared.reporting.archive import DAYS, MONTHS, File, Json, Stream, day_name, folder, month_name
from shared.reporting.periods import Periods, VmPeriod
from shared.reporting.rollup import (
    MARGIN,
    change_of,
    drill_of,
    each_once,
    last_of_month,
    month_of,
    seconds_of,
    shows_something,
)

_AT_ONCE = 8
NOT_AS_WRITTEN = (LookupError, TypeError, ValueError, AttributeError)
MALFORMED = (ArchiveError, *NOT_AS_WRITTEN)
"""What is raised by a file that is not as the app has written it: it is said, and stops nothing else."""
_DAY = timedelta(days=1)
_FORGET = 30 * 86400
"""Seconds for which it is remembered since when a VM is protected that no sweep shows any more."""


@dataclass
class Evidence:
    """What the archive holds of the days from `first` to `last`, of which a sweep speaks for `limit` seconds at most.

    `days` are those with a sweep that has read something; `unread` are files that could not be read: what they hold is
    not known. `last_sweep` is the time of the last sweep, or 0, and `last_full` that of the last which has read
    everything: a VM that it does not show is gone. `last_drills` is the last drill of each VM that has passed or
    failed, also of an earlier day, by its lower-cased ID.
    """

    first: date
    last: date
    limit: int
    periods: Periods = field(init=False)
    days: set[date] = field(default_factory=set)
    changes: list[Json] = field(default_factory=list)
    drills: list[Json] = field(default_factory=list)
    last_drills: dict[str, Json] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    last_sweep: int = 0
    last_full: int = 0

    def __post_init__(self) -> None:
        self.periods = Periods(seconds_of(self.first), seconds_of(self.last + _DAY), self.limit)

    @property
    def days_without_data(self) -> list[date]:
        every = (self.first + number * _DAY for number in range((self.last - self.first).days + 1))
        return [day for day in every if day not in self.days]

    def header(self) -> Json:
        """What the header of a day or a month says of it."""
        return {
            "days": [day.isoformat() for day in sorted(self.days)],
            "coveredSeconds": self.periods.covered,
            "speaksForSeconds": self.limit,
            "lastSweep": self.last_sweep,
            "lastFullSweep": self.last_full,
            "changes": self.changes,
            "drills": self.drills,
            "lastDrills": [*self.last_drills.values()],
            "unread": self.unread,
        }

    def merge(self, file: File) -> None:
        """Adds a day or a month that was summed up before. Raises ArchiveError."""
        header = file.header
        try:
            rows = [VmPeriod.load(row) for row in file.rows]
            days = {date.fromisoformat(day) for day in header["days"]}
            last_drills = {drill["vmId"].lower(): drill for drill in header["lastDrills"]}
            lists = [header[name] for name in ("changes", "drills", "unread")]
            covered, last, full = (int(header[name]) for name in ("coveredSeconds", "lastSweep", "lastFullSweep"))
        except MALFORMED as fault:
            raise ArchiveError(f"{header['name']} is not as it was written: {fault!r}") from fault
        self.periods.merge(rows, covered)
        self.days |= days
        self.last_drills |= last_drills
        changes, drills, unread = lists
        self.changes += changes
        self.drills += drills
        self.unread += unread
        self.last_sweep, self.last_full = last or self.last_sweep, full or self.last_full


class _Reader:
    """Reads the archive for one purpose: the names of a month are listed once."""

    def __init__(self, archive: Archive, limit: int) -> None:
        self._archive, self._limit = archive, limit
        self._names: dict[str, list[str]] = {}

    async def names(self, prefix: str) -> list[str]:
        if prefix not in self._names:
            self._names[prefix] = await self._archive.names(prefix)
        return self._names[prefix]

    async def of(self, stream: Stream, day: date) -> list[str]:
        """The files of a stream and a day."""
        return [name for name in await self.names(f"{stream}/{month_of(day)}") if name.startswith(folder(stream, day))]

    async def before(self, day: date) -> Evidence | None:
        """The newest day before that one which is summed up, and can be read."""
        for name in reversed([name for name in await self.names(f"{DAYS}/") if name < day_name(day)]):
            found = Evidence(day_in(name), day_in(name), self._limit)
            if await merged(self._archive, name, found):
                return found
        return None

    async def day(self, day: date, into: Evidence, before: Evidence | None) -> None:
        """Adds a day from its own files. `before` is what is known of the days before it."""
        last, since = (before.last_sweep, before.periods.since) if before else (0, {})
        part = Periods(seconds_of(day), seconds_of(day + _DAY), self._limit, last, since)
        for name in (*await self.of(Stream.SWEEPS, day), *(await self.of(Stream.SWEEPS, day + _DAY))[:1]):
            try:
                file = await self._archive.read(name)
                at = int(datetime.fromisoformat(file.header["readAt"]).timestamp())
                seen = await asyncio.to_thread(part.add, at, file.rows)
            except MALFORMED as fault:
                into.unread.append(f"{name}: {fault}")
                continue
            if at < part.end:
                into.days |= {day} if seen else set()
                into.last_sweep = max(into.last_sweep, at)
                into.last_full = at if seen and not file.header.get("gaps") else into.last_full
        into.periods.merge(part.vms.values(), part.covered)
        drills = await self.happened(day, into)
        shown = {drill["vmId"].lower(): drill for drill in drills if shows_something(drill)}
        into.last_drills = (before.last_drills if before else {}) | shown

    async def happened(self, day: date, into: Evidence) -> list[Json]:
        """Adds the changes and drills of a day from their own files. Returns the drills."""
        into.changes += await self._entries(Stream.RUNS, day, into, change_of)
        drills = await self._entries(Stream.DRILLS, day, into, drill_of)
        into.drills += drills
        return drills

    async def _entries(
        self, stream: Stream, day: date, into: Evidence, make: Callable[[Json], Json | None]
    ) -> list[Json]:
        names, found = await self.of(stream, day), list[Json]()
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            entries = await asyncio.gather(*(self._entry(name, make) for name in some))
            into.unread += [
                f"{name}: {each}" for name, each in zip(some, entries, strict=True) if isinstance(each, Exception)
            ]
            found += [each for each in entries if isinstance(each, dict)]
        return each_once(found)

    async def _entry(self, name: str, make: Callable[[Json], Json | None]) -> Json | Exception | None:
        try:
            entry = make((await self._archive.read(name)).header)
            return entry if entry and ResourceId(entry["vmId"]) else None
        except MALFORMED as fault:
            return fault


def day_in(name: str) -> date:
    """The day in a name, as `days/2026-11-30.jsonl.gz`."""
    return date.fromisoformat(name.split("/")[1][:10])


async def read(archive: Archive, first: date, last: date, limit: int, *, with_rows: bool = True) -> Evidence:
    """What the archive holds of these days: months and days that are summed up, and the files of the others. Without
    rows only the changes and drills, and on which days there was a sweep.

    Raises ArchiveError.
    """
    reader, found, day = _Reader(archive, limit), Evidence(first, last, limit), first
    months, days = await reader.names(f"{MONTHS}/"), await reader.names(f"{DAYS}/")
    while day <= last:
        end = last_of_month(day)
        month = month_name(month_of(day)) if day.day == 1 and end <= last else ""
        if month in months and await merged(archive, month, found, with_rows=with_rows):
            day = end
        elif day_name(day) in days and await merged(archive, day_name(day), found, with_rows=with_rows):
            pass
        elif with_rows:
            await reader.day(day, found, found if found.last_sweep else await reader.before(day))
        else:
            found.days |= {day} if await reader.of(Stream.SWEEPS, day) else set()
            await reader.happened(day, found)
        day += _DAY
    return found


async def merged(archive: Archive, name: str, into: Evidence, *, with_rows: bool = True) -> bool:
    """Whether what is summed up could be added. If not, what it sums up still holds all."""
    try:
        into.merge(await archive.read(name, with_rows=with_rows))
    except ArchiveError as fault:
        into.unread.append(str(fault))
        return False
    return True


async def seal(archive: Archive, now: datetime, limit: int) -> None:
    """Sums up each day before that of `now`, and each month before its month, unless that is done. Raises
    ArchiveError."""
    today = (now.astimezone(UTC) - MARGIN).date()
    sealed = await archive.names(f"{DAYS}/")
    newest = day_in(sealed[-1]) if sealed else None
    if newest == today - _DAY:
        return
    reader = _Reader(archive, limit)
    months = {month_of(newest + _DAY * each) for each in range((today - newest).days + 1)} if newest else {""}
    names = [name for stream in Stream for month in months for name in await reader.names(f"{stream}/{month}")]
    for day in sorted({day_in(name) for name in names}):
        if (newest is None or day > newest) and day < today:
            await _seal_day(archive, day, newest, limit)
            newest = day
    await _seal_months(archive, today, limit)


async def _seal_day(archive: Archive, day: date, newest: date | None, limit: int) -> None:
    reader, found = _Reader(archive, limit), Evidence(day, day, limit)
    before = await reader.before(day)
    await reader.day(day, found, before)
    for key, vm in before.periods.vms.items() if before else ():
        if vm.protected_since and key not in found.periods.vms and seconds_of(day) - vm.last < _FORGET:
            found.periods.vms[key] = VmPeriod(vm.vm, last=vm.last, protected_since=vm.protected_since)
    chains = {
        stream: {"count": len(names), "last": (await archive.link(names[-1])).dump()}
        for stream in Stream
        if (names := await reader.of(stream, day))
    }
    previous = await archive.link(day_name(newest)) if newest else None
    body = {"day": day.isoformat(), "chains": chains, **found.header()}
    await archive.write(day_name(day), body, previous, found.periods.rows)


async def _seal_months(archive: Archive, today: date, limit: int) -> None:
    done = await archive.names(f"{MONTHS}/")
    for month in sorted({month_of(day_in(name)) for name in await archive.names(f"{DAYS}/")}):
        if month_name(month) in done or month >= month_of(today):
            continue
        first = date.fromisoformat(f"{month}-01")
        found = await read(archive, first, last_of_month(first), limit)
        previous = await archive.link(done[-1]) if done else None
        await archive.write(month_name(month), {"month": month, **found.header()}, previous, found.periods.rows)
        done.append(month_name(month))


async def protected_since(archive: Archive, limit: int) -> Mapping[ResourceId, datetime]:
    """Since when each VM has been protected, as the newest day says that is summed up; empty without one, or without an
    archive. Raises ArchiveError."""
    days = await archive.names(f"{DAYS}/")
    found = Evidence(day_in(days[-1]), day_in(days[-1]), limit) if days else None
    if found is None:
        return {}
    found.merge(await archive.read(days[-1]))
    vms = (vm for vm in found.periods.vms.values() if vm.protected_since)
    return {ResourceId(vm.vm): datetime.fromtimestamp(vm.protected_since, UTC) for vm in vms}
