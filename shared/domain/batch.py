"""A batch: many VMs asked for at once, and followed to their ends under one name."""

from collections import Counter
from datetime import datetime
from typing import Any, Self

from shared.domain.findings import Finding
from shared.domain.model import Model
from shared.domain.outcome import Error
from shared.domain.resource_id import ResourceId

MOST_VMS = 500
"""VMs in one batch: its state is kept as a whole, from pass to pass."""

AT_ONCE = 10
"""VMs that are asked for in one step."""

PREFIX = "batch-"


class BatchEnd(Model):
    """How it ended for one VM: with the outcome of its run, or because nothing was asked for at all."""

    vm_id: ResourceId
    outcome: str
    findings: tuple[Finding, ...] = ()
    error: Error | None = None


class BatchAsk(Model):
    """`tags` are what the request asks for beside protection itself."""

    vm_ids: tuple[ResourceId, ...]
    tags: dict[str, str] = {}


class BatchAnswer(Model):
    """Those that have ended, and those whose run is under way."""

    ended: tuple[BatchEnd, ...] = ()
    running: tuple[ResourceId, ...] = ()


class Batch(Model):
    """The state of a batch: its VMs wait to be asked for, are under way, or have `ended`. Times are absolute, in UTC.

    What it asks for leaves the way to single events.
    """

    poll_seconds: float
    tags: dict[str, str] = {}
    waiting: tuple[ResourceId, ...]
    running: tuple[ResourceId, ...] = ()
    ended: tuple[BatchEnd, ...] = ()
    wake_at: datetime | None = None
    faults: int = 0
    last_error: Error | None = None
    in_background: bool = True

    @property
    def total(self) -> int:
        return len(self.waiting) + len(self.running) + len(self.ended)

    @property
    def percent(self) -> int:
        return 100 * len(self.ended) // self.total if self.total else 100

    @property
    def counts(self) -> dict[str, int]:
        """VMs by outcome; those that have none yet as `Waiting` and `Running`: they add up to all."""
        counts = Counter(end.outcome for end in self.ended)
        counts |= Counter({"Waiting": len(self.waiting), "Running": len(self.running)})
        return {outcome: count for outcome, count in sorted(counts.items()) if count}

    def but(self, **changes: Any) -> Self:
        return self.model_copy(update=changes)

    def status(self) -> dict[str, Any]:
        """The custom status. It may be no larger than 16 KB: the VMs themselves are in the state."""
        shown = {"total": self.total, "percent": self.percent, "counts": self.counts, "faults": self.faults}
        return shown | ({"lastError": self.last_error.dump()} if self.last_error else {})
