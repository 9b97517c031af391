"""Runs orchestrations and activities: messages in, turns, durable work out. Nothing polls.

One turn of one instance at a time, at most `max_orchestrators` turns and `max_activities` activities at once. A parked
instance is a row in the history and an entry in the heap of timers, nothing else.
"""

import asyncio
import concurrent.futures
import heapq
import json
import logging
import time
import traceback
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.host.durable import replay as decide
from local.host.durable.events import Event, EventType, event, from_iso, iso, to_json
from local.host.durable.store import ActivityWork, Instance, Message, Parent, Store, TimerWork, Turn

log = logging.getLogger(__name__)

# A wall clock that is set while the host runs is noticed after this many seconds.
LONGEST_SLEEP = 60.0

DETAILS_LENGTH = 2000
HOST_CODE = (str(Path(__file__).parents[1]), concurrent.futures.__path__[0])

CONTEXT_CONSTANTS = {
    "upperSchemaVersion": 1,
    "upperSchemaVersionNew": 2,
    "longRunningTimerIntervalDuration": "3.00:00:00",
    "maximumShortTimerDuration": "6.00:00:00",
    "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
}

# Takes the trigger's JSON text, answers the JSON text of the result; raises what the function raises.
Function = Callable[[str], Awaitable[str]]


class AlreadyExistsError(Exception):
    """An instance with this ID runs; its text is the one that Azure gives."""


@dataclass(frozen=True)
class Limits:
    max_orchestrators: int
    max_activities: int
    default_version: str | None


