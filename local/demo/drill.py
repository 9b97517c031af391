"""The drill of a VM and its evidence, the report that an auditor reads, and a picture of the page."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from local import estates
from local.processes import APP
from local.screenshots import take
from local.stack import Stack, StackError
from local.stack import drill as path_of

REPORT = APP / ".local" / "demo-report.html"
PICTURE = "demo-page.png"
"""Beside the report."""

_EVERY = 0.25
_DEADLINE = 120.0


async def drill(stack: Stack, request: estates.Request, console: Console) -> bool:
    """Drills the VM, and shows the evidence in ten lines. Returns whether it passed. Raises StackError."""
    path, name = path_of(request.vm), request.vm.rsplit("/", 1)[-1]
    status, body = await stack.api("POST", path, request.body)
    if status != 202:
        raise StackError(f"The drill returned {status}: {body}")
    console.print(f"A drill of {name}: a test failover into a network that nothing leads out of.")
    try:
        view = await asyncio.wait_for(_ended(stack, path), _DEADLINE)
    except TimeoutError:
        console.print(f"[bold red]Not ended within {_DEADLINE:g} s.[/]")
        return False
    console.print(_evidence(view, stack.speed))
    return bool(view["outcome"] == "Passed")


async def report(stack: Stack, file: Path, console: Console) -> None:
    """Leaves the report of the estate as a page in the file. Raises StackError."""
    status, page = await stack.api("GET", "report?format=html")
    if status != 200:
        raise StackError(f"The report returned {status}: {str(page)[:300]}")
    await asyncio.to_thread(_write, file, page)
    console.print(f"The report for an auditor: {_shown(file)}", soft_wrap=True)


async def picture(stack: Stack, file: Path, console: Console) -> None:
    """Leaves a picture of the operators' page in the file; without Playwright and Chromium it says that it does not."""
    try:
        await asyncio.wait_for(take(stack, "", file), _DEADLINE)
    except Exception as missing:
        why = next(iter(str(missing).splitlines()), type(missing).__name__)
        console.print(f"No picture of the page was taken: {escape(why)}\n", soft_wrap=True)
    else:
        console.print(f"The page as it is now: {_shown(file)}\n", soft_wrap=True)


def _shown(file: Path) -> Path:
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _write(file: Path, page: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page)


async def _ended(stack: Stack, path: str) -> dict[str, Any]:
    while True:
        status, view = await stack.api("GET", path)
        if status == 200 and not view["running"] and view["last"]:
            return dict(view)
        if status == 200 and not view["running"] and not view["drill"]:
            raise StackError(f"The drill was not begun: {view['run']}")
        await asyncio.sleep(_EVERY)


def _evidence(view: Mapping[str, Any], speed: float) -> Table:
    """What the record shows. Times between two steps are those in Azure."""
    last = view["last"]
    seen = last.get("seen") or {}

    def after(step: str, start: str = "requestedAt") -> str:
        if not (last.get(step) and last.get(start)):
            return "not seen"
        seconds = (datetime.fromisoformat(last[step]) - datetime.fromisoformat(last[start])).total_seconds()
        return f"after {seconds * speed / 60:.1f} min"

    checks = last.get("checks") or ()
    failed = [f"{each['name']}: {each['found']}" for each in checks if not each["passed"]]
    point = last.get("point")
    rows = {
        "network": f"{last['order']['network'].rsplit('/', 1)[-1]}: nothing leads out of it",
        "recovery point": f"{point['type']} of {point['time']}" if point else "the latest, which the service makes",
        "test failover": f"job {last['job'][:8]}, ended {after('jobEndedAt')}",
        "test VM": f"{last['testVm'].rsplit('/', 1)[-1]}, {last['size']}, {last['cores']} cores",
        "running": after("runningAt"),
        "agent ready": f"{after('readyAt')}: the measured recovery time",
        "checks": "; ".join(failed) or f"{len(checks)} passed: {', '.join(each['name'] for each in checks)}",
        "disks, address": f"{len(seen.get('disks', ()))}, {', '.join(nic['address'] for nic in seen.get('nics', ()))}",
        "cleaned up": f"{after('endedAt', 'cleanupRequestedAt')}: no test VM and no test disk is left",
    }
    table = Table(title=f"The drill: {view['outcome']}", title_justify="left", show_header=False)
    for name, value in rows.items():
        table.add_row(name, escape(value))
    return table
