"""A sweep over the estate: the state that it carries from pass to pass, and what it reports at its end."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from shared.config.settings import Settings
from shared.model.base import Model
from shared.model.findings import Finding, warning
from shared.model.resource_id import ResourceId
from shared.model.step_result import Error
from shared.reconcile.inventory import Action, ComplianceReport, State, VmStatus
from shared.reconcile.run_state import Phase, RunOutcome, RunResult

PER_PAIR, PER_VAULT = 200, 400
"""VMs that are enabled at once by a sweep. Site Recovery has published no limit; the portal takes ten at a time."""

# In poll intervals: how long a VM is left alone whose run could do nothing about what a sweep finds again, 6 h; and
# where it failed, 24 h, for each of its attempts is one of the day's enables.
_AGAIN, _AGAIN_AFTER_FAILURE = 720, 2880


class Summary(Model):
    """The estate in numbers.

    `required` VMs are tagged, and not failover VMs; `compliant` ones of them need nothing. `by_finding` counts VMs by
    finding code, `by_action` the VMs for which the app has an action.
    """

    total: int = 0
    required: int = 0
    compliant: int = 0
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
            by_state=dict(sorted(Counter(vm_status.state.value for vm_status in every).items())),
            by_finding=dict(sorted(Counter(codes).items())),
            by_action=dict(sorted(Counter(actions).items())),
        )


class Work(Model):
    """A run that the sweep has started or found running. `pair` is the vault and region of the VM; `requested` is
    whether the run has started its job."""

    instance: str
    pair: str
    action: Action
    requested: bool = False


class SweepReport(Model):
    """What a sweep found and did. `started` counts the runs it started, `left` the VMs left for another time, both by
    action, and `stopped` says why; `unchanged` counts those that it did not wake, for their own runs have met with the
    very same not long ago and could do nothing. `removed` are the leftovers of the target whose removal it asked for,
    `orphans` tells of those that stay. With `gaps` it has not seen everything."""

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
    error: Error | None = None

    @property
    def outcome(self) -> Literal["complete", "partial", "failed"]:
        """`partial` with gaps, `failed` if it was given up."""
        if self.error:
            return "failed"
        return "partial" if self.gaps else "complete"


class Sweep(Model):
    """The state that a sweep carries from pass to pass; its calls have low priority. Times are absolute, in UTC.

    `after` is the last VM handled in each pair (its lower-cased ID). `under_way` are the runs that count against their
    vault's concurrency limit, `disables` how many more VMs the sweep may have disabled. A `done` sweep is published;
    `publish_attempts` counts the failed attempts.
    """

    version: int = 2

    poll_seconds: float
    resume_at: datetime | None = None
    after: dict[str, str] = {}
    under_way: tuple[Work, ...] = ()
    disables: int = 0
    report: SweepReport | None = None
    faults: int = 0
    done: bool = False
    publish_attempts: int = 0
    low_priority: Literal[True] = True

    def with_(self, **changes: Any) -> Self:
        return self.model_copy(update=changes)

    def status(self) -> dict[str, Any]:
        """The custom status: what an operator wants to see while it runs."""
        started = sum(self.report.started.values()) if self.report else 0
        required = self.report.summary.required if self.report else 0
        return {"required": required, "started": started, "underWay": len(self.under_way), "faults": self.faults}


def unhealthy(compliance_report: ComplianceReport) -> tuple[VmStatus, ...]:
    """The VMs that somebody has to be told of: protected, and not as they should be."""
    return tuple(each for each in compliance_report.vm_statuses if each.state is State.PROTECTED and not each.compliant)


def region_pair_of(vm_status: VmStatus) -> str:
    """The vault and the region of a VM: what is made once for all its like."""
    return f"{vm_status.vault.key if vm_status.vault else ''}|{vm_status.location}"


def vault_of(pair: str) -> str:
    return pair.split("|", 1)[0]


def occupies_slot(status: Mapping[str, Any]) -> bool:
    """Whether the run with this custom status keeps its vault busy, or is about to: not while it waits for the end of
    its initial replication, of somebody's grace, or of what went wrong."""
    replicates = status.get("phase") == Phase.FOLLOW and ("percent" in status or not status.get("job"))
    return not (replicates or "lastError" in status or "disableAt" in status)


def is_unchanged(vm_status: VmStatus, result: RunResult, ended: datetime, now: datetime, poll_seconds: float) -> bool:
    """Whether the VM's last run was started for what is seen of it now, and has not done it: neither would another."""
    done = {
        Action.ENABLE: result.outcome is RunOutcome.PROTECTED,
        Action.CHANGE: result.changed,
        Action.DISABLE: result.outcome is RunOutcome.DISABLED,
    }
    if result.fingerprint != vm_status.fingerprint or done[vm_status.action]:
        return False
    polls = _AGAIN_AFTER_FAILURE if result.outcome is RunOutcome.FAILED else _AGAIN
    return now - ended < timedelta(seconds=polls * poll_seconds)


