"""What the scenarios of sweeps share: their estate, and a sweep from its start to its report."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.bench import cpu, memory
from local.simulator.estate.generate import generate
from local.stack import Stack, StackError

SWEEP = "reconcile"
NOT_ENDED_WITHIN = 1800.0
TAGGED = 0.8

_EVERY = 0.5
# The host answers these questions, and its CPU is measured: of a long sweep they are fewer.
_SHARE = 0.05


@dataclass(frozen=True)
class CleanSweep:
    """`requests` are those of the app, `elapsed` the seconds of the sweep; `memory` the MB above the idle host's, and
    `cpu` the CPU seconds, both of the process of host and app, which is started for this sweep."""

    requests: list[dict[str, Any]]
    elapsed: float
    memory: float
    cpu: float


def estate_of(count: int, *, tagged: float = TAGGED, protected: float = 0) -> dict[str, Any]:
    """Two source regions, and a third for all targets. `protected` is the share of the tagged."""
    regions = ["eastus", "northeurope", "westus2"]
    estate = generate({"vms": count, "tagged": tagged, "protected": protected, "regions": regions})
    # The targets of protected VMs are looked for within the target scope.
    return estate | {"demo": {"targets": [group["id"] for group in estate["resourceGroups"]]}}


async def clean_sweep(folder: Path, estate: Mapping[str, Any], **settings: str) -> CleanSweep:
    """A sweep of an estate where nothing is to be done."""
    count = len(estate["virtualMachines"])
    async with Stack(folder, estate, settings=settings) as stack:
        # Whatever the app reads before would be in its caches, and so neither read nor in memory above idle.
        idle, used, seen = memory.resident(stack.host_pid), cpu.used(stack.host_pid), len(await stack.requests())
        started = time.monotonic()
        await swept_clean(stack, count)
        elapsed = time.monotonic() - started
        used = cpu.used(stack.host_pid) - used
        peak = memory.peak(stack.host_pid) - idle
        return CleanSweep(await stack.app_requests(after=seen), elapsed, peak, used)


async def swept_clean(stack: Stack, count: int) -> None:
    """Runs a sweep and waits for its end. Raises StackError if it found something to do, or not all VMs."""
    report = await sweep(stack)
    if report.get("gaps") or report["summary"]["total"] != count or report.get("started"):
        raise StackError(f"Not a clean sweep of {count} VMs: {report}")


async def sweep(stack: Stack) -> dict[str, Any]:
    """Runs a sweep, waits for its end and returns its report."""
    await stack.run_timer(SWEEP)
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < NOT_ENDED_WITHIN:
        ended = [each["output"] for each in await stack.instances() if is_sweep(each) and each["output"]]
        if ended:
            report: dict[str, Any] = ended[0]
            return report
        await asyncio.sleep(max(_EVERY, elapsed * _SHARE))
    raise StackError(f"The sweep did not end within {NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")


def is_sweep(instance: Mapping[str, Any]) -> bool:
    return bool(instance["instanceId"] == SWEEP)
