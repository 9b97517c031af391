"""GET of the report: how well each VM was protected in a period, as the archive shows it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any

import azure.functions as func

from shared.arm.archive import ArchiveError
from shared.arm.archive_days import Evidence, read
from shared.arm.client import Azure
from shared.config.intervals import SPEAKS_FOR
from shared.config.settings import Settings
from shared.model.resource_id import ResourceId, folded
from shared.model.values import one_of
from shared.observe.inventory import compliance_report
from shared.planning.overrides import tag_names
from shared.reporting.periods import VmPeriod
from shared.reporting.report import ReportSummary, VmReport, by_vm, report_of, summary_of
from shared.reporting.report_page import callers_text, drill_text, durations_text, report_page
from shared.reporting.rollup import rows_of, seconds_of
from triggers import names
from triggers.compliance import has_tag, read_tag
from triggers.estate_csv import csv_file
from triggers.formats import CSV, FORMAT, HTML, JSON, format_of
from triggers.names import read_group
from triggers.operations import Json, describe, query, reference
from triggers.paging import ON_LIST, PAGE_PARAMETERS, PAGING, page_of
from triggers.problems import FieldError, Problem
from triggers.requests import query_of, translate_azure_errors
from triggers.views import View

FROM, TO = "from", "to"
_DAYS, _MOST_DAYS = 30, 3660
_FORMATS = (JSON, CSV, HTML)

_NO_ARCHIVE = (
    "There is no archive (DR_ARCHIVE is empty): this is what is known now, of a single moment. Nothing is known of the "
    "time before, of drills and of who asked for changes."
)

COLUMNS = (
    *("vmId", "subscription", "resourceGroup", "name", "state", "protectedSince", "totalSeconds", "compliantSeconds"),
    *("notCompliantSeconds", "unknownSeconds", "compliantShare", "rpoP50Minutes", "rpoWorstSeconds"),
    *("rpoOverLimitSeconds", "policy", "lastDrill", "lastDrillAt", "lastDrillRtoSeconds", "exceptions", "findings"),
    *("changes", "lastChange", "lastChangeAskedBy", "from", "to", "daysWithoutData"),
)


class ReportView(View):
    """The report of the days `first` to `last`, both included, in UTC.

    `notes` say what is special about it: without an archive, that it shows the present only. `daysWithoutData` are days
    of which no sweep is archived, `coveredShare` the share of the time for which sweeps speak, `unread` what could not
    be read. `summary` is of all VMs that match the filters; `nextLink` is the next page, as a relative reference, if
    there is one.
    """

    first: date
    last: date
    archive: bool
    notes: tuple[str, ...]
    days_without_data: tuple[date, ...]
    covered_share: float | None
    unread: tuple[str, ...]
    summary: ReportSummary
    value: tuple[VmReport, ...]
    next_link: str | None


def _parameters(settings: Settings) -> list[Json]:
    day = {"format": "date", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"}
    own = settings.tag_name
    return [
        query(FROM, f"The first day, in UTC; by default {_DAYS - 1} days before the last.", **day),
        query(TO, "The last day; by default today.", **day),
        query("resourceGroup", "Its resource group.", pattern=f"^{names.GROUP}$"),
        query("tag", f"A tag of the app's own, last seen: <name> or <name>=<value>, as {own}-profile=gold."),
        query(FORMAT, "As Accept: text/csv or text/html. A file holds every row: it takes no page.", enum=[*_FORMATS]),
        *PAGE_PARAMETERS,
    ]


@describe(
    "How well each VM was protected in a period: time compliant, RPO, drills, exceptions, changes and who asked",
    ReportView,
    "The report",
    {
        **ON_LIST,
        HTTPStatus.SERVICE_UNAVAILABLE: "ArchiveNotReadable, Throttled, or Azure's own code: retry later",
    },
    query=_parameters,
    more={
        "content": {
            "application/json": {"schema": reference(ReportView)},
            "text/csv": {"schema": {"type": "string"}},
            "text/html": {"schema": {"type": "string"}},
        },
        "headers": {
            "Content-Disposition": {"description": "With CSV: the name of the file", "schema": {"type": "string"}}
        },
    },
)
async def get_report(azure: Azure, request: func.HttpRequest) -> func.HttpResponse:
    """The report, from the months and days that the archive has summed up; without an archive what is known now.

    Raises Problem.
    """
    given, now = query_of(request, _readers(azure.settings)), datetime.now(UTC)
    shape = format_of(request, given, _FORMATS)
    first, last = _period(given, now.date())
    limit = int(SPEAKS_FOR * azure.settings.poll_seconds)
    found = await _evidence(azure, first, last, limit)
    until = min(seconds_of(found.last + timedelta(days=1)), int(now.timestamp()))
    covered = found.periods.covered / max(1, until - seconds_of(found.first)) if azure.archive else None
    notes = () if azure.archive else (_NO_ARCHIVE,)
    changes = by_vm(found.changes)
    for key, (change, *_) in changes.items():
        # No sweep has seen it yet, or ever: it was there between two of them.
        found.periods.vms.setdefault(key, VmPeriod(change["vmId"]))
    chosen = [vm for key, vm in found.periods.vms.items() if (vm.first or key in changes) and _matches(vm, given)]
    summary = summary_of(chosen, changes, found.last_drills, found.last_full, until)

    def report(vm: VmPeriod) -> VmReport:
        key = vm.vm.lower()
        return report_of(vm, changes.get(key, ()), found.last_drills.get(key), found.last_full, until)

    if shape == JSON:
        page = page_of(request, given, ((vm.vm.lower(), vm) for vm in chosen))
        return ReportView(
            first=found.first,
            last=found.last,
            archive=bool(azure.archive),
            notes=notes,
            days_without_data=tuple(found.days_without_data),
            covered_share=None if covered is None else round(covered, 6),
            unread=tuple(found.unread),
            summary=summary,
            value=tuple(map(report, page.rows)),
            next_link=page.next_link,
        ).response()
    every = [report(vm) for vm in sorted(chosen, key=lambda vm: vm.vm.lower())]
    if shape == CSV:
        return csv_file("report.csv", COLUMNS, (_row(vm, found) for vm in every))
    notes = (*notes, *(f"This file of the archive could not be read: {line}" for line in found.unread))
    days = found.days_without_data
    text = report_page(found.first, found.last, now, notes, covered, days, summary, every, limit=limit)
    return func.HttpResponse(text, mimetype="text/html", charset="utf-8")


async def _evidence(azure: Azure, first: date, last: date, limit: int) -> Evidence:
    if azure.archive:
        try:
            return await read(azure.archive, first, last, limit)
        except ArchiveError as fault:
            detail = f"The archive cannot be read: {fault}."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "ArchiveNotReadable", detail, retry_after=30) from None
    present = await translate_azure_errors(compliance_report(azure))
    today = present.read_at.date()
    found = Evidence(today, today, limit)
    found.last_full = int(present.read_at.timestamp())
    found.periods.add(found.last_full, rows_of(present, azure.settings))
    found.unread.extend(present.gaps)
    return found


def _readers(settings: Settings) -> dict[str, Callable[[str], Any]]:
    return {
        FROM: _read_day,
        TO: _read_day,
        "resourceGroup": read_group,
        "tag": lambda text: read_tag(text, tag_names(settings)),
        FORMAT: one_of(*_FORMATS),
        **PAGING,
    }


def _read_day(text: str) -> date:
    """Raises ValueError."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("a day, in UTC, as 2026-11-30")


