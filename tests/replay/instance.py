"""One instance of an orchestration, run as the platform runs it: turn by turn, through the real SDK, on its own clock.

Each turn hands the whole history to the function that the blueprint registers, and lets the local host's replay decide
what follows from its answer. So a history that a later turn does not fit is a failure here, as it is in Azure.
"""

import asyncio
import json
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

import orchestrators.functions
from activities.create_target_resources import by_wave
from activities.resolve_source import leads_to_plan
from local.host.durable import decisions
from local.host.durable.events import Event, EventType, event, from_iso
from local.host.durable.replay import replay
from shared.model.activity_io import Observation, ObserveRequest, ResourcesRequest
from shared.model.base import Model
from shared.model.order import Order
from shared.model.step_result import Ready, StepResult
from shared.model.target_resources import TargetResource
from shared.reconcile.run_state import CHANGED, RunResult, RunState
from tests.unit.app.examples import VM_ID

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
NAME = "protect_vm"
OBSERVE, CREATE_ALL = "resolve_source", "create_target_resources"
DERIVE, CREATE = "derive_target_settings", "create_target_resource"
"""The steps of these two activities: the plan of what was observed, and each resource."""

ENABLE, FOLLOW, REMOVE = "enable_protection", "monitor_job", "remove_failed_item"
CHANGE, DISABLE = "change_protection", "disable_protection"
TELL, TELL_SWEEP, PURGE = "publish_outcome", "publish_sweep", "purge_history"
LEFTOVERS = "remove_orphans"
_CONTEXT = {
    "instanceId": "protect-web-1",
    "parentInstanceId": None,
    "upperSchemaVersion": 1,
    "upperSchemaVersionNew": 2,
    "longRunningTimerIntervalDuration": "3.00:00:00",
    "maximumShortTimerDuration": "6.00:00:00",
    "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
}

Answer = StepResult | Exception | Callable[[dict[str, Any]], StepResult]
_AT_THE_END: dict[str, Answer] = {
    TELL: Ready(),
    LEFTOVERS: lambda sweep: Ready(value=sweep),
    TELL_SWEEP: Ready(),
    PURGE: Ready(),
}
State = TypeVar("State", bound=Model)
Ended = TypeVar("Ended", bound=Model)


def function_of_the_blueprint(name: str) -> Callable[[str], str]:
    """The orchestration as the platform calls it: JSON text in, JSON text out."""
    found = (builder._function for builder in orchestrators.functions.blueprint._function_builders)
    (chosen,) = (each for each in found if each.get_function_name() == name)
    function: Callable[[str], str] = chosen.get_user_function()
    return function


