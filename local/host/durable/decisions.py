"""The input of a replay beside the history, and its result."""

import json
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from local.host.durable.events import Event
from local.host.durable.functions import FunctionFailedError

OUT_OF_PROC_DATA = "$OutOfProcData$:"


class ActionType(IntEnum):
    CALL_ACTIVITY = 0
    CALL_ACTIVITY_WITH_RETRY = 1
    CALL_SUB_ORCHESTRATOR = 2
    CALL_SUB_ORCHESTRATOR_WITH_RETRY = 3
    CONTINUE_AS_NEW = 4
    CREATE_TIMER = 5
    WAIT_FOR_EXTERNAL_EVENT = 6
    CALL_ENTITY = 7
    CALL_HTTP = 8
    SIGNAL_ENTITY = 9
    WHEN_ANY = 11
    WHEN_ALL = 12


@dataclass(frozen=True)
class OrchestratorState:
    """The result of an orchestrator function: its actions since the start, and whether it has ended."""

    actions: list[dict[str, Any]]
    is_done: bool = False
    output: Any = None
    error: str | None = None
    custom_status: Any = None

    @classmethod
    def from_json(cls, text: str) -> "OrchestratorState":
        """Parses the result (schema V3: one flat list of actions). An invalid one becomes the error."""
        try:
            body = json.loads(text)
            return cls(
                actions=[action for actions in body["actions"] for action in actions],
                is_done=body["isDone"],
                output=body.get("output"),
                error=body.get("error"),
                custom_status=body.get("customStatus"),
            )
        except (ValueError, TypeError, KeyError):
            return cls(actions=[], error=f"the orchestrator answered what is no orchestrator state: {text!r:.200}")

    @classmethod
    def from_exception(cls, error: FunctionFailedError) -> "OrchestratorState":
        """The state that the SDK puts into the text of its exception; without one, the text becomes the error."""
        text = str(error)
        _, found, state = text.partition(OUT_OF_PROC_DATA)
        return cls.from_json(state) if found else cls(actions=[], error=text)


@dataclass(frozen=True)
class Activity:
    id: int
    name: str
    input: str | None


@dataclass(frozen=True)
class Timer:
    id: int
    fire_at: str


@dataclass(frozen=True)
class SubOrchestration:
    id: int
    name: str
    input: str | None
    instance_id: str | None


Scheduled = Activity | Timer | SubOrchestration


@dataclass(frozen=True)
class Completed:
    output: Any


@dataclass(frozen=True)
class Failed:
    reason: str


@dataclass(frozen=True)
class Terminated:
    reason: str | None


@dataclass(frozen=True)
class ContinuedAsNew:
    """`input` is JSON text; `carried` are the events that arrived after the call of continue_as_new."""

    input: str | None
    carried: list[Event]


@dataclass(frozen=True)
class Decision:
    """The result of a turn. `outcome` is None while the instance continues."""

    scheduled: list[Scheduled] = field(default_factory=list)
    outcome: Completed | Failed | Terminated | ContinuedAsNew | None = None
    suspended: bool = False
