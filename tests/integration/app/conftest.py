"""The app's own gateway, as it is, before a simulator: real clients, over HTTPS, with the managed identity's token."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import aiohttp.connector
import pytest

from local.simulator import Simulator
from shared.arm.client import Azure
from shared.config.settings import Settings
from tests.integration.simulator.azure import SUBSCRIPTION, VAULT_ID

DEPLOYMENT = "func-1"
_SETTINGS = {
    "vault_ids": VAULT_ID,
    "source_scope": f"/subscriptions/{SUBSCRIPTION}",
    "target_scope": f"/subscriptions/{SUBSCRIPTION}",
    "deployment": DEPLOYMENT,
}


class Reached(NamedTuple):
    """The gateway, and the simulator that it speaks to."""

    azure: Azure
    simulator: Simulator

    def calls(self, part: str = "") -> list[dict[str, Any]]:
        """Those of the app whose path has this part."""
        return [each for each in self.simulator.gateway.log.after(0) if part.lower() in each["path"].lower()]

    def fault(self, **rule: Any) -> None:
        self.simulator.gateway.faults.add(rule)


class Reach(Protocol):
    def __call__(self, estate: dict[str, Any], **settings: Any) -> AbstractAsyncContextManager[Reached]: ...


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reach:
    """Starts a simulator with an estate, and a gateway with these settings."""

    @asynccontextmanager
    async def start(estate: dict[str, Any], *, speed: float = 3000, **settings: Any) -> AsyncIterator[Reached]:
        async with Simulator(estate, speed=speed) as simulator:
            # aiohttp has read SSL_CERT_FILE when it was imported: what it trusts by default learns of one more.
            aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(cafile=simulator.ca_file)
            monkeypatch.setenv("IDENTITY_ENDPOINT", simulator.identity_endpoint)
            monkeypatch.setenv("IDENTITY_HEADER", simulator.identity_header)
            known = {**_SETTINGS, "origin_store": str(tmp_path / "origins"), "arm_endpoint": simulator.url}
            azure = Azure(Settings(**{**known, **settings}))
            try:
                yield Reached(azure, simulator)
            finally:
                await azure.close()

    return start
