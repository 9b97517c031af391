"""What others are told of the app's outcomes: CloudEvents 1.0 for an Event Grid topic. Pure: outcomes in, events out.

A run tells what it did and what it could not do. How things stand is told by each sweep, for as long as they stand so:
what a topic that was down has missed comes again, and a VM that is merely looked at is told of by nobody.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from shared.model.base import Model
from shared.model.findings import Finding, Severity
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reconcile.inventory import VmStatus
from shared.reconcile.run_state import RunOutcome
from shared.reconcile.run_summary import RunSummary
from shared.reconcile.sweep import SweepReport

_IDS = UUID("5a0b7c64-7d0e-5f1b-8c34-6a4c2a7b9d10")
"""The namespace of the events' IDs."""

MOST_BYTES = 1_000_000
"""Of one call: Event Grid takes 1 MB."""

_MOST, _LONGEST = 5, 400
"""Findings, and characters of a text: an event of a VM stays below the 64 KB that Event Grid bills as one."""


class EventType(StrEnum):
    """For good: others filter by these names."""

    PROTECTED = "AzureVmDr.Protected"
    FAILED = "AzureVmDr.Failed"
    NOT_ELIGIBLE = "AzureVmDr.NotEligible"
    DISABLED = "AzureVmDr.Disabled"
    UNHEALTHY = "AzureVmDr.Unhealthy"
    SWEEP_COMPLETED = "AzureVmDr.SweepCompleted"


PUBLISHED_WHEN = {
    EventType.PROTECTED: "A run has enabled the VM, changed its protection in place, or followed what somebody else "
    "began, and the VM is protected. Findings say what is still wrong.",
    EventType.FAILED: "A run has ended because Azure refused, or because enabling or disabling failed three times; "
    "`error` holds the cause.",
    EventType.NOT_ELIGIBLE: "A run has found the VM tagged, and that it cannot be protected as it is. The findings say "
    "why.",
    EventType.DISABLED: "A run has disabled the protection of a VM that nobody asks for any more.",
    EventType.UNHEALTHY: "A sweep has found the VM protected, and not as it should be. Told by each sweep for as long "
    "as it is so.",
    EventType.SWEEP_COMPLETED: "A sweep has ended: the estate in numbers, what it started, and what it left.",
}
"""When each is told. The page in the docs is made of this table."""

_BY_OUTCOME = {
    RunOutcome.PROTECTED: EventType.PROTECTED,
    RunOutcome.FAILED: EventType.FAILED,
    RunOutcome.NOT_ELIGIBLE: EventType.NOT_ELIGIBLE,
    RunOutcome.DISABLED: EventType.DISABLED,
}


class OutcomeEvent(Model):
    """One CloudEvent. `data` is the dump of a `VmOutcome` or a `SweepOutcome`."""

    id: str
    type: EventType
    subject: str
    source: str
    time: datetime
    data: dict[str, Any]


class VmOutcome(Model):
    """The weightiest findings, and how many were left out."""

    outcome: str
    vault: ResourceId | None = None
    item_id: ResourceId | None = None
    findings: tuple[Finding, ...] = ()
    findings_left_out: int = 0
    error: Error | None = None


class SweepOutcome(Model):
    """As in the sweep's report."""

    outcome: str
    read_at: datetime
    total: int
    required: int
    compliant: int
    by_state: dict[str, int]
    by_finding: dict[str, int]
    by_action: dict[str, int]
    started: dict[str, int]
    removed: int
    stopped: tuple[Finding, ...] = ()
    gaps: tuple[str, ...] = ()
    writes_disabled: str = ""
    error: Error | None = None


def of_run(end: RunSummary, app: ResourceId) -> tuple[OutcomeEvent, ...]:
    """The event of a run's end, if it is one. `app` is the source of what belongs to no vault."""
    if not end.news:
        return ()
    result = end.result
    told = _vm_outcome(result.outcome, end.vault, result.item_id, result.findings, result.error)
    return (_event(_BY_OUTCOME[result.outcome], result.vm_id, end.vault or app, end.at, told, end.content),)


def of_sweep(report: SweepReport, unhealthy: Iterable[VmStatus], app: ResourceId) -> Iterator[OutcomeEvent]:
    """The VMs that are not as they should be, then the sweep itself."""
    at = report.ended_at or report.read_at
    for vm_status in unhealthy:
        told = _vm_outcome("Unhealthy", vm_status.vault, vm_status.item_id, vm_status.findings)
        yield _event(EventType.UNHEALTHY, vm_status.vm_id, vm_status.vault or app, at, told)
    swept = SweepOutcome(
        outcome=report.outcome,
        read_at=report.read_at,
        **dict(report.summary),
        started=report.started,
        removed=len(report.removed),
        stopped=tuple(map(_short_finding, report.stopped[:_MOST])),
        gaps=tuple(map(_short, report.gaps[:_MOST])),
        writes_disabled=report.writes_disabled,
        error=_short_error(report.error),
    )
    yield _event(EventType.SWEEP_COMPLETED, app, app, at, swept)


def batches(events: Iterable[OutcomeEvent]) -> Iterator[list[OutcomeEvent]]:
    """As few as go into calls of `MOST_BYTES`."""
    batch: list[OutcomeEvent] = []
    size = 0
    for event in events:
        weight = len(json.dumps(event.dump())) + 100  # with what CloudEvents adds around it
        if batch and size + weight > MOST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(event)
        size += weight
    if batch:
        yield batch


def _event(
    kind: EventType, subject: ResourceId, source: ResourceId, at: datetime, told: Model, content: str = ""
) -> OutcomeEvent:
    """Its ID is a function of what it says and of when: an activity that runs twice tells one event twice."""
    return OutcomeEvent(
        id=str(uuid5(_IDS, f"{subject.key}|{kind}|{at.isoformat()}|{content}")),
        type=kind,
        subject=str(subject),
        source=str(source),
        time=at,
        data=told.dump(),
    )


def _vm_outcome(
    outcome: str,
    vault: ResourceId | None,
    item: ResourceId | None,
    findings: tuple[Finding, ...],
    error: Error | None = None,
) -> VmOutcome:
    severities = list(Severity)
    weightiest = sorted(findings, key=lambda finding: severities.index(finding.severity))[:_MOST]
    return VmOutcome(
        outcome=outcome,
        vault=vault,
        item_id=item,
        findings=tuple(map(_short_finding, weightiest)),
        findings_left_out=max(0, len(findings) - _MOST),
        error=_short_error(error),
    )


def _short_finding(finding: Finding) -> Finding:
    return finding.model_copy(update={"message": _short(finding.message), "fix": _short(finding.fix)})


def _short_error(error: Error | None) -> Error | None:
    short = {"message": _short(error.message), "action": _short(error.action)} if error else {}
    return error.model_copy(update=short) if error else None


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
