"""`python -m local demo`: takes an estate of VMs from their events to the ends of their runs, and checks those."""

import argparse
import asyncio
import json
import shutil
import signal
import sys
import tempfile
from http import HTTPStatus
from pathlib import Path

from aiohttp import ClientError
from rich.console import Console

from local import estates
from local.demo import plan, sweep, tables
from local.demo.show import Show, show
from local.demo.story import Story
from local.stack import Stack, StackError, protection

DEADLINE = 180.0
"""Seconds: what has not ended by then is not going to."""


def main(arguments: list[str]) -> int:
    """0: every VM ended as its estate expects; 1: some did not; 2: the demo could not be run; 130: interrupted."""
    parser = argparse.ArgumentParser(prog="python -m local demo", description=__doc__)
    parser.add_argument("--estate", type=Path, default=estates.DEMO, metavar="FILE", help="default: %(default)s")
    parser.add_argument(
        "--speed", type=float, default=180, metavar="N", help="one second here is N in Azure (default: %(default)g)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with history and logs")
    options = parser.parse_args(arguments)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)
    folder = Path(tempfile.mkdtemp(prefix="dr-demo-"))
    code = 2
    try:
        code = asyncio.run(_run(estates.load(options.estate), options.speed, folder, console))
    except (estates.EstateError, StackError, ClientError) as error:
        print(f"demo: {error}", file=sys.stderr)
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("demo: stopped", file=sys.stderr)
        code = 130
    if options.keep or code in {1, 2}:
        print(f"History and logs: {folder}")
    else:
        shutil.rmtree(folder)
    return code


async def _run(estate: estates.Estate, speed: float, folder: Path, console: Console) -> int:
    task = asyncio.current_task()
    assert task  # noqa: S101 - a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    console.print(
        f"{len(estate.expectations)} VMs, a local Azure Resource Manager and a local Functions host. "
        f"One second here is {speed:g} seconds in Azure: service times are those of recorded traffic."
    )
    async with Stack(folder, estate.data, speed=speed, settings=estate.settings) as stack:
        if estate.put:
            await _plan(stack, estate.put, console)
        with show(console, speed) as shown:
            story = Story(stack, estate, shown)
            try:
                await asyncio.wait_for(story.tell(), DEADLINE)
            except TimeoutError:
                console.print(f"[bold red]Not ended within {DEADLINE:g} s.[/]")
        as_expected = await _conclude(stack, story, shown, console)
        if estate.tag_unannounced:
            healed = await sweep.heal(stack, story.progress, estate.tag_unannounced, console)
            as_expected = as_expected and healed
    if not as_expected:
        return 1
    console.print("Where to look next:")
    console.print("  make serve   the same, to try by hand: ask for plans, PUT and tag VMs, follow them to Protected")
    console.print("  README.md    how the parts fit, and how to run the app against Azure")
    return 0


async def _plan(stack: Stack, put: estates.Put, console: Console) -> None:
    status, told = await stack.api("POST", f"{protection(put.vm)}/plan", put.body)
    if status != HTTPStatus.OK:
        raise StackError(f"The plan was answered {status}: {told}")
    console.print(plan.shown(told, f"The plan for {put.vm.rsplit('/', 1)[-1]}, asked for with {json.dumps(put.body)}"))
    console.print(f"{tables.calls(await stack.app_requests())} So far it is a plan.\n")


async def _conclude(stack: Stack, story: Story, shown: Show, console: Console) -> bool:
    """Shows how every VM ended. Whether that was as expected."""
    await story.compare()
    progress = story.progress
    requests = await stack.app_requests()
    delivered = (await stack.sim("GET", "events"))["delivered"]
    console.print(tables.outcomes(progress))
    console.print(tables.made(requests))
    console.print(
        f"{delivered} events delivered to the app. {tables.calls(requests)} {shown.elapsed:.0f} s, which is "
        f"{shown.elapsed * stack.speed / 60:.0f} min in Azure."
    )
    console.print(tables.told((await stack.told())["events"]))
    surprises = progress.surprises
    if surprises:
        console.print(f"[bold red]Not as expected: {', '.join(vm.name for vm in surprises)}[/]\n")
    else:
        console.print("[green]Every VM ended as its estate says.[/]\n")
    return not surprises


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
