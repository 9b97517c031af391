from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from azure.durable_functions.models.utils import http_utils

from tests.integration.host.running import APPS, RunningHost, make_app

MakeHost = Callable[..., RunningHost]


@pytest.fixture(autouse=True)
async def _close_client_session() -> AsyncIterator[None]:
    """The durable client keeps one session for the process, and a test has its own event loop."""
    yield
    await http_utils._close_session()
    http_utils._client_session = None


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
        if host.process and host.process.poll() is None:
            host.process.kill()
            host.process.wait()
