"""GET of what happened to one VM: from the archive, and Site Recovery's own jobs."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import azure.functions as func

from shared.arm.archive import Archive, ArchiveError
from shared.arm.archive_days import Evidence, day_in, read
from shared.arm.archive_rpo import RpoHistory, RpoPoint, rpo_history
from shared.arm.client import Azure
from shared.config.intervals import SPEAKS_FOR
from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.resource_id import ResourceId
from shared.reporting.archive import DAYS
from shared.reporting.rollup import last_of_month, month_of
from shared.site_recovery.vault import vaults_of
from triggers.estate_views import JobView, vm_of_job
from triggers.jobs import views_of
from triggers.operations import ON_READ, describe, query
from triggers.problems import Problem
from triggers.requests import path_of, query_of, translate_azure_errors, vm_of
from triggers.views import View

MONTH = r"\d{4}-(0[1-9]|1[0-2])"
_DAY = timedelta(days=1)


class EntryKind(StrEnum):
    """The end of a run that changed something or that somebody asked for, of a drill, or a job of Site Recovery."""

    RUN = "run"
    DRILL = "drill"
    JOB = "job"


class TimelineEntry(Model):
    """What ended at `at`; a job that has not, began then. `outcome` is that of the run or the drill, or the state of
    the job, whose `name` and `title` are Site Recovery's. `disabling` is whether the run disabled the replication,
    `askedBy` who requested it; `error` is a code or a text."""

    at: datetime
    kind: EntryKind
    outcome: str
    name: str = ""
    title: str = ""
    error: str = ""
    disabling: bool = False
    rto_seconds: int | None = None
    asked_by: tuple[Caller, ...] = ()

    @classmethod
    def of_job(cls, job: JobView) -> Self | None:
        at = job.ended or job.started
        error = f"{job.error}" if job.error else ""
        about = {"name": job.name, "title": job.title, "error": error}
        return cls(at=at, kind=EntryKind.JOB, outcome=job.state, **about) if at else None


class TimelineView(View):
    """A month of the VM, newest first; `rpo` is its RPO in that month, oldest first. `since` is the first day that is
    archived, if any; `gaps` are days of which nothing is, and what could not be read. `nextLink` is the month before,
    as a relative reference, if it is archived."""

    vm_id: ResourceId
    month: str
    since: date | None
    gaps: tuple[str, ...]
    value: tuple[TimelineEntry, ...]
    rpo: tuple[RpoPoint, ...]
    next_link: str | None


class _Archived(NamedTuple):
    since: date | None
    found: Evidence | None = None
    rpo: RpoHistory = RpoHistory()


def read_month(text: str) -> date:
    """The first day of a month that has begun. Raises ValueError."""
    if not re.fullmatch(MONTH, text) or not "0001" <= text <= f"{datetime.now(UTC):%Y-%m}":
        raise ValueError("a month (UTC) that has begun, as 2026-11")
    return date.fromisoformat(f"{text}-01")


@describe(
    "What happened to the VM in a month (UTC), and who asked for it: runs, drills, jobs of Site Recovery; and its RPO",
    TimelineView,
    "The timeline",
    {
        **{status: about for status, about in ON_READ.items() if status is not HTTPStatus.NOT_FOUND},
        HTTPStatus.NOT_FOUND: "OutOfScope, for a VM that this app does not manage",
        HTTPStatus.SERVICE_UNAVAILABLE: "Throttled, or Azure's own code: retry later; or ArchiveNotReadable",
    },
    query=lambda _: [query("month", "The present one by default, as 2026-11.", pattern=f"^{MONTH}$")],
)
async def get_timeline(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """Whether the VM exists or not. The list of jobs holds only the name of the VM: the jobs of another one of that
    name are here, too. Raises Problem."""
    vm, today = vm_of(azure.settings, request), datetime.now(UTC).date()
    first = query_of(request, {"month": read_month}).get("month", today.replace(day=1))
    last = min(last_of_month(first), today)
    try:
        archived = await _archived(azure, vm, first, last)
    except ArchiveError as fault:
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "ArchiveNotReadable", f"{fault}.", retry_after=30) from None
    jobs = [(vault, job) for vault in vaults_of(azure) for job in await translate_azure_errors(vault.jobs.get())]
    ours = [
        (vault, job)
        for vault, job in jobs
        if vm_of_job(job).lower() == vm.name.lower() and job.started and first <= _day_of(job.started) <= last
    ]
    of_archive = list(_entries(archived.found, vm)) if archived.found else []
    entries = [*map(TimelineEntry.of_job, await views_of(ours)), *of_archive]
    before = month_of(first - _DAY) if archived.since and archived.since < first else None
    return TimelineView(
        vm_id=vm,
        month=month_of(first),
        since=archived.since,
        gaps=tuple(_gaps(azure.archive, archived, of_archive.count(None))),
        rpo=archived.rpo.points,
        value=tuple(sorted((entry for entry in entries if entry), key=lambda entry: entry.at, reverse=True)),
        next_link=f"{path_of(request)}?{urlencode({'month': before})}" if before else None,
    ).response()


async def _archived(azure: Azure, vm: ResourceId, first: date, last: date) -> _Archived:
    """What the archive holds of these days, from its first day on. Raises ArchiveError."""
    archive = azure.archive
    if not archive:
        return _Archived(None)
    days = await archive.names(f"{DAYS}/")
    since = day_in(days[0]) if days else datetime.now(UTC).date()
    begun = max(first, since)
    if begun > last:
        return _Archived(since)
    found = await read(archive, begun, last, 0, with_rows=False)
    limit = int(SPEAKS_FOR * azure.settings.poll_seconds)
    return _Archived(since, found, await rpo_history(archive, vm, begun, last, limit))


def _entries(found: Evidence, vm: ResourceId) -> Iterator[TimelineEntry | None]:
    """None for one that is not as it was written."""
    runs = ({**change, "kind": EntryKind.RUN} for change in found.changes if _is_about(change, vm))
    drills = (
        {**drill, "name": drill.get("drill"), "at": drill.get("endedAt"), "outcome": drill.get("result")}
        for drill in found.drills
        if _is_about(drill, vm)
    )
    for entry in (*runs, *({**drill, "kind": EntryKind.DRILL} for drill in drills)):
        try:
            yield TimelineEntry.load({name: value for name, value in entry.items() if value is not None})
        except ValueError:
            yield None


def _day_of(time: datetime) -> date:
    return time.astimezone(UTC).date()


def _is_about(entry: Mapping[str, Any], vm: ResourceId) -> bool:
    return str(entry.get("vmId")).lower() == vm.key


def _gaps(archive: Archive, archived: _Archived, unread: int) -> Iterator[str]:
    if not archive:
        yield "DR_ARCHIVE is not set: only jobs of Site Recovery are shown, as long as it keeps them."
    elif archived.found:
        yield from (f"{day.isoformat()}: no sweep is archived." for day in archived.found.days_without_data)
        yield from (f"Not read: {each}" for each in dict.fromkeys((*archived.found.unread, *archived.rpo.unread)))
        if unread:
            yield f"Not read: {unread} entries, which are not as this version of the app writes them."
