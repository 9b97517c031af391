"""`python -m local bench`: measures what protecting VMs costs on the simulator, and compares it with the targets."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from aiohttp import ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from local.bench import importing, protecting, sweeping, throughput
from local.bench.figures import Figure
from local.stack import StackError

_FIGURES = {
    "one": "one VM into an empty vault: calls, elapsed",
    "more": "one more VM into a ready region pair: calls",
    "many": "100 more VMs at once: calls, elapsed, memory",
    "sweep": "a sweep of 1,000 and of 10,000 VMs where nothing is to be done: calls, elapsed, memory",
    "heal": "a sweep that protects 1,000 VMs: calls, throttling, elapsed",
    "imports": "import time of the app",
    "throughput": "orchestrations per second of the host",
}
_NOTE = (
    "All on the simulator. The latencies of recorded traffic and the app's polls are "
    f"{protecting.SPEED} times as fast. Calls are those of the app's own identity, from the event of the tag to "
    "Protected. Polls are the reads of the vault's lists of items and jobs after the PUT that enables protection. "
    "The critical path, in seconds of Azure: fabric, container, container mapping, enable job and initial replication "
    f"in an empty vault ({protecting.EMPTY_VAULT_PATH:.0f}), the last two in a ready region pair "
    f"({protecting.READY_PAIR_PATH:.0f}). The bucket-bound minimum is what the token buckets of a subscription take to "
    f"give as many tokens as were spent, and the critical path into an empty vault; the clock of that figure is "
    f"{sweeping.REPAIR_SPEED} times as fast."
)


def main(arguments: list[str]) -> int:
    """Returns 0 if everything was measured, also if a target was missed; 2 if a measurement failed."""
    parser = argparse.ArgumentParser(
        prog="python -m local bench",
        description=__doc__,
        epilog="\n".join(f"{name:<11} {text}" for name, text in _FIGURES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=_FIGURES,
        default=list(_FIGURES),
        metavar="FIGURE",
        help="one or more of those below",
    )
    wanted = set(parser.parse_args(arguments).only)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    try:
        with tempfile.TemporaryDirectory(prefix="dr-bench-") as folder:
            figures = asyncio.run(_measure(wanted, Path(folder), console))
    except (ClientError, StackError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    console.print(_table(figures))
    console.print(_NOTE)
    return 0


async def _measure(wanted: set[str], folder: Path, console: Console) -> list[Figure]:
    def say(text: str) -> None:
        console.print(f"Measuring {text}")

    figures = []
    if wanted & {"one", "more", "many"}:
        figures += await protecting.measure(wanted, folder / "protecting", say)
    if "sweep" in wanted:
        figures += await sweeping.measure_clean(folder / "sweep", say)
    if "heal" in wanted:
        figures += await sweeping.measure_repair(folder / "heal", say)
    if "imports" in wanted:
        figures += await asyncio.to_thread(importing.measure, say)
    if "throughput" in wanted:
        figures += await throughput.measure(folder / "throughput", say)
    return figures


def _table(figures: list[Figure]) -> Table:
    table = Table(title="Figures, on the simulator", title_justify="left")
    table.add_column("figure")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for figure in figures:
        decision = {True: Text("met", "green"), False: Text("MISSED", "bold red"), None: Text("")}[figure.met]
        table.add_row(figure.name, figure.measured_text, figure.target_text, decision)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
