"""Microsoft's Durable extension as the implementation: in a process beside the host, over Azure Storage.

The process is the program that DURABLE_HOST names (its source is in `extension/`). Where the Functions host would call
the Python worker, the program calls the bridge: `POST /bridge/{function}` with the trigger's data; the response is 200
with the JSON of the return value, or 500 with `message` and `stack`.
"""

import asyncio
import ctypes
import json
import logging
import os
import re
import signal
import socket
import uuid
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import ClientSession, ClientTimeout, web
from yarl import URL

from local.host.config import HostError
from local.host.durable.backend import PUBLIC_PATH, DurableApp
from local.host.durable.functions import FunctionFailedError
from local.host.listening import ANY_SIZE, serve_app, url_of

log = logging.getLogger(__name__)

_STARTED_WITHIN = 60.0
# It looks for a free port by itself, which another program may take before it listens.
_PORT_TAKEN = "Address already in use"
# Seconds for a clean stop, which returns messages and leases.
_STOPPED_WITHIN = 8.0
_PASSED_ON = ("Content-Type", "x-ms-continuation-token")
_RETURNED = ("Content-Type", "x-ms-continuation-token", "Retry-After")
# Links in responses name the host of the extension; in public they must name this host.
_OWN_LINK = re.compile(r"http://127\.0\.0\.1:\d+/runtime/webhooks/durabletask")
_OWN_CODE = "code=check"


