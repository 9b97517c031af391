"""A scenario: what a module of the bench gives to the command."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.bench import calls

SEEDS = (1, 2, 3)
"""Of the latencies that are drawn in place of the recorded ones. 0 is as recorded."""


@dataclass(frozen=True)
class Run:
    """One measurement: a folder of its own, the seed of Azure's latencies, and where to say what happens; with `calls`
    also what is called how often.

    `started` are the runs of a scenario that run at the same time, `turn` the number of this one.
    """

    folder: Path
    seed: int
    say: Callable[[str], None]
    calls: bool = False
    started: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(1))
    turn: int = 0

    def say_calls(self, requests: Iterable[Mapping[str, Any]]) -> None:
        """Says how many calls of each kind there are, if that is asked for."""
        for line in calls.counts(requests) if self.calls else ():
            self.say(line)

    async def ready(self) -> None:
        """Waits until all runs have started their processes, and then for its turn: what takes CPU time at the
        beginning of one disturbs none of the others."""
        await self.started.wait()
        await asyncio.sleep(_APART * self.turn)


@dataclass(frozen=True)
class Scenario:
    """`measure` returns values by their names in FIGURES; the table has their medians over the seeds. It raises
    UnavailableError where this machine lacks something.

    `seeds` is `RECORDED` where Azure's latencies do not count. `together`: it waits for Azure nearly all of the time,
    so that its runs may go on at the same time.
    """

    about: str
    measure: Callable[[Run], Awaitable[dict[str, float]]]
    seeds: tuple[int, ...] = SEEDS
    together: bool = False


RECORDED = (0,)
_APART = 4.0


class UnavailableError(RuntimeError):
    """What cannot be measured on this machine, and what it would need."""
