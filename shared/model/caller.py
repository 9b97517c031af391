"""Who asked for something: for the archive only, never for a log."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

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


def with_callers(callers: tuple[Caller, ...], more: tuple[Caller, ...]) -> tuple[Caller, ...]:
    """The callers and more of them, each once."""
    return tuple(dict.fromkeys((*callers, *more)))[-MOST_CALLERS:]


_OBJECT_ID_CLAIMS = {"oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def object_id_in(claims: Iterable[tuple[Any, Any]]) -> str:
    """The object ID among the claims of a token, or ""."""
    return next((as_object_id(value) for name, value in claims if name in _OBJECT_ID_CLAIMS), "")


def as_object_id(given: Any) -> str:
    """The object ID, if it is one, else ""."""
    return given.lower() if isinstance(given, str) and _GUID.fullmatch(given) else ""
