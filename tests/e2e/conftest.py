"""What every end-to-end test needs: a stack in a folder of its own, and a way to wait for what is to come."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from local.stack import Stack

# An hour of Azure in six seconds: what is left of a run is mostly the app's own time.
SPEED = 600


class StartStack(Protocol):
    def __call__(self, estate: dict[str, Any], **options: Any) -> AbstractAsyncContextManager[Stack]: ...


@pytest.fixture
def start_stack(tmp_path: Path) -> StartStack:
    def start(estate: dict[str, Any], **options: Any) -> Stack:
        return Stack(tmp_path / "stack", estate, **{"speed": SPEED, **options})

    return start


async def eventually(condition: Callable[[], Awaitable[Any]], *, within: float = 60, every: float = 0.1) -> Any:
    """Waits until the condition answers something true, and returns it. AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not (answer := await condition()):
        assert time.monotonic() < deadline, f"not within {within} s: {condition}"
        await asyncio.sleep(every)
    return answer
