"""`python -m local demo`: sends the app an event for each VM of an estate, and checks how every run ends."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from aiohttp import ClientError
from rich.console import Console

from local import estates, rights
from local.demo import drill
from local.demo.play import play
from local.stack import Stack, StackError


def main(arguments: list[str]) -> int:
    """0: every VM ended as its estate expects; 1: some did not; 2: the demo could not be run; 130: interrupted."""
    parser = argparse.ArgumentParser(prog="python -m local demo", description=__doc__)
    parser.add_argument("--estate", type=Path, default=estates.DEMO, metavar="FILE", help="default: %(default)s")
    parser.add_argument(
        "--speed", type=float, default=180, metavar="N", help="one second here is N in Azure (default: %(default)g)"
    )
    parser.add_argument(
        "--roles", type=Path, default=rights.PERMISSIONS, metavar="FILE", help="what the app may do (%(default)s)"
    )
    parser.add_argument(
        "--report", type=Path, default=drill.REPORT, metavar="FILE", help="where the report is left (%(default)s)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with history and logs")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)
    folder = Path(tempfile.mkdtemp(prefix="dr-demo-"))
    code = 2
    try:
        estate, roles = estates.load(options.estate), rights.load(options.roles)
        stack = Stack(folder, estate.data, speed=options.speed, settings=estate.settings, roles=roles)
        code = asyncio.run(_run(stack, estate, options.report, console))
    except (estates.EstateError, rights.RightsError, StackError, ClientError) as error:
        print(f"demo: {error}", file=sys.stderr)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("demo: stopped", file=sys.stderr)
        code = 130
    if options.keep or code in {1, 2}:
        print(f"History and logs: {folder}")
    else:
        shutil.rmtree(folder)
    return code


async def _run(stack: Stack, estate: estates.Estate, report: Path, console: Console) -> int:
    task = asyncio.current_task()
    assert task  # noqa: S101 - a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console.print(
        f"{len(estate.expectations)} VMs, a local Azure Resource Manager and a local Functions host. "
        f"One second here is {stack.speed:g} seconds in Azure: service times are those of recorded traffic. "
        "The app may do what its roles allow, and nothing else."
    )
    async with stack:
        console.print(f"The page, while this runs: {stack.page_url}", soft_wrap=True)
        if not await play(stack, estate, report, console):
            return 1
    console.print("Where to look next:")
    console.print("  make serve   the same, to try by hand: ask for plans, PUT and tag VMs, follow them to Protected")
    console.print("  README.md    how to deploy the app, and a map of the documentation")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
