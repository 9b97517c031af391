"""History events in the format in which the Durable Functions extension sends them to out-of-process workers."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

Event = dict[str, Any]


class EventType(IntEnum):
    """Event types by the numbers of the Durable Task Framework, as in the history that the SDK reads."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_ORCHESTRATION_CREATED = 7
    SUB_ORCHESTRATION_COMPLETED = 8
    SUB_ORCHESTRATION_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_RAISED = 15
    EXECUTION_SUSPENDED = 19
    EXECUTION_RESUMED = 20


def event(kind: EventType, timestamp: float, event_id: int = -1, **fields: Any) -> Event:
    """A history event that has not been played yet. Only events that schedule a task have an ID."""
    return {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": iso(timestamp), **fields}


def played(history: Iterable[Event]) -> list[str]:
    """The events as JSON texts, marked as played. They are stored so, and passed to later turns without parsing."""
    return [to_json({**item, "IsPlayed": True}) for item in history]


def to_json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def iso(timestamp: float) -> str:
    """Seconds since the epoch as the UTC text that the SDK parses."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_iso(text: str) -> float:
    """Seconds since the epoch. A text without an offset is UTC, as the SDK sends it."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
