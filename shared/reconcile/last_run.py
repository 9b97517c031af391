"""The last run of a VM, as Durable Functions shows it. The app imports it at its start, without the reasons."""

from datetime import datetime

from shared.model.base import Model
from shared.planning.run_errors import FinalError
from shared.reconcile.run_state import RunResult


class LastRun(Model):
    """What is known of the last run of a VM, which `result` it had at `at`; while it is in progress, its `step`, its
    last `error` and when it goes on (`resume_at`). `unread` is why nothing is known, or ""."""

    step: str = ""
    error: FinalError | None = None
    resume_at: datetime | None = None
    result: RunResult | None = None
    at: datetime | None = None
    unread: str = ""
