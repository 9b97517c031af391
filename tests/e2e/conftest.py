"""What every end-to-end test needs: a stack in a folder of its own, and a way to wait for what is to come."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from local.conformance.known import explain_finding
from local.conformance.sdk_models import validate_request_log
from local.stack import Stack
from shared.arm.origin_store import Directory
from shared.arm.origins import Origins
from shared.arm.parsing import item_of
from shared.model.origin import Origin

# An hour of Azure in six seconds: what is left of a run is mostly the app's own time.
SPEED = 600


# On Microsoft's extension, waits are longer by this: after a kill it shows messages again after a minute, leases of
# partitions take half a minute, and each step goes through queues that are polled.
PATIENCE = 5
_patience = 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    global _patience
    external = config.getoption("--durable") == "external"
    reasons = {"embedded_history": "opens the database of the embedded engine"}
    if not external:
        reasons = {"external_only": "the embedded engine's task hub belongs to one host: --durable=external"}
    for item in items:
        for name, reason in reasons.items():
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=reason))
    if not external:
        return
    _patience = PATIENCE
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = marker.args[0] if marker else 180
        item.add_marker(pytest.mark.timeout(seconds * PATIENCE), append=False)


def longer(seconds: float) -> float:
    """A limit for waiting, as long as what runs the orchestrations needs it."""
    return seconds * _patience


class StartStack(Protocol):
    def __call__(self, estate: dict[str, Any], **options: Any) -> AbstractAsyncContextManager[Stack]: ...


@pytest.fixture
def start_stack(tmp_path: Path) -> StartStack:
    """Starts simulator and host. At the end, all that the app asked and was answered is held to the SDKs' models, and
    the rights that infra/ gives the app were enough for it."""

    @asynccontextmanager
    async def start(estate: dict[str, Any], **options: Any) -> AsyncIterator[Stack]:
        async with Stack(tmp_path / "stack", estate, **{"speed": SPEED, **options}) as stack:
            await prove_items(stack)
            yield stack
            answered = [request for request in await stack.app_requests() if request["status"]]
            demands = (await stack.sim("GET", "access"))["demands"]
        assert [
            f"{exchange.method} {exchange.path}: {finding}"
            for exchange, finding in validate_request_log(answered)
            if finding.kind == "error" and not explain_finding(finding)
        ] == []
        assert [referenced for referenced in demands if not referenced["granted"]] == []

    return start


async def prove_items(stack: Stack) -> None:
    """Writes the records of the items that the estate has under this deployment's names."""
    origins = Origins(Directory(stack.folder / "origins"))
    vaults = (await stack.sim("GET", "state"))["siteRecovery"]
    for item in (item_of(each, "local") for vault in vaults for each in vault["protectedItems"]):
        if item and item.is_ours:
            intent = Origin(resource=item.id, intended_at=datetime.now(UTC), vm=item.source, tag_name="dr")
            await origins.prove(intent, item.incarnation)


async def eventually(condition: Callable[[], Awaitable[Any]], *, within: float = 60, every: float = 0.1) -> Any:
    """Waits until the condition answers something true, and returns it. AssertionError after `within` seconds."""
    within = longer(within)
    deadline = time.monotonic() + within
    while not (answer := await condition()):
        assert time.monotonic() < deadline, f"not within {within} s: {condition}"
        await asyncio.sleep(every)
    return answer
