"""Runs orchestrations: it processes messages in turns, and schedules durable work. Nothing polls.

Starts race as in Azure: each checks for an instance of its ID, and creates its own a moment later. Two simultaneous
starts both succeed, and one of them never runs.

An instance has one turn at a time; at most `max_orchestrators` turns run at once. A parked instance is only a row in
the store and an entry in the heap of timers.
"""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from local.host.durable.activities import ActivityPool
from local.host.durable.events import EventType, event
from local.host.durable.functions import Functions
from local.host.durable.status import is_large
from local.host.durable.store import Instance, Store
from local.host.durable.timers import DurableTimers
from local.host.durable.turns import TurnRunner

log = logging.getLogger(__name__)

# Seconds, minimum and maximum: from the check for an instance of the ID to its creation, then to its first turn.
CREATED_AFTER = (0.001, 0.01)
BEGUN_AFTER = (0.001, 0.01)
# The delay of the first turn with a large input.
LARGE_BEGUN_AFTER = 3.0


class AlreadyExistsError(Exception):
    """An instance with this ID runs. The text is Azure's."""


@dataclass(frozen=True)
class Limits:
    max_orchestrators: int
    max_activities: int


class Engine:
    """Works on the event loop that calls `start`. `chance` decides which of two simultaneous starts is lost."""

    def __init__(
        self,
        store: Store,
        orchestrators: Functions,
        activities: Functions,
        limits: Limits,
        default_version: str | None,
        chance: random.Random,
    ) -> None:
        self.store = store
        self._limits = limits
        self._chance = chance
        self._turns = TurnRunner(store, orchestrators, activities, default_version)
        self._activities = ActivityPool(store, activities, limits.max_activities, self.spawn, self._schedule_turn)
        self._timers = DurableTimers(store, self._schedule_turn)
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._turning: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def start(self) -> None:
        """Resumes the unfinished work of an earlier process."""
        self._timers.add(self.store.timers())
        self._activities.add(self.store.unfinished_activities())
        for instance_id in self.store.unfinished_instances():
            self._schedule_turn(instance_id)

    async def stop(self) -> None:
        """Cancels running work: the store has it, and the next process runs it again."""
        self._stopped = True
        self._timers.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine as a task, which is cancelled when the engine stops."""
        if self._stopped:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Requests of clients

    async def start_instance(self, name: str, instance_id: str, text: str | None, version: str | None = None) -> None:
        """Starts an instance; an ended one of this ID is replaced. Raises AlreadyExistsError when it runs.

        A return does not prove that the instance runs with this input: another start of the ID within a few
        milliseconds may win.
        """
        if existing := self._unended(instance_id):
            raise AlreadyExistsError(f"An Orchestration instance with the status {existing.status} already exists.")
        await asyncio.sleep(self._chance.uniform(*CREATED_AFTER))
        if (rival := self._unended(instance_id)) and (rival.started or self._chance.random() < 0.5):
            log.debug("A start of instance '%s' is lost to another one, as in Azure", instance_id)
            return
        with self.store.transaction():
            self._turns.create(name, instance_id, text, version=version)
        delay = LARGE_BEGUN_AFTER if is_large(text) else self._chance.uniform(*BEGUN_AFTER)
        asyncio.get_running_loop().call_later(delay, self._schedule_turn, instance_id)

    def _unended(self, instance_id: str) -> Instance | None:
        instance = self.store.instance(instance_id)
        return None if instance is None or instance.ended else instance

    def send(self, instance_id: str, kind: EventType, **fields: Any) -> None:
        """Sends a client's message (EventRaised, ExecutionTerminated, …) to a running instance."""
        with self.store.transaction():
            self.store.send(instance_id, event(kind, time.time(), **fields))
        self._schedule_turn(instance_id)

    # Turns

    def _schedule_turn(self, instance_id: str) -> None:
        if instance_id in self._turning:
            self._again.add(instance_id)
        elif instance_id not in self._queued:
            self._queued.add(instance_id)
            self._ready.append(instance_id)
            self._run_turns()

    def _run_turns(self) -> None:
        while self._ready and len(self._turning) < self._limits.max_orchestrators:
            instance_id = self._ready.popleft()
            self._queued.discard(instance_id)
            self._turning.add(instance_id)
            self.spawn(self._turn(instance_id))

    async def _turn(self, instance_id: str) -> None:
        try:
            turn = self.store.turn(instance_id)
            if turn is None or turn.instance.ended:
                # Too late: the instance was purged or has ended.
                self.store.clear(instance_id, "inbox")
                return
            effects = await self._turns.run(turn)
            self._timers.add(effects.timers)
            self._activities.add(effects.activities)
            for other in effects.with_messages:
                self._schedule_turn(other)
        except Exception:
            log.exception("The host failed in a turn of instance '%s'; it is tried again after a restart", instance_id)
        finally:
            self._turning.discard(instance_id)
            if instance_id in self._again:
                self._again.discard(instance_id)
                self._schedule_turn(instance_id)
            self._run_turns()
