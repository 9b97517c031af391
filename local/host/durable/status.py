"""The responses about an instance: its status and its history."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from local.host.durable.events import Event, EventType
from local.host.durable.store import Instance

# An event that completes a task is merged with the one that scheduled it, under the name of the former.
_CLOSES = {
    EventType.TASK_COMPLETED: ("TaskCompleted", "TaskScheduledId"),
    EventType.TASK_FAILED: ("TaskFailed", "TaskScheduledId"),
    EventType.SUB_ORCHESTRATION_COMPLETED: ("SubOrchestrationInstanceCompleted", "TaskScheduledId"),
    EventType.SUB_ORCHESTRATION_FAILED: ("SubOrchestrationInstanceFailed", "TaskScheduledId"),
    EventType.TIMER_FIRED: ("TimerFired", "TimerId"),
}
_SINGLE = {
    EventType.EXECUTION_STARTED: "ExecutionStarted",
    EventType.EXECUTION_COMPLETED: "ExecutionCompleted",
    EventType.EXECUTION_TERMINATED: "ExecutionTerminated",
    EventType.TIMER_CREATED: "TimerCreated",
    EventType.EVENT_RAISED: "EventRaised",
    EventType.EXECUTION_SUSPENDED: "ExecutionSuspended",
    EventType.EXECUTION_RESUMED: "ExecutionResumed",
}
_OPENS = {EventType.TASK_SCHEDULED, EventType.SUB_ORCHESTRATION_CREATED, EventType.TIMER_CREATED}


# The most UTF-16 bytes of an input in the row of an instance.
LARGEST_ROW = 60 * 1024


def is_large(text: str | None) -> bool:
    """Whether an input is too large for the row of its instance: it is an empty text until the instance runs."""
    return len(text or "") * 2 > LARGEST_ROW


def status(instance: Instance, *, show_input: bool = True) -> dict[str, Any]:
    """The body of a status query. Times are whole seconds, as in the extension."""
    shown = "" if instance.status == "Pending" and is_large(instance.input) else _loads(instance.input)
    return {
        "name": instance.name,
        **({"version": instance.version} if instance.version else {}),
        "instanceId": instance.id,
        **({"parentInstanceId": instance.parent.instance_id} if instance.parent else {}),
        "runtimeStatus": instance.status,
        "input": shown if show_input else None,
        "customStatus": _loads(instance.custom_status),
        "output": _loads(instance.output),
        "createdTime": _seconds(instance.created),
        "lastUpdatedTime": _seconds(instance.updated),
    }


def history_events(history: Iterable[str], *, show_output: bool) -> list[dict[str, Any]]:
    """The stored events in the format of `showHistory`; results only with `showHistoryOutput`."""
    opened: dict[int, Event] = {}
    shown = []
    for item in map(json.loads, history):
        kind = EventType(item["EventType"])
        if kind in _OPENS:
            opened[item["EventId"]] = item
        if kind in _CLOSES:
            name, key = _CLOSES[kind]
            shown.append(_closed(name, item, opened.get(item[key], {}), show_output))
        elif kind in _SINGLE:
            shown.append(_single(_SINGLE[kind], item, show_output))
    return shown


def _closed(name: str, item: Event, opening: Event, show_output: bool) -> dict[str, Any]:
    result = {"EventType": name, "Timestamp": item["Timestamp"], "ScheduledTime": opening.get("Timestamp")}
    if "Name" in opening:
        result["FunctionName"] = opening["Name"]
    for key in ("FireAt", "Reason", "Details"):
        if item.get(key) is not None:
            result[key] = item[key]
    if show_output and "Result" in item:
        result["Result"] = _loads(item["Result"])
    return result


def _single(name: str, item: Event, show_output: bool) -> dict[str, Any]:
    result = {"EventType": name, "Timestamp": item["Timestamp"]}
    if name == "ExecutionStarted":
        result["FunctionName"] = item["Name"]
    elif name == "ExecutionCompleted":
        result["OrchestrationStatus"] = item["OrchestrationStatus"]
        if show_output:
            result["Result"] = _loads(item["Result"])
    else:
        result |= {key: item[key] for key in ("Name", "Input", "FireAt") if key in item}
    return result


def _loads(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _seconds(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
