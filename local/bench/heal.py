"""A sweep that protects a thousand VMs with an unused vault: calls, throttling, elapsed time."""

import asyncio
import heapq
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from local.bench import critical_path
from local.bench.scenario import Run, Scenario
from local.bench.sweeps import NOT_ENDED_WITHIN, SWEEP, estate_of, is_sweep
from local.stack import Stack, StackError

MISSING = 1_000
# A clock speed at which two cores keep up with a thousand concurrent runs.
SPEED = 10
# Of Site Recovery: so many enables at once, and after them so many in a second.
_AT_ONCE, _PER_SECOND = 200, 200 / 60
# Of the app: a sweep has so many enable jobs of a vault and region under way (`reconcile.sweep_window.PER_PAIR`).
_PER_PAIR = 200

_EVERY = 5.0


async def _measure(run: Run) -> dict[str, float]:
    estate = estate_of(MISSING, tagged=1)
    vms = estate["virtualMachines"]
    settings = {"DR_MAX_ENABLES_PER_DAY": str(MISSING)}
    async with Stack(run.folder, estate, speed=SPEED, settings=settings) as stack:
        await stack.draw_latencies(run.seed)
        started = time.monotonic()
        await stack.run_timer(SWEEP)
        await asyncio.sleep(critical_path.ready_pair(run.seed, (vm["id"] for vm in vms)) / SPEED)
        while (done := await _protected(stack)) < MISSING:
            if time.monotonic() - started > NOT_ENDED_WITHIN:
                raise StackError(f"{done} of {MISSING} VMs were protected within {NOT_ENDED_WITHIN:g} s")
            await asyncio.sleep(_EVERY)
        elapsed = (time.monotonic() - started) * SPEED
        path = await critical_path.empty_vault(stack, run.seed, vms)
        requests = await stack.app_requests()
    run.say_calls(requests)
    rate = max(0, MISSING - _AT_ONCE) / _PER_SECOND
    waves = max(0.0, last_start(run.seed, vms) - rate)
    return {
        "heal.calls": len(requests) / MISSING,
        "heal.throttled": sum(request["status"] == 429 for request in requests),
        "heal.elapsed": (elapsed - waves) / (path + rate),
        "heal.waves": waves / 60,
    }


def last_start(seed: int, vms: Iterable[Mapping[str, Any]]) -> float:
    """When the last enable job starts if the app's own limit is all that is waited for: in each region in the order of
    the IDs, each as soon as one of those before it has ended."""
    ends: defaultdict[str, list[float]] = defaultdict(list)
    last = 0.0
    for vm in sorted(vms, key=lambda vm: str(vm["id"]).lower()):
        under_way, starts = ends[vm["location"]], 0.0
        if len(under_way) == _PER_PAIR:
            starts = heapq.heappop(under_way)
        heapq.heappush(under_way, starts + critical_path.enable_seconds(seed, vm["id"]))
        last = max(last, starts)
    return last


async def _protected(stack: Stack) -> int:
    """How many runs ended as Protected. Raises StackError if one ended otherwise."""
    outputs = [each["output"] for each in await stack.instances() if not is_sweep(each) and each["output"]]
    surprises = [output for output in outputs if not isinstance(output, dict) or output["outcome"] != "Protected"]
    if surprises:
        raise StackError(f"Not Protected: {surprises[0]}")
    return len(outputs)


SCENARIO = Scenario(f"a sweep that protects {MISSING:,} VMs: calls, throttling, elapsed", _measure)
