"""How long a run has waited for something, without the time in which the app was stopped."""

from datetime import datetime, timedelta
from typing import Self

from shared.model.base import Model


class Patience(Model):
    """`spent` seconds were waited before `since`, in UTC; from then on a wait of `planned` seconds is in progress.

    A wait counts for no more than was planned: an app that was stopped over a weekend goes on with what it had spent.
    """

    since: datetime
    planned: float
    spent: float = 0

    def at(self, now: datetime) -> float:
        """Seconds waited until now."""
        return self.spent + min((now - self.since) / timedelta(seconds=1), self.planned)

    def wait(self, now: datetime, seconds: float) -> Self:
        """The next wait begins."""
        return self.with_(since=now, planned=seconds, spent=self.at(now))
