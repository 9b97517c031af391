"""The bodies of the archive's files, and what a day or a month keeps of those it sums up. Pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.config.settings import Settings
from shared.model.caller import CallerKind
from shared.reconcile.inventory import ComplianceReport
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import SweepReport
from shared.reporting.archive import Json
from shared.reporting.drill_record import RecordedResult
from shared.reporting.periods import Row, row_of

MARGIN = timedelta(minutes=10)
"""How long after its end a day is summed up at the earliest: the clocks of two hosts differ, and a write takes time."""

_PEOPLE = {CallerKind.USER, CallerKind.APPLICATION, CallerKind.FUNCTION_KEY}


def of_sweep(report: SweepReport) -> Json:
    """The header of a sweep."""
    return {
        "readAt": report.read_at.isoformat(),
        "outcome": report.outcome,
        "error": report.error.dump() if report.error else None,
        "gaps": list(report.gaps),
        "summary": report.summary.dump(),
        "writesDisabled": report.writes_disabled,
    }


def rows_of(found: ComplianceReport, settings: Settings) -> Iterable[Row]:
    """The rows of a sweep."""
    for each in found.vm_statuses:
        hold = settings.hold_of(each.tags)
        value = settings.tag(each.tags, "hold") if hold and hold.holds_at(found.read_at) else None
        yield row_of(each, each.policy_id.name if each.policy_id else "", value)


def of_run(end: RunSummary) -> Json:
    """The end of a run."""
    return end.with_(publish_attempts=0).dump()


def change_of(run: Mapping[str, Any]) -> Json | None:
    """What a day keeps of the end of a run, or None if it changed nothing and no caller asked for it."""
    result = run["result"]
    asked_by = run.get("askedBy") or []
    if not result.get("acted") and not any(caller["kind"] in _PEOPLE for caller in asked_by):
        return None
    error = (result.get("error") or {}).get("code", "")
    return {
        "vmId": result["vmId"],
        "at": datetime.fromisoformat(run["at"]).isoformat(),
        "outcome": result["outcome"],
        "error": error,
        "disabling": bool(run.get("disabling")),
        "askedBy": asked_by,
    }


def shows_something(drill: Mapping[str, Any]) -> bool:
    """Whether the drill has shown that the VM comes up, or that it does not: one that was ended early has not."""
    return drill.get("result") in {RecordedResult.PASSED, RecordedResult.FAILED}


def drill_of(drill: Mapping[str, Any]) -> Json:
    """What a day keeps of a drill."""
    kept = ("drill", "vmId", "endedAt", "result", "rtoSeconds", "askedBy")
    return {name: drill.get(name) for name in kept}


def each_once(entries: Iterable[Json]) -> list[Json]:
    """The changes or drills of a day without what was written again: by a retry, after a lost response, or after a
    crash, when a drill has another end."""
    found: list[Json] = []
    kept: list[Json] = []
    for entry in entries:
        content = {**entry, "endedAt": None}
        if content not in kept[-20:]:
            kept.append(content)
            found.append(entry)
    return found


def seconds_of(day: date) -> int:
    """The beginning of a day, in seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def month_of(day: date) -> str:
    return f"{day:%Y-%m}"


def last_of_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
