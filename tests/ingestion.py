"""The ingestion endpoint of Application Insights, as far as the exporter of metrics needs it."""

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

KEY = "00000000-0000-4000-8000-0000000000aa"


class Ingestion:
    """Keeps what it takes. `status` is what it answers."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.items: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def connection_string(self) -> str:
        return f"InstrumentationKey={KEY};IngestionEndpoint={self.url}"

    async def track(self, request: web.Request) -> web.Response:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        items = json.loads(await request.read())
        if self.status != 200:
            return web.json_response({"itemsReceived": len(items), "itemsAccepted": 0}, status=self.status)
        self.items += items
        return web.json_response({"itemsReceived": len(items), "itemsAccepted": len(items), "errors": []})

    def metrics(self, name: str) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """The points of a metric, each with what it is distinguished by."""
        found = []
        for item in self.items:
            assert (item["name"], item["iKey"]) == ("Microsoft.ApplicationInsights.Metric", KEY), item
            data = item["data"]["baseData"]
            found += [(point, data.get("properties") or {}) for point in data["metrics"] if point["name"] == name]
        return found


@asynccontextmanager
async def ingestion(tls: Callable[[ssl.SSLContext], None] | None = None) -> AsyncIterator[Ingestion]:
    """On a free port. `tls` configures a certificate for https."""
    taken = Ingestion()
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls(context)
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_post("/v2.1/track", taken.track)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    taken.url = f"{'https' if tls else 'http'}://localhost:{runner.addresses[0][1]}"
    try:
        yield taken
    finally:
        await runner.cleanup()
