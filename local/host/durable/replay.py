"""Replay as a pure function: from a history and the actions of the orchestrator function to a decision.

The orchestrator function returns *all* actions since its start at every turn. The host walks them in order and awaits
each one; the history completes open tasks, and actions that are not in the history are new work. Both sides count task
IDs on their own, and no message ties the counters: this module counts as the extension does
(OutOfProcOrchestrationShim, and TaskOrchestrationContext of the Durable Task Framework), including its bugs.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any

from local.host.durable.decisions import (
    ActionType,
    Activity,
    Completed,
    ContinuedAsNew,
    Decision,
    Failed,
    OrchestratorState,
    Scheduled,
    SubOrchestration,
    Terminated,
    Timer,
)
from local.host.durable.events import Event, EventType, from_iso, iso

UNSUPPORTED = {
    ActionType.CALL_ENTITY: "Durable Entities (call_entity)",
    ActionType.SIGNAL_ENTITY: "Durable Entities (signal_entity)",
    ActionType.CALL_HTTP: "durable HTTP calls (call_http)",
}


# Whether the app has a function of that type and name.
Exists = Callable[[type[Activity] | type[SubOrchestration], str], bool]


class ReplayError(Exception):
    """The instance cannot continue; the text is the reason of its failure."""


class NonDeterminismError(ReplayError):
    """The actions do not fit the history."""


def replay(
    name: str, history: Sequence[Event], state: OrchestratorState, exists: Exists = lambda _kind, _name: True
) -> Decision:
    """The decision of a turn of the orchestrator `name`. An error of the app becomes a Failed, and is not raised.

    `exists` says whether the app has a function that the orchestrator calls.
    """
    if terminated := next((item for item in history if item["EventType"] == EventType.EXECUTION_TERMINATED), None):
        return Decision(outcome=Terminated(terminated.get("Input")))
    if state.error is not None and not state.actions:
        # The SDK failed, or the function no longer exists: a replay would not show the reason.
        return Decision(outcome=Failed(f"Orchestrator function '{name}' failed: {state.error}"))
    walk = _Walk(state.actions, exists)
    try:
        for item in history:
            walk.process(item)
    except ReplayError as error:
        return Decision(outcome=Failed(f"Orchestrator function '{name}' failed: {error}"))
    if walk.suspended and (walk.open or not walk.at_end):
        # What was decided in this very turn is decided again after the resume. What has come to its end ends all the
        # same: the orchestrator sees an event that its host holds back, and may cancel the timer that its host awaits.
        return Decision(suspended=True)
    scheduled = list(walk.unconfirmed.values())
    # An instance completes only when no task is open: a timer that was not cancelled, or an activity, blocks it.
    if not walk.at_end or walk.open:
        return Decision(scheduled)
    if state.error is not None:
        return Decision(outcome=Failed(f"Orchestrator function '{name}' failed: {state.error}"))
    if walk.next_generation is not None:
        return Decision(outcome=ContinuedAsNew(walk.next_generation.get("input"), walk.carried))
    return Decision(outcome=Completed(state.output)) if state.is_done else Decision(scheduled)


class _Task:
    """A task that the walk awaits. Its listeners run when it completes, in the order in which they were added."""

    def __init__(self) -> None:
        self.done = False
        self.failed = False
        self._listeners: list[Callable[[_Task], None]] = []

    def when_done(self, listener: "Callable[[_Task], None]") -> None:
        if self.done:
            listener(self)
        else:
            self._listeners.append(listener)

    def finish(self, failed: bool = False) -> None:
        if self.done:
            return
        self.done, self.failed = True, failed
        for listener in self._listeners:
            listener(self)


_DONE = _Task()
_DONE.finish()
_REFUSED = _Task()
_REFUSED.finish(failed=True)

_SCHEDULING: dict[int, type[Scheduled]] = {
    EventType.TASK_SCHEDULED: Activity,
    EventType.TIMER_CREATED: Timer,
    EventType.SUB_ORCHESTRATION_CREATED: SubOrchestration,
}
_CLOSING = {
    EventType.TASK_COMPLETED: "TaskScheduledId",
    EventType.TASK_FAILED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_COMPLETED: "TaskScheduledId",
    EventType.SUB_ORCHESTRATION_FAILED: "TaskScheduledId",
    EventType.TIMER_FIRED: "TimerId",
}
_FAILING = {EventType.TASK_FAILED, EventType.SUB_ORCHESTRATION_FAILED}


class _Walk:
    """The host's walk over the actions, driven by the history."""

    def __init__(self, actions: list[dict[str, Any]], exists: Exists) -> None:
        self._actions = deque(actions)
        self._exists = exists
        self._awaited = _DONE
        self._next_id = 0
        self._now = 0.0
        self._waiters: dict[str, list[_Task]] = defaultdict(list)
        self._buffered: dict[str, int] = defaultdict(int)
        self._held: list[Event] = []
        self.unconfirmed: dict[int, Scheduled] = {}
        self.open: dict[int, _Task] = {}
        self.next_generation: dict[str, Any] | None = None
        self.carried: list[Event] = []
        self.suspended = False

    @property
    def at_end(self) -> bool:
        return not self._actions and self._awaited.done

    # The history

    def process(self, item: Event) -> None:
        kind = item["EventType"]
        if kind == EventType.EXECUTION_RESUMED:
            self.suspended, held, self._held = False, self._held, []
            for waiting in held:
                self.process(waiting)
        elif self.suspended:
            self._held.append(item)
        elif kind == EventType.EXECUTION_SUSPENDED:
            self.suspended = True
        else:
            self._apply(kind, item)

    def _apply(self, kind: int, item: Event) -> None:
        if kind == EventType.ORCHESTRATOR_STARTED:
            self._now = from_iso(item["Timestamp"])
        elif kind == EventType.EXECUTION_STARTED:
            self._advance(_DONE)
        elif kind in _SCHEDULING:
            self._confirm(item, _SCHEDULING[kind])
        elif kind in _CLOSING:
            # A task that is not open was cancelled: its completion is ignored.
            if task := self.open.pop(item[_CLOSING[EventType(kind)]], None):
                task.finish(failed=kind in _FAILING)
        elif kind == EventType.EVENT_RAISED:
            self._raise_event(item)

    def _confirm(self, item: Event, kind: type[Scheduled]) -> None:
        """Compares the task that a previous turn scheduled with that of this replay under the same ID."""
        scheduled = self.unconfirmed.pop(item["EventId"], None)
        name = item.get("Name")
        before = f"{kind.__name__} '{name}'" if name else kind.__name__
        if scheduled is None:
            now = "the current replay has not (yet) scheduled it"
        elif not isinstance(scheduled, kind):
            now = f"the current replay scheduled a {type(scheduled).__name__} under this number"
        elif not isinstance(scheduled, Timer) and scheduled.name.lower() != str(name).lower():
            now = f"the current replay scheduled '{scheduled.name}' under this number"
        else:
            return
        raise NonDeterminismError(
            f"Non-Deterministic workflow detected: a previous execution of this orchestration scheduled {before} with "
            f"sequence number {item['EventId']}, but {now}. Was a change made to the orchestrator code after this "
            "instance had already started running?"
        )

    def _raise_event(self, item: Event) -> None:
        if self.next_generation is not None:
            self.carried.append(item)
            return
        name = item["Name"].lower()
        if waiters := self._waiters[name]:
            waiters.pop().finish()
        else:
            self._buffered[name] += 1

    # The actions

    def _advance(self, _: _Task) -> None:
        while self._actions:
            self._awaited = self._start(self._actions.popleft())
            if not self._awaited.done:
                self._awaited.when_done(self._advance)
                return

    def _start(self, action: dict[str, Any]) -> _Task:
        try:
            kind = ActionType(action["actionType"])
        except ValueError as error:
            raise ReplayError(f"the local host does not know actions of type {action['actionType']}") from error
        if what := UNSUPPORTED.get(kind):
            raise ReplayError(f"the local host does not support {what}")
        if kind == ActionType.CONTINUE_AS_NEW:
            self.next_generation = action
            return _DONE
        if kind == ActionType.CREATE_TIMER:
            return self._timer(action)
        if kind == ActionType.WAIT_FOR_EXTERNAL_EVENT:
            return self._wait_for_event(action["externalEventName"].lower())
        if kind in (ActionType.WHEN_ANY, ActionType.WHEN_ALL):
            return _when([self._start(child) for child in action["compoundActions"]], kind)
        if not self._exists(_called(kind), action["functionName"]):
            # The call is rejected before it is scheduled; the orchestrator gets no event and waits for ever.
            return _REFUSED
        if "retryOptions" in action:
            return self._with_retry(action)
        return self._call(action)

    def _call(self, action: dict[str, Any]) -> _Task:
        number = self._next_id
        name, text = action["functionName"], action.get("input")
        if _called(action["actionType"]) is Activity:
            return self._schedule(Activity(number, name, text))
        return self._schedule(SubOrchestration(number, name, text, action.get("instanceId")))

    def _schedule(self, scheduled: Scheduled) -> _Task:
        self._next_id += 1
        self.unconfirmed[scheduled.id] = scheduled
        self.open[scheduled.id] = task = _Task()
        return task

    def _timer(self, action: dict[str, Any]) -> _Task:
        number = self._next_id
        task = self._schedule(Timer(number, action["fireAt"]))
        if action.get("isCanceled"):
            # The timer still fires, and is ignored then.
            self.open.pop(number).finish(failed=True)
        return task

    def _wait_for_event(self, name: str) -> _Task:
        if self._buffered[name]:
            self._buffered[name] -= 1
            return _DONE
        task = _Task()
        self._waiters[name].append(task)
        return task

    def _with_retry(self, action: dict[str, Any]) -> _Task:
        """Attempts with timers between them, and one timer after the last attempt, which the SDK counts too."""
        options = action["retryOptions"]
        result, attempts = _Task(), options["maxNumberOfAttempts"]

        def attempt(number: int) -> None:
            self._call(action).when_done(lambda task: attempted(task, number))

        def attempted(task: _Task, number: int) -> None:
            if not task.failed:
                result.finish()
                return
            delay = options["firstRetryIntervalInMilliseconds"] / 1000 if number < attempts else 0
            timer = self._schedule(Timer(self._next_id, iso(self._now + delay)))
            if number < attempts:
                timer.when_done(lambda _: attempt(number + 1))
            else:
                timer.when_done(lambda _: result.finish(failed=True))

        attempt(1)
        return result


def _called(kind: int) -> type[Activity] | type[SubOrchestration]:
    """The kind of function that an action of this type schedules."""
    is_activity = kind in (ActionType.CALL_ACTIVITY, ActionType.CALL_ACTIVITY_WITH_RETRY)
    return Activity if is_activity else SubOrchestration


def _when(children: list[_Task], kind: ActionType) -> _Task:
    if kind == ActionType.WHEN_ANY and any(child.done for child in children):
        return _DONE
    task, waiting = _Task(), sum(not child.done for child in children)

    def child_done(_: _Task) -> None:
        nonlocal waiting
        waiting -= 1
        if kind == ActionType.WHEN_ANY or not waiting:
            task.finish(failed=any(child.failed for child in children))

    if not waiting:
        return _DONE
    for child in children:
        if not child.done:
            child.when_done(child_done)
    return task
