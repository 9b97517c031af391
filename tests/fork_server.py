"""Processes of `local` that start at once: forked from a process that has imported what they need.

Of the three seconds of CPU that a simulator and a host take for one VM, two go into imports. A forked process has a
process ID, an environment, a folder and a log of its own, as one that is executed has. One server serves all workers
of a test run. The demo and the bench start theirs in the ordinary way. Linux only.
"""

import asyncio
import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any

from local.processes import APP
from tests.waiting import longer

MODULES = (
    *("local.host.__main__", "local.simulator.__main__", "azure.identity.aio", "azure.eventgrid.aio"),
    *("azure.mgmt.compute.aio", "azure.mgmt.resource.resources.aio", "azure.mgmt.resourcegraph.aio"),
    *("azure.mgmt.recoveryservicessiterecovery.aio", "azure.monitor.opentelemetry.exporter"),
    # The app but for function_app.py, which reads the settings when it is imported.
    *("activities.functions", "orchestrators.functions", "triggers.openapi", "triggers.compliance"),
)
_LONGEST_REQUEST = 2**17


class ForkedProcess:
    """A process of the fork server's, used as one of asyncio's."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._code: int | None = None
        self.pid = int(connection.recv(16))

    @property
    def returncode(self) -> int | None:
        if self._code is None and select.select([self._connection], [], [], 0)[0]:
            self._code = int(self._connection.recv(16))
            self._connection.close()
        return self._code

    async def wait(self) -> int:
        while self.returncode is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return self.returncode

    def join(self, seconds: float) -> int:
        """The exit code, for who has no event loop. AssertionError if it has not ended by then."""
        started = time.monotonic()
        while self.returncode is None:
            assert time.monotonic() - started < longer(seconds), f"process {self.pid} has not ended"
            time.sleep(0.01)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(module: str, *arguments: str, cwd: Path, env: Mapping[str, str], log: IO[Any]) -> ForkedProcess:
    """A process of the module's `main(arguments)`, in that folder and environment. What it prints goes into the log."""
    ours, theirs = _pair()
    request = {"module": module, "arguments": arguments, "folder": str(cwd), "environment": dict(env)}
    with theirs:
        socket.send_fds(_server(), [json.dumps(request).encode()], [theirs.fileno(), log.fileno()])
    return ForkedProcess(ours)


async def spawn(*command: str, cwd: Path, env: Mapping[str, str], stdout: IO[Any], **_: Any) -> ForkedProcess:
    """In place of `asyncio.create_subprocess_exec`."""
    _python, _m, module, *arguments = command
    return start(f"{module}.__main__", *arguments, cwd=cwd, env=env, log=stdout)


def _pair() -> tuple[socket.socket, socket.socket]:
    """Of sockets that keep messages apart."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


_started: list[subprocess.Popen[bytes]] = []


_TEMPORARY = Path(tempfile.gettempdir())
"""As it is before a test moves it to a longer path than a socket's address may have."""


@cache
def _server() -> socket.socket:
    """A connection to the server of this test run, which the first worker to need it starts."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = _TEMPORARY / f"dr-tests-{run}"
    folder.mkdir(mode=0o700, exist_ok=True)
    address = str(folder / "fork_server")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener, contextlib.suppress(OSError):
        # If another worker has begun, the address is taken.
        listener.bind(address)
        listener.listen()
        _started.append(subprocess.Popen([sys.executable, "-m", __name__], cwd=APP, stdin=listener.fileno()))  # noqa: S603
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    started = time.monotonic()
    while connection.connect_ex(address):
        assert time.monotonic() - started < longer(10), "the fork server does not listen"
        time.sleep(0.01)
    return connection


def stop() -> None:
    """Leaves the server, if it was used. Who started it waits for its end, so that what it has covered counts."""
    if _server.cache_info().currsize:
        _server().close()
    for process in _started:
        process.wait()


def _serve(listener: socket.socket) -> None:
    """Until the last connection is closed. Each message is one process."""
    for module in MODULES:
        importlib.import_module(module)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    sockets = [listener]
    while True:
        for each in select.select(sockets, [], [])[0]:
            if each is listener:
                sockets.append(listener.accept()[0])
                continue
            message, numbers, _, _ = socket.recv_fds(each, _LONGEST_REQUEST, 2)
            if not message:
                sockets.remove(each)
                each.close()
            elif not os.fork():
                for other in sockets:
                    other.close()
                _watch(message, *numbers)
            for number in numbers:
                os.close(number)
        if sockets == [listener]:
            shutil.rmtree(Path(listener.getsockname()).parent)
            return


def _watch(message: bytes, number: int, log: int) -> None:
    """Forks the process, and says its process ID and at last its exit code. It does not outlive who asked for it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection = socket.socket(fileno=number)
    pid = os.fork()
    if not pid:
        connection.close()
        _run(log, **json.loads(message))
    connection.send(str(pid).encode())
    ended = os.pidfd_open(pid)
    if ended not in select.select([connection.fileno(), ended], [], [])[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _run(log: int, module: str, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    """Never returns."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, stream in enumerate((os.open(os.devnull, os.O_RDONLY), log, log)):
        os.dup2(stream, number)
    _trust(environment.get("SSL_CERT_FILE"))
    sys.exit(importlib.import_module(module).main(arguments))


def _trust(authority: str | None) -> None:
    """aiohttp has read SSL_CERT_FILE when it was imported: what it trusts by default learns of one more."""
    import aiohttp.connector

    if authority:
        aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(cafile=authority)


if __name__ == "__main__":
    _serve(socket.socket(fileno=sys.stdin.fileno()))