class Engine:
    """Orchestrators and activities are looked up by lower-cased name, as the Functions host does."""

    def __init__(
        self, store: Store, orchestrators: Mapping[str, Function], activities: Mapping[str, Function], limits: Limits
    ) -> None:
        self.store = store
        self.orchestrators = orchestrators
        self.activities = activities
        self._limits = limits
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._turning: set[str] = set()
        self._again: set[str] = set()
        self._activity_queue: deque[int] = deque()
        self._activities_running = 0
        self._timers: list[TimerWork] = []
        self._alarm: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def start(self) -> None:
        """Picks up what an earlier process left. Call it on the event loop."""
        self._timers = self.store.timers()
        heapq.heapify(self._timers)
        self._activity_queue.extend(self.store.unfinished_activities())
        for instance_id in self.store.unfinished_instances():
            self._wake(instance_id)
        self._run_activities()
        self._set_alarm()

    async def stop(self) -> None:
        """Drops what runs: it is in the history, and done again by the next process."""
        self._stopped = True
        if self._alarm:
            self._alarm.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What clients ask for

    def start_instance(self, name: str, instance_id: str, text: str | None, version: str | None = None) -> None:
        """Starts an instance; one that has ended under this ID is replaced. Raises AlreadyExistsError when it runs."""
        existing = self.store.instance(instance_id)
        if existing and not existing.ended:
            raise AlreadyExistsError(f"An Orchestration instance with the status {existing.status} already exists.")
        with self.store.transaction():
            self._create(name, instance_id, text, version=version)
        self._wake(instance_id)

    def _create(
        self, name: str, instance_id: str, text: str | None, *, version: str | None = None, parent: Parent | None = None
    ) -> None:
        now = time.time()
        self.store.clear(instance_id, "history", "inbox", "timers")
        version = version or self._limits.default_version
        self.store.write(Instance(instance_id, uuid.uuid4().hex, name, version, text, parent, created=now, updated=now))

    def unknown_orchestrator(self, name: str) -> str:
        """What is said of a name that no orchestrator has."""
        return _unknown(name, "orchestrator", self.orchestrators)

    def send(self, instance_id: str, kind: EventType, **fields: Any) -> None:
        """Sends a client's message (EventRaised, ExecutionTerminated, …) to a running instance."""
        with self.store.transaction():
            self.store.send(instance_id, event(kind, time.time(), **fields))
        self._wake(instance_id)

    # Turns

    def _wake(self, instance_id: str) -> None:
        if instance_id in self._turning:
            self._again.add(instance_id)
        elif instance_id not in self._queued:
            self._queued.add(instance_id)
            self._ready.append(instance_id)
            self._run_turns()

    def _run_turns(self) -> None:
        while self._ready and len(self._turning) < self._limits.max_orchestrators and not self._stopped:
            instance_id = self._ready.popleft()
            self._queued.discard(instance_id)
            self._turning.add(instance_id)
            self.spawn(self._turn(instance_id))

    async def _turn(self, instance_id: str) -> None:
        try:
            turn = self.store.turn(instance_id)
            if turn is None or turn.instance.ended:
                # Too late: a purged or ended instance takes no messages.
                self.store.clear(instance_id, "inbox")
            else:
                await self._run(turn)
        except Exception:
            log.exception("The host failed in a turn of instance '%s'; it is tried again after a restart", instance_id)
        finally:
            self._turning.discard(instance_id)
            if instance_id in self._again:
                self._again.discard(instance_id)
                self._wake(instance_id)
            self._run_turns()

    async def _run(self, turn: Turn) -> None:
        instance = turn.instance
        messages = [m for m in turn.messages if m.execution_id in (None, instance.execution_id)]
        if instance.started and not messages:
            self.store.consume(turn.messages)
            return
        new = _new_events(instance, messages)
        state = decide.OrchestratorState(actions=[])
        # A terminated instance ends whatever its code would say.
        if not any(item["EventType"] == EventType.EXECUTION_TERMINATED for item in new):
            state = await self._call_orchestrator(instance, turn.history, new)
        history = json.loads(f"[{','.join(turn.history)}]") + new
        decision = self._check_names(instance, decide.replay(instance.name, history, state))
        self._commit(turn, new, state, decision)

    async def _call_orchestrator(
        self, instance: Instance, history: list[str], new: list[Event]
    ) -> decide.OrchestratorState:
        function = self.orchestrators.get(instance.name.lower())
        if function is None:
            return decide.OrchestratorState([], error=_unknown(instance.name, "orchestrator", self.orchestrators))
        context = to_json(
            {
                "instanceId": instance.id,
                "isReplaying": instance.started,
                "parentInstanceId": instance.parent.instance_id if instance.parent else None,
                **CONTEXT_CONSTANTS,
            }
        )
        events = ",".join([*history, *map(to_json, new)])
        try:
            answer = await function(f'{context[:-1]},"input":{instance.input or "null"},"history":[{events}]}}')
        except Exception as error:
            return decide.OrchestratorState.from_exception(error)
        return decide.OrchestratorState.from_json(answer)

    def _check_names(self, instance: Instance, decision: decide.Decision) -> decide.Decision:
        for work in decision.scheduled:
            kind, known = "activity", self.activities
            if isinstance(work, decide.SubOrchestration):
                kind, known = "orchestrator", self.orchestrators
            if not isinstance(work, decide.Timer) and work.name.lower() not in known:
                reason = f"Orchestrator function '{instance.name}' failed: {_unknown(work.name, kind, known)}"
                return decide.Decision(outcome=decide.Failed(reason))
        return decision

    def _commit(self, turn: Turn, new: list[Event], state: decide.OrchestratorState, decision: decide.Decision) -> None:
        instance, now = turn.instance, time.time()
        current = self.store.instance(instance.id)
        if current is None or current.execution_id != instance.execution_id:
            return  # purged, or purged and started again, while the turn ran
        first_turn, instance.started, instance.carried, instance.updated = not instance.started, True, None, now
        # A generation's first turn keeps the status of the one before; later turns have what the orchestrator sets.
        if state.custom_status is not None:
            instance.custom_status = to_json(state.custom_status)
        elif not first_turn:
            instance.custom_status = None
        wake: list[str] = []
        activities: list[int] = []
        with self.store.transaction():
            self.store.consume(turn.messages)
            if isinstance(decision.outcome, decide.ContinuedAsNew):
                self._continue_as_new(instance, decision.outcome)
                wake.append(instance.id)
            elif decision.outcome:
                self._end(turn, new, decision.outcome, wake)
            else:
                instance.status = "Suspended" if decision.suspended else "Running"
                scheduled = [self._schedule(instance, work, now, activities, wake) for work in decision.scheduled]
                done = event(EventType.ORCHESTRATOR_COMPLETED, now)
                self.store.append_history(instance.id, len(turn.history), [*new, *scheduled, done])
            self.store.write(instance)
        self._activity_queue.extend(activities)
        self._run_activities()
        self._set_alarm()
        for instance_id in wake:
            self._wake(instance_id)

    def _continue_as_new(self, instance: Instance, outcome: decide.ContinuedAsNew) -> None:
        self.store.clear(instance.id, "history", "timers")
        instance.execution_id = uuid.uuid4().hex
        instance.input = to_json(outcome.input)
        instance.started = False
        instance.carried = to_json(outcome.carried) if outcome.carried else None

    def _end(
        self,
        turn: Turn,
        new: list[Event],
        outcome: decide.Completed | decide.Failed | decide.Terminated,
        wake: list[str],
    ) -> None:
        instance, now = turn.instance, time.time()
        instance.status = type(outcome).__name__
        output = outcome.output if isinstance(outcome, decide.Completed) else outcome.reason
        instance.output = to_json(output)
        completed = event(
            EventType.EXECUTION_COMPLETED, now, OrchestrationStatus=instance.status, Result=instance.output
        )
        self.store.clear(instance.id, "inbox", "timers")
        done = event(EventType.ORCHESTRATOR_COMPLETED, now)
        self.store.append_history(instance.id, len(turn.history), [*new, completed, done])
        if isinstance(outcome, decide.Failed):
            log.error("Orchestration '%s' (%s) failed: %s", instance.id, instance.name, outcome.reason)
        if parent := instance.parent:
            if isinstance(outcome, decide.Completed):
                report = event(
                    EventType.SUB_ORCHESTRATION_COMPLETED,
                    now,
                    TaskScheduledId=parent.task_id,
                    Result=instance.output,
                )
            else:
                report = event(
                    EventType.SUB_ORCHESTRATION_FAILED,
                    now,
                    TaskScheduledId=parent.task_id,
                    Reason=outcome.reason,
                    Details="",
                )
            self.store.send(parent.instance_id, report, parent.execution_id)
            wake.append(parent.instance_id)

    def _schedule(
        self, instance: Instance, work: decide.Scheduled, now: float, activities: list[int], wake: list[str]
    ) -> Event:
        """Makes the work durable and returns its event for the history. The input of the work is not repeated there."""
        if isinstance(work, decide.Activity):
            activities.append(self.store.add_activity(instance, work.id, work.name, work.input))
            return event(EventType.TASK_SCHEDULED, now, work.id, Name=work.name)
        if isinstance(work, decide.Timer):
            timer = TimerWork(from_iso(work.fire_at), instance.id, instance.execution_id, work.id)
            self.store.add_timer(timer)
            heapq.heappush(self._timers, timer)
            return event(EventType.TIMER_CREATED, now, work.id, FireAt=work.fire_at)
        child_id = work.instance_id or f"{instance.execution_id}:{work.id}"
        existing = self.store.instance(child_id)
        if existing and not existing.ended:
            # As in Azure: the start is dropped, and the parent waits for ever.
            log.error("Instance '%s' waits for sub-orchestration '%s', an ID that runs already", instance.id, child_id)
        else:
            parent = Parent(instance.id, instance.execution_id, work.id)
            self._create(work.name, child_id, to_json(work.input), parent=parent)
            wake.append(child_id)
        return event(EventType.SUB_ORCHESTRATION_CREATED, now, work.id, Name=work.name, InstanceId=child_id)

    # Activities

    def _run_activities(self) -> None:
        while self._activity_queue and self._activities_running < self._limits.max_activities and not self._stopped:
            work = self.store.activity(self._activity_queue.popleft())
            if work is not None:
                self._activities_running += 1
                self.spawn(self._activity(work))

    async def _activity(self, work: ActivityWork) -> None:
        try:
            result = await self._activity_result(work)
            self.store.finish_activity(work, result)
            self._wake(work.instance_id)
        finally:
            self._activities_running -= 1
            self._run_activities()

    async def _activity_result(self, work: ActivityWork) -> Event:
        function = self.activities.get(work.name.lower())
        try:
            if function is None:
                raise LookupError(_unknown(work.name, "activity", self.activities))
            result = await function(work.input if work.input is not None else "null")
            return event(EventType.TASK_COMPLETED, time.time(), TaskScheduledId=work.task_id, Result=result)
        except Exception as error:
            return event(
                EventType.TASK_FAILED,
                time.time(),
                TaskScheduledId=work.task_id,
                # Two blanks, as the Functions host writes it.
                Reason=f"Activity function '{work.name}' failed:  {type(error).__name__}: {error}",
                Details=_details(error),
            )

    # Timers

    def _set_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        if self._timers and not self._stopped:
            delay = min(max(self._timers[0].fire_at - time.time(), 0), LONGEST_SLEEP)
            self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        now, due = time.time(), []
        while self._timers and self._timers[0].fire_at <= now:
            timer = heapq.heappop(self._timers)
            fired = event(EventType.TIMER_FIRED, now, TimerId=timer.task_id, FireAt=iso(timer.fire_at))
            due.append((timer, fired))
        if due:
            for instance_id in self.store.fire_timers(due):
                self._wake(instance_id)
        self._set_alarm()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something until the engine stops."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _new_events(instance: Instance, messages: list[Message]) -> list[Event]:
    """What a turn adds to the history before the orchestrator runs."""
    now = time.time()
    new = [event(EventType.ORCHESTRATOR_STARTED, now)]
    if not instance.started:
        # The input stands beside the history in what the orchestrator gets: it is not repeated in every turn.
        new.append(
            event(
                EventType.EXECUTION_STARTED,
                now,
                Name=instance.name,
                Version=instance.version,
                OrchestrationInstance={"InstanceId": instance.id, "ExecutionId": instance.execution_id},
            )
        )
        new.extend(json.loads(instance.carried or "[]"))
    return new + [json.loads(message.event) for message in messages]


def _unknown(name: str, kind: str, known: Mapping[str, Function]) -> str:
    names = ", ".join(f"'{item}'" for item in sorted(known)) or "none"
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function. "
        f"The known {kind} functions are: {names}."
    )


def _details(error: BaseException) -> str:
    """The traceback without the host's own frames, short: it goes into the history, which every later turn reads."""
    text = traceback.TracebackException.from_exception(error)
    text.stack[:] = [frame for frame in text.stack if not frame.filename.startswith(HOST_CODE)]
    return "".join(text.format())[-DETAILS_LENGTH:]
