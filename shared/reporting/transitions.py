"""Which causes have begun and which are resolved since the last messages. Pure: what was open and a report in, what is
open now and its transitions out.

A cause is a finding of a VM that is no note. What is not known is not resolved: a cause stays open as it was while its
VM could not be read, while anything could not be read, and while the VM is on hold, is drilled, failed over or being
disabled. So each cause begins once and is resolved once, whatever sweeps lie between. One that gets worse begins again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from shared.model.acknowledgement import Acknowledgement
from shared.model.decision import State
from shared.model.findings import Finding, Severity
from shared.model.resource_id import ResourceId
from shared.planning.catalog import PLACEHOLDERS
from shared.reconcile.inventory import ComplianceReport, VmStatus

_HOLD = "OnHold"
_NOT_PROTECTED = {State.UNPROTECTED, State.NOT_ELIGIBLE, State.FAILED}
_IN_BETWEEN = {State.UNKNOWN, State.FROZEN, State.DRILLING, State.DISABLING}
"""States in which a VM has findings about the state, and not those that it had before."""


class Kind(StrEnum):
    """What has happened to a cause, or that a drill has ended."""

    FAILED = "failed"
    UNHEALTHY = "unhealthy"
    NOT_RECOVERABLE = "notRecoverable"
    RESOLVED = "resolved"
    DRILLED = "drilled"


class Cause(NamedTuple):
    code: str
    vm: ResourceId


class Open(NamedTuple):
    """An open cause: `since` when, in seconds; `published` is the worst severity at which it was, as a rank, or 0."""

    since: int
    published: int


_RANKS = {Severity.WARNING: 1, Severity.BLOCKER: 2}
"""How bad a cause is: one that gets worse is published again."""

Causes = Mapping[Cause, Open]


class Transition(NamedTuple):
    """`finding` is what a sweep has found; of a cause that is resolved there is none any more."""

    kind: Kind
    cause: Cause
    since: int
    finding: Finding | None = None

    @property
    def begins(self) -> bool:
        return self.kind is not Kind.RESOLVED


@dataclass
class Comparison:
    """The causes that are open now, the transitions to publish, and the acknowledgements that still count."""

    causes: dict[Cause, Open] = field(default_factory=dict)
    transitions: list[Transition] = field(default_factory=list)
    acknowledged: tuple[Acknowledgement, ...] = ()


def compare(
    before: Causes, report: ComplianceReport, acknowledged: Iterable[Acknowledgement], *, publishes: bool = True
) -> Comparison:
    """What has become of the causes that were open before. Without `publishes` nothing is published: what begins or is
    resolved meanwhile is published as soon as something is."""
    known = {Cause(each.cause, each.vm_id): each for each in acknowledged}
    over = {cause for cause, each in known.items() if each.until and each.until <= report.read_at}
    step, old = _Step(report, over, known.keys() - over, publishes), defaultdict[ResourceId, dict[str, Open]](dict)
    for (code, vm), each in before.items():
        old[vm][code] = each
    for vm_status in report.vm_statuses:
        step.compare(vm_status, old.pop(vm_status.vm_id, {}))
    for vm, causes in old.items():
        step.end(vm, causes, is_known=not report.gaps)
    step.found.acknowledged = tuple(each for cause, each in known.items() if step.counts(cause))
    return step.found


def causes_of(vm_status: VmStatus) -> dict[str, Finding]:
    """The causes of a VM: its findings that are no notes, by their codes; of one code the worst, and of these the
    first."""
    found: dict[str, Finding] = {}
    for each in vm_status.findings:
        if each.severity in _RANKS and each.code != _HOLD:
            found[each.code] = max(found.get(each.code, each), each, key=lambda known: _RANKS[known.severity])
    return found


class _Step:
    def __init__(self, report: ComplianceReport, over: set[Cause], silent: set[Cause], publishes: bool) -> None:
        self.found = Comparison()
        self._report, self._over, self._silent, self._publishes = report, over, silent, publishes
        self._now = int(report.read_at.timestamp())
        self._uncertain: set[ResourceId] = set()
        self._ended: set[Cause] = set()
        self._seen: set[ResourceId] = set()

    def compare(self, vm_status: VmStatus, old: dict[str, Open]) -> None:
        vm, found = vm_status.vm_id, causes_of(vm_status)
        self._seen.add(vm)
        if vm_status.on_hold:
            self.end(vm, old, is_known=False)
            return
        for code, finding in found.items():
            cause, was = Cause(code, vm), old.pop(code, None)
            since = was.since if was else int(finding.since.timestamp()) if finding.since else self._now
            rank, published = _RANKS[finding.severity], was.published if was else 0
            is_new = rank > published or cause in self._over
            if is_new and self._is_due(vm_status, cause, was, alone=len(found) == 1):
                self.found.transitions.append(Transition(_kind_of(vm_status, finding), cause, since, finding))
                published = max(rank, published)
                self._ended |= {cause} & self._over
            self.found.causes[cause] = Open(since, published)
        self.end(vm, old, is_known=not self._report.gaps and vm_status.state not in _IN_BETWEEN)

    def end(self, vm: ResourceId, old: dict[str, Open], *, is_known: bool) -> None:
        """The causes that the VM no longer shows: resolved, if that is known."""
        self._seen.add(vm)
        if not is_known:
            self._uncertain.add(vm)
            self.found.causes |= {Cause(code, vm): each for code, each in old.items()}
            return
        for code, each in old.items():
            if each.published and self._publishes:
                self.found.transitions.append(Transition(Kind.RESOLVED, Cause(code, vm), each.since))
            elif each.published:
                self.found.causes[Cause(code, vm)] = each

    def counts(self, cause: Cause) -> bool:
        """Whether an acknowledgement still does: its cause is open, or that is not known."""
        uncertain = cause.vm in self._uncertain or (cause.vm not in self._seen and bool(self._report.gaps))
        return uncertain or (cause in self.found.causes and cause not in self._ended)

    def _is_due(self, vm_status: VmStatus, cause: Cause, was: Open | None, *, alone: bool) -> bool:
        """Whether to publish that it has begun. What only says that there is another reason is published if there is
        none at the next sweep, either: until then the VM's own run may have removed it."""
        if cause.code in PLACEHOLDERS and (was is None or not alone):
            return False
        return self._publishes and cause not in self._silent and not vm_status.is_others


def _kind_of(vm_status: VmStatus, finding: Finding) -> Kind:
    if vm_status.state in _NOT_PROTECTED:
        return Kind.FAILED
    return Kind.NOT_RECOVERABLE if finding.recoverable is False else Kind.UNHEALTHY
