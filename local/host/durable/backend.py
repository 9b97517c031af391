"""The interface between the host and an implementation of Durable Functions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from local.host.durable.functions import Function

PUBLIC_PATH = "/runtime/webhooks/durabletask"


@dataclass(frozen=True)
class DurableApp:
    """The durable part of a function app: its functions by name, and the settings it runs with.

    `options` is `extensions.durableTask` of host.json, `system_key` opens the public management API.
    """

    orchestrators: Mapping[str, Function]
    activities: Mapping[str, Function]
    system_key: str
    hub_name: str
    max_orchestrators: int
    max_activities: int
    default_version: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class Durable(Protocol):
    """Runs the orchestrations of an app: the embedded engine, or Microsoft's extension in a process beside the host."""

    def public_routes(self) -> list[web.RouteDef]:
        """The routes of the management API, relative to PUBLIC_PATH. The host checks the key."""

    async def start(self, url: str, bind: Callable[[str], None]) -> None:
        """Starts, and resumes unfinished work of an earlier process. `url` is the host's own address.

        `bind` gets the value of a `durableClient` binding (JSON text), before the first function is called.
        Raises HostError.
        """

    async def stop(self) -> None:
        """Unfinished work is kept for the next process."""


def open_durable(app: DurableApp, state_dir: Path, program: str | None) -> Durable:
    """The embedded engine; with `program`, Microsoft's extension, which that program runs."""
    # Imported late: the extension needs no SQLite, and the engine no child process and no HTTP client.
    if program:
        from local.host.durable.external import ExternalDurable

        return ExternalDurable(app, state_dir, program)
    from local.host.durable.embedded import EmbeddedDurable

    return EmbeddedDurable(app, state_dir)
