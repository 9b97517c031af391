"""A scenario: what a module of the bench gives to the command."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

SEEDS = (1, 2, 3)
"""Of the latencies that are drawn in place of the recorded ones. 0 is as recorded."""


@dataclass(frozen=True)
class Run:
    """One measurement: a folder of its own, the seed of Azure's latencies, and where to say what happens; with `calls`
    each call, too."""

    folder: Path
    seed: int
    say: Callable[[str], None]
    calls: bool = False


@dataclass(frozen=True)
class Scenario:
    """`measure` returns values by their names in FIGURES; the table has their medians over the seeds. It raises
    UnavailableError where this machine lacks something.

    `seeds` is `RECORDED` where Azure's latencies do not count.
    """

    about: str
    measure: Callable[[Run], Awaitable[dict[str, float]]]
    seeds: tuple[int, ...] = SEEDS


RECORDED = (0,)


class UnavailableError(RuntimeError):
    """What cannot be measured on this machine, and what it would need."""
