"""A run: the protection of one VM over time, the state it carries from pass to pass, and how it ended."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from shared.model.base import Model
from shared.model.findings import Finding, blocker, note
from shared.model.order import MAX_ORDERS, Order
from shared.model.patience import Patience
from shared.model.plan import Setting
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error, Failed, Pending
from shared.model.target_resources import TargetResource
from shared.model.vm import SourceVm

CHANGED = "changed"
"""The event that says: something about the VM changed, look again. It may carry an `Order`."""

WRITES_DISABLED = "WritesDisabled"
"""The code of what did not happen because the settings forbid writing now."""

# In poll intervals: minutes are those at the default of 30 s. Waits for Azure count the time in which the app ran.
_SETTLING = 60  # 30 min for a VM that Azure is still busy with
LONGEST_FOR_TARGETS = 120  # 1 h for the target resources
_FIRST_BACKOFF = 10  # 5 min after a failed enable, then doubled
_LONGEST_BACKOFF = timedelta(hours=1)
_LONGEST_WAIT = 120  # 1 h
_MOST_ATTEMPTS = 3
_MOST_FAULTS = 10
MOST_CHANGES = 6
"""Calls that a run makes to change an item: after these the item answers something else than was asked, each time."""


class Ending(StrEnum):
    """How a run ends. What the operator may change (tags, power, settings) starts the next one."""

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
    """How the last run ended that asked Azure for something, `at` which time in UTC, and the error if it failed."""

    outcome: Ending
    at: datetime
    error: Error | None = None


class Result(Model):
    """What a run returns. `settings` are what was derived in it, with their origins; `error` is there if it failed.

    `changed` is whether all that differed about what protects the VM was changed in place; `seen` stands for what the
    sweep that started the run saw of the VM. `orders` are the tokens that it took up. `acted` is whether it asked Azure
    for something; `last_change` is what a run before it did.
    """

    outcome: Ending
    vm_id: ResourceId
    item_id: ResourceId | None = None
    findings: tuple[Finding, ...] = ()
    settings: tuple[Setting, ...] = ()
    error: Error | None = None
    attempts: int = 0
    changed: bool = False
    seen: str = ""
    orders: tuple[str, ...] = ()
    acted: bool = False
    last_change: LastChange | None = None


class Phase(StrEnum):
    """Where the next pass begins: a look at the VM, the target resources, or the job and the initial replication."""

    LOOK = "look"
    TARGETS = "targets"
    FOLLOW = "follow"


class Run(Model):
    """The state that a run carries from pass to pass. Times are absolute, in UTC.

    `job` is the job asked for, in `vault`; while it is set, protection is never asked for again. `remaining` are the
    target resources that are not known to be there yet; while it is `changing`, the job changes what
    protects the VM, `changed` is whether the last one did, and `tried` are the changes that were asked for.
    A run of `targets_only` makes the target resources and ends. `confirmed` is whether a caller has confirmed that the
    VM's protection is to be disabled; `disable_at` is when that is done, `disabling` whether it was asked for. What is
    `in_background` leaves the way to others; `seen` stands for what the sweep that started it saw of the VM. `orders`
    are the tokens that it took up, the latest last; `last_change` is what an earlier run did. `settling` and
    `targets_wait` are how long it has waited for Azure to be done with the VM, and for the target resources.
    `followed` is whether it has followed a job or an initial replication: then its end is news. `told` is what others
    have been told of its end at `ended_at`, `tellings` how often that came to nothing. It is over when it has a result
    and no time to wake at: then that has been told, too.
    """

    vm_id: ResourceId
    poll_seconds: float
    targets_only: bool = False
    confirmed: bool = False
    in_background: bool = False
    seen: str = ""
    orders: tuple[str, ...] = ()
    last_change: LastChange | None = None
    phase: Phase = Phase.LOOK
    wake_at: datetime | None = None
    step: str = "Looking at the VM"
    percent: int | None = None
    settings: tuple[Setting, ...] = ()
    remaining: tuple[tuple[TargetResource, ...], ...] = ()
    job: str = ""
    vault: ResourceId | None = None
    changing: bool = False
    changed: bool = False
    tried: tuple[str, ...] = ()
    disable_at: datetime | None = None
    disabling: bool = False
    item_id: ResourceId | None = None
    attempts: int = 0
    faults: int = 0
    waits: int = 0
    settling: Patience | None = None
    targets_wait: Patience | None = None
    last_error: Error | None = None
    result: Result | None = None
    followed: bool = False
    told: str = ""
    tellings: int = 0
    ended_at: datetime | None = None

    @property
    def longest_wait(self) -> timedelta:
        """No timer is longer: a wait of days is a chain of these, so that a run shows that it lives."""
        return min(timedelta(seconds=_LONGEST_WAIT * self.poll_seconds), timedelta(hours=1))

    def but(self, **changes: Any) -> Self:
        return self.model_copy(update=changes)

    def status(self) -> dict[str, Any]:
        """The custom status: what an operator wants to see while it runs."""
        told = {"step", "percent", "last_error", "attempts", "job", "phase", "disable_at", "orders", "last_change"}
        shown = self.model_dump(mode="json", by_alias=True, exclude_none=True, include=told)
        return {"vmId": str(self.vm_id), **shown}

    def sleep(self, now: datetime, seconds: float, step: str = "", **changes: Any) -> Self:
        """The next pass begins after `seconds`, or when the VM changes."""
        changes = {"percent": None, "waits": 0, **changes}
        return self.but(wake_at=now + timedelta(seconds=seconds), step=step or self.step, faults=0, **changes)

    def look_again(self) -> Self:
        """The next pass begins with a look at the VM, at once. Nothing else is forgotten."""
        return self.but(phase=Phase.LOOK, wake_at=None, result=None, ended_at=None, tellings=0)

    def take_up(self, order: Order) -> Self:
        """Carries out an order beside what it does already."""
        orders = tuple(token for token in self.orders if token != order.token)
        return self.but(
            orders=(*orders, order.token)[-MAX_ORDERS:], confirmed=self.confirmed or order.confirmed
        ).look_again()

    def take_over(self, lost: Self) -> Self:
        """Goes on where a run stopped that has lost its lease."""
        return lost.but(
            orders=(*lost.orders, *self.orders)[-MAX_ORDERS:],
            confirmed=lost.confirmed or self.confirmed,
            in_background=lost.in_background and self.in_background,
        ).look_again()

    def wait_for(self, now: datetime, pending: Pending) -> Self:
        """Azure is at it, or asked to come back: the same phase again after what it said.

        After an error the waits grow, to an hour: a lock may last for days, and a run that waits heals by itself.
        """
        waits = self.waits + 1 if pending.error else 0
        seconds = pending.retry_after * 2 ** min(waits - 1, 12) if waits else pending.retry_after
        seconds = min(seconds, max(pending.retry_after, _LONGEST_BACKOFF.total_seconds()))
        changes = {"percent": pending.percent, "last_error": pending.error, "waits": waits}
        return self.sleep(now, seconds, pending.step, **changes)

    def wait_for_targets(self, now: datetime, pending: Pending, remaining: tuple[Any, ...]) -> Self:
        """The next pass goes on with what remains. Ends the run if it takes longer than anything ever should."""
        if self.targets_wait and self.targets_wait.at(now) > LONGEST_FOR_TARGETS * self.poll_seconds:
            late = Error(code="TargetsNotReady", message="The target resources were not there in time.")
            return self.finish(Ending.FAILED, error=pending.error or late)
        waiting = self.wait_for(now, pending)
        patience = _patience(self.targets_wait, now, waiting.wake_at)
        return waiting.but(phase=Phase.TARGETS, targets_wait=patience, remaining=remaining)

    def may_settle(self, now: datetime) -> bool:
        """Whether there is time left to wait for Azure to be done with the VM itself."""
        return self.settling is None or self.settling.at(now) < _SETTLING * self.poll_seconds

    def wait_to_settle(self, now: datetime, vm: SourceVm) -> Self:
        step = f"Waiting until the VM is no longer {vm.provisioning_state}"
        waiting = self.sleep(now, self.poll_seconds, step)
        return waiting.but(settling=_patience(self.settling, now, waiting.wake_at))

    def follow(self, now: datetime, seconds: float, job: str = "", step: str = "Enabling protection") -> Self:
        """The next pass looks at the job, or at the item if the job is not known."""
        return self.sleep(now, seconds, step, phase=Phase.FOLLOW, job=job or self.job, last_error=None)

    def change_ended(self, error: Error | None) -> Self:
        """The next look says whether the item is what was asked for."""
        return self.but(job="", changing=False, changed=error is None, last_error=error).look_again()

    def attempt_failed(self, now: datetime, error: Error) -> Self:
        """To enable or to disable failed: after a while the next look decides what is to be done about it."""
        attempts = self.attempts + 1
        failed = self.but(attempts=attempts, job="", last_error=error)
        if attempts >= _MOST_ATTEMPTS:
            return failed.finish(Ending.FAILED, error=error)
        backoff = _FIRST_BACKOFF * self.poll_seconds * 2 ** (attempts - 1)
        what = "disable" if self.disabling else "enable"
        return failed.sleep(now, backoff, f"Waiting to {what} again after a failed job", phase=Phase.LOOK)

    def wait_until(self, now: datetime, when: datetime, step: str) -> Self:
        """The next look is at that time, or when the VM changes."""
        return self.sleep(now, (when - now).total_seconds(), step, phase=Phase.LOOK)

    def back_off(self, now: datetime, error: Error) -> Self:
        """After an unexpected error: again after a growing while, its text in the status; not for ever."""
        faults = self.faults + 1
        if faults > _MOST_FAULTS:
            return self.finish(Ending.FAILED, error=error)
        backoff = min(timedelta(seconds=self.poll_seconds * 2**faults), _LONGEST_BACKOFF)
        return self.but(wake_at=now + backoff, faults=faults, last_error=error)

    def finish(self, outcome: Ending, findings: tuple[Finding, ...] = (), **result: Any) -> Self:
        ended = Result(
            outcome=outcome,
            vm_id=self.vm_id,
            item_id=self.item_id,
            findings=findings,
            settings=self.settings,
            attempts=self.attempts,
            changed=self.changed,
            seen=self.seen,
            orders=self.orders,
            acted=self.followed or self.disabling or bool(self.tried),
            last_change=self.last_change,
            **{"error": self.last_error if outcome is Ending.FAILED else None, **result},
        )
        return self.but(result=ended, step=outcome.value, percent=None, wake_at=None, last_error=ended.error)

    def fail(self, failed: Failed) -> Self:
        """Azure refused; or the settings did, and that is no failure."""
        error = failed.error
        if failed.by_settings and error.code == WRITES_DISABLED:
            return self.finish(Ending.REPORTED, (note(WRITES_DISABLED, error.message),))
        if failed.by_settings:
            return self.finish(Ending.NOT_ELIGIBLE, (blocker(error.code, error.message, error.action),))
        return self.finish(Ending.FAILED, error=error)


def _patience(before: Patience | None, now: datetime, until: datetime | None) -> Patience:
    seconds = ((until or now) - now).total_seconds()
    return before.wait(now, seconds) if before else Patience(since=now, planned=seconds)
