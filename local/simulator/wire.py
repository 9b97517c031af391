"""What goes over the wire: one ARM call as the handlers see it, and their answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(slots=True)
class Call:
    """One request, parsed. `params` hold the path's placeholders in the caller's casing."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any = None
    base_url: str = ""
    claims: Json = field(default_factory=dict)
    principal: str = ""
    params: dict[str, str] = field(default_factory=dict)
    # Set by a fail-operation fault: the operation that this call begins ends so.
    doomed: Json | None = None

    @property
    def api_version(self) -> str:
        return self.query.get("api-version", "")

    @property
    def client(self) -> str:
        """Who calls, as refusals name him: an application by its client ID."""
        return str(self.claims.get("appid") or self.principal)

    def __getitem__(self, name: str) -> str:
        return self.params[name]


@dataclass(slots=True)
class Answer:
    """`body` None means an empty body; a status without one is what ARM sends with 202 and 204."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json; charset=utf-8"