@dataclass
class InstanceOf(Generic[State, Ended]):
    """An instance of the orchestration `name`, which carries a `State` and returns an `ended`; and all that happened.

    `answers` holds for each activity what it answers, call by call. `changed_after` are the seconds after the start
    at     which `changed` is raised; `changed_during` names activities while which it is raised once. Every event
    carries     `order`, if there is one. Each timer fires `early` by so much. In the first wait that shows the step
    `stopped_at` the app is stopped for a while.

    What belongs to the end (orphans, what reports it, old histories) goes well unless an answer is given: it is in
    `reported`, and not among the `calls`.
    """

    name: ClassVar[str]
    ended: ClassVar[type[Any]]

    answers: Mapping[str, Sequence[Answer]]
    state: State
    changed_after: Iterable[float] = ()
    changed_during: Iterable[str] = ()
    order: Order | None = None
    stopped_at: str = ""
    stopped_for: timedelta = timedelta(0)
    early: timedelta = timedelta(0)
    may_leave_answers: bool = False

    def __post_init__(self) -> None:
        self.now = START
        self._left = {activity: deque(answers) for activity, answers in self.answers.items()}
        self.calls: list[str] = []
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.reported: list[tuple[str, dict[str, Any]]] = []
        self.waits: list[float] = []
        self.statuses: list[dict[str, Any]] = []
        self.states: list[State] = []
        self.histories: list[list[Event]] = []
        self._changes = deque(sorted(self.changed_after))
        self._changed_during = list(self.changed_during)

    def run(self, most_generations: int = 300) -> Ended:
        """Runs to the end. Every answer must have been asked for, unless some may be left."""
        carried: list[Event] = []
        for _ in range(most_generations):
            outcome = self._generation(carried)
            if isinstance(outcome, decisions.Completed):
                left = [activity for activity, rest in self._left.items() if rest]
                assert self.may_leave_answers or not left, f"never asked for: {left}, after {self.calls}"
                result: Ended = self.ended.load(outcome.output)
                return result
            assert isinstance(outcome, decisions.ContinuedAsNew), outcome
            assert outcome.input is not None
            self.state, carried = type(self.state).load(json.loads(outcome.input)), outcome.carried
        raise AssertionError(f"no end after {most_generations} generations: {self.state}")

    @property
    def elapsed(self) -> timedelta:
        return self.now - START

    def _generation(self, carried: list[Event]) -> Any:
        self.states.append(self.state)
        self.histories.append([])
        history = self.histories[-1]
        started = self._event(
            EventType.EXECUTION_STARTED,
            Name=self.name,
            Version="",
            OrchestrationInstance={"InstanceId": "protect-web-1", "ExecutionId": f"e{len(self.states)}"},
        )
        new = [started, *carried]
        while True:
            history += [self._event(EventType.ORCHESTRATOR_STARTED), *new]
            state = answer_of(history, self.state, self.name)
            if state.custom_status:
                self.statuses.append(state.custom_status)
            decision = replay(self.name, history, state)
            self._assert_nothing_is_left_open(state, decision)
            if decision.outcome:
                return decision.outcome
            history += [self._scheduled(work) for work in decision.scheduled]
            history.append(self._event(EventType.ORCHESTRATOR_COMPLETED))
            for item in history:
                item["IsPlayed"] = True
            new = self._next_messages(history)

    def _assert_nothing_is_left_open(self, state: decisions.OrchestratorState, decision: decisions.Decision) -> None:
        """At the end of a generation only a timer that fires at once may be open: all else would hold the instance."""
        kinds = {action["actionType"] for action in state.actions}
        if decision.outcome is None and (state.is_done or decisions.ActionType.CONTINUE_AS_NEW in kinds):
            for work in decision.scheduled:
                assert isinstance(work, decisions.Timer), work
                assert from_iso(work.fire_at) <= self.now.timestamp(), work

    def _scheduled(self, work: decisions.Scheduled) -> Event:
        if isinstance(work, decisions.Timer):
            wait = from_iso(work.fire_at) - self.now.timestamp()
            if wait > 0:
                self.waits.append(wait)
            return self._event(EventType.TIMER_CREATED, work.id, FireAt=work.fire_at)
        assert isinstance(work, decisions.Activity)
        request = json.loads(work.input or "null")
        if work.name in _AT_THE_END:
            self.reported.append((work.name, request))
        elif work.name != CREATE_ALL:
            self.calls.append(work.name)
            self.requests.append((work.name, request))
        return self._event(EventType.TASK_SCHEDULED, work.id, Name=work.name, Input=json.dumps([work.input]))

    def _next_messages(self, history: list[Event]) -> list[Event]:
        """What happens next: the activities of this turn end, or time passes until a timer fires or the VM changes."""
        ended = {item["TaskScheduledId"] for item in history if "TaskScheduledId" in item}
        asked = [
            item for item in history if item["EventType"] == EventType.TASK_SCHEDULED and item["EventId"] not in ended
        ]
        if asked:
            self.now += timedelta(milliseconds=200)
            return [message for item in asked for message in self._ended(item)]
        fired = {item["TimerId"] for item in history if item["EventType"] == EventType.TIMER_FIRED}
        timers = [
            item for item in history if item["EventType"] == EventType.TIMER_CREATED and item["EventId"] not in fired
        ]
        assert timers, "the instance waits for nothing"
        first = min(timers, key=lambda item: from_iso(item["FireAt"]))
        at = datetime.fromtimestamp(from_iso(first["FireAt"]), UTC)
        if self._changes and START + timedelta(seconds=self._changes[0]) <= at:
            moment = self._changes[0]
            self.now = max(self.now, START + timedelta(seconds=moment))
            burst = [self._changes.popleft() for _ in range(self._changes.count(moment))]
            return [self._changed() for _ in burst]
        self.now = max(self.now, at - self.early)
        if self.stopped_at and self.statuses[-1].get("step") == self.stopped_at:
            self.now, self.stopped_at = self.now + self.stopped_for, ""
        return [self._event(EventType.TIMER_FIRED, TimerId=first["EventId"], FireAt=first["FireAt"])]

    def _ended(self, scheduled: Event) -> list[Event]:
        name = scheduled["Name"]
        number = scheduled["EventId"]
        request = json.loads(json.loads(scheduled["Input"])[0])
        self._messages: list[Event] = []
        try:
            answer = asyncio.run(self._activity(name, request))
        except Exception as error:
            reason = f"Activity function '{name}' failed:  {type(error).__name__}: {error}"
            failed = self._event(EventType.TASK_FAILED, TaskScheduledId=number, Reason=reason, Details="")
            return [*self._messages, failed]
        result = json.dumps(answer.dump())
        return [*self._messages, self._event(EventType.TASK_COMPLETED, TaskScheduledId=number, Result=result)]

    async def _activity(self, name: str, request: dict[str, Any]) -> StepResult:
        """What the activity returns. Raises what it raises."""
        if name == CREATE_ALL:
            return await by_wave(ResourcesRequest.load(request).waves, self._created)
        answer = self._answer(name, request)
        if name == OBSERVE and isinstance(answer, Ready):
            return self._planned(Observation.load(answer.value), ObserveRequest.load(request))
        return answer

    async def _created(self, resource: TargetResource) -> StepResult:
        return self._step(CREATE, resource.dump())

    def _planned(self, observation: Observation, request: ObserveRequest) -> Ready:
        if leads_to_plan(observation, request, self.now):
            planning = self._step(DERIVE, observation.dump() | request.failures.dump())
            observation = observation.with_(planning=planning)
        return Ready(value=observation.dump())

    def _step(self, name: str, request: dict[str, Any]) -> StepResult:
        self.calls.append(name)
        self.requests.append((name, request))
        return self._answer(name, request)

    def _answer(self, name: str, request: dict[str, Any]) -> StepResult:
        """The next answer of an activity, or of a step of one."""
        left = self._left.get(name) or (deque([_AT_THE_END[name]]) if name in _AT_THE_END else None)
        assert left, f"{name} was asked once more, after {self.calls}"
        answer = left.popleft()
        if name in self._changed_during:
            self._changed_during.remove(name)
            self._messages.append(self._changed())
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _changed(self) -> Event:
        """As the SDK's client sends it: JSON text in a JSON string."""
        payload = json.dumps(json.dumps(self.order.dump())) if self.order else "null"
        return self._event(EventType.EVENT_RAISED, Name=CHANGED, Input=payload)

    def _event(self, kind: EventType, number: int = -1, **fields: Any) -> Event:
        return event(kind, self.now.timestamp(), number, **fields)


@dataclass
class Instance(InstanceOf[RunState, RunResult]):
    """One of `protect_vm`."""

    name = NAME
    ended = RunResult

    state: RunState = field(default_factory=lambda: RunState(vm_id=VM_ID, poll_seconds=30))


def answer_of(history: list[Event], state: Model, name: str = NAME) -> decisions.OrchestratorState:
    """What the function answers to a history; asked twice, since it must always answer the same."""
    function = function_of_the_blueprint(name)
    # As the SDK's client sends it: JSON text in a JSON string.
    body = {**_CONTEXT, "isReplaying": False, "input": json.dumps(state.dump()), "history": history}
    with warnings.catch_warnings():
        # What the SDK says of an event that comes before somebody waits for it, and of its own way to read JSON.
        warnings.filterwarnings("ignore", "Potential duplicate Task completion for TaskId: changed")
        warnings.filterwarnings("ignore", "azure.functions df_loads was called without expected_type")
        first, second = function(json.dumps(body)), function(json.dumps(body))
    assert first == second
    return decisions.OrchestratorState.from_json(first)
