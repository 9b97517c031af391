"""The ARM requests that were served, for tests and for counting."""

import json
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from local.simulator.wire import Json

KEPT = 100_000
# Responses take most of the memory: beyond this many bytes the oldest are dropped.
KEPT_BYTES = 256 * 1024 * 1024


@dataclass(slots=True)
class _Entry:
    line: Json
    response: bytes
    omitted: bool = False

    def text(self) -> bytes:
        """The entry as JSON. The response is JSON already, and is not parsed only to be serialized again."""
        head = self.line | {"responseBodyOmitted": True} if self.omitted else self.line
        return json.dumps(head).encode()[:-1] + b', "responseBody": ' + (self.response or b"null") + b"}"


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

    def text(self, after: int) -> bytes:
        """Entries with a greater n, oldest first, as a JSON array."""
        first = self._entries[0].line["n"] if self._entries else 1
        entries = islice(self._entries, max(0, after + 1 - first), None)
        return b"[" + b", ".join(entry.text() for entry in entries) + b"]"

    def after(self, number: int) -> list[Json]:
        """The same, parsed."""
        found: list[Json] = json.loads(self.text(number))
        return found

    def clear(self) -> None:
        """Removes all entries; numbering continues."""
        self._entries.clear()
        self._answered.clear()
        self._bytes = 0
