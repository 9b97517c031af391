"""The engine's races, without a host around it."""

import asyncio
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.host.durable.engine import AlreadyExistsError, Engine, Limits
from local.host.durable.functions import Functions
from local.host.durable.store import Store
from tests.waiting import longer


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "history.db")
    yield opened
    opened.close()


def engine(store: Store, seed: str) -> Engine:
    """Its one orchestrator ends with its input."""

    async def repeats(text: str) -> str:
        output = json.loads(text)["input"]
        return json.dumps({"isDone": True, "schemaVersion": 2, "actions": [[]], "output": output})

    functions = Functions("orchestrator", {"repeats": repeats})
    return Engine(store, functions, Functions("activity", {}), Limits(4, 4), None, random.Random(seed))


async def ended(store: Store, instance_id: str) -> str | None:
    async with asyncio.timeout(longer(10)):
        while True:
            found = store.instance(instance_id)
            if found and found.ended:
                return found.output
            await asyncio.sleep(0.001)


async def test_of_two_starts_at_once_either_may_be_lost(store: Store) -> None:
    tried = engine(store, "either")
    winners = []
    for number in range(40):
        await asyncio.gather(*(tried.start_instance("repeats", f"i{number}", text) for text in ("1", "2")))
        winners.append(await ended(store, f"i{number}"))
    await tried.stop()
    assert set(winners) == {"1", "2"}


async def test_a_start_that_finds_the_other_is_refused(store: Store) -> None:
    tried = engine(store, "refused")
    await tried.start_instance("repeats", "i", "1")
    with pytest.raises(AlreadyExistsError, match="with the status Pending already exists"):
        await tried.start_instance("repeats", "i", "2")
    assert await ended(store, "i") == "1"
    await tried.stop()


async def test_a_start_that_was_accepted_outlives_the_process(store: Store) -> None:
    """Once it is answered, it is in the store: what is killed before its first turn begins with the next process."""
    await engine(store, "killed").start_instance("repeats", "i", "1")
    after = engine(store, "restarted")
    after.start()
    assert await ended(store, "i") == "1"
    await after.stop()
