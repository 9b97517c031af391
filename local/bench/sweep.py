"""A sweep of a large estate that finds nothing to do: calls, elapsed time, memory, CPU."""

from collections.abc import Mapping
from typing import Any

from local.bench import cpu
from local.bench.scenario import RECORDED, Run, Scenario
from local.bench.sweeps import TAGGED, CleanSweep, clean_sweep, estate_of

SMALL, LARGE = 1_000, 10_000


async def _measure(run: Run) -> dict[str, float]:
    small, large = [await _sweep(run, count) for count in (SMALL, LARGE)]
    run.say_calls(large.requests)
    one_more = (large.cpu - small.cpu) / (LARGE - SMALL)
    return {
        "sweep.calls": len(large.requests),
        "sweep.writes": sum(_writes(request) for request in large.requests),
        "sweep.elapsed": large.elapsed,
        "sweep.growth": large.elapsed / small.elapsed,
        "sweep.memory": large.memory,
        "sweep.cpu": one_more / cpu.to_parse(TAGGED),
        "sweep.cpu of one": one_more * 1_000_000,
    }


async def _sweep(run: Run, count: int) -> CleanSweep:
    """Every tagged VM is protected already, by others."""
    run.say(f"{count:,} VMs, {TAGGED:.0%} of them protected")
    return await clean_sweep(run.folder / str(count), estate_of(count, protected=1))


def _writes(request: Mapping[str, Any]) -> bool:
    """Whether a request writes: a POST to Resource Graph reads."""
    return request["method"] not in {"GET", "HEAD"} and "Microsoft.ResourceGraph" not in request["path"]


SCENARIO = Scenario(
    f"a sweep of {SMALL:,} and of {LARGE:,} VMs where nothing is to be done: calls, elapsed, memory, CPU",
    _measure,
    RECORDED,
)
