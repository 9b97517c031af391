"""The functions of the app as the engine calls them."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

# Takes the trigger's JSON text and returns that of the result; raises FunctionFailedError.
Function = Callable[[str], Awaitable[str]]


class FunctionFailedError(Exception):
    """A function of the app has failed. The text is `Type: text`, as from the platform's Python worker."""

    def __init__(self, message: str, stack: str) -> None:
        super().__init__(message)
        self.stack = stack


# Runs something until the engine stops.
Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Functions:
    """The functions of one kind (`orchestrator`, `activity`, `entity`), found by name without regard to case."""

    def __init__(self, kind: str, functions: Mapping[str, Function]) -> None:
        self._kind = kind
        self._names = sorted(functions)
        self._by_name = {name.lower(): function for name, function in functions.items()}

    def get(self, name: str) -> Function | None:
        return self._by_name.get(name.lower())

    def unknown(self, name: str) -> str:
        """The extension's message for a name that no function of this kind has."""
        known = f"No {self._kind} functions are currently registered!"
        if self._names:
            names = ", ".join(f"'{item}'" for item in self._names)
            known = f"The following are the known {self._kind} functions: {names}."
        return (
            f"The function '{name}' doesn't exist, is disabled, or is not an {self._kind} function. "
            f"Additional info: {known}"
        )
