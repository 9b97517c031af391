"""Durable timers: one heap and one alarm for all of them."""

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable

from local.host.durable.events import EventType, event, iso
from local.host.durable.store import Store, TimerWork

# Seconds after which a change of the wall clock is noticed.
LONGEST_SLEEP = 60.0


class DurableTimers:
    """Fires the timers in the store. A cancelled timer stays in the heap, and is skipped when it is due."""

    def __init__(self, store: Store, schedule_turn: Callable[[str], None]) -> None:
        self._store = store
        self._schedule_turn = schedule_turn
        self._heap: list[TimerWork] = []
        self._alarm: asyncio.TimerHandle | None = None

    def add(self, timers: Iterable[TimerWork]) -> None:
        for timer in timers:
            heapq.heappush(self._heap, timer)
        self._set_alarm()

    def stop(self) -> None:
        self._heap.clear()
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        if self._heap:
            delay = min(max(self._heap[0].fire_at - time.time(), 0), LONGEST_SLEEP)
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        now, due = time.time(), []
        while self._heap and self._heap[0].fire_at <= now:
            timer = heapq.heappop(self._heap)
            due.append((timer, event(EventType.TIMER_FIRED, now, TimerId=timer.task_id, FireAt=iso(timer.fire_at))))
        self._set_alarm()
        if due:
            for instance_id in self._store.fire_timers(due):
                self._schedule_turn(instance_id)
