import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from azure.durable_functions import DurableOrchestrationClient
from azure.durable_functions.models.utils import http_utils

from tests.integration.host.running import APPS, RunningHost, make_app

MakeHost = Callable[..., RunningHost]


@pytest.fixture(autouse=True)
async def _close_client_session() -> AsyncIterator[None]:
    """The durable client keeps one session for the process, and a test has its own event loop."""
    yield
    await http_utils._close_session()
    http_utils._client_session = None


@pytest.fixture(scope="module", params=["embedded", "external"])
def durable_host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """A host of durable_app: on the embedded engine, and on Microsoft's extension, which has to behave alike."""
    env = {"DURABLE_HOST": ""} if request.param == "embedded" else request.getfixturevalue("durable_extension")
    folder: Path = tmp_path_factory.mktemp("durable")
    app = make_app(folder / "app", (APPS / "durable_app.py").read_text(), defaultVersion="1.2")
    host = RunningHost(app, folder / "state", **env).start()
    yield host
    assert host.stop() == 0


@pytest.fixture
async def client(durable_host: RunningHost) -> DurableOrchestrationClient:
    return await durable_host.client()


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[MakeHost]:
    """Makes hosts (not started yet) of an app in `apps`; whatever still runs is killed at the end."""
    hosts: list[RunningHost] = []

    def make(app: str, env: dict[str, str] | None = None, **durable: object) -> RunningHost:
        folder = make_app(tmp_path / app, (APPS / f"{app}.py").read_text(), **durable)
        hosts.append(RunningHost(folder, tmp_path / "state", **env or {}))
        return hosts[-1]

    yield make
    for host in hosts:
        if host.process and host.process.returncode is None:
            host.stop(signal.SIGKILL)
