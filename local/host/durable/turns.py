"""One turn of an instance: from its messages to a decision, whose effects are stored in one transaction."""

import json
import logging
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from local.host.durable import decisions as d
from local.host.durable.events import Event, EventType, event, from_iso, to_json
from local.host.durable.functions import FunctionFailedError, Functions
from local.host.durable.replay import replay
from local.host.durable.store import Instance, Message, Parent, Store, TimerWork, Turn

log = logging.getLogger(__name__)

# The limit of a custom status in UTF-16; its size is rounded down to whole KB before the comparison.
_STATUS_KILOBYTES = 16

CONTEXT_CONSTANTS = {
    "upperSchemaVersion": 1,
    "upperSchemaVersionNew": 2,
    "longRunningTimerIntervalDuration": "3.00:00:00",
    "maximumShortTimerDuration": "6.00:00:00",
    "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
}


@dataclass(frozen=True)
class Effects:
    """What to do once the turn is stored: instances with new messages, activities and timers to run."""

    with_messages: list[str] = field(default_factory=list)
    activities: list[int] = field(default_factory=list)
    timers: list[TimerWork] = field(default_factory=list)


class TurnRunner:
    def __init__(
        self, store: Store, orchestrators: Functions, activities: Functions, default_version: str | None
    ) -> None:
        self._store = store
        self._orchestrators = orchestrators
        self._activities = activities
        self._default_version = default_version

    async def run(self, turn: Turn) -> Effects:
        instance = turn.instance
        if self._is_newer(instance.version):
            log.error("Instance '%s' waits for an app of version %s", instance.id, instance.version)
            return Effects()
        messages = [m for m in turn.messages if m.execution_id in (None, instance.execution_id)]
        if instance.started and not messages:
            self._store.consume(turn.messages)
            return Effects()
        new = _new_events(instance, messages)
        state = d.OrchestratorState(actions=[])
        # A terminated instance ends without a replay.
        if not any(item["EventType"] == EventType.EXECUTION_TERMINATED for item in new):
            state = await self._call(instance, turn.history, new)
        history = json.loads(f"[{','.join(turn.history)}]") + new
        if refusal := _refusal(state.custom_status):
            decision = d.Decision(outcome=d.Failed(f"Orchestrator function '{instance.name}' failed: {refusal}"))
            state = d.OrchestratorState(actions=[])
        else:
            decision = replay(instance.name, history, state, self._exists)
        return self._commit(turn, new, state, decision)

    def _is_newer(self, version: str | None) -> bool:
        """Whether the instance's version is later than the app's, which then does not run it ("CurrentOrOlder")."""
        return bool(version and self._default_version) and _parts(version) > _parts(self._default_version)

    def create(
        self, name: str, instance_id: str, text: str | None, *, version: str | None = None, parent: Parent | None = None
    ) -> None:
        """Writes a new instance, and replaces one of the same ID. Call it inside a transaction."""
        now, version = time.time(), version or self._default_version
        self._store.clear(instance_id, "history", "inbox", "timers")
        self._store.write(
            Instance(instance_id, uuid.uuid4().hex, name, version, text, parent, created=now, updated=now)
        )

    async def _call(self, instance: Instance, history: list[str], new: list[Event]) -> d.OrchestratorState:
        function = self._orchestrators.get(instance.name)
        if function is None:
            return d.OrchestratorState([], error=self._orchestrators.unknown(instance.name))
        context = to_json(
            {
                "instanceId": instance.id,
                "isReplaying": instance.started,
                "parentInstanceId": instance.parent.instance_id if instance.parent else None,
                **CONTEXT_CONSTANTS,
            }
        )
        # Input and history are JSON already.
        events = ",".join([*history, *map(to_json, new)])
        try:
            answer = await function(f'{context[:-1]},"input":{instance.input or "null"},"history":[{events}]}}')
        except FunctionFailedError as error:
            return d.OrchestratorState.from_exception(error)
        return d.OrchestratorState.from_json(answer)

    def _exists(self, kind: type[d.Activity] | type[d.SubOrchestration], name: str) -> bool:
        functions = self._activities if kind is d.Activity else self._orchestrators
        if functions.get(name):
            return True
        log.error("An orchestration waits for ever: %s", functions.unknown(name))
        return False

    # Effects of a decision

    def _commit(self, turn: Turn, new: list[Event], state: d.OrchestratorState, decision: d.Decision) -> Effects:
        instance, effects = turn.instance, Effects()
        current = self._store.instance(instance.id)
        if current is None or current.execution_id != instance.execution_id:
            return effects  # purged, or purged and started again, while the turn ran
        # The first turn of a generation keeps the previous custom status; later turns use what the orchestrator sets.
        if state.custom_status is not None or instance.started:
            instance.custom_status = None if state.custom_status is None else to_json(state.custom_status)
        _keep_reason(instance, new)
        instance.started, instance.carried, instance.updated = True, None, time.time()
        with self._store.transaction():
            self._store.consume(turn.messages)
            if isinstance(decision.outcome, d.ContinuedAsNew):
                self._continue_as_new(instance, decision.outcome, effects)
            elif decision.outcome:
                self._end(turn, new, decision.outcome, effects)
            else:
                instance.status = "Suspended" if decision.suspended else "Running"
                scheduled = [self._schedule(instance, work, effects) for work in decision.scheduled]
                done = event(EventType.ORCHESTRATOR_COMPLETED, instance.updated)
                self._store.append_history(instance.id, len(turn.history), [*new, *scheduled, done])
            self._store.write(instance)
        return effects

    def _continue_as_new(self, instance: Instance, outcome: d.ContinuedAsNew, effects: Effects) -> None:
        self._store.clear(instance.id, "history", "timers")
        instance.execution_id = uuid.uuid4().hex
        instance.created = instance.updated
        instance.input = to_json(outcome.input)
        instance.started = False
        instance.carried = to_json(outcome.carried) if outcome.carried else None
        effects.with_messages.append(instance.id)

    def _end(
        self, turn: Turn, new: list[Event], outcome: d.Completed | d.Failed | d.Terminated, effects: Effects
    ) -> None:
        instance, now = turn.instance, turn.instance.updated
        instance.status = type(outcome).__name__
        if not isinstance(outcome, d.Terminated) or outcome.reason is not None:
            instance.output = to_json(outcome.output if isinstance(outcome, d.Completed) else outcome.reason)
        fields: dict[str, Any] = {"OrchestrationStatus": instance.status, "Result": instance.output}
        ends = [event(EventType.EXECUTION_COMPLETED, now, **fields), event(EventType.ORCHESTRATOR_COMPLETED, now)]
        self._store.clear(instance.id, "inbox", "timers")
        self._store.append_history(instance.id, len(turn.history), [*new, *ends])
        if isinstance(outcome, d.Failed):
            log.error("Orchestration '%s' failed: %s", instance.id, outcome.reason)
        if instance.parent:
            report = _report(instance.parent, instance, outcome)
            self._store.send(instance.parent.instance_id, report, instance.parent.execution_id)
            effects.with_messages.append(instance.parent.instance_id)

    def _schedule(self, instance: Instance, work: d.Scheduled, effects: Effects) -> Event:
        """Stores the work, and returns its history event, which does not repeat the input."""
        now = instance.updated
        if isinstance(work, d.Activity):
            effects.activities.append(self._store.add_activity(instance, work.id, work.name, work.input))
            return event(EventType.TASK_SCHEDULED, now, work.id, Name=work.name)
        if isinstance(work, d.Timer):
            timer = TimerWork(from_iso(work.fire_at), instance.id, instance.execution_id, work.id)
            self._store.add_timer(timer)
            effects.timers.append(timer)
            return event(EventType.TIMER_CREATED, now, work.id, FireAt=work.fire_at)
        child_id = work.instance_id or f"{instance.execution_id}:{work.id}"
        existing = self._store.instance(child_id)
        if existing and not existing.ended:
            # As in Azure: the start is dropped and the parent waits for ever.
            log.error("Instance '%s' waits for sub-orchestration '%s', an ID that runs already", instance.id, child_id)
        else:
            parent = Parent(instance.id, instance.execution_id, work.id)
            self.create(work.name, child_id, to_json(work.input), parent=parent)
            effects.with_messages.append(child_id)
        return event(EventType.SUB_ORCHESTRATION_CREATED, now, work.id, Name=work.name, InstanceId=child_id)


