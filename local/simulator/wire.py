"""A parsed ARM request, and the answer of a handler."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One request, parsed. `params` hold the path's placeholders in the caller's casing; `request_id` is the caller's
    own."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    base_url: str = ""
    claims: Json = field(default_factory=dict)
    principal: str = ""
    request_id: str = ""
    params: dict[str, str] = field(default_factory=dict)
    # Set by a fail-operation fault: the error with which the operation of this call fails.
    doomed: Json | None = None

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")

    @property
    def client(self) -> str:
        """The caller as errors name it: an application by its client ID."""
        return str(self.claims.get("appid") or self.principal)

    def __getitem__(self, name: str) -> str:
        return self.params[name]


@dataclass(slots=True)
class Answer:
    """`body` None is an empty body, as ARM sends it with 202 and 204. Bytes are sent as they are."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
