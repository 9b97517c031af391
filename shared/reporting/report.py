"""The report for an auditor: how well each VM was protected in a period, as the archive shows it. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from shared.model.base import Model
from shared.model.caller import Caller
from shared.model.resource_id import ResourceId
from shared.reporting.archive import Json
from shared.reporting.periods import VmPeriod

MOST_CHANGES = 50
"""The most changes of a VM that are shown, the latest."""


class Seconds(Model):
    """The seconds in which a VM was there and had to be protected: they add up to `total`. `unknown` is what no sweep
    speaks for; it never counts as compliant."""

    total: int = 0
    compliant: int = 0
    not_compliant: int = 0
    unknown: int = 0

    @property
    def share(self) -> float | None:
        """The share of time in which it was compliant for sure, from 0 to 1; None without any time."""
        return round(self.compliant / self.total, 6) if self.total else None

    def __add__(self, other: Self) -> "Seconds":
        return Seconds(**{name: getattr(self, name) + getattr(other, name) for name in Seconds.model_fields})


class Rpo(Model):
    """`p50Minutes` is the RPO in half of the time at most, rounded up to two digits; `worstSeconds` the worst that a
    sweep has found, `overLimitSeconds` for how long it was over the limit of the VM's profile."""

    p50_minutes: int | None = None
    worst_seconds: int | None = None
    over_limit_seconds: int = 0


class Duration(Model):
    """For how many seconds of the period something was so."""

    what: str
    seconds: int


class ReportedDrill(Model):
    """A drill that has passed or failed, and the RTO that it measured, in seconds."""

    drill: str | None = None
    ended_at: str | None = None
    result: str | None = None
    rto_seconds: int | None = None
    asked_by: tuple[Caller, ...] | None = None


class Change(Model):
    """A run that has changed something, or that somebody asked for: how it ended, and who asked."""

    at: datetime
    outcome: str
    error: str = ""
    disabling: bool = False
    asked_by: tuple[Caller, ...] = ()


class VmReport(Model):
    """One VM. `protectedSince` is when a sweep first saw it protected, after nothing had protected it.

    `state`, `policy` and `tags` are the last seen, `findings` what was not as it should be and for how long,
    `exceptions` the reasons of its holds. `lastDrill` may be one of before the period. Of the changes the latest 50 are
    shown, and the others counted.
    """

    vm_id: ResourceId
    state: str
    policy: str
    tags: dict[str, str]
    protected_since: datetime | None = None
    seconds: Seconds
    compliant_share: float | None = None
    rpo: Rpo
    findings: tuple[Duration, ...] = ()
    exceptions: tuple[Duration, ...] = ()
    last_drill: ReportedDrill | None = None
    changes: tuple[Change, ...] = ()
    changes_left_out: int = 0


class ReportSummary(Model):
    """All VMs of the report together. `compliantShare` is that of all their time.

    `overRpoLimit` counts the VMs that were over their limit at some time, `drilled` those whose last drill has passed,
    `drillFailed` those whose last has not, `neverDrilled` the others. A drill that was cancelled or interrupted counts
    as none.
    """

    virtual_machines: int = 0
    seconds: Seconds = Seconds()
    compliant_share: float | None = None
    rpo: Rpo = Rpo()
    over_rpo_limit: int = 0
    drilled: int = 0
    drill_failed: int = 0
    never_drilled: int = 0
    with_exceptions: int = 0
    changes: int = 0


def seconds_of(vm: VmPeriod, last_full: int, until: int) -> Seconds:
    """The time of a VM. One that the last full sweep shows is there until the end of the period (`until`), the others
    until they were last seen; what was before the first time is no time of theirs."""
    if not vm.first:
        return Seconds()
    end = until if vm.last >= last_full else vm.last
    total = max(end - vm.first, vm.observed)
    compliant = min(vm.compliant, vm.observed)
    return Seconds(total=total, compliant=compliant, not_compliant=vm.observed - compliant, unknown=total - vm.observed)


def report_of(
    vm: VmPeriod, changes: Sequence[Json], drill: Mapping[str, Any] | None, last_full: int, until: int
) -> VmReport:
    """The report of a VM; the changes are its own, in order."""
    seconds = seconds_of(vm, last_full, until)
    since = datetime.fromtimestamp(vm.protected_since, UTC) if vm.protected_since else None
    return VmReport(
        vm_id=ResourceId(vm.vm),
        state=vm.state,
        policy=vm.policy,
        tags=dict(vm.tags),
        protected_since=since,
        seconds=seconds,
        compliant_share=seconds.share,
        rpo=rpo_in(vm),
        findings=_durations(vm.causes),
        exceptions=_durations(vm.holds),
        last_drill=ReportedDrill.load(drill) if drill else None,
        changes=tuple(Change.load(change) for change in changes[-MOST_CHANGES:]),
        changes_left_out=max(0, len(changes) - MOST_CHANGES),
    )


def summary_of(
    vms: Iterable[VmPeriod],
    changes: Mapping[str, Sequence[Json]],
    drills: Mapping[str, Json],
    last_full: int,
    until: int,
) -> ReportSummary:
    """All of these VMs; `changes` and `drills` are by their lower-cased IDs."""
    count, total, over, worst = Counter[str](), Seconds(), 0, -1
    rpo: Counter[int] = Counter()
    for vm in vms:
        key = vm.vm.lower()
        total += seconds_of(vm, last_full, until)
        rpo.update(vm.rpo)
        over, worst = over + vm.over, max(worst, vm.worst)
        result = drills[key].get("result") if key in drills else "never"
        count[{"passed": "drilled", "never": "never_drilled"}.get(str(result), "drill_failed")] += 1
        count["virtual_machines"] += 1
        count["over_rpo_limit"] += vm.over > 0
        count["with_exceptions"] += bool(vm.holds)
        count["changes"] += len(changes.get(key, ()))
    return ReportSummary(seconds=total, compliant_share=total.share, rpo=_rpo(rpo, worst, over), **count)


def by_vm(changes: Iterable[Json]) -> dict[str, list[Json]]:
    """The changes of each VM, by its lower-cased ID."""
    found: defaultdict[str, list[Json]] = defaultdict(list)
    for change in changes:
        found[change["vmId"].lower()].append(change)
    return dict(found)


def rpo_in(vm: VmPeriod) -> Rpo:
    return _rpo(vm.rpo, vm.worst, vm.over)


def _rpo(seconds_by_minutes: Mapping[int, int], worst: int, over: int) -> Rpo:
    return Rpo(
        p50_minutes=_median(seconds_by_minutes),
        worst_seconds=worst if worst >= 0 else None,
        over_limit_seconds=over,
    )


def _median(weights: Mapping[int, int]) -> int | None:
    """The value that half of the weight is at most; None without values."""
    half, so_far = sum(weights.values()) / 2, 0
    for value in sorted(weights):
        so_far += weights[value]
        if so_far >= half:
            return value
    return None


def _durations(seconds: Mapping[str, int]) -> tuple[Duration, ...]:
    """The longest first."""
    ordered = sorted(seconds.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Duration(what=what, seconds=each) for what, each in ordered)