@dataclass
class Window:
    """The VMs whose runs are to be started now, how far the sweep has come with them, and those it left, by action."""

    after: dict[str, str]
    chosen: list[VmStatus] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)


def next_window(
    compliance_report: ComplianceReport,
    after: Mapping[str, str],
    under_way: Iterable[Work],
    enables: int,
    disables: int,
) -> Window:
    """The next VMs in the order of their IDs, pair by pair: as many as their pair and its vault have room for.

    `enables` are left of the day's: what is under way and has not asked yet may still need some of them, and is waited
    for. With none left, or none of the `disables`, a VM is left over. In a pair where this app protects nothing yet
    one VM goes first, and makes what all of them share.
    """
    works = tuple(under_way)
    ready = {region_pair_of(vm_status) for vm_status in compliance_report.vm_statuses if vm_status.made_by_app}
    busy, leading = Counter(work.pair for work in works), {work.pair for work in works if not work.requested}
    in_vault = Counter(vault_of(work.pair) for work in works)
    spare = enables - sum(work.action is Action.ENABLE and not work.requested for work in works)
    window = Window(dict(after))
    for pair, waiting in _waiting(compliance_report, after).items():
        room = min(PER_PAIR - busy[pair], PER_VAULT - in_vault[vault_of(pair)])
        if pair not in ready:
            room = 0 if pair in leading else min(room, 1) if pair not in after else room
        for vm_status in waiting:
            enabled, disabled = vm_status.action is Action.ENABLE, vm_status.action is Action.DISABLE
            if (enabled and enables <= 0) or (disabled and disables <= 0):
                window.left[vm_status.action.value] += 1
            elif room <= 0 or (enabled and spare <= 0):
                break
            else:
                window.chosen.append(vm_status)
                spare, disables, room = spare - enabled, disables - disabled, room - 1
                in_vault[vault_of(pair)] += 1
            window.after[pair] = vm_status.vm_id.key
    return window


def _waiting(compliance_report: ComplianceReport, after: Mapping[str, str]) -> dict[str, list[VmStatus]]:
    """Those for which something is to be done and that this sweep has not come to yet, by pair, in order.

    What was not read in full says nothing of what is not there: then nothing is disabled.
    """
    found: dict[str, list[VmStatus]] = {}
    for vm_status in compliance_report.vm_statuses:
        if vm_status.action is Action.NONE or (vm_status.action is Action.DISABLE and compliance_report.gaps):
            continue
        pair = region_pair_of(vm_status)
        if vm_status.vm_id.key > after.get(pair, ""):
            found.setdefault(pair, []).append(vm_status)
    return found


def waits(compliance_report: ComplianceReport, after: Mapping[str, str]) -> bool:
    """Whether there are VMs that this sweep has not come to yet."""
    return bool(_waiting(compliance_report, after))


def limit_findings(report: SweepReport, settings: Settings) -> tuple[Finding, ...]:
    """Why a sweep has left VMs for another time, and what it takes for it to go on."""
    enables, disables = report.left.get(Action.ENABLE.value, 0), report.left.get(Action.DISABLE.value, 0)
    found = []
    if report.gaps:
        found.append(
            warning(
                "InventoryIncomplete",
                "The estate could not be read in full, and this report is partial: nothing is disabled, and no VM is "
                "enabled that something unread may protect.",
                "See the gaps: a passing fault is gone by the next sweep; a right that the app lacks is not.",
            )
        )
    if enables:
        found.append(
            warning(
                "DailyEnableLimitReached",
                f"{enables} VMs are to be enabled beyond the {settings.max_enables_per_day} that "
                "DR_MAX_ENABLES_PER_DAY allows in 24 hours: they wait for later sweeps.",
                "Find out who tagged so many. If they are meant, a larger DR_MAX_ENABLES_PER_DAY confirms it.",
            )
        )
    if disables:
        found.append(
            warning(
                "DailyDisableLimitReached",
                f"{disables} VMs are to be disabled beyond the {settings.max_disable_percent_per_day:g} % that "
                "DR_MAX_DISABLE_PERCENT_PER_DAY allows in 24 hours: they stay protected.",
                "Find out why so many are to be disabled, and tag them again if they are not. If they are: DELETE "
                ".../protection?confirm=true disables one at once, and a larger DR_MAX_DISABLE_PERCENT_PER_DAY more.",
            )
        )
    return tuple(found)
