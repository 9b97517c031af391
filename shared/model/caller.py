"""Who asked for something: for the archive only, never for a log."""

from enum import StrEnum

from shared.model.base import Model


class CallerKind(StrEnum):
    """`schedule` is a timer of the app; `unknown`: nothing says who it was, as of a tag that a sweep has found."""

    USER = "user"
    APPLICATION = "application"
    FUNCTION_KEY = "function key"
    SCHEDULE = "schedule"
    UNKNOWN = "unknown"


class Via(StrEnum):
    """By what the request came: an HTTP request, an event about a write to the VM, a sweep, or a drill's schedule."""

    HTTP = "http"
    EVENT = "event"
    SWEEP = "sweep"
    SCHEDULE = "schedule"


class Caller(Model):
    """`id` is the object ID in Microsoft Entra ID of a user or an application, else ""."""

    kind: CallerKind
    via: Via
    id: str = ""


MOST_CALLERS = 16
"""The most callers that a run keeps, the latest."""


def with_caller(callers: tuple[Caller, ...], more: tuple[Caller, ...]) -> tuple[Caller, ...]:
    """The callers without repetition, the latest last."""
    return tuple(dict.fromkeys((*reversed(more), *reversed(callers))))[MOST_CALLERS - 1 :: -1]
