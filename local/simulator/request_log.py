"""The ARM requests that were served, for tests and for counting."""

import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from local.simulator.wire import Json

KEPT = 200_000
# A list of thousands of items, polled for an hour, must not fill the memory: larger answers are logged without body.
LARGEST_BODY = 262_144


@dataclass(slots=True)
class _Entry:
    line: Json
    response: bytes


class RequestLog:
    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=KEPT)
        self._served = 0

    def add(self, line: Json, request_body: Any, response: bytes) -> None:
        self._served += 1
        kept = response if len(response) <= LARGEST_BODY else b""
        self._entries.append(_Entry({"n": self._served, **line, "requestBody": request_body}, kept))

    def after(self, number: int) -> list[Json]:
        """Entries with n greater than `number`, oldest first."""
        return [
            {**entry.line, "responseBody": json.loads(entry.response) if entry.response else None}
            for entry in self._entries
            if entry.line["n"] > number
        ]

    def clear(self) -> None:
        """Numbers go on counting."""
        self._entries.clear()
