"""Web applications on loopback sockets."""

import socket
from typing import Any

from aiohttp import web

# Seconds for requests in progress when the host is stopped.
SHUTDOWN_SECONDS = 1.0
# The most bytes of a request body of applications that only local processes call.
ANY_SIZE = 2**30


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def serve_app(app: web.Application, listener: socket.socket, **options: Any) -> web.AppRunner:
    """Serves requests until the runner is cleaned up. `options` are those of aiohttp's server."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS, **options)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    return runner
