"""The embedded implementation of Durable Functions: store, engine and HTTP API."""

import logging
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from local.host.durable.backend import DurableApp
from local.host.durable.engine import Engine, Limits
from local.host.durable.functions import Functions
from local.host.durable.rpc import RPC_PATH, DurableApi
from local.host.durable.store import Store
from local.host.listening import ANY_SIZE, serve_app, url_of

log = logging.getLogger(__name__)


class EmbeddedDurable:
    """Stores its task hub in `history.db` of the state directory. Raises IncompatibleHistoryError.

    DURABLE_SEED (a text) seeds its random choices, such as which of two simultaneous starts is lost.
    """

    def __init__(self, app: DurableApp, state_dir: Path) -> None:
        seed = os.environ.get("DURABLE_SEED") or f"{random.getrandbits(32):08x}"
        log.info("Durable Functions: the embedded engine, DURABLE_SEED=%s", seed)
        self._engine = Engine(
            Store(state_dir / "history.db"),
            Functions("orchestrator", app.orchestrators),
            Functions("activity", app.activities),
            Limits(app.max_orchestrators, app.max_activities),
            app.default_version,
            random.Random(seed),  # noqa: S311
        )
        self._api = DurableApi(self._engine, app.hub_name, app.system_key)
        self._rpc: web.AppRunner | None = None

    def public_routes(self) -> list[web.RouteDef]:
        return self._api.routes()

    async def start(self, url: str, bind: Callable[[str], None]) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        durable = web.Application()
        durable.add_routes(self._api.routes())
        rpc = web.Application(client_max_size=ANY_SIZE)
        rpc.add_subapp(RPC_PATH, durable)
        self._api.base_url = url
        bind(self._api.client_binding(url_of(listener)))
        self._rpc = await serve_app(rpc, listener)
        self._engine.start()

    async def stop(self) -> None:
        await self._engine.stop()
        if self._rpc:
            await self._rpc.cleanup()
