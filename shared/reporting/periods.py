"""What the sweeps of a day, or the days of a month, say of each VM together. Pure.

A sweep speaks for the time since the sweep before it, but for a limited time only: what is longer is a gap, in which
nothing is known. Nothing that is not known counts as compliant. All times are whole seconds (UTC, since 1970), so that
they add up.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.model.decision import State
from shared.reconcile.inventory import VmStatus

_WITHOUT_ITEM = {State.NOT_TAGGED, State.UNPROTECTED, State.NOT_ELIGIBLE}

_RPO_BREACHED = "RpoBreached"

Row = list[Any]


def row_of(vm_status: VmStatus, policy: str, hold: str | None) -> Row:
    """A VM in the file of a sweep: its ID, state, whether it is compliant (1) and required (1), its RPO in seconds,
    what is not as it should be (code and since when), its policy, the reason of its hold, and its tags."""
    causes = [
        [finding.code, *([int(finding.since.timestamp())] if finding.since else [])]
        for finding in vm_status.findings
        if finding.severity.value != "note"
    ]
    tags = dict(sorted(vm_status.tags.items()))
    row = [str(vm_status.vm_id), vm_status.state.value, int(vm_status.compliant), int(vm_status.counts)]
    return _without_end([*row, vm_status.rpo_seconds, causes or None, policy or None, hold, tags or None])


def _without_end(row: Row) -> Row:
    """The row without empty cells at its end."""
    while row and row[-1] is None:
        row.pop()
    return row


def bucket(seconds: int) -> int:
    """The RPO in minutes, rounded up to two digits: as few values as a median needs."""
    minutes = -(-seconds // 60)
    step: int = 10 ** max(0, len(str(minutes)) - 2)
    return -(-minutes // step) * step


@dataclass(slots=True)
class VmPeriod:
    """One VM in a period.

    From its `first` row in which it is required (0: none) to its `last`, or the last in which its state is not known,
    it was seen for `observed` seconds, of them `compliant` as it should be, and for `over` seconds with an RPO above
    its limit. `rpo` maps an RPO (minutes, see `bucket`) to the seconds that it was so, `causes` a finding's code and
    `holds` a reason of a hold likewise; `worst` is the worst RPO, in seconds. `state`, `policy` and `tags` are the last
    seen. `protected_since` is when it was first seen protected, without a time since in which nothing protected it,
    or 0.
    """

    vm: str
    first: int = 0
    last: int = 0
    observed: int = 0
    compliant: int = 0
    over: int = 0
    worst: int = -1
    rpo: dict[int, int] = field(default_factory=dict)
    causes: dict[str, int] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)
    state: str = ""
    policy: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    protected_since: int = 0

    def add(self, row: Row, seconds: int, at: int) -> None:
        """Adds what a sweep has found at that time, which speaks for the seconds before it."""
        cells: Row = [*row, *[None] * (9 - len(row))]
        _, state, compliant, required, rpo, causes, policy, hold, tags = cells
        if state == State.UNKNOWN:
            self.last = at
            return
        self.state, self.policy, self.tags = state, policy or self.policy, tags or {}
        if state == State.PROTECTED:
            self.protected_since = self.protected_since or at
        elif state in _WITHOUT_ITEM:
            self.protected_since = 0
        if not required:
            return
        self.first, self.last = self.first or at - seconds, at
        self.observed += seconds
        self.compliant += seconds if compliant else 0
        codes = [code for code, *_ in causes or ()]
        self.over += seconds if _RPO_BREACHED in codes else 0
        if rpo is not None:
            self.worst = max(self.worst, rpo)
            _count(self.rpo, bucket(rpo), seconds)
        for code in codes:
            _count(self.causes, code, seconds)
        if hold is not None:
            _count(self.holds, hold, seconds)

    def merge(self, later: "VmPeriod") -> None:
        """Adds a later period of the same VM."""
        self.first, self.last = self.first or later.first, max(self.last, later.last)
        self.observed += later.observed
        self.compliant += later.compliant
        self.over += later.over
        self.worst = max(self.worst, later.worst)
        for counts, more in ((self.rpo, later.rpo), (self.causes, later.causes), (self.holds, later.holds)):
            for key, seconds in more.items():
                _count(counts, key, seconds)
        if later.state:
            self.state, self.policy, self.tags = later.state, later.policy or self.policy, later.tags
        self.protected_since = later.protected_since

    def dump(self) -> Row:
        numbers = [self.first, self.last, self.observed, self.compliant, self.over, self.worst]
        maps = [self.rpo, self.causes, self.holds]
        last = [self.state, self.policy, dict(self.tags), self.protected_since]
        return [self.vm, *numbers, *maps, *last]

    @classmethod
    def load(cls, row: Row) -> "VmPeriod":
        """Reads what `dump` wrote. Raises ValueError."""
        if len(row) != len(cls.__slots__):
            raise ValueError(f"a row has {len(row)} cells in place of {len(cls.__slots__)}")
        found = cls(*row)
        found.rpo = {int(minutes): seconds for minutes, seconds in found.rpo.items()}
        return found


def _count(counts: Any, key: Any, seconds: int) -> None:
    counts[key] = counts.get(key, 0) + seconds


class Periods:
    """The VMs in the time from `start` to `end`, and for how many seconds of it some sweep speaks (`covered`), each for
    `limit` seconds at most. `last` is the time of the sweep before, or 0; `since` is since when a VM was protected."""

    def __init__(self, start: int, end: int, limit: int, last: int = 0, since: Mapping[str, int] | None = None) -> None:
        self.start, self.end, self.limit, self.last = start, end, limit, last
        self.vms: dict[str, VmPeriod] = {}
        self.covered = 0
        self._since = since or {}

    def add(self, at: int, rows: Iterable[Row]) -> bool:
        """Adds the next sweep, in the order of time. One without rows has read nothing, and speaks for no time; of one
        after the end only the time before it counts. Returns whether it has rows."""
        begun = max(self.last, at - self.limit) if self.last else at
        self.last = max(self.last, at)
        seconds = max(0, min(at, self.end) - max(begun, self.start))
        if not seconds and not self.start <= at < self.end:
            return False
        seen = False
        for row in rows:
            seen = True
            key = row[0].lower()
            if key not in self.vms:
                self.vms[key] = VmPeriod(row[0], protected_since=self._since.get(key, 0))
            self.vms[key].add(row, seconds, min(at, self.end))
        self.covered += seconds if seen else 0
        return seen

    def merge(self, rows: Iterable[VmPeriod], covered: int) -> None:
        """Adds a later part that was summed up before."""
        for row in rows:
            if mine := self.vms.get(row.vm.lower()):
                mine.merge(row)
            else:
                self.vms[row.vm.lower()] = row
        self.covered += covered

    @property
    def since(self) -> dict[str, int]:
        """Since when each VM has been protected, by its lower-cased ID."""
        return {key: vm.protected_since for key, vm in self.vms.items() if vm.protected_since}

    def rows(self) -> Iterator[Row]:
        return (self.vms[key].dump() for key in sorted(self.vms))
