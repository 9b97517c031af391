"""The ARM requests that were served, for tests and for counting."""

import json
from collections import deque
from dataclasses import dataclass
from typing import Any

from local.simulator.wire import Json

KEPT = 100_000
# Answers take most of the memory: beyond this many bytes the oldest lose theirs.
KEPT_BYTES = 256 * 1024 * 1024


@dataclass(slots=True)
class _Entry:
    line: Json
    response: bytes
    omitted: bool = False

    def body(self) -> Json:
        body: Json = {**self.line, "responseBody": json.loads(self.response) if self.response else None}
        return body | {"responseBodyOmitted": True} if self.omitted else body


class RequestLog:
    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque(maxlen=KEPT)
        self._answered: deque[_Entry] = deque()
        self._bytes = 0
        self._served = 0

    def add(self, line: Json, request_body: Any, response: bytes) -> None:
        self._served += 1
        entry = _Entry({"n": self._served, **line, "requestBody": request_body}, response)
        self._entries.append(entry)
        self._answered.append(entry)
        self._bytes += len(response)
        while self._bytes > KEPT_BYTES:
            oldest = self._answered.popleft()
            self._bytes -= len(oldest.response)
            oldest.response, oldest.omitted = b"", True

    def after(self, number: int) -> list[Json]:
        """Entries with n greater than `number`, oldest first."""
        return [entry.body() for entry in self._entries if entry.line["n"] > number]

    def clear(self) -> None:
        """Numbers go on counting."""
        self._entries.clear()
        self._answered.clear()
        self._bytes = 0