def _parts(version: str | None) -> list[tuple[int, str]]:
    """The parts of a version for comparison: "1.10" is later than "1.9"."""
    parts = (version or "").split(".")
    return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]


def _new_events(instance: Instance, messages: list[Message]) -> list[Event]:
    """The events that a turn adds to the history before the orchestrator runs."""
    now = time.time()
    new = [event(EventType.ORCHESTRATOR_STARTED, now)]
    if not instance.started:
        # The orchestrator gets the input beside the history, so that it is not repeated in every turn.
        identity = {"InstanceId": instance.id, "ExecutionId": instance.execution_id}
        fields: dict[str, Any] = {"Name": instance.name, "Version": instance.version, "OrchestrationInstance": identity}
        new.append(event(EventType.EXECUTION_STARTED, now, **fields))
        new.extend(json.loads(instance.carried or "[]"))
    return new + [json.loads(message.event) for message in messages]


def _refusal(custom_status: Any) -> str | None:
    """The extension's message for a custom status that is too large; the orchestration fails with it."""
    text = json.dumps(custom_status, ensure_ascii=False, separators=(",", ":"))
    kilobytes = len(text.encode("utf-16-le", "surrogatepass")) // 1024
    if kilobytes <= _STATUS_KILOBYTES:
        return None
    return (
        f"The UTF-16 size of the JSON-serialized payload must not exceed {_STATUS_KILOBYTES} KB. "
        f"The current payload size is {kilobytes} KB."
    )


def _keep_reason(instance: Instance, new: list[Event]) -> None:
    """Keeps the reason of a suspend or resume in the output of the instance, until it has another output."""
    for item in new:
        if item["EventType"] in (EventType.EXECUTION_SUSPENDED, EventType.EXECUTION_RESUMED):
            reason = item.get("Input")
            instance.output = None if reason is None else to_json(reason)


def _report(parent: Parent, instance: Instance, outcome: d.Completed | d.Failed | d.Terminated) -> Event:
    """The message of an ended sub-orchestration to its parent."""
    fields: dict[str, Any] = {"TaskScheduledId": parent.task_id}
    if isinstance(outcome, d.Completed):
        return event(EventType.SUB_ORCHESTRATION_COMPLETED, instance.updated, **fields, Result=instance.output)
    details = f"Message: {str(outcome.reason).partition(' failed: ')[2]}, StackTrace: "
    return event(EventType.SUB_ORCHESTRATION_FAILED, instance.updated, **fields, Reason=outcome.reason, Details=details)
