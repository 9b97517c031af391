"""The simulator as a server: HTTPS on loopback with a certificate of its own CA."""

import asyncio
import json
import os
import secrets
import ssl
import tempfile
from pathlib import Path
from types import TracebackType

import certifi
import trustme
from aiohttp import web

from local.simulator import operations
from local.simulator.arm import (
    capacity,
    compute,
    compute_parts,
    deletions,
    generic,
    locks,
    network,
    storage,
    storage_lists,
    subscriptions,
    tags,
    vaults,
)
from local.simulator.controls import Controls
from local.simulator.gateway import Gateway
from local.simulator.graph import service as resource_graph
from local.simulator.identity import Identity
from local.simulator.recovery import (
    agents,
    enable,
    failover,
    infrastructure,
    item_disks,
    item_update,
    items,
    mappings,
    network_mappings,
    plan_test_failover,
    plans,
    policies,
    queries,
    recovery_points,
    test_failover,
)
from local.simulator.routing import Router
from local.simulator.topics import Topics
from local.simulator.wire import Json
from local.simulator.world import World

_LARGEST_REQUEST = 256 * 1024 * 1024
_MODULES = (
    subscriptions,
    tags,
    locks,
    capacity,
    compute,
    compute_parts,
    network,
    storage,
    storage_lists,
    vaults,
    deletions,
    operations,
    infrastructure,
    policies,
    mappings,
    network_mappings,
    agents,
    enable,
    items,
    item_disks,
    item_update,
    failover,
    plan_test_failover,
    plans,
    queries,
    recovery_points,
    test_failover,
    resource_graph,
    generic,
)


class Simulator:
    """A local Azure Resource Manager.

        async with Simulator(estate, speed=600) as simulator:
            SiteRecoveryManagementClient(..., base_url=simulator.url)

    `port` 0 takes a free one. `state_dir` gets ca.pem and simulator.json; without it the CA goes to a temporary folder.
    """

    def __init__(
        self,
        estate: Json | None = None,
        speed: float = 1,
        port: int = 0,
        state_dir: Path | None = None,
        *,
        items_hidden_while_enabling: bool = False,
    ) -> None:
        self.world = World(speed)
        self.world.behaviour.items_hidden_while_enabling = items_hidden_while_enabling
        self.identity_header = secrets.token_hex(16)
        self._identity = Identity(self.identity_header, "00000000-0000-0000-0000-0000000000a1")
        self.gateway = Gateway(self.world, Router(*(module.routes for module in _MODULES)))
        self.topics = Topics(self.gateway)
        self.controls = Controls(self.gateway, self._identity, self.topics)
        self._port = port
        self._state_dir = state_dir
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._runner: web.AppRunner | None = None
        self._clock: asyncio.Task[None] | None = None
        self.controls.load(estate or {})

    @property
    def url(self) -> str:
        return f"https://localhost:{self._port}"

    @property
    def identity_endpoint(self) -> str:
        return f"{self.url}/msi/token"

    @property
    def ca_file(self) -> Path:
        """The simulator's CA and those of certifi: a client that trusts only this file can reach other hosts too."""
        return self._folder / "ca.pem"

    @property
    def _folder(self) -> Path:
        if self._state_dir is not None:
            return self._state_dir
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="simulator-")
        return Path(self._temporary.name)

    async def start(self) -> None:
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        self.controls.add_routes(app)
        self._identity.add_routes(app)
        self.topics.add_routes(app)
        app.router.add_route("*", "/{path:(?s:.*)}", self.gateway.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=context)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._write_files(authority.cert_pem.bytes())
        self._clock = asyncio.create_task(self.world.clock.run())

    def _write_files(self, authority: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        _write(self.ca_file, authority + Path(certifi.where()).read_bytes())
        _write(self._folder / "simulator.json", json.dumps(self.description(), indent=2).encode())

    def description(self) -> Json:
        """The content of simulator.json."""
        return {
            "url": self.url,
            "pid": os.getpid(),
            "identityEndpoint": self.identity_endpoint,
            "identityHeader": self.identity_header,
            "principalId": self._identity.principal_id,
            "caFile": str(self.ca_file.absolute()),
            "speed": self.world.clock.speed,
        }

    async def stop(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            await asyncio.gather(self._clock, return_exceptions=True)
        await self.world.events.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    async def __aenter__(self) -> "Simulator":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _write(path: Path, content: bytes) -> None:
    """Replaces the file atomically, readable by its owner only: readers see the old file or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(0o600)
    draft.replace(path)
