"""A sweep of a large estate that finds nothing to do: calls, elapsed time, memory."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.bench import memory
from local.bench.scenario import RECORDED, Run, Scenario
from local.bench.sweeps import TAGGED, estate_of, sweep
from local.stack import Stack, StackError, protection

SMALL, LARGE = 1_000, 10_000


@dataclass(frozen=True)
class CleanSweep:
    """`requests` are those of the app, `elapsed` the seconds of the sweep, `memory` the MB above the idle host's."""

    requests: list[dict[str, Any]]
    elapsed: float
    memory: float


async def _measure(run: Run) -> dict[str, float]:
    small, large = [await _sweep_clean(run.folder / str(count), count, run) for count in (SMALL, LARGE)]
    return {
        "sweep.calls": len(large.requests),
        "sweep.writes": sum(_writes(request) for request in large.requests),
        "sweep.elapsed": large.elapsed,
        "sweep.growth": large.elapsed / small.elapsed,
        "sweep.memory": large.memory,
    }


async def _sweep_clean(folder: Path, count: int, run: Run) -> CleanSweep:
    """Measures a sweep where every tagged VM is protected already, by others."""
    run.say(f"{count:,} VMs, {TAGGED:.0%} of them protected")
    estate = estate_of(count, protected=1)
    async with Stack(folder, estate) as stack:
        # Imports and the token are not part of a sweep; reading anything that it reads would fill the cache.
        await stack.api("POST", f"{protection(estate['virtualMachines'][0]['id'] + '-gone')}/plan")
        idle, seen = memory.resident(stack.host_pid), len(await stack.requests())
        started = time.monotonic()
        report = await sweep(stack)
        elapsed = time.monotonic() - started
        if report.get("gaps") or report["summary"]["total"] != count or report.get("started"):
            raise StackError(f"Not a clean sweep of {count} VMs: {report}")
        return CleanSweep(await stack.app_requests(after=seen), elapsed, memory.peak(stack.host_pid) - idle)


def _writes(request: Mapping[str, Any]) -> bool:
    """Whether a request writes: a POST to Resource Graph reads."""
    return request["method"] not in {"GET", "HEAD"} and "Microsoft.ResourceGraph" not in request["path"]


SCENARIO = Scenario(
    f"a sweep of {SMALL:,} and of {LARGE:,} VMs where nothing is to be done: calls, elapsed, memory",
    _measure,
    RECORDED,
)
