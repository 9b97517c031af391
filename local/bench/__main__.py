"""`python -m local bench`: measures what protecting VMs costs on the simulator, and compares it with the targets."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from aiohttp import ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.bench import (
    drills,
    durable,
    few,
    heal,
    hosts,
    importing,
    large,
    many,
    page,
    results,
    running,
    starting,
    sweep,
    throughput,
)
from local.bench.figures import FIGURES, medians
from local.bench.protecting import SPEED
from local.bench.rivals import compare
from local.bench.scenario import RECORDED, SEEDS, Run, Scenario, UnavailableError
from local.simulator.latencies import SPREAD
from local.stack import StackError

_SCENARIOS = {
    "few": few.SCENARIO,
    "many": many.SCENARIO,
    "drills": drills.SCENARIO,
    "sweep": sweep.SCENARIO,
    "large": large.SCENARIO,
    "heal": heal.SCENARIO,
    "durable": durable.SCENARIO,
    "running": running.SCENARIO,
    "hosts": hosts.SCENARIO,
    "imports": importing.SCENARIO,
    "start": starting.SCENARIO,
    "throughput": throughput.SCENARIO,
    "page": page.SCENARIO,
}
_NOTE = (
    f"All on the simulator. Azure's durations are drawn from 1/{SPREAD:g} to {SPREAD:g} times those of recorded "
    f"traffic, and pass {SPEED} times as fast ({heal.SPEED} times where a sweep protects VMs), as do the app's polls; "
    "figures are medians over the seeds. Calls are those of the app's own identity, from the event of the tag to "
    "Protected. Polls are the reads of the vault's lists of items and jobs after the PUT that enables protection. The "
    "critical path is the longest chain of the drawn durations: fabric, container, container mapping, enable job and "
    "initial replication in an empty vault, the last two in a ready region pair."
)


def main(arguments: list[str]) -> int:
    """Returns 0 if every target was met, 1 if one was missed, 2 if a measurement failed."""
    parser = argparse.ArgumentParser(
        prog="python -m local bench",
        description=__doc__,
        epilog="\n".join(f"{name:<11} {scenario.about}" for name, scenario in _SCENARIOS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=_SCENARIOS,
        default=list(_SCENARIOS),
        metavar="SCENARIO",
        help="one or more of those below",
    )
    parser.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="of Azure's latencies; 0: as recorded")
    parser.add_argument(
        "--calls",
        action="store_true",
        help="print each call of `few`, `drills` and its purpose, and how many of each kind the others make",
    )
    parser.add_argument("--save", action="store_true", help="in docs/benchmarks.json, for the tables of docs/")
    parser.add_argument("--rivals", action="store_true", help="measure scripts beside the app in place of all that")
    options = parser.parse_args(arguments)
    # Only the scenario that says so runs on Microsoft's extension, whose program local.original knows.
    os.environ.pop("DURABLE_HOST", None)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(machine := results.machine())
    try:
        if options.rivals:
            columns = asyncio.run(_compare((options.seeds or SEEDS)[0], console))
            if options.save:
                results.save("rivals", columns, machine)
            return 0
        measured = asyncio.run(_measure(options.only, options.seeds, console, calls=options.calls))
    except (ClientError, StackError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if options.save:
        results.save("figures", measured, machine)
    console.print(_table(measured))
    console.print(_NOTE)
    return 1 if any(FIGURES[name].met(value) is False for name, value in measured.items()) else 0


async def _compare(seed: int, console: Console) -> dict[str, compare.Values]:
    with tempfile.TemporaryDirectory(prefix="dr-bench-") as folder:
        columns = await compare.measure(seed, Path(folder), lambda text: console.print(f"Measuring {text}"))
    console.print(compare.table(columns))
    console.print(compare.NOTE)
    return columns


async def _measure(names: Iterable[str], seeds: list[int] | None, console: Console, *, calls: bool) -> dict[str, float]:
    """The medians of all figures of these scenarios; without those of a scenario that needs what is not here."""
    measured: dict[str, float] = {}
    for name in names:
        try:
            measured |= medians(await _runs(name, _SCENARIOS[name], seeds, console, calls=calls))
        except UnavailableError as error:
            console.print(f"{name}: not measured. {error}")
    return measured


async def _runs(
    name: str, scenario: Scenario, given: list[int] | None, console: Console, *, calls: bool
) -> list[dict[str, float]]:
    """What a scenario measured with each seed: the given ones, if Azure's latencies count in it."""
    seeds = scenario.seeds if scenario.seeds == RECORDED else given or scenario.seeds
    console.print(f"{name}: {scenario.about}")
    started = asyncio.Barrier(len(seeds) if scenario.together else 1)

    async def measure(turn: int, seed: int) -> dict[str, float]:
        with tempfile.TemporaryDirectory(prefix="dr-bench-") as folder:
            run = Run(Path(folder), seed, lambda text: console.print(f"  {text}"), calls, started, turn)
            return await scenario.measure(run)

    if scenario.together:
        return await asyncio.gather(*(measure(turn, seed) for turn, seed in enumerate(seeds)))
    return [await measure(0, seed) for seed in seeds]


def _table(measured: Mapping[str, float]) -> Table:
    table = Table(title="Figures, on the simulator", title_justify="left")
    table.add_column("figure")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name, figure in FIGURES.items():
        if name in measured:
            decision = {True: Text("met", "green"), False: Text("MISSED", "bold red"), None: Text("")}
            value = measured[name]
            table.add_row(figure.name, figure.text(value), figure.target_text, decision[figure.met(value)])
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
