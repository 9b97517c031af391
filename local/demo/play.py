"""Plays the demo on a running stack: the plan, the story, the result of every VM, the sweep, and a drill."""

import asyncio
import json
from http import HTTPStatus
from pathlib import Path

from rich.console import Console

from local import estates
from local.demo import drill, plan, sweep, tables
from local.demo.show import Show, show
from local.demo.story import Story
from local.stack import Stack, StackError, protection

DEADLINE = 180.0
"""Seconds: what has not ended by then is not going to."""


async def play(stack: Stack, estate: estates.Estate, report: Path, console: Console) -> bool:
    """Returns whether every VM ended as the estate expects; leaves the report, and a picture of the page. Raises
    StackError."""
    if estate.put:
        await _plan(stack, estate.put, console)
    with show(console, stack.speed) as shown:
        story = Story(stack, estate, shown)
        try:
            await asyncio.wait_for(story.tell(), DEADLINE)
        except TimeoutError:
            console.print(f"[bold red]Not ended within {DEADLINE:g} s.[/]")
    as_expected = await _conclude(stack, story, shown, console)
    if estate.tag_unannounced:
        reconciled = await sweep.reconcile(stack, story.progress, estate.tag_unannounced, console)
        as_expected = as_expected and reconciled
    if estate.drill:
        as_expected = await drill.drill(stack, estate.drill, console) and as_expected
    await drill.report(stack, report, console)
    await drill.picture(stack, report.with_name(drill.PICTURE), console)
    return as_expected


async def _plan(stack: Stack, put: estates.Request, console: Console) -> None:
    status, body = await stack.api("POST", f"{protection(put.vm)}/plan", put.body)
    if status != HTTPStatus.OK:
        raise StackError(f"The plan returned {status}: {body}")
    console.print(plan.shown(body, f"The plan for {put.vm.rsplit('/', 1)[-1]}, requested with {json.dumps(put.body)}"))
    console.print(f"{tables.calls(await stack.app_requests())} So far it is a plan.\n")


async def _conclude(stack: Stack, story: Story, shown: Show, console: Console) -> bool:
    """Shows how every VM ended, and returns whether that was expected."""
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
    console.print(tables.published((await stack.published())["events"]))
    surprises = progress.surprises
    if surprises:
        console.print(f"[bold red]Not as expected: {', '.join(vm.name for vm in surprises)}[/]\n")
    else:
        console.print("[green]Every VM ended as its estate says.[/]\n")
    return not surprises
