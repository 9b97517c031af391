"""A run: the protection of one VM over time, the state it carries from pass to pass, and how it ended."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from shared.config.intervals import (
    EARLY,
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    LONGEST_FOR_TARGETS,
    SETTLING,
    back_off,
    until_tick,
)
from shared.model.base import Model
from shared.model.caller import Caller, with_callers
from shared.model.changes import DiskFailure, Refusal
from shared.model.findings import Finding
from shared.model.order import MAX_ORDERS, Hint, Order
from shared.model.patience import Patience
from shared.model.plan import Setting
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending
from shared.model.target_resources import TargetResource
from shared.model.vm import SourceVm
from shared.planning.catalog import of_error
from shared.planning.run_errors import FinalError

CHANGED = "changed"
"""The name of the event that signals a change of the VM to its run. It may carry an `Order`."""

WRITES_DISABLED = "WritesDisabled"
"""The code of a write that was skipped because the settings disable writes."""

_MOST_ATTEMPTS = 3
_MOST_FAULTS = 10
MOST_CHANGES = 6
"""The most calls of one run to change an item, besides one for each disk: after so many the item still does not show
what was requested."""


class RunOutcome(StrEnum):
    """How a run ends. A later change by the operator (tags, power state, settings) starts the next run."""

    PROTECTED = "Protected"
    NOT_ELIGIBLE = "NotEligible"
    NOT_TAGGED = "NotTagged"
    GONE = "Gone"
    FROZEN = "Frozen"
    FAILED = "Failed"
    REPORTED = "Reported"
    TARGETS_READY = "TargetsReady"
    DISABLED = "Disabled"


class LastChange(Model):
    """How the last run ended that wrote to Site Recovery, `at` which time (UTC), and the error if it failed."""

    outcome: RunOutcome
    at: datetime
    error: FinalError | None = None


class RunResult(Model):
    """What a run returns. `settings` are the derived settings with their origins; `error` is set if it failed.

    `changed` is whether every difference of the replicated item was changed in place; `fingerprint` is that of the
    observation by the sweep that started the run. `orders` are the tokens of the requests that the run has accepted.
    `acted` is whether the run has written to Site Recovery; `last_change` is what an earlier run changed;
    `failed_disks` could not be added, and `refusals` are changes that Azure refused, in this run or an earlier one.
    """

    outcome: RunOutcome
    vm_id: ResourceId
    item_id: ResourceId | None = None
    findings: tuple[Finding, ...] = ()
    settings: tuple[Setting, ...] = ()
    error: FinalError | None = None
    attempts: int = 0
    changed: bool = False
    fingerprint: str = ""
    orders: tuple[str, ...] = ()
    acted: bool = False
    last_change: LastChange | None = None
    failed_disks: tuple[DiskFailure, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def jobs_failed(self) -> bool:
        """Whether the run has failed because its jobs did, and not for what it could not read or request."""
        return self.outcome is RunOutcome.FAILED and self.attempts >= _MOST_ATTEMPTS


class Phase(StrEnum):
    """Where the next pass begins: observing the VM, the target resources, or following a job."""

    OBSERVE = "observe"
    TARGETS = "targets"
    FOLLOW = "follow"


class RunState(Model):
    """The state that a run carries from pass to pass. Times are absolute, in UTC: `since` is when it was started.

    `job` is the Site Recovery job in progress, in `vault`, and was requested at `requested_at`: while it is set, no
    other job is started. `changing` is whether that job changes the replicated item in place, `changed` whether the
    last such job succeeded; `attempted_changes` are the changes requested so far, `adding` is the disk that the job
    adds, `attempt` what else it attempts that Azure may refuse. `remaining` are the target resources not known to exist
    yet, by wave; a run of `targets_only` creates them and ends. `enabled_with` are the findings of the plan that the
    run has enabled: a plan for the protected VM repeats only some.

    `confirmed` is whether a caller has confirmed that protection of the VM is to be disabled, `disable_at` when the
    grace period ends, `disabling` whether the disable was requested. `orders` are the tokens of the requests that the
    run has accepted, the latest last; `last_change` is what an earlier run changed, `failed_disks` could not be added,
    and `refusals` were refused, by an earlier run either. `asked_by` is who caused the run, for the archive only: it is
    neither in the status nor in the result.

    The calls of a `low_priority` run yield to all others. `fingerprint` is that of the observation by the sweep that
    started the run. `settling` and `targets_wait` measure the wait for the VM's own provisioning and for the target
    resources. `followed` is whether the run has followed a job or an initial replication: if so, its end is published.

    `published_digest` identifies the result that was published last, which the run reached at `ended_at`;
    `publish_attempts` counts failed attempts. A run is over when it has a result and no `resume_at`: the result has
    then been published.
    """

    version: int = 2
    vm_id: ResourceId
    poll_seconds: float
    targets_only: bool = False
    confirmed: bool = False
    low_priority: bool = False
    since: datetime | None = None
    fingerprint: str = ""
    orders: tuple[str, ...] = ()
    asked_by: tuple[Caller, ...] = ()
    last_change: LastChange | None = None
    phase: Phase = Phase.OBSERVE
    resume_at: datetime | None = None
    step: str = "Observing the VM"
    percent: int | None = None
    settings: tuple[Setting, ...] = ()
    remaining: tuple[tuple[TargetResource, ...], ...] = ()
    job: str = ""
    requested_at: datetime | None = None
    vault: ResourceId | None = None
    changing: bool = False
    changed: bool = False
    attempted_changes: tuple[str, ...] = ()
    adding: ResourceId | None = None
    attempt: str = ""
    failed_disks: tuple[DiskFailure, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    disable_at: datetime | None = None
    disabling: bool = False
    enabled_with: tuple[Finding, ...] = ()
    item_id: ResourceId | None = None
    attempts: int = 0
    faults: int = 0
    waits: int = 0
    settling: Patience | None = None
    targets_wait: Patience | None = None
    last_error: Error | None = None
    result: RunResult | None = None
    followed: bool = False
    published_digest: str = ""
    publish_attempts: int = 0
    ended_at: datetime | None = None

    def status(self) -> dict[str, Any]:
        """The custom status: what an operator sees while the run is in progress."""
        when = {"since", "phase", "disable_at", "resume_at"}
        fields = {"step", "percent", "last_error", "attempts", "job", "orders", "last_change", *when}
        shown = self.model_dump(mode="json", by_alias=True, exclude_none=True, include=fields)
        return {"vmId": str(self.vm_id), **shown}

    def sleep(self, now: datetime, seconds: float, step: str = "", **changes: Any) -> Self:
        """The next pass begins after `seconds`, or when the VM changes."""
        changes = {"percent": None, "waits": 0, **changes}
        return self.with_(resume_at=now + timedelta(seconds=seconds), step=step or self.step, faults=0, **changes)

    def due(self, now: datetime) -> datetime:
        """Since when the pass that goes on now has been due. Of an event: since it was taken up."""
        return min(self.resume_at or now, now)

    def requeue(self) -> Self:
        """The next pass observes the VM at once. All other state stays."""
        return self.with_(phase=Phase.OBSERVE, resume_at=None, result=None, ended_at=None, publish_attempts=0)

    def take_up(self, hint: Hint) -> Self:
        """Accepts an order, in addition to the work in progress. A repeated order is a hint only: it may arrive late,
        after its confirmation has served its disable or was dropped."""
        asked_by = with_callers(self.asked_by, hint.asked_by)
        if not isinstance(hint, Order) or hint.token in self.orders:
            return self.with_(asked_by=asked_by).requeue()
        return self.with_(
            orders=(*self.orders, hint.token)[-MAX_ORDERS:],
            asked_by=asked_by,
            confirmed=self.confirmed or hint.confirmed,
            failed_disks=(),
            refusals=(),
        ).requeue()

    def take_over(self, lost: Self) -> Self:
        """Continues a run whose lease expired, with its state."""
        return lost.with_(
            orders=(*lost.orders, *self.orders)[-MAX_ORDERS:],
            asked_by=with_callers(lost.asked_by, self.asked_by),
            confirmed=lost.confirmed or self.confirmed,
            low_priority=lost.low_priority and self.low_priority,
        ).requeue()

    def wait_for(self, now: datetime, pending: Pending) -> Self:
        """Retries the same phase after the wait that Azure requested.

        After an error the waits grow, up to an hour: a lock may last for days, and the run continues after it.
        """
        waits = self.waits + 1 if pending.error else 0
        seconds = pending.retry_after * 2 ** min(waits - 1, 12) if waits else pending.retry_after
        seconds = min(seconds, max(pending.retry_after, LONGEST_BACKOFF.total_seconds()))
        if pending.tick:
            seconds = until_tick(now, seconds, pending.tick)
        changes = {"percent": pending.percent, "last_error": pending.error, "waits": waits}
        return self.sleep(now, seconds, pending.step, **changes)

    def wait_for_targets(self, now: datetime, pending: Pending, remaining: tuple[Any, ...]) -> Self:
        """The next pass continues with `remaining`. Fails the run after `LONGEST_FOR_TARGETS`."""
        if self.targets_wait and self.targets_wait.at(now) > LONGEST_FOR_TARGETS * self.poll_seconds:
            late = Error(code="TargetsNotReady", message="The target resources were not ready in time.")
            return self.finish(RunOutcome.FAILED, error=pending.error or late)
        waiting = self.wait_for(now, pending)
        patience = _patience(self.targets_wait, now, waiting.resume_at)
        return waiting.with_(phase=Phase.TARGETS, targets_wait=patience, remaining=remaining)

    def may_settle(self, now: datetime) -> bool:
        """Whether there is time left to wait for the provisioning of the VM."""
        return self.settling is None or self.settling.at(now) < SETTLING * self.poll_seconds

    def wait_to_settle(self, now: datetime, vm: SourceVm) -> Self:
        step = f"Waiting until the VM is no longer {vm.provisioning_state}"
        waiting = self.sleep(now, self.poll_seconds, step)
        return waiting.with_(settling=_patience(self.settling, now, waiting.resume_at))

    def follow(self, now: datetime, seconds: float, job: str = "", step: str = "Enabling protection") -> Self:
        """The next pass reads the job, or the item if the job is not known."""
        since = None if job else self.requested_at
        changes = {"phase": Phase.FOLLOW, "job": job or self.job, "requested_at": since or now, "last_error": None}
        return self.sleep(now, seconds, step, **changes)

    def enabling_for(self, now: datetime) -> float:
        """The seconds since the job to enable was requested; 0 while another job is in progress."""
        if self.changing or self.disabling or self.requested_at is None:
            return 0
        return (now - self.requested_at).total_seconds()

    def change_ended(self, now: datetime, error: Error | None) -> Self:
        """The change job has ended: the next pass observes whether the item shows the change. A disk that could not be
        added is remembered, and so is what Azure refused."""
        failed, refusals = self.failed_disks, self.refusals
        if error and self.adding:
            others = (failure for failure in failed if failure.disk != self.adding)
            failed = (*others, DiskFailure(disk=self.adding, error=error, at=now))
        if error and self.attempt:
            earlier = (refusal for refusal in refusals if refusal.attempt != self.attempt)
            refusals = (*earlier, Refusal(attempt=self.attempt, error=error, at=now))
        changes = {"changed": error is None, "last_error": error, "failed_disks": failed, "refusals": refusals}
        return self.with_(job="", changing=False, adding=None, attempt="", **changes).requeue()

    def attempt_failed(self, now: datetime, error: Error) -> Self:
        """The job to enable or disable failed: the next pass observes the VM again after a back-off."""
        attempts = self.attempts + 1
        failed = self.with_(attempts=attempts, job="", last_error=error)
        if attempts >= _MOST_ATTEMPTS:
            return failed.finish(RunOutcome.FAILED, error=error)
        backoff = FIRST_BACKOFF * self.poll_seconds * 2 ** (attempts - 1)
        what = "disable" if self.disabling else "enable"
        return failed.sleep(now, backoff, f"Waiting to retry after a failed job to {what}", phase=Phase.OBSERVE)

    def wait_until(self, now: datetime, when: datetime, step: str) -> Self:
        """The next pass observes the VM at that time and not before, or when the VM changes."""
        seconds = (when - now).total_seconds() + EARLY * self.poll_seconds
        return self.sleep(now, seconds, step, phase=Phase.OBSERVE)

    def back_off(self, now: datetime, error: Error) -> Self:
        """Retries after an unexpected error, with exponential back-off; fails the run after too many."""
        faults = self.faults + 1
        if faults > _MOST_FAULTS:
            return self.finish(RunOutcome.FAILED, error=error)
        resume_at = now + back_off(faults, self.poll_seconds)
        return self.with_(resume_at=resume_at, faults=faults, last_error=error)

    def finish(self, outcome: RunOutcome, findings: tuple[Finding, ...] = (), **result: Any) -> Self:
        ended = RunResult(
            outcome=outcome,
            vm_id=self.vm_id,
            item_id=self.item_id,
            findings=findings,
            settings=self.settings,
            attempts=self.attempts,
            changed=self.changed,
            fingerprint=self.fingerprint,
            orders=self.orders,
            acted=self.followed or self.disabling or bool(self.attempted_changes),
            last_change=self.last_change,
            failed_disks=self.failed_disks,
            refusals=self.refusals,
            **{"error": self.last_error if outcome is RunOutcome.FAILED else None, **result},
        )
        return self.with_(result=ended, step=outcome.value, percent=None, resume_at=None, last_error=ended.error)

    def fail(self, failed: Failed) -> Self:
        """Ends the run after a refusal: as Failed if Azure refused, and without failure if the settings did."""
        error = failed.error
        if failed.by_settings and error.code == WRITES_DISABLED:
            return self.finish(RunOutcome.REPORTED, (of_error(error),))
        if failed.by_settings:
            return self.finish(RunOutcome.NOT_ELIGIBLE, (of_error(error),))
        return self.finish(RunOutcome.FAILED, error=error)


def _patience(before: Patience | None, now: datetime, until: datetime | None) -> Patience:
    seconds = ((until or now) - now).total_seconds()
    return before.wait(now, seconds) if before else Patience(since=now, planned=seconds)
