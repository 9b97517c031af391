"""A batch: many VMs requested at once, and followed to the ends of their runs under one name."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Generic, Self, TypeVar

from shared.config.intervals import FOLLOW_BATCH, back_off
from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.findings import Finding, Severity
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending
from shared.planning.run_errors import FinalError
from shared.reconcile.run_state import RunOutcome, RunResult

MOST_VMS = 500
"""The most VMs in one batch: the whole state is carried from pass to pass."""

AT_ONCE = 10
"""VMs that are requested in one step."""

PREFIX = "batch-"
WAITING, RUNNING = "Waiting", "Running"
"""The states of a VM that has not ended: not yet requested, or its run is in progress."""

_MOST_FAULTS = 10  # in a row: five hours at the default of 30 s
_MOST_FINDINGS = 3
_LONGEST_TEXT = 200
_SEVERITIES = list(Severity)


class Ended(Model):
    """How a batch ended for one VM: `outcome` is a word of an enumeration."""

    vm_id: ResourceId
    outcome: Any
    findings: tuple[Finding, ...] = ()
    error: FinalError | None = None


class BatchEnd(Ended):
    """How the batch ended for one VM: with the outcome of its run, or before a run was started.

    Findings are shortened, and only the weightiest keeps its fix, to bound the state of a batch; GET .../protection of
    the VM shows all.
    """

    outcome: RunOutcome

    @classmethod
    def of(cls, result: RunResult) -> Self:
        error = short(result.error) if result.error else None
        return cls(vm_id=result.vm_id, outcome=result.outcome, findings=weightiest(result.findings), error=error)


class BatchRequest(Model):
    """`tags` are the overrides of the request. `order` is the token that a run shows once it has accepted the batch;
    the end of a run without it does not count for the batch. `asked_by` goes to the archive only."""

    vm_ids: tuple[ResourceId, ...]
    tags: dict[str, str] = {}
    asked_by: tuple[Caller, ...] = ()
    order: str


class BatchProgress(Model):
    """The VMs that have ended, those whose run is in progress, and those to retry (`again`) after `retry_after` seconds
    because of `error`."""

    ended: tuple[BatchEnd, ...] = ()
    running: tuple[ResourceId, ...] = ()
    again: tuple[ResourceId, ...] = ()
    retry_after: float = 0
    error: Error | None = None


End = TypeVar("End", bound=Ended)


class BatchOf(Model, Generic[End]):
    """The state of a batch: its VMs are `waiting`, `running`, or have `ended`. Times are absolute (UTC).

    `since` is when it was started. The calls of a batch have low priority. `faults` counts consecutive failures.
    """

    version: int = 2
    poll_seconds: float
    since: datetime | None = None
    asked_by: tuple[Caller, ...] = ()
    waiting: tuple[ResourceId, ...]
    running: tuple[ResourceId, ...] = ()
    ended: tuple[End, ...] = ()
    resume_at: datetime | None = None
    faults: int = 0
    last_error: Error | None = None
    low_priority: bool = True

    @property
    def total(self) -> int:
        return len(self.waiting) + len(self.running) + len(self.ended)

    @property
    def percent(self) -> int:
        return 100 * len(self.ended) // self.total if self.total else 100

    @property
    def is_done(self) -> bool:
        return not self.waiting and not self.running

    @property
    def counts(self) -> dict[str, int]:
        """VMs by outcome, and those without one as `Waiting` and `Running`; the counts add up to `total`."""
        counts = Counter(end.outcome.value for end in self.ended)
        counts |= Counter({WAITING: len(self.waiting), RUNNING: len(self.running)})
        return {outcome: count for outcome, count in sorted(counts.items()) if count}

    def status(self) -> dict[str, Any]:
        """The custom status. It may be no larger than 16 KB: the VMs themselves are in the state."""
        shown = {"total": self.total, "percent": self.percent, "counts": self.counts, "faults": self.faults}
        when = {"since", "resume_at", "last_error"}
        return shown | self.model_dump(mode="json", by_alias=True, exclude_none=True, include=when)

    def fault(self, error: Error, now: datetime, at_least: float = 0) -> Self:
        """Retries the same VMs with exponential back-off, after `at_least` seconds: requests are idempotent.

        After too many failures the waiting VMs, or else the running ones, end as failed.
        """
        error, faults = short(error), self.faults + 1
        if faults > _MOST_FAULTS:
            ends = (self.lost(vm, error) for vm in self.waiting or self.running)
            running = self.running if self.waiting else ()
            return self.with_(waiting=(), running=running, ended=(*self.ended, *ends), resume_at=None, faults=0)
        resume_at = now + back_off(faults, self.poll_seconds, at_least)
        return self.with_(faults=faults, last_error=error, resume_at=resume_at)

    def not_ready(self, outcome: Pending | Failed, now: datetime) -> Self:
        """Retries a step that has not succeeded."""
        error = outcome.error or Error(code="NotYet", message="Azure requested a retry later.")
        return self.fault(error, now, outcome.retry_after if isinstance(outcome, Pending) else 0)

    @abstractmethod
    def lost(self, vm: ResourceId, error: Error) -> End:
        """The end of a VM that was given up."""


class Batch(BatchOf[BatchEnd]):
    """A batch of protections: its VMs are requested with the overrides in `tags`."""

    tags: dict[str, str] = {}

    def lost(self, vm: ResourceId, error: Error) -> BatchEnd:
        return BatchEnd(vm_id=vm, outcome=RunOutcome.FAILED, error=error)

    def requested(self, progress: BatchProgress, now: datetime) -> Self:
        """The state after the first waiting VMs were requested. Those to retry are appended to the queue."""
        after = self.with_(
            waiting=(*self.waiting[AT_ONCE:], *progress.again),
            running=(*self.running, *progress.running),
            ended=(*self.ended, *progress.ended),
            resume_at=None,
        )
        if progress.error is None:
            return after.with_(faults=0, last_error=None)
        if progress.running or progress.ended:
            after = after.with_(faults=0)
        return after.fault(progress.error, now, progress.retry_after)

    def followed(self, progress: BatchProgress, now: datetime) -> Self:
        return self.with_(
            running=progress.running,
            ended=(*self.ended, *progress.ended),
            resume_at=now + timedelta(seconds=FOLLOW_BATCH * self.poll_seconds),
            faults=0,
            last_error=None,
        )


def weightiest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The weightiest findings, shortened; only the first keeps its fix."""
    ordered = sorted(findings, key=lambda finding: _SEVERITIES.index(finding.severity))
    return tuple(
        finding.with_(
            message=finding.message[:_LONGEST_TEXT], fix="" if place else finding.fix[:_LONGEST_TEXT], since=None
        )
        for place, finding in enumerate(ordered[:_MOST_FINDINGS])
    )


def short(error: Error) -> Error:
    return error.with_(message=error.message[:_LONGEST_TEXT], action=error.action[:_LONGEST_TEXT])