class ExternalDurable:
    """Keeps the name of its task hub in the state directory (`hub`), and the log of the extension (`durable.log`).

    A task hub that DURABLE_HUB names is shared by every host that is given it. The file that DURABLE_CALLS names gets
    a line for each call of a function: its name, and how many bytes it was given and returned.
    """

    def __init__(self, app: DurableApp, state_dir: Path, program: str) -> None:
        self._app = app
        self._program = program
        self._dir = state_dir
        functions = {**app.orchestrators, **app.activities}
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._code = urlencode({"code": app.system_key})
        self._bound = asyncio.Event()
        self._url = self._base = ""
        self._process: Process | None = None
        self._bridge: web.AppRunner | None = None
        self._session: ClientSession | None = None
        self._watch: asyncio.Task[None] | None = None

    def public_routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{path:.*}", self._pass_on)]

    async def start(self, url: str, bind: Callable[[str], None]) -> None:
        self._url = url
        self._session = ClientSession(timeout=ClientTimeout(total=600))
        bridge = web.Application(client_max_size=ANY_SIZE)
        bridge.add_routes([web.post("/bridge/{name}", self._call)])
        listener = socket.create_server(("127.0.0.1", 0))
        self._bridge = await serve_app(bridge, listener)
        try:
            binding = await self._start_program(url_of(listener))
        except BaseException:
            await self.stop()
            raise
        self._base = json.loads(binding)["rpcBaseUrl"]
        bind(self._public(binding))
        self._bound.set()
        self._watch = asyncio.create_task(self._watch_program())

    async def stop(self) -> None:
        if self._watch:
            self._watch.cancel()
        if self._process and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), _STOPPED_WITHIN)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._session:
            await self._session.close()
        if self._bridge:
            await self._bridge.cleanup()

    # The program

    async def _start_program(self, bridge: str) -> str:
        """Starts the program and returns the client binding that it writes once it runs."""
        client_file = self._dir / "client.json"
        client_file.unlink(missing_ok=True)
        functions = {"orchestrators": list(self._app.orchestrators), "activities": list(self._app.activities)}
        environment = {
            **os.environ,
            "BRIDGE": bridge,
            "CLIENT_FILE": str(client_file),
            "DURABLE_OPTIONS": json.dumps(self._app.options),
            "FUNCTIONS": json.dumps(functions),
            "HUB": os.environ.get("DURABLE_HUB") or self._hub(),
        }
        process = await self._run_program(environment)
        try:
            async with asyncio.timeout(_STARTED_WITHIN):
                while not (client_file.exists() and (binding := client_file.read_text())):
                    if process.returncode is not None:
                        if _PORT_TAKEN not in self._complaint():
                            raise HostError(f"the Durable extension ended at its start: {self._complaint()}")
                        process = await self._run_program(environment)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise HostError(f"the Durable extension was not up within {_STARTED_WITHIN:.0f} s") from None
        return binding

    async def _run_program(self, environment: dict[str, str]) -> asyncio.subprocess.Process:
        try:
            with self._log_file.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    self._program, env=environment, stdout=output, stderr=output, preexec_fn=_die_with_parent
                )
        except OSError as error:
            raise HostError(f"DURABLE_HOST={self._program} cannot be run: {error.strerror}") from error
        return self._process

    async def _watch_program(self) -> None:
        """Ends the host when the extension ends: in Azure they are one process."""
        if self._process:
            code = await self._process.wait()
            log.critical("The Durable extension ended with exit code %s: %s", code, self._complaint())
            signal.raise_signal(signal.SIGTERM)

    def _hub(self) -> str:
        """The task hub of this state directory: many runs share one storage account."""
        file = self._dir / "hub"
        if not file.exists():
            file.write_text(f"{self._app.hub_name[:32]}{uuid.uuid4().hex[:12]}")
        return file.read_text()

    @property
    def _log_file(self) -> Path:
        return self._dir / "durable.log"

    def _complaint(self) -> str:
        """The extension's error message, and the path of its log."""
        lines = self._log_file.read_text(errors="replace").splitlines()
        failed = [number for number, line in enumerate(lines) if line.startswith(("fail:", "Unhandled exception"))]
        said = " ".join(line.strip() for line in lines[failed[-1] : failed[-1] + 4]) if failed else "no word"
        return f"{said} (see {self._log_file})"

    # Calls of functions by the extension, and public calls of the extension

    async def _call(self, request: web.Request) -> web.Response:
        await self._bound.wait()
        text = await request.text()
        try:
            result = await self._functions[request.match_info["name"].lower()](text)
        except FunctionFailedError as error:
            return web.json_response({"message": str(error), "stack": error.stack}, status=500)
        _count(request.match_info["name"], text, result)
        return web.Response(text=result, content_type="application/json")

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._session  # noqa: S101
        path, _, query = request.raw_path.partition("?")
        wanted = "&".join(part for part in query.split("&") if part and not part.lower().startswith("code="))
        url = URL(f"{self._base}{path[len(PUBLIC_PATH) + 1 :]}?{wanted}", encoded=True)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        async with self._session.request(
            request.method, url, data=await request.read(), headers=headers, allow_redirects=False
        ) as answer:
            body = await answer.read()
            headers = {name: answer.headers[name] for name in _RETURNED if name in answer.headers}
            if location := answer.headers.get("Location"):
                headers["Location"] = self._public(location)
        if answer.status == 202 and body and request.method == "POST":
            body = self._public(body.decode()).encode()
        return web.Response(status=answer.status, body=body, headers=headers)

    def _public(self, text: str) -> str:
        """Rewrites links of the extension to public ones."""
        if text.startswith(self._base) and self._base:
            # The status of an instance that was requested through the local endpoint.
            return f"{self._url}{PUBLIC_PATH}/{text.removeprefix(self._base).partition('?')[0]}?{self._code}"
        return _OWN_LINK.sub(self._url + PUBLIC_PATH, text).replace(_OWN_CODE, self._code)


def _count(name: str, given: str, returned: str) -> None:
    if file := os.environ.get("DURABLE_CALLS"):
        with Path(file).open("a") as calls:
            calls.write(f"{name} {len(given.encode())} {len(returned.encode())}\n")


def _die_with_parent() -> None:
    """Makes the kernel kill the extension with the host: in Azure they are one process."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
