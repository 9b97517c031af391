"""Outcome events: CloudEvents 1.0 for an Event Grid topic. Pure: outcomes in, events out.

A run publishes what it changed and what it could not do; a run that changed nothing publishes no event. Each sweep
publishes the VMs that are not compliant, for as long as they are not: a topic that was down gets them with the next
one.
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
"""The namespace of the IDs of events."""

MOST_BYTES = 1_000_000
"""The most bytes of one call: Event Grid accepts 1 MB."""

_MOST, _LONGEST = 5, 400
"""The most findings, and characters of a text: an event stays below the 64 KB that Event Grid bills as one."""


class EventType(StrEnum):
    """The types of events. Never renamed: subscribers filter by them."""

    PROTECTED = "AzureVmDr.Protected"
    FAILED = "AzureVmDr.Failed"
    NOT_ELIGIBLE = "AzureVmDr.NotEligible"
    DISABLED = "AzureVmDr.Disabled"
    UNHEALTHY = "AzureVmDr.Unhealthy"
    SWEEP_COMPLETED = "AzureVmDr.SweepCompleted"
    CAUSE_FAILED = "AzureVmDr.CauseFailed"
    CAUSE_UNHEALTHY = "AzureVmDr.CauseUnhealthy"
    CAUSE_NOT_RECOVERABLE = "AzureVmDr.CauseNotRecoverable"
    CAUSE_RESOLVED = "AzureVmDr.CauseResolved"
    DRILLED = "AzureVmDr.Drilled"
    DIGEST = "AzureVmDr.Digest"


PUBLISHED_WHEN = {
    EventType.PROTECTED: "A run has enabled the VM, changed its protection in place, or followed a job of another "
    "client, and the VM is protected. Findings say what is still wrong.",
    EventType.FAILED: "A run has ended because Azure refused, or because enabling or disabling failed three times; "
    "`error` holds the cause.",
    EventType.NOT_ELIGIBLE: "A run has found that the tagged VM cannot be protected as it is. The findings say why.",
    EventType.DISABLED: "A run has disabled the protection of an untagged or deleted VM.",
    EventType.UNHEALTHY: "A sweep has found the VM protected, and not compliant. Published by each sweep for as long "
    "as it is so.",
    EventType.SWEEP_COMPLETED: "A sweep has ended: the estate in numbers, what it started, and what it left.",
    EventType.CAUSE_FAILED: "A cause has begun, by which tagged VMs are not protected.",
    EventType.CAUSE_UNHEALTHY: "A cause has begun, by which VMs are not as they should be.",
    EventType.CAUSE_NOT_RECOVERABLE: "A cause has begun, by which protected VMs would not come up after a failover, or "
    "not with all their disks.",
    EventType.CAUSE_RESOLVED: "A cause whose beginning was published is gone, or its VM is.",
    EventType.DRILLED: "Drills have ended: passed, failed, cancelled or interrupted.",
    EventType.DIGEST: "The first sweep of a day (UTC) has ended: the estate in numbers, and what is open.",
}
"""When each event is published. The table in the docs is generated from it."""

_BY_OUTCOME = {
    RunOutcome.PROTECTED: EventType.PROTECTED,
    RunOutcome.FAILED: EventType.FAILED,
    RunOutcome.NOT_ELIGIBLE: EventType.NOT_ELIGIBLE,
    RunOutcome.DISABLED: EventType.DISABLED,
}


class OutcomeEvent(Model):
    """One CloudEvent. `data` is the dump of a `VmOutcome` or a `SweepOutcome`, or of a message (`messages.py`)."""

    id: str
    type: EventType
    subject: str
    source: str
    time: datetime
    data: dict[str, Any]


class VmOutcome(Model):
    """The most severe findings, and how many were left out."""

    outcome: str
    vault: ResourceId | None = None
    item_id: ResourceId | None = None
    findings: tuple[Finding, ...] = ()
    findings_left_out: int = 0
    error: Error | None = None


class SweepOutcome(Model):
    """The report of the sweep, shortened."""

    outcome: str
    read_at: datetime
    total: int
    required: int
    compliant: int
    recoverable: int
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
    """The event of the end of a run, if it is published. `app` is the source of events without a vault."""
    if not end.notable:
        return ()
    result = end.result
    outcome = _vm_outcome(result.outcome, end.vault, result.item_id, result.findings, result.error)
    return (_event(_BY_OUTCOME[result.outcome], result.vm_id, end.vault or app, end.at, outcome, end.content),)


def of_sweep(report: SweepReport, unhealthy: Iterable[VmStatus], app: ResourceId) -> Iterator[OutcomeEvent]:
    """The events of VMs that are not compliant, then that of the sweep."""
    at = report.ended_at or report.read_at
    for vm_status in unhealthy:
        outcome = _vm_outcome("Unhealthy", vm_status.vault, vm_status.item_id, vm_status.findings)
        yield _event(EventType.UNHEALTHY, vm_status.vm_id, vm_status.vault or app, at, outcome)
    swept = SweepOutcome(
        outcome=report.outcome,
        read_at=report.read_at,
        **dict(report.summary),
        started=report.started,
        removed=len(report.removed),
        stopped=tuple(map(_short_finding, report.stopped[:_MOST])),
        gaps=tuple(map(short, report.gaps[:_MOST])),
        writes_disabled=report.writes_disabled,
        error=_short_error(report.error),
    )
    yield _event(EventType.SWEEP_COMPLETED, app, app, at, swept)


def batches(events: Iterable[OutcomeEvent]) -> Iterator[list[OutcomeEvent]]:
    """The events in batches of at most `MOST_BYTES`."""
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
    kind: EventType, subject: ResourceId, source: ResourceId, at: datetime, outcome: Model, content: str = ""
) -> OutcomeEvent:
    """An event whose ID is a function of content and time: an activity that runs twice repeats the same ID."""
    return OutcomeEvent(
        id=id_of(subject.key, kind, at.isoformat(), content),
        type=kind,
        subject=str(subject),
        source=str(source),
        time=at,
        data=outcome.dump(),
    )


def id_of(*content: str) -> str:
    """The ID of an event with this content."""
    return str(uuid5(_IDS, "|".join(content)))


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
    if max(len(finding.message), len(finding.fix)) <= _LONGEST:
        return finding
    return finding.with_(message=short(finding.message), fix=short(finding.fix))


def _short_error(error: Error | None) -> Error | None:
    return error.with_(message=short(error.message), action=short(error.action)) if error else None


def short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
