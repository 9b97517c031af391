"""Messages: an event for each transition of a cause and for drills that have ended, and one a day for all. Pure.

Those of one cause are one event, however many VMs it is about. Each has a `title`, a `text` and a `link`, so that a
recipe that shows it (infra/modules/messages.bicep) needs to know no more.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from shared.model.base import Model
from shared.model.resource_id import ResourceId
from shared.reconcile.sweep import Summary, SweepReport
from shared.reporting.archive import Json
from shared.reporting.events import EventType, OutcomeEvent, id_of, short
from shared.reporting.message_state import MessageState
from shared.reporting.transitions import Cause, Kind, Open, Transition

SCHEMA_VERSION = 1
"""Of the data of messages. Changes when a field changes its meaning or goes; a field more is no change."""

MOST_VMS = 50
"""The most VMs that a message names: the others are counted."""

_MOST_GAPS = 5

_TYPES = {
    Kind.FAILED: (EventType.CAUSE_FAILED, "not protected"),
    Kind.UNHEALTHY: (EventType.CAUSE_UNHEALTHY, "not as it should be"),
    Kind.NOT_RECOVERABLE: (EventType.CAUSE_NOT_RECOVERABLE, "would not come up after a failover"),
    Kind.RESOLVED: (EventType.CAUSE_RESOLVED, "resolved"),
    Kind.DRILLED: (EventType.DRILLED, ""),
}


class MessageVm(Model):
    """`since` is when the cause began, or when the drill ended; `rto_seconds` is what the drill measured."""

    vm_id: ResourceId
    since: datetime
    rto_seconds: int | None = None
    link: str = ""


class Message(Model):
    """What has happened to `count` VMs, of which 50 are named, those with the oldest cause first. `cause` is the code
    of a finding, of drills their result; `text` is about the first VM, `fix` is what to do. `link` leads to the page,
    and is "" where the platform names no host."""

    schema_version: int = SCHEMA_VERSION
    kind: Kind
    cause: str
    title: str
    text: str
    fix: str = ""
    count: int
    vms: tuple[MessageVm, ...]
    vms_left_out: int
    link: str = ""


class OldestCause(Model):
    cause: str
    vm_id: ResourceId
    since: datetime


class Digest(Model):
    """A day in short. `open` counts the VMs of each cause that is open and was published, `begun` and `resolved` those
    since the digest before, `drills` the drills since then by result. `oldest` is the open cause that began first. What
    is on hold or acknowledged is counted for itself."""

    schema_version: int = SCHEMA_VERSION
    title: str
    text: str
    total: int
    required: int
    compliant: int
    recoverable: int
    on_hold: int
    acknowledged: int
    open: dict[str, int]
    begun: dict[str, int]
    resolved: dict[str, int]
    drills: dict[str, int]
    oldest: OldestCause | None = None
    gaps: tuple[str, ...] = ()
    gaps_left_out: int = 0
    writes_disabled: str = ""
    link: str = ""


class About(NamedTuple):
    """What all messages of a sweep have alike: `app` is their source, `at` their time, `base` the file of the state
    that they follow on, and `page` the address of the page, or ""."""

    app: ResourceId
    at: datetime
    base: str
    page: str


def of_transitions(about: About, transitions: Iterable[Transition]) -> Iterator[OutcomeEvent]:
    """One event for each kind and cause."""
    groups: defaultdict[tuple[Kind, str], list[Transition]] = defaultdict(list)
    for each in transitions:
        groups[each.kind, each.cause.code].append(each)
    for (kind, code), group in sorted(groups.items()):
        group.sort(key=lambda each: (each.since, each.cause.vm.key))
        found = next((each.finding for each in group if each.finding), None)
        vms = [_vm(about, each.cause.vm, _time(each.since)) for each in group]
        text = found.message if found else f"{code} of {group[0].cause.vm.name} is gone."
        title = f"{code}: {_count(len(vms), vms[0])} {_TYPES[kind][1]}"
        yield _message(about, kind, code, vms, title=title, text=short(text), fix=short(found.fix) if found else "")


def of_drills(about: About, drills: Iterable[Json]) -> Iterator[OutcomeEvent]:
    """One event for each result. `drills` are as a day of the archive keeps them."""
    groups: defaultdict[str, list[MessageVm]] = defaultdict(list)
    for drill in drills:
        vm = _vm(about, ResourceId(drill["vmId"]), datetime.fromisoformat(drill["endedAt"]))
        groups[drill["result"]].append(vm.with_(rto_seconds=drill.get("rtoSeconds")))
    for result, vms in sorted(groups.items()):
        times = [vm.rto_seconds for vm in vms if vm.rto_seconds is not None]
        measured = f" The longest recovery time was {max(times)} s." if times else ""
        title = f"Drill {result}: {_count(len(vms), vms[0])}"
        text = f"The last drill ended at {max(vm.since for vm in vms):%Y-%m-%d %H:%M} UTC.{measured}"
        yield _message(about, Kind.DRILLED, result, vms, title=title, text=text)


def digest_of(about: About, report: SweepReport, on_hold: int, state: MessageState) -> OutcomeEvent:
    """The event of a day, from the state after the sweep."""
    summary = report.summary
    still = [each for each in state.acknowledged if each.until is None or about.at < each.until]
    silent = {Cause(each.cause, each.vm_id) for each in still}
    causes = [(cause, each) for cause, each in state.causes.items() if each.published and cause not in silent]
    oldest = min(causes, key=lambda entry: (entry[1].since, entry[0].vm.key, entry[0].code), default=None)
    opened = Counter(cause.code for cause, _ in causes)
    numbers = {name: getattr(summary, name) for name in ("total", "required", "compliant", "recoverable")}
    digest = Digest(
        title=f"DR: {summary.recoverable} of {summary.required} VMs would come up, {opened.total()} causes are open",
        text=_in_words(summary, opened, state, oldest),
        **numbers,
        on_hold=on_hold,
        acknowledged=len(silent),
        open=dict(sorted(opened.items())),
        begun=dict(state.begun),
        resolved=dict(state.resolved),
        drills=dict(state.drills),
        oldest=OldestCause(cause=oldest[0].code, vm_id=oldest[0].vm, since=_time(oldest[1].since)) if oldest else None,
        gaps=tuple(map(short, report.gaps[:_MOST_GAPS])),
        gaps_left_out=max(0, len(report.gaps) - _MOST_GAPS),
        writes_disabled=report.writes_disabled,
        link=about.page,
    )
    day = state.digest.isoformat() if state.digest else ""
    return _event(about, EventType.DIGEST, about.app, digest, day)


def counted(before: Mapping[str, int], more: Iterable[str]) -> dict[str, int]:
    """The counts with more."""
    return dict(sorted((Counter(before) + Counter(more)).items()))


def _in_words(summary: Summary, opened: Counter[str], state: MessageState, oldest: tuple[Cause, Open] | None) -> str:
    parts = [f"{summary.compliant} of {summary.required} VMs are as they should be."]
    lists = {"Open": opened, "Begun": state.begun, "Resolved": state.resolved, "Drills": state.drills}
    for name, counts in lists.items():
        if counts:
            parts.append(f"{name}: {', '.join(f'{count} {what}' for what, count in sorted(counts.items()))}.")
    if oldest:
        cause, each = oldest
        parts.append(f"The oldest is {cause.code} of {cause.vm.name}, since {_time(each.since):%Y-%m-%d}.")
    return short(" ".join(parts))


def _message(about: About, kind: Kind, cause: str, vms: list[MessageVm], **texts: str) -> OutcomeEvent:
    message = Message(
        kind=kind,
        cause=cause,
        count=len(vms),
        vms=tuple(vms[:MOST_VMS]),
        vms_left_out=max(0, len(vms) - MOST_VMS),
        link=vms[0].link if len(vms) == 1 else _link(about, ["vms"], "" if kind is Kind.DRILLED else cause),
        **texts,
    )
    # Since when a cause is open is often when a sweep first saw it: one that repeats the message has another time.
    parts = [vm.vm_id.key if kind is not Kind.DRILLED else f"{vm.vm_id.key} {vm.since.isoformat()}" for vm in vms]
    content = f"{cause}|{'|'.join(sorted(parts))}"
    return _event(about, _TYPES[kind][0], vms[0].vm_id if len(vms) == 1 else about.app, message, content)


def _event(about: About, kind: EventType, subject: ResourceId, data: Model, content: str) -> OutcomeEvent:
    """An event whose ID is a function of what it follows on, not of the time: a sweep that repeats it, because the one
    before could not keep that it was published, repeats the ID."""
    return OutcomeEvent(
        id=id_of(about.app.key, kind, about.base, content),
        type=kind,
        subject=str(subject),
        source=str(about.app),
        time=about.at,
        data=data.dump(),
    )


def _vm(about: About, vm: ResourceId, since: datetime) -> MessageVm:
    path = ["vm", vm.subscription, vm.resource_group, vm.name]
    return MessageVm(vm_id=vm, since=since, link=_link(about, path))


def _link(about: About, path: list[str], cause: str = "") -> str:
    """A view of the page, which has its path and its filters in the fragment."""
    if not about.page:
        return ""
    query = f"?has={quote(cause, safe='')}" if cause else ""
    return f"{about.page}#/{'/'.join(quote(part, safe='') for part in path)}{query}"


def _count(count: int, first: MessageVm) -> str:
    return first.vm_id.name if count == 1 else f"{count} VMs"


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
