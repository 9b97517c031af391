"""Answers that are changed on their way to the client: odd values, missing fields, and bodies that are no JSON."""

import base64
import binascii
import json
from dataclasses import dataclass, replace
from typing import Any

from local.simulator.json_path import JsonPath
from local.simulator.wire import Answer, Json

URL = "{url}"  # in a text: the URL of the request


@dataclass(frozen=True, slots=True)
class Mutation:
    """`settings` and `deletions` change the JSON body, `body` replaces it, `cut` keeps its first bytes only.

    A header of None is removed.
    """

    settings: tuple[tuple[JsonPath, Any], ...]
    deletions: tuple[JsonPath, ...]
    body: bytes | None
    cut: int | None
    status: int | None
    headers: dict[str, str | None]

    def apply(self, answer: Answer, url: str) -> Answer:
        """The changed answer; the one that is given, which may show live state, stays as it is."""
        document = json.loads(json.dumps(answer.body))
        for path, value in self.settings:
            path.set(document, json.loads(json.dumps(value).replace(URL, url)))
        for path in self.deletions:
            path.delete(document)
        body = json.dumps(document).encode() if self.body is None else self.body
        headers: dict[str, Any] = answer.headers | {
            name: value.replace(URL, url) if value else value for name, value in self.headers.items()
        }
        return replace(
            answer,
            status=self.status or answer.status,
            body=None if answer.body is None and self.body is None else body[: self.cut],
            headers={name: value for name, value in headers.items() if value is not None},
        )


def parse(raw: Json) -> Mutation:
    """Reads `set`, `delete`, `body`, `bodyBase64`, `truncate`, `status` and `headers` of a rule. Raises ValueError."""
    body = raw["body"].encode() if "body" in raw else None
    if "bodyBase64" in raw:
        try:
            body = base64.b64decode(raw["bodyBase64"], validate=True)
        except binascii.Error as error:
            raise ValueError(f"bodyBase64 is no base64: {error}") from None
    if not set(raw) & {"set", "delete", "body", "bodyBase64", "truncate", "status", "headers"}:
        raise ValueError("a mutation sets, deletes, replaces or truncates something")
    return Mutation(
        settings=tuple((JsonPath(path), value) for path, value in raw.get("set", {}).items()),
        deletions=tuple(JsonPath(str(path)) for path in raw.get("delete", ())),
        body=body,
        cut=raw.get("truncate"),
        status=raw.get("status"),
        headers={str(name): value if value is None else str(value) for name, value in raw.get("headers", {}).items()},
    )