def _period(given: dict[str, Any], today: date) -> tuple[date, date]:
    """The first and the last day, of which none is in the future. Raises Problem."""
    last = min(given.get(TO, today), today)
    first = given.get(FROM, last - timedelta(days=_DAYS - 1))
    if last - timedelta(days=_MOST_DAYS) < first <= last:
        return first, last
    allowed = f"a day from {last - timedelta(days=_MOST_DAYS - 1)} to {last}, the last day of the report"
    error = FieldError(field=FROM, given=str(first), allowed=allowed)
    raise Problem(HTTPStatus.BAD_REQUEST, "InvalidQuery", f"{FROM} is {first}: {allowed}.", errors=(error,))


def _matches(vm: VmPeriod, given: dict[str, Any]) -> bool:
    group, tag = given.get("resourceGroup"), given.get("tag")
    in_group = group is None or folded(ResourceId(vm.vm).resource_group) == folded(group)
    return in_group and (tag is None or has_tag(vm.tags, *tag))


def _row(vm: VmReport, found: Evidence) -> tuple[object, ...]:
    seconds, rpo, drill = vm.seconds, vm.rpo, vm.last_drill
    change = vm.changes[-1] if vm.changes else None
    return (
        *(vm.vm_id, vm.vm_id.subscription, vm.vm_id.resource_group, vm.vm_id.name, vm.state),
        vm.protected_since and vm.protected_since.isoformat(),
        *(seconds.total, seconds.compliant, seconds.not_compliant, seconds.unknown, vm.compliant_share),
        *(rpo.p50_minutes, rpo.worst_seconds, rpo.over_limit_seconds, vm.policy),
        *((drill.result, drill.ended_at, drill.rto_seconds) if drill else (drill_text(None), None, None)),
        *(durations_text(vm.exceptions), durations_text(vm.findings)),
        len(vm.changes) + vm.changes_left_out,
        f"{change.outcome} {change.at.isoformat()}" if change else None,
        callers_text(change.asked_by) if change else None,
        *(found.first, found.last, len(found.days_without_data)),
    )
