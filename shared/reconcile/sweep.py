"""A sweep over the estate: the state that it carries from pass to pass, and its report."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from shared.config.intervals import AGAIN, AGAIN_AFTER_FAILURE
from shared.config.settings import Settings
from shared.model.base import Model
from shared.model.decision import Action, State
from shared.model.findings import Finding
from shared.model.resource_id import ResourceId
from shared.planning.catalog import CODES, OF_QUOTA, finding_of
from shared.planning.run_errors import FinalError
from shared.reconcile.inventory import ComplianceReport, Recovery, VmStatus
from shared.reconcile.run_state import RunOutcome, RunResult
from shared.reconcile.sweep_window import Work

_GAPS_SHOWN = 5


class Summary(Model):
    """The estate in numbers.

    `required` VMs are tagged, and not failover VMs; `compliant` ones of them need nothing; `recoverable` ones would
    come up if all VMs failed over now. `by_finding` counts VMs by finding code, `by_action` the VMs for which the app
    has an action.
    """

    total: int = 0
    required: int = 0
    compliant: int = 0
    recoverable: int = 0
    by_state: dict[str, int] = {}
    by_finding: dict[str, int] = {}
    by_action: dict[str, int] = {}

    @classmethod
    def of(cls, vm_statuses: Iterable[VmStatus]) -> Self:
        every = tuple(vm_statuses)
        required = [vm_status for vm_status in every if vm_status.counts]
        codes = (code for vm_status in every for code in {finding.code for finding in vm_status.findings})
        actions = (vm_status.action.value for vm_status in every if vm_status.action is not Action.NONE)
        return cls(
            total=len(every),
            required=len(required),
            compliant=sum(vm_status.compliant for vm_status in required),
            recoverable=sum(vm_status.recovery is Recovery.YES for vm_status in required),
            by_state=dict(sorted(Counter(vm_status.state.value for vm_status in every).items())),
            by_finding=dict(sorted(Counter(codes).items())),
            by_action=dict(sorted(Counter(actions).items())),
        )


class SweepReport(Model):
    """What a sweep found and did.

    `started` counts the runs that it started, `left` the VMs left for a later sweep, both by action; `stopped` says
    why. `unchanged` counts the VMs that were skipped because their last run, a short time ago, could not fix the same
    findings. `removed` are the orphans whose removal was requested, `orphans` are notes about those that are kept. With
    `gaps` the estate was not read in full.
    """

    read_at: datetime
    ended_at: datetime | None = None
    summary: Summary = Summary()
    started: dict[str, int] = {}
    unchanged: int = 0
    left: dict[str, int] = {}
    stopped: tuple[Finding, ...] = ()
    removed: tuple[ResourceId, ...] = ()
    orphans: tuple[Finding, ...] = ()
    gaps: tuple[str, ...] = ()
    writes_disabled: str = ""
    error: FinalError | None = None

    @property
    def outcome(self) -> Literal["complete", "partial", "failed"]:
        """`partial` with gaps, `failed` if the sweep gave up."""
        if self.error:
            return "failed"
        return "partial" if self.gaps else "complete"


class LastSweep(Model):
    """A sweep that has ended, in short: its report without what grows with the estate.

    `gaps` are the first few of `gap_count`, `removed` counts the orphans whose removal was requested.
    """

    read_at: datetime
    ended_at: datetime | None = None
    outcome: Literal["complete", "partial", "failed"]
    summary: Summary
    started: dict[str, int] = {}
    unchanged: int = 0
    left: dict[str, int] = {}
    stopped: tuple[Finding, ...] = ()
    removed: int = 0
    gaps: tuple[str, ...] = ()
    gap_count: int = 0
    error: FinalError | None = None

    @classmethod
    def of(cls, report: SweepReport) -> Self:
        same = ("read_at", "ended_at", "outcome", "summary", "started", "unchanged", "left", "stopped", "error")
        return cls(
            removed=len(report.removed),
            gaps=report.gaps[:_GAPS_SHOWN],
            gap_count=len(report.gaps),
            **{name: getattr(report, name) for name in same},
        )


class Sweep(Model):
    """The state that a sweep carries from pass to pass; its calls have low priority. Times are absolute, in UTC.

    Durable Functions keep it with each pass, so it does not grow with the estate: it holds counts, at most PER_VAULT
    runs for each vault, and a bounded number of notes, gaps and removed resources, but no list of VMs.

    `after` is the last VM handled in each pair (its lower-cased ID). `under_way` are the runs that count against their
    vault's concurrency limit, `disables` how many more VMs the sweep may have disabled. A `done` sweep is published;
    `publish_attempts` counts the failed attempts. `last` is the sweep before this one.
    """

    version: int = 2

    poll_seconds: float
    since: datetime | None = None
    last: LastSweep | None = None
    resume_at: datetime | None = None
    after: dict[str, str] = {}
    under_way: tuple[Work, ...] = ()
    disables: int = 0
    report: SweepReport | None = None
    faults: int = 0
    done: bool = False
    publish_attempts: int = 0
    low_priority: Literal[True] = True

    def status(self) -> dict[str, Any]:
        """The custom status: what an operator sees while the sweep is in progress."""
        started = sum(self.report.started.values()) if self.report else 0
        required = self.report.summary.required if self.report else 0
        counts = {"required": required, "started": started, "underWay": len(self.under_way), "faults": self.faults}
        return counts | self.model_dump(mode="json", by_alias=True, exclude_none=True, include={"since", "last"})


def unhealthy(compliance_report: ComplianceReport) -> tuple[VmStatus, ...]:
    """The VMs to publish as unhealthy: protected, and not compliant."""
    return tuple(each for each in compliance_report.vm_statuses if each.state is State.PROTECTED and not each.compliant)


_WITHOUT_EFFECT = {RunOutcome.NOT_ELIGIBLE, RunOutcome.REPORTED, RunOutcome.FAILED}
_ALSO_WITHOUT_EFFECT = {Action.CHANGE: {RunOutcome.PROTECTED}, Action.DISABLE: {RunOutcome.NOT_TAGGED}}
"""The ends of a run that leave a VM as a sweep has found it: after another end the VM was in another situation."""


def held_until(vm_status: VmStatus, result: RunResult, ended: datetime, poll_seconds: float) -> datetime | None:
    """Until when no sweep starts the run of the VM again: its last run was started for the same observation and did not
    succeed, so another would not, either. None if the next sweep may."""
    if result.fingerprint != vm_status.fingerprint or _observed_otherwise(vm_status, result):
        return None
    failed = result.outcome is RunOutcome.FAILED
    if failed and not result.jobs_failed:
        # Read rights that are lost and given back, or a throttled hour, show in no VM.
        return None
    return ended + timedelta(seconds=(AGAIN_AFTER_FAILURE if failed else AGAIN) * poll_seconds)


def _observed_otherwise(vm_status: VmStatus, result: RunResult) -> bool:
    """Whether the run succeeded, or has met another situation: the VM had its tag again, say, or a list was short."""
    without_effect = _WITHOUT_EFFECT | _ALSO_WITHOUT_EFFECT.get(vm_status.action, set())
    if result.outcome not in without_effect or (vm_status.action is Action.CHANGE and result.changed):
        return True
    # A finding of the run that a sweep can find as well, and did not: the run has observed another situation. Not those
    # about quotas, which a sweep does not read for an unprotected VM.
    found = {finding.code for finding in result.findings} & CODES - {OF_QUOTA}
    return vm_status.action is not Action.CHANGE and not found <= {finding.code for finding in vm_status.findings}


def limit_findings(report: SweepReport, settings: Settings) -> tuple[Finding, ...]:
    """Warnings about VMs that the sweep left for later, and how to continue."""
    enables, disables = report.left.get(Action.ENABLE.value, 0), report.left.get(Action.DISABLE.value, 0)
    found = []
    if report.gaps:
        found.append(
            finding_of(
                "InventoryIncomplete",
                "The estate could not be read in full, and this report is partial: nothing is enabled, disabled or "
                "removed that an unread list or row may concern.",
            )
        )
    if enables:
        found.append(
            finding_of(
                "DailyEnableLimitReached",
                f"{enables} VMs are to be enabled beyond the {settings.max_enables_per_day} that "
                "DR_MAX_ENABLES_PER_DAY allows in 24 hours: they wait for later sweeps.",
            )
        )
    if disables:
        found.append(
            finding_of(
                "DailyDisableLimitReached",
                f"{disables} VMs are to be disabled beyond the {settings.max_disable_percent_per_day:g} % that "
                "DR_MAX_DISABLE_PERCENT_PER_DAY allows in 24 hours: they stay protected.",
            )
        )
    return tuple(found)
