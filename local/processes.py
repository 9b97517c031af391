"""Starts and stops processes of this package, each by its process ID and with its own folder."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

APP = Path(__file__).parents[1]
_READY_WITHIN = 300.0
_STOPPED_WITHIN = 10.0


class Process(Protocol):
    """What is used of asyncio's."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    async def wait(self) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...


Spawn = Callable[..., Awaitable[Process]]
"""Starts a process, with the arguments of `asyncio.create_subprocess_exec`."""


class StackError(RuntimeError):
    """A process did not start; the text has the end of its output."""


class Processes:
    """`python -m local.<module>` by name, with its folder and log in `folder`. The name is the module's by default."""

    def __init__(self, folder: Path, spawn: Spawn = asyncio.create_subprocess_exec) -> None:
        self.folder = folder
        self._spawn = spawn
        self._running: dict[str, Process] = {}
        self._modules: dict[str, str] = {}

    async def start_process(
        self,
        name: str,
        environment: Mapping[str, str],
        *options: str,
        module: str = "",
        port: int = 0,
        python: str = sys.executable,
        root: Path = APP,
    ) -> None:
        """Starts a process and returns once it is ready. It inherits the environment without the app's settings.

        `root` is the folder of `local`. Raises StackError.
        """
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        module = self._modules[name] = module or name
        ready = folder / f"{module}.json"
        ready.unlink(missing_ok=True)
        outside = {key: value for key, value in os.environ.items() if not key.startswith("DR_")}
        with (self.folder / f"{name}.log").open("ab") as log:
            process = self._running[name] = await self._spawn(
                *(python, "-m", f"local.{module}", "--port", str(port), "--state-dir", str(folder)),
                *options,
                cwd=root,
                env=outside | dict(environment),
                stdout=log,
                stderr=log,
            )
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN
        while not ready.exists():
            if process.returncode is not None:
                raise StackError(
                    f"The {name} stopped with exit code {process.returncode}:\n{self.log_of(name)[-3000:]}"
                )
            if asyncio.get_running_loop().time() > deadline:
                raise StackError(f"The {name} was not ready within {_READY_WITHIN} s:\n{self.log_of(name)[-3000:]}")
            await asyncio.sleep(0.05)

    def ready(self, name: str) -> dict[str, Any]:
        """What the process wrote when it was ready: its URL, process ID and more."""
        ready: dict[str, Any] = json.loads((self.folder / name / f"{self._modules[name]}.json").read_text())
        return ready

    def pid_of(self, name: str) -> int:
        return self._running[name].pid

    def log_of(self, name: str) -> str:
        """The output of the process so far."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    async def stop_process(self, name: str) -> None:
        process = self._running.pop(name, None)
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOPPED_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def kill_process(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        await process.wait()

    async def ended(self) -> str:
        """Waits until a process ends by itself, and returns the end of its output."""
        waits = {asyncio.create_task(process.wait()): name for name, process in self._running.items()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        name = waits[done.pop()]
        return f"The {name} has ended:\n{self.log_of(name)[-3000:]}"
