"""How the engine sees the functions of the app."""

from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

# Takes the trigger's JSON text, answers the JSON text of the result; raises FunctionFailedError.
Function = Callable[[str], Awaitable[str]]


class FunctionFailedError(Exception):
    """A function of the app has failed. The text is `Type: text`, as the platform's Python worker words it."""

    def __init__(self, message: str, stack: str) -> None:
        super().__init__(message)
        self.stack = stack


# Runs something until the engine stops.
Spawn = Callable[[Coroutine[Any, Any, None]], None]


def unknown(name: str, kind: str, known: Iterable[str]) -> str:
    """What is said of a name that no function of that kind has."""
    names = ", ".join(f"'{item}'" for item in sorted(known)) or "none"
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function. "
        f"The known {kind} functions are: {names}."
    )
