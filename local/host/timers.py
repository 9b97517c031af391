"""Timer triggers: by schedule, and on demand through the admin route."""

import asyncio
import json
import logging
from datetime import UTC, datetime

from local.host.config import HostError, resolve_setting
from local.host.durable.functions import FunctionFailedError
from local.host.indexing import HostFunction
from local.host.invocation import Invoker
from local.host.messages import TypedData
from local.host.ncrontab import Schedule

log = logging.getLogger(__name__)

# Seconds after which a change of the wall clock is noticed.
LONGEST_SLEEP = 60.0


class TimerTrigger:
    """One timer function. A run that is due while the previous one still runs is skipped, as on the platform."""

    def __init__(self, function: HostFunction, invoker: Invoker) -> None:
        self.function = function
        self._invoker = invoker
        self._last: datetime | None = None
        try:
            self.expression = resolve_setting(function.trigger["schedule"])
            self.schedule = Schedule(self.expression)
        except HostError as error:
            raise HostError(f"function '{function.name}': {error}") from error

    async def run_on_schedule(self) -> None:
        """Runs the function by its schedule, for ever. Runs that were missed while no host ran are skipped."""
        if self.function.trigger.get("runOnStartup"):
            await self.run()
        while True:
            due = self.schedule.next_after(_now())
            while (wait := (due - _now()).total_seconds()) > 0:  # noqa: ASYNC110  it waits for a time, not for a change
                await asyncio.sleep(min(wait, LONGEST_SLEEP))
            await self.run()

    async def run(self) -> None:
        """One run. A failure is logged and does not affect the next run."""
        now = _now()
        status = {
            "Last": _iso(self._last or now),
            "Next": _iso(self.schedule.next_after(now)),
            "LastUpdated": _iso(now),
        }
        request = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": status, "IsPastDue": False}
        self._last = now
        try:
            await self._invoker.invoke(self.function, TypedData(json=json.dumps(request)))
        except FunctionFailedError as error:
            log.error("Function '%s' failed: %s", self.function.name, error.stack)


def _now() -> datetime:
    return datetime.now(UTC)


def _iso(moment: datetime) -> str:
    return moment.isoformat()
