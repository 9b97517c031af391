"""Response bodies about the app itself: its mode, its sweeps, and what is under way."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Self

from shared.config.settings import Mode
from shared.model.base import Model
from shared.model.resource_id import ResourceId
from shared.planning.run_errors import FinalError
from shared.reconcile.sweep import LastSweep
from triggers.views import View

VERSION = "0.1.0"
"""Of the app, as in pyproject.toml, which is not deployed."""


class SweepProgress(Model):
    """The sweep in progress: `required` VMs are to be protected, once it has read the estate; it has `started` so many
    runs, of which `under_way` count against the vaults' limits. `faults` are failures in a row."""

    since: datetime | None = None
    required: int = 0
    started: int = 0
    under_way: int = 0
    faults: int = 0


class StatusView(View):
    """The app at `at`. `writesDisabled` is why it writes nothing now, or "". `messagesDisabled` is why no transition
    and no digest is published, or "". `schedule` is that of the sweep: NCRONTAB, in UTC. `lastSweep` ended `ageSeconds`
    ago; it is null if none has ended, or its result was purged or is of another version. `sweep` is the one in
    progress."""

    at: datetime
    version: str
    deployment: str
    mode: Mode
    paused: bool
    writes_disabled: str
    tag_name: str
    source_scope: tuple[ResourceId, ...]
    target_scope: tuple[ResourceId, ...]
    vaults: tuple[ResourceId, ...]
    schedule: str
    portal: str
    messages_disabled: str
    sweep: SweepProgress | None
    last_sweep: LastSweep | None
    age_seconds: int | None


class SweepAccepted(View):
    """`started` is whether this request started the sweep: else one was in progress already, and what changed since it
    has read the estate is found by the next one."""

    started: bool
    sweep: SweepProgress


class RunKind(StrEnum):
    """What a run is about."""

    VM = "vm"
    TARGETS = "targets"
    BATCH = "batch"
    DRILL = "drill"
    DRILLS = "drills"


class RunView(Model):
    """A run under way. One of kind `targets` creates only the target resources of its VM; a `batch` requests and
    follows the runs of `total` VMs, whose outcomes it `counts`; so do `drills` with those of kind `drill`.

    `since` is when it was started, `updatedAt` its last sign of life, `resumeAt` when it goes on at the latest.
    `lastError` is the most recent error, after which it retries.
    """

    kind: RunKind
    instance_id: str
    vm_id: ResourceId | None = None
    state: Literal["Pending", "Running", "Suspended"]
    step: str = ""
    percent: int | None = None
    since: datetime | None = None
    updated_at: datetime | None = None
    resume_at: datetime | None = None
    last_error: FinalError | None = None
    attempts: int = 0
    total: int | None = None
    counts: dict[str, int] = {}

    @classmethod
    def of(cls, kind: RunKind, status: Any) -> Self:
        """The run as Durable Functions show it. A status of another version is left out, and so is none: both show
        that the run is there."""
        known = {
            "kind": kind,
            "instanceId": status.instance_id,
            "updatedAt": status.last_updated_time,
            "state": status.runtime_status.value if status.runtime_status.value in _STATES else "Running",
        }
        try:
            return cls.load({**(status.custom_status or {}), **known})
        except (TypeError, ValueError):
            return cls.load(known)


_STATES = ("Pending", "Suspended")


class RunsView(View):
    """A page of runs. `counts` are all that the query selects, by kind; `gaps` say what is not among them. `nextLink`
    is the next page, as a relative reference, if there is one."""

    at: datetime
    gaps: tuple[str, ...]
    counts: dict[RunKind, int]
    value: tuple[RunView, ...]
    next_link: str | None
