"""Runs activities, each at least once: an interrupted one runs again in the next process."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from local.host.durable.events import Event, EventType, event, to_json
from local.host.durable.functions import FunctionFailedError, Functions, Spawn
from local.host.durable.store import ActivityWork, Store

log = logging.getLogger(__name__)


class ActivityPool:
    """Runs at most `limit` activities at once, first in, first out. The queue holds only their numbers."""

    def __init__(
        self, store: Store, functions: Functions, limit: int, spawn: Spawn, schedule_turn: Callable[[str], None]
    ) -> None:
        self._store = store
        self._functions = functions
        self._limit = limit
        self._spawn = spawn
        self._schedule_turn = schedule_turn
        self._queue: deque[int] = deque()
        self._running = 0

    def add(self, activities: Iterable[int]) -> None:
        """Queues activities by their number in the store."""
        self._queue.extend(activities)
        while self._queue and self._running < self._limit:
            work = self._store.activity(self._queue.popleft())
            if work is not None:
                self._running += 1
                self._spawn(self._run(work))

    async def _run(self, work: ActivityWork) -> None:
        try:
            result = await self._result(work)
            self._store.finish_activity(work, result)
            self._schedule_turn(work.instance_id)
        finally:
            self._running -= 1
            self.add(())

    async def _result(self, work: ActivityWork) -> Event:
        function = self._functions.get(work.name)
        try:
            if function is None:
                raise FunctionFailedError(text := self._functions.unknown(work.name), text)
            result = await function(work.input if work.input is not None else "null")
            return event(EventType.TASK_COMPLETED, time.time(), TaskScheduledId=work.task_id, Result=result)
        except FunctionFailedError as error:
            log.warning("Activity '%s' of instance '%s' failed: %s", work.name, work.instance_id, error.stack)
            return event(
                EventType.TASK_FAILED,
                time.time(),
                TaskScheduledId=work.task_id,
                # Two blanks, as the Functions host writes it.
                Reason=f"Activity function '{work.name}' failed:  {error}",
                Details=_details(error),
            )


def _details(error: FunctionFailedError) -> str:
    """The failure as the extension serializes it, with the stack. It is part of the text of the error that the
    orchestrator catches."""
    worker = _exception(f"Result: Failure\nException: {error}\nStack: {error.stack}")
    return to_json(_exception(f" {error}") | {"InnerException": worker})


def _exception(message: str) -> dict[str, Any]:
    return {
        "$type": "System.Exception, System.Private.CoreLib",
        "ClassName": "System.Exception",
        "Message": message,
        "Data": None,
        "InnerException": None,
        "HelpURL": None,
        "StackTraceString": None,
        "RemoteStackTraceString": None,
        "RemoteStackIndex": 0,
        "ExceptionMethod": None,
        "HResult": -2146233088,
        "Source": None,
        "WatsonBuckets": None,
    }
