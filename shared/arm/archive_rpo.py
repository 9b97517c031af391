"""The RPO of one VM over time, from the archive: a point for each day that is summed up, else for each sweep."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from shared.arm.archive import Archive, ArchiveError
from shared.arm.archive_days import MALFORMED
from shared.model.base import Model
from shared.model.decision import State
from shared.model.resource_id import ResourceId
from shared.reporting.archive import DAYS, Stream, day_name, folder
from shared.reporting.periods import VmPeriod
from shared.reporting.report import rpo_in
from shared.reporting.rollup import month_of, seconds_of

_AT_ONCE = 8
_DAY = timedelta(days=1)
_NOON = 12 * 3600


class RpoPoint(Model):
    """The RPO at a time, in seconds. Of a day that is summed up `at` is its noon, `seconds` the RPO in half of its time
    at most, and `worstSeconds` its worst. Both are null where it is not known: a gap."""

    at: datetime
    seconds: int | None = None
    worst_seconds: int | None = None


class RpoHistory(NamedTuple):
    """In the order of time; `unread` are the files that could not be read."""

    points: tuple[RpoPoint, ...] = ()
    unread: tuple[str, ...] = ()


async def rpo_history(archive: Archive, vm: ResourceId, first: date, last: date, limit: int) -> RpoHistory:
    """Of these days. A sweep speaks for `limit` seconds at most: what is longer is a gap. Raises ArchiveError."""
    days, months = await archive.names(f"{DAYS}/"), {month_of(first), month_of(last)}
    sweeps = [name for month in sorted(months) for name in await archive.names(f"{Stream.SWEEPS}/{month}")]
    names: list[str] = []
    points: list[RpoPoint] = []
    for day in (first + number * _DAY for number in range((last - first).days + 1)):
        of_day = [name for name in sweeps if name.startswith(folder(Stream.SWEEPS, day))]
        names += [day_name(day)] if day_name(day) in days else of_day
        points += [] if of_day else [_at(seconds_of(day) + _NOON)]
    found: list[tuple[str, RpoPoint | ArchiveError]] = []
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        found += zip(some, await asyncio.gather(*(_point(archive, name, vm) for name in some)), strict=True)
    of_days = [point for name, point in found if name.startswith(DAYS) and isinstance(point, RpoPoint)]
    of_sweeps = [point for name, point in found if not name.startswith(DAYS) and isinstance(point, RpoPoint)]
    points += [*of_days, *_with_gaps(sorted(of_sweeps, key=_time), limit)]
    unread = (str(fault) for _, fault in found if isinstance(fault, ArchiveError))
    return RpoHistory(tuple(sorted(points, key=_time)), tuple(unread))


async def _point(archive: Archive, name: str, vm: ResourceId) -> RpoPoint | ArchiveError:
    """What a file says, or why it could not be read."""
    try:
        header, rows = await archive.read(name, of=vm.key)
        row = rows[0] if rows else None
        if name.startswith(DAYS):
            at = seconds_of(date.fromisoformat(name.split("/")[1][:10])) + _NOON
            rpo = rpo_in(VmPeriod.load(row)) if row else None
            if rpo is None or rpo.p50_minutes is None or rpo.worst_seconds is None:
                return _at(at)
            return _at(at, min(60 * rpo.p50_minutes, rpo.worst_seconds), rpo.worst_seconds)
        at = int(datetime.fromisoformat(header["readAt"]).timestamp())
        known = row is not None and len(row) > 4 and row[1] != State.UNKNOWN
        return _at(at, row[4], row[4]) if row and known else _at(at)
    except MALFORMED as fault:
        return fault if isinstance(fault, ArchiveError) else ArchiveError(f"{name}: {fault!r}")


def _with_gaps(sweeps: Sequence[RpoPoint], limit: int) -> Iterator[RpoPoint]:
    """With a point without a value before each sweep that does not speak for all the time since the one before."""
    last = sweeps[0].at.replace(hour=0, minute=0, second=0) if sweeps else None
    for sweep in sweeps:
        begun = sweep.at - timedelta(seconds=limit)
        if last and last < begun:
            yield RpoPoint(at=begun)
        last = sweep.at
        yield sweep


def _time(point: RpoPoint) -> datetime:
    return point.at


def _at(at: int, seconds: int | None = None, worst: int | None = None) -> RpoPoint:
    return RpoPoint(at=datetime.fromtimestamp(at, UTC), seconds=seconds, worst_seconds=worst)
