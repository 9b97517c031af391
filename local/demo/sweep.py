"""The last act: drift without an event, the sweep that reconciles it, and the estate as an auditor sees it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from rich.console import Console

from local.demo import tables
from local.demo.progress import Progress
from local.demo.show import show
from local.stack import Stack, StackError

_SWEEP = "reconcile"
_EVERY = 0.25
_DEADLINE = 90.0
_MOST_VMS = 1000


async def reconcile(stack: Stack, progress: Progress, vm: str, console: Console) -> bool:
    """Tags a VM without an event subscription, sweeps, and shows the estate. Returns whether the VM is protected
    then."""
    await stack.sim("DELETE", "events")
    await stack.tag(vm, dr="true")
    name = vm.rsplit("/", 1)[-1]
    with show(console, stack.speed) as shown:
        shown.say(f"{name} is tagged without an event: Event Grid has lost its subscription.")
        progress.hold(vm, shown.elapsed)
        await stack.run_timer(_SWEEP)
        shown.say(f"The timer {_SWEEP} sweeps the estate.")
        await _until(lambda: _has_started_runs(stack))
        progress.release(vm)

        async def ended() -> bool:
            shown.update(progress, progress.update(await stack.instances(), shown.elapsed))
            return progress.at_rest and await _swept(stack)

        try:
            await asyncio.wait_for(_until(ended), _DEADLINE)
        except TimeoutError:
            shown.say(f"Not ended within {_DEADLINE:g} s.")
    estate = await _compliance(stack)
    console.print(tables.compliance(estate))
    return any(each["vmId"].lower() == vm.lower() and each["compliant"] for each in estate["value"])


async def _swept(stack: Stack) -> bool:
    return any(bool(sweep["output"]) for sweep in await _sweeps(stack))


async def _has_started_runs(stack: Stack) -> bool:
    return any(sweep["output"] or (sweep["customStatus"] or {}).get("started") for sweep in await _sweeps(stack))


async def _sweeps(stack: Stack) -> list[dict[str, Any]]:
    return [each for each in await stack.instances() if each["instanceId"] == _SWEEP]


async def _compliance(stack: Stack) -> dict[str, Any]:
    status, body = await stack.api("GET", f"compliance?top={_MOST_VMS}")
    if status != 200:
        raise StackError(f"The compliance returned {status}: {body}")
    estate: dict[str, Any] = body
    return estate


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110 - it happens in other processes
        await asyncio.sleep(_EVERY)
