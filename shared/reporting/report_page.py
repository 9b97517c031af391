"""The report as one page to print or to file. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from shared.model.caller import Caller
from shared.model.resource_id import ResourceId
from shared.reporting.html import Lines, Part, element, facts, page, table
from shared.reporting.report import Duration, ReportedDrill, ReportSummary, Rpo, Seconds, VmReport

_MEANS = """\
The app observes all VMs in sweeps. A sweep speaks for the time since the sweep before it, for {limit} hours at most.
The time of a VM is that in which it was there and its tag asked for protection. Compliant, not compliant and unknown \
add up to it; unknown is what no sweep speaks for, and never counts as compliant.
A VM is compliant if it replicates, is healthy, and has the settings and disks that its tags and profile ask for.
The RPO is the age of the newest recovery point; the median is by time, rounded up to two digits.
A measured RTO is the time from the request of a test failover until the agent in the test VM was ready.
A drill that somebody cancelled, or whose run was lost, shows nothing about a VM, and is left out.
Who asked is the object ID in Microsoft Entra ID; of a holder of a function key nothing more is known, and of a tag \
that a sweep has found nothing.""".splitlines()


def report_page(
    first: date,
    last: date,
    made_at: datetime,
    notes: Sequence[str],
    covered: float | None,
    without_data: Sequence[date],
    summary: ReportSummary,
    vms: Sequence[VmReport],
    *,
    limit: int,
) -> bytes:
    """The page. `notes` say what is special about it, `covered` is the share of the time that sweeps speak for."""
    title = f"Disaster recovery from {first} to {last}"
    return "".join(page(title, _parts(made_at, notes, covered, without_data, summary, vms, limit))).encode()


def _parts(
    made_at: datetime,
    notes: Sequence[str],
    covered: float | None,
    without_data: Sequence[date],
    summary: ReportSummary,
    vms: Sequence[VmReport],
    limit: int,
) -> Iterator[Part]:
    yield element("p", f"Made at {made_at:%Y-%m-%d %H:%M} UTC. Days and times are in UTC.")
    yield from (element("p", note) for note in notes)
    yield element("h2", "In sum")
    yield facts(
        [
            ("VMs", summary.virtual_machines),
            *((f"time {name}", share) for name, share in _time(summary.seconds)),
            ("RPO", _rpo(summary.rpo)),
            ("VMs over their RPO limit at some time", summary.over_rpo_limit),
            ("last drill passed", summary.drilled),
            ("last drill not passed", summary.drill_failed),
            ("never drilled by this app", summary.never_drilled),
            ("VMs with exceptions", summary.with_exceptions),
            ("changes", summary.changes),
            ("time that sweeps speak for", _percent(covered)),
            ("days without data", f"{len(without_data)}: {_days(without_data)}" if without_data else "none"),
        ],
    )
    yield element("h2", "Each VM")
    heads = ("VM", "state", "time", "RPO", "last drill", "exceptions", "not as it should be")
    yield table(heads, map(_row, vms))
    yield element("h2", "Changes, and who asked")
    yield table(
        ("time", "VM", "outcome", "asked by"),
        sorted((row for vm in vms for row in _changes(vm)), key=lambda row: str(row[0])),
    )
    yield element("h2", "How to read it")
    yield f"<ul>{''.join(element('li', line.format(limit=round(limit / 3600, 2))) for line in _MEANS)}</ul>"


def _time(seconds: Seconds) -> Iterator[tuple[str, str]]:
    for name, part in (
        ("compliant", seconds.compliant),
        ("not compliant", seconds.not_compliant),
        ("unknown", seconds.unknown),
    ):
        yield name, _share(part, seconds)


def _row(vm: VmReport) -> tuple[object, ...]:
    seconds = vm.seconds
    return (
        _vm(vm.vm_id),
        Lines(vm.state, f"since {vm.protected_since:%Y-%m-%d %H:%M}") if vm.protected_since else vm.state,
        _times(seconds),
        Lines(_rpo(vm.rpo), vm.policy) if vm.policy else _rpo(vm.rpo),
        drill_text(vm.last_drill),
        durations_text(vm.exceptions),
        durations_text(vm.findings),
    )


def _times(seconds: Seconds) -> Lines | str:
    if not seconds.total:
        return "no time"
    compliant, not_compliant, unknown = (
        f"{100 * part / seconds.total:.1f} %" for part in (seconds.compliant, seconds.not_compliant, seconds.unknown)
    )
    return Lines(f"{compliant} compliant", f"{not_compliant} not, {unknown} unknown; {_hours(seconds.total)} in all")


def _vm(vm: ResourceId) -> Lines:
    """Its name, and its ID small."""
    return Lines(vm.name, vm)


def _days(days: Sequence[date]) -> str:
    """Days in their order, those in a row as a range."""
    ranges: list[list[date]] = []
    for day in days:
        if ranges and day - ranges[-1][-1] == timedelta(days=1):
            ranges[-1].append(day)
        else:
            ranges.append([day])
    return ", ".join(f"{each[0]} to {each[-1]}" if len(each) > 1 else f"{each[0]}" for each in ranges)


def _changes(vm: VmReport) -> Iterator[tuple[object, ...]]:
    for change in vm.changes:
        outcome = ": ".join(part for part in (change.outcome, change.error) if part)
        yield f"{change.at:%Y-%m-%d %H:%M:%S}", _vm(vm.vm_id), outcome, callers_text(change.asked_by)
    if vm.changes_left_out:
        yield "earlier", _vm(vm.vm_id), f"{vm.changes_left_out} more", ""


def callers_text(callers: Iterable[Caller]) -> str:
    return "\n".join(f"{each.kind} {each.id}".strip() + f", by {each.via}" for each in callers) or "unknown"


def drill_text(drill: ReportedDrill | None) -> str:
    if drill is None:
        return "none"
    rto = f", RTO {drill.rto_seconds} s" if drill.rto_seconds is not None else ""
    return f"{drill.result} on {(drill.ended_at or '').replace('T', ' ')[:16]}{rto}"


def durations_text(durations: Iterable[Duration]) -> str:
    return "\n".join(f"{each.what or 'no reason given'} ({_hours(each.seconds)})" for each in durations)


def _rpo(rpo: Rpo) -> str:
    if rpo.p50_minutes is None:
        return "not known"
    # The median is of rounded minutes: it is not to look worse than the worst.
    median = min(rpo.p50_minutes, (rpo.worst_seconds or float("inf")) / 60)
    worst = f", worst {rpo.worst_seconds / 60:.1f} min" if rpo.worst_seconds is not None else ""
    return f"median {median:.3g} min{worst}, over its limit for {_hours(rpo.over_limit_seconds)}"


def _share(part: int, seconds: Seconds) -> str:
    return f"{_percent(part / seconds.total)} ({_hours(part)})" if seconds.total else "no time"


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{100 * share:.2f} %"


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:.1f} h"
