"""Running sweeps to their ends, and what they and the runs they started have written."""

from typing import Any

from local.stack import Stack
from shared.reconcile.sweep import SweepReport
from tests.e2e.follow import is_write
from tests.waiting import eventually

Json = dict[str, Any]

SWEEP = "reconcile"


async def sweep(stack: Stack, *, within: float = 90) -> SweepReport:
    """Runs one, and waits until it and all that runs because of it have ended."""
    report = await swept(stack, within=within)
    await settled(stack, within=within)
    return report


async def swept(stack: Stack, *, within: float = 90) -> SweepReport:
    """Runs one, and waits until it has ended, whatever else runs."""
    before = await _last(stack)
    await stack.run_timer(SWEEP)

    async def ended() -> bool:
        last = await _last(stack)
        return last is not None and last != before

    await eventually(ended, within=within)
    return SweepReport.load((await _last(stack) or {})["output"])


async def _last(stack: Stack) -> Json | None:
    """The last sweep, once it has ended."""
    found = [each for each in await stack.instances() if each["instanceId"] == SWEEP]
    return found[0] if found and found[0]["runtimeStatus"] == "Completed" else None


async def settled(stack: Stack, *, within: float = 90) -> None:
    """Waits until nothing runs."""

    async def nothing_runs() -> bool:
        return all(each["runtimeStatus"] == "Completed" for each in await stack.instances())

    await eventually(nothing_runs, within=within)


async def compliance(stack: Stack) -> dict[str, Json]:
    """How every VM stands now, by its ID."""
    status, answer = await stack.api("GET", "compliance?top=1000")
    assert status == 200, answer
    return {vm_status["vmId"].lower(): vm_status for vm_status in answer["value"]}


async def writes(stack: Stack, after: int = 0) -> list[str]:
    """What the app wrote, or tried to, after that request: method and path, in lower case."""
    return [
        f"{request['method']} {request['path']}".lower()
        for request in await stack.app_requests(after)
        if is_write(request)
    ]


async def so_far(stack: Stack) -> int:
    """The number of the last request."""
    requests = await stack.requests()
    return int(requests[-1]["n"]) if requests else 0
