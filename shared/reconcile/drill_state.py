"""The run of a drill: the state that it carries from pass to pass. What it has found out is in the drill's record."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from shared.config.intervals import (
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    LONGEST_DRILL_START,
    back_off,
    until_tick,
)
from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.drill import Drill, DrillOrder, DrillOutcome, DrillResult
from shared.model.findings import Finding
from shared.model.order import MAX_ORDERS, Order
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Pending


class DrillPhase(StrEnum):
    """What the next pass does. From `CLEANUP` on, the run ends only once everything is shown to be clean."""

    PREPARE = "prepare"
    START = "start"
    FOLLOW = "follow"
    LOOK = "look"
    KEEP = "keep"
    CLEANUP = "cleanup"
    FOLLOW_CLEANUP = "follow cleanup"
    FINISH = "finish"


_STEPS = {
    DrillPhase.PREPARE: "Checking whether the drill may begin",
    DrillPhase.START: "Requesting the test failover",
    DrillPhase.FOLLOW: "Test failover",
    DrillPhase.LOOK: "Waiting until the test VM is ready",
    DrillPhase.KEEP: "The test VM is kept",
    DrillPhase.CLEANUP: "Cleaning up",
    DrillPhase.FOLLOW_CLEANUP: "Cleaning up",
    DrillPhase.FINISH: "Looking whether everything is clean",
}


class DrillRun(Model):
    """The state of a drill's run; times are absolute, in UTC. One that begins with `CLEANUP` has no `order`: it cleans
    up what a record says that an earlier run has begun.

    `since` is when the phase began, `job` the job that it follows, in `vault`. `ended_by` is who ended it, for the
    archive only. `error` is what went wrong with the test, `cleanup_error` what did with the last attempt to clean up;
    `cleanups` counts those that did not succeed.
    """

    version: int = 1
    vm_id: ResourceId
    poll_seconds: float
    order: DrillOrder | None = None
    orders: tuple[str, ...] = ()
    ended_by: tuple[Caller, ...] = ()
    low_priority: bool = False
    phase: DrillPhase = DrillPhase.PREPARE
    since: datetime | None = None
    resume_at: datetime | None = None
    step: str = ""
    job: str = ""
    vault: ResourceId | None = None
    error: Error | None = None
    cleanup_error: Error | None = None
    last_error: Error | None = None
    cleanups: int = 0
    faults: int = 0
    result: DrillResult | None = None

    @property
    def token(self) -> str:
        """What identifies the drill: the order that began it."""
        return self.orders[0] if self.orders else ""

    def status(self) -> dict[str, Any]:
        """The custom status."""
        fields = {"step", "phase", "job", "orders", "resume_at", "last_error", "cleanups"}
        shown = self.model_dump(mode="json", by_alias=True, exclude_none=True, include=fields)
        return {"vmId": str(self.vm_id), **shown, "step": self.step or _STEPS[self.phase]}

    def go_to(self, phase: DrillPhase, now: datetime, **changes: Any) -> Self:
        """The next pass begins at once, with this phase."""
        changes = {"step": _STEPS[phase], "last_error": None, "faults": 0, **changes}
        return self.with_(phase=phase, since=now, resume_at=None, **changes)

    def fail(self, now: datetime, error: Error) -> Self:
        """Something went wrong with the test: it is cleaned up."""
        return self.go_to(DrillPhase.CLEANUP, now, error=self.error or error, job="")

    def take_up(self, order: Order, now: datetime) -> Self:
        """Accepts an order to end the drill now, in whatever phase. A repeated one changes nothing."""
        if order.token in self.orders:
            return self
        taken = self.with_(orders=(*self.orders, order.token)[-MAX_ORDERS:])
        if self.phase in {DrillPhase.CLEANUP, DrillPhase.FOLLOW_CLEANUP, DrillPhase.FINISH}:
            return taken.with_(resume_at=None)
        # A VM that was looked at has passed or not, also if someone ends the time for which it is kept.
        error = self.error or (None if self.phase is DrillPhase.KEEP else _CANCELLED)
        return taken.go_to(DrillPhase.CLEANUP, now, error=error, job="", ended_by=order.asked_by)

    def spent(self, now: datetime) -> float:
        """Seconds since the phase began."""
        return (now - (self.since or now)).total_seconds()

    def sleep(self, now: datetime, seconds: float, step: str = "", error: Error | None = None) -> Self:
        wait = timedelta(seconds=seconds)
        return self.with_(resume_at=now + wait, step=step or self.step, last_error=error, since=self.since or now)

    def wait_for(self, now: datetime, pending: Pending) -> Self:
        """Retries the same phase. What is to begin is given up after a while, what is to end never."""
        begins = self.phase in {DrillPhase.PREPARE, DrillPhase.START}
        if begins and pending.error and self.spent(now) > LONGEST_DRILL_START * self.poll_seconds:
            return self.fail(now, pending.error)
        seconds = min(pending.retry_after, LONGEST_BACKOFF.total_seconds())
        if pending.tick:
            seconds = until_tick(now, seconds, pending.tick)
        return self.sleep(now, seconds, pending.step, pending.error)

    def not_clean(self, now: datetime, error: Error) -> Self:
        """The cleanup did not succeed: the next attempt follows after a back-off, which grows to an hour."""
        cleanups = self.cleanups + 1
        again = self.go_to(DrillPhase.CLEANUP, now, cleanups=cleanups, job="")
        wait = back_off(cleanups, self.poll_seconds, FIRST_BACKOFF * self.poll_seconds)
        return again.sleep(now, wait.total_seconds(), "Waiting to clean up again", error)

    def back_off(self, now: datetime, error: Error) -> Self:
        """Retries after an unexpected error; one that lasts ends in the cleanup."""
        faults = self.faults + 1
        waiting = self.with_(faults=faults, last_error=error, resume_at=now + back_off(faults, self.poll_seconds))
        given_up = faults > _MOST_FAULTS and self.phase in _BEFORE_CLEANUP
        return self.fail(now, error) if given_up else waiting

    def finish(
        self,
        outcome: DrillOutcome,
        findings: tuple[Finding, ...] = (),
        error: Error | None = None,
        drill: Drill | None = None,
    ) -> Self:
        result = DrillResult(
            outcome=outcome,
            vm_id=self.vm_id,
            findings=findings,
            error=error,
            drill=drill,
            rto_seconds=drill.rto_seconds if drill else None,
            orders=self.orders,
        )
        return self.with_(result=result, step=outcome.value, resume_at=None, last_error=error)


_CANCELLED = Error(code="DrillCancelled", message="The drill was cancelled before its test VM was ready.")
_MOST_FAULTS = 10
_BEFORE_CLEANUP = {DrillPhase.PREPARE, DrillPhase.START, DrillPhase.FOLLOW, DrillPhase.LOOK, DrillPhase.KEEP}
