"""A loopback proxy between the app and Azure Resource Manager that records requests and responses."""

import asyncio
import contextlib
import json
import re
import secrets
import ssl
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import certifi
import trustme
from aiohttp import ClientError, ClientSession, TCPConnector, web
from azure.core.exceptions import ClientAuthenticationError

from local.conformance.comparison import OPERATION_HEADERS
from local.livecheck.scrub import Scrubber

_LARGEST = 64 * 1024 * 1024
_ORIGIN = re.compile(r"^https://[^/]+")
# Hop-by-hop headers, and those that describe the encoding of one side.
_OWN = {"host", "authorization", "accept-encoding", "connection", "content-length", "transfer-encoding"}
_NOT_RETURNED = {"connection", "content-encoding", "content-length", "transfer-encoding", "keep-alive"}


class Recorder:
    """`async with Recorder(...) as recorder:` serves Resource Manager at `recorder.url`, as `endpoint` answers.

    Clients get a token from `identity_endpoint`, as from a managed identity, which opens the recorder and nothing else;
    Azure gets that of `token`. One request at a time is handed on: the lines of the file are in the order in which
    Azure answered. They are scrubbed before they are written.
    """

    def __init__(
        self, endpoint: str, token: Callable[[], Awaitable[str]], file: Path, scrubber: Scrubber, folder: Path
    ) -> None:
        self.identity_header = secrets.token_hex(16)
        self.ca_file = folder / "recorder-ca.pem"
        self.url = ""
        self.written = 0
        self._endpoint = endpoint
        self._token = token
        self._key = secrets.token_urlsafe(32)
        self._scrubber = scrubber
        self._file = file
        self._turn = asyncio.Lock()
        self._closing = contextlib.AsyncExitStack()

    @property
    def identity_endpoint(self) -> str:
        return f"{self.url}/msi/token"

    @property
    def authorization(self) -> str:
        """The token that the recorder expects from its clients."""
        return f"Bearer {self._key}"

    async def __aenter__(self) -> Self:
        async with self._closing as closing:
            self._lines = closing.enter_context(self._file.open("x", encoding="utf-8"))
            # aiohttp would repeat a PUT if a kept-alive connection breaks.
            connector = TCPConnector(force_close=True)
            self._session = await closing.enter_async_context(ClientSession(connector=connector))
            app = web.Application(client_max_size=_LARGEST)
            app.router.add_get("/msi/token", self._identity)
            app.router.add_route("*", "/{path:(?s:.*)}", self._hand_on)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            closing.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._certified()).start()
            self.url = f"https://localhost:{runner.addresses[0][1]}"
            self._closing = closing.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    def _certified(self) -> ssl.SSLContext:
        """With a certificate of a CA of its own, which clients find in `ca_file`, with those that everybody trusts."""
        authority = trustme.CA()
        self.ca_file.write_bytes(authority.cert_pem.bytes() + Path(certifi.where()).read_bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        return context

    async def _identity(self, request: web.Request) -> web.Response:
        if request.headers.get("X-IDENTITY-HEADER") != self.identity_header:
            return web.Response(status=401)
        expires = str(int(time.time()) + 86_400)
        body = {"access_token": self._key, "expires_on": expires, "token_type": "Bearer"}
        return web.json_response(body | {"resource": request.query.get("resource", "")})

    async def _hand_on(self, request: web.Request) -> web.Response:
        if not secrets.compare_digest(request.headers.get("Authorization", ""), self.authorization):
            return web.Response(status=401)
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OWN}
        async with self._turn:
            try:
                headers["Authorization"] = f"Bearer {await self._token()}"
                async with self._session.request(
                    request.method,
                    self._endpoint + request.raw_path,
                    data=body or None,
                    headers=headers,
                    allow_redirects=False,
                ) as answer:
                    content = await answer.read()
            except (ClientError, ClientAuthenticationError) as error:
                fault = {"error": {"code": "NoAnswer", "message": f"Azure could not be asked: {error}"}}
                return web.json_response(fault, status=502)
            self._write(request, body, answer.status, dict(answer.headers), content)
        returned = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_RETURNED}
        for name in returned:
            if name.lower() in OPERATION_HEADERS:
                returned[name] = self._through_here(returned[name])
        return web.Response(status=answer.status, headers=returned, body=self._pages_through_here(content))

    def _write(self, request: web.Request, sent: bytes, status: int, headers: dict[str, str], content: bytes) -> None:
        line = {
            "i": self.written,
            "method": request.method,
            "url": self._scrubber.url(f"{self.url}{request.raw_path}"),
            "requestBody": self._scrubber.body(_json(sent)),
            "status": status,
            "responseHeaders": self._scrubber.headers(headers),
            "responseBody": self._scrubber.body(_json(content)),
        }
        self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()
        self.written += 1

    def _through_here(self, url: str) -> str:
        return _ORIGIN.sub(self.url, url)

    def _pages_through_here(self, content: bytes) -> bytes:
        """Rewrites the nextLink of a list, which would bypass the recorder, where its token is not valid."""
        body = _json(content)
        if not isinstance(body, dict) or not body.get("nextLink"):
            return content
        return json.dumps(body | {"nextLink": self._through_here(body["nextLink"])}).encode()


def _json(content: bytes) -> Any:
    """As recordings have it: an empty body is an empty string."""
    if not content:
        return ""
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")
