"""Limits of the platform's web server, checked before anything else."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from local.host.paths import decode_path

MAX_BODY = 100 * 1024 * 1024
_MAX_REQUEST_LINE = 8192
_MAX_HEADERS = 32 * 1024
# aiohttp's own limits, which return 400 for everything, are raised; it does not decompress bodies.
SERVER_OPTIONS = {"max_line_size": 2**20, "max_field_size": 2**20, "auto_decompress": False}


@web.middleware
async def platform_limits(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Checks the limits, and stores the decoded path as `request["path"]`."""
    if len(f"{request.method} {request.raw_path} HTTP/1.1\r\n") > _MAX_REQUEST_LINE:
        return web.Response(status=414)
    if sum(len(name) + len(value) + len(": \r\n") for name, value in request.raw_headers) > _MAX_HEADERS:
        return web.Response(status=431)
    try:
        request["path"] = decode_path(request.raw_path.partition("?")[0])
    except ValueError:
        return web.Response(status=400)
    if not all(value.isascii() for _, value in request.raw_headers):
        return web.Response(status=400)
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return web.Response(status=500)
