"""A local host as a process of its own, and how tests talk to it."""

import json
import os
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
from azure.durable_functions import DurableOrchestrationClient, OrchestrationRuntimeStatus
from yarl import URL

from local.processes import APP
from tests import fork_server
from tests.waiting import eventually, longer

APPS = Path(__file__).parent / "apps"
ENDED = {"Completed", "Failed", "Terminated"}
DEADLINE = 60


def make_app(folder: Path, source: str, **durable: Any) -> Path:
    """A function app with this function_app.py; the keywords go into host.json's durableTask."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("function_app.py").write_text(source)
    host = {"version": "2.0", "extensions": {"durableTask": {"hubName": "TestHub", **durable}}}
    folder.joinpath("host.json").write_text(json.dumps(host))
    return folder


def run_forked(module: str, *arguments: str, log: Path) -> tuple[int, str]:
    """The exit code of a process, and what it has printed."""
    with log.open("w") as printed:
        process = fork_server.start(module, *arguments, cwd=APP, env=os.environ, log=printed)
    return process.join(DEADLINE), log.read_text()


class RunningHost:
    """Start it, talk to it, stop or kill it, start it again on the same state."""

    def __init__(self, app: Path, state_dir: Path, **env: str) -> None:
        self.app = app
        self.state_dir = state_dir
        self.env = env
        self.log = state_dir / "log.txt"
        self.process: fork_server.ForkedProcess | None = None

    def start(self) -> "RunningHost":
        self.state_dir.mkdir(parents=True, exist_ok=True)
        arguments = ["--app", str(self.app), "--port", "0", "--state-dir", str(self.state_dir)]
        with self.log.open("ab") as log:
            self.process = fork_server.start(
                "local.host.__main__", *arguments, cwd=APP, env=os.environ | self.env, log=log
            )
        started = time.monotonic()
        while self.ready.get("pid") != self.process.pid:
            assert self.process.returncode is None, self.log.read_text()
            assert time.monotonic() - started < longer(DEADLINE), "the host did not become ready"
            time.sleep(0.02)
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends the signal; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.join(DEADLINE)

    @property
    def ready(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.state_dir / "host.json").read_text()))
        except FileNotFoundError:
            # A host that starts removes what a killed one has left.
            return {}

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    @property
    def keys(self) -> dict[str, Any]:
        return dict(json.loads((self.state_dir / "keys.json").read_text()))

    async def get(self, path: str, method: str = "GET", **options: Any) -> tuple[int, str]:
        """Status and body."""
        async with aiohttp.ClientSession() as session, session.request(method, self.url + path, **options) as answer:
            return answer.status, await answer.text()

    async def get_raw(self, path: str) -> tuple[int, str]:
        """The same for a path that is not to be made canonical."""
        url = URL(self.url + path, encoded=True)
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()

    async def client(self) -> DurableOrchestrationClient:
        """The real client, on the binding that the app got."""
        status, text = await self.get("/api/binding")
        assert status == 200, text
        return DurableOrchestrationClient(text)


async def wait_until_ended(client: DurableOrchestrationClient, *instance_ids: str) -> list[Any]:
    """The statuses of instances once all have ended."""

    async def ended(instance_id: str) -> Any:
        status = await client.get_status(instance_id)
        return status if status and status.runtime_status.name in ENDED else None

    return [await eventually(partial(ended, each), every=0.03) for each in instance_ids]


async def wait_for_status(client: DurableOrchestrationClient, instance_id: str, custom_status: Any) -> None:
    async def reached() -> bool:
        return bool((await client.get_status(instance_id)).custom_status == custom_status)

    await eventually(reached, every=0.02)


async def wait_for_runtime_status(client: DurableOrchestrationClient, instance_id: str, name: str) -> None:
    async def reached() -> bool:
        status = (await client.get_status(instance_id)).runtime_status
        return status is not None and status.name == name

    await eventually(reached, every=0.02)


async def run(client: DurableOrchestrationClient, name: str, value: Any = None) -> Any:
    instance_id = await client.start_new(name, client_input=value)
    (status,) = await wait_until_ended(client, instance_id)
    return status


async def output(client: DurableOrchestrationClient, name: str, value: Any = None) -> Any:
    status = await run(client, name, value)
    assert status.runtime_status is OrchestrationRuntimeStatus.Completed, status.output
    return status.output


async def failure(client: DurableOrchestrationClient, name: str, value: Any = None) -> str:
    status = await run(client, name, value)
    assert status.runtime_status is OrchestrationRuntimeStatus.Failed
    return str(status.output)
