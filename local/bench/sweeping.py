"""Sweeps over large estates: the cost of a sweep without drift, and the time to protect an unprotected estate."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.bench import memory
from local.bench.figures import Figure
from local.bench.protecting import EMPTY_VAULT_PATH
from local.simulator.estate.generate import generate
from local.simulator.throttling import limit_of
from local.stack import Stack, StackError, protection

SMALL, LARGE = 1_000, 10_000
MISSING = 1_000
# A clock speed at which two cores keep up with a thousand concurrent runs.
REPAIR_SPEED = 10

_EVERY = 0.1
_NOT_ENDED_WITHIN = 1800.0
_TAGGED = 0.8
_SWEEP = "reconcile"


@dataclass(frozen=True)
class CleanSweep:
    """`requests` are those of the app, `elapsed` the seconds of the sweep, `memory` the MB above the idle host's."""

    requests: list[dict[str, Any]]
    elapsed: float
    memory: float


@dataclass(frozen=True)
class Repair:
    """`requests` are those of the app, `elapsed` the seconds of Azure from the sweep's start to the last Protected."""

    vms: int
    requests: list[dict[str, Any]]
    elapsed: float

    @property
    def throttled(self) -> int:
        return sum(request["status"] == 429 for request in self.requests)

    @property
    def least(self) -> float:
        """The lower bound in service seconds: the rate limits for so many calls, and after the last enable request the
        time that one VM needs."""
        return bucket_seconds(self.requests) + EMPTY_VAULT_PATH


def bucket_seconds(requests: Iterable[Mapping[str, Any]]) -> float:
    """How long the token buckets of one subscription take for this many calls, in service seconds: full at first, reads
    and writes in parallel."""
    kinds = Counter(limit_of(str(request["method"])) for request in requests)
    return max((max(0.0, count - limit.size) / limit.per_second for limit, count in kinds.items()), default=0.0)


async def measure_clean(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    small, large = [await _sweep_clean(folder / str(count), count, say) for count in (SMALL, LARGE)]
    return [
        Figure(f"ARM and Graph calls, clean sweep of {SMALL:,} VMs", len(small.requests), "calls"),
        Figure(f"ARM and Graph calls, clean sweep of {LARGE:,} VMs", len(large.requests), "calls", 40),
        Figure("  writes among them", sum(_writes(request) for request in large.requests), "writes", 0),
        Figure(f"  elapsed, {SMALL:,} VMs", small.elapsed, "s"),
        Figure(f"  elapsed, {LARGE:,} VMs", large.elapsed, "s"),
        Figure(f"  growth of it, {SMALL:,} to {LARGE:,}", large.elapsed / small.elapsed, "", 12),
        Figure("  peak memory of the host process above idle", large.memory, "MB", 300),
    ]


async def measure_repair(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    repair = await _repair(folder, say)
    return [
        Figure(
            f"ARM and Graph calls a VM, {repair.vms:,} missing VMs protected",
            len(repair.requests) / repair.vms,
            "calls",
            7,
        ),
        Figure("  throttled among them", repair.throttled, "calls", 0),
        Figure("  elapsed, in Azure", repair.elapsed / 60, "min"),
        Figure("  elapsed over the bucket-bound minimum", repair.elapsed / repair.least, ""),
    ]


async def _sweep_clean(folder: Path, count: int, say: Callable[[str], None]) -> CleanSweep:
    """Measures a sweep where every tagged VM is protected already, by others."""
    say(f"a sweep of {count:,} VMs, {_TAGGED:.0%} of them protected")
    estate = _estate(count, protected=1)
    async with Stack(folder, estate) as stack:
        # Imports and the token are not part of a sweep; reading anything that it reads would fill the cache.
        await stack.api("POST", f"{protection(estate['virtualMachines'][0]['id'] + '-gone')}/plan")
        idle, seen = memory.resident(stack.host_pid), len(await stack.requests())
        started = time.monotonic()
        report = await _sweep(stack)
        elapsed = time.monotonic() - started
        if report.get("gaps") or report["summary"]["total"] != count or report.get("started"):
            raise StackError(f"Not a clean sweep of {count} VMs: {report}")
        return CleanSweep(await stack.app_requests(after=seen), elapsed, memory.peak(stack.host_pid) - idle)


async def _repair(folder: Path, say: Callable[[str], None]) -> Repair:
    """Measures a sweep with an unused vault: what the VMs of a region share is created once."""
    say(f"a sweep that protects {MISSING:,} VMs: {EMPTY_VAULT_PATH / REPAIR_SPEED / 60:.0f} min at least")
    settings = {"DR_MAX_ENABLES_PER_DAY": str(MISSING)}
    async with Stack(folder, _estate(MISSING, tagged=1), speed=REPAIR_SPEED, settings=settings) as stack:
        started = time.monotonic()
        await stack.run_timer(_SWEEP)
        while (done := await _protected(stack)) < MISSING:
            if time.monotonic() - started > _NOT_ENDED_WITHIN:
                raise StackError(f"{done} of {MISSING} VMs were protected within {_NOT_ENDED_WITHIN:g} s")
            await asyncio.sleep(50 * _EVERY)
        elapsed = (time.monotonic() - started) * REPAIR_SPEED
        return Repair(MISSING, await stack.app_requests(), elapsed)


def _estate(count: int, *, tagged: float = _TAGGED, protected: float = 0) -> dict[str, Any]:
    """Two source regions, and a third for all targets. `protected` is the share of the tagged."""
    regions = ["eastus", "northeurope", "westus2"]
    return generate({"vms": count, "tagged": tagged, "protected": protected, "regions": regions})


async def _sweep(stack: Stack) -> dict[str, Any]:
    """Runs a sweep, waits for its end and returns its report."""
    await stack.run_timer(_SWEEP)
    deadline = time.monotonic() + _NOT_ENDED_WITHIN
    while time.monotonic() < deadline:
        ended = [each["output"] for each in await stack.instances() if _is_sweep(each) and each["output"]]
        if ended:
            report: dict[str, Any] = ended[0]
            return report
        await asyncio.sleep(_EVERY)
    raise StackError(f"The sweep did not end within {_NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")


async def _protected(stack: Stack) -> int:
    """How many runs ended as Protected. Raises StackError if one ended otherwise."""
    outputs = [each["output"] for each in await stack.instances() if not _is_sweep(each) and each["output"]]
    surprises = [output for output in outputs if not isinstance(output, dict) or output["outcome"] != "Protected"]
    if surprises:
        raise StackError(f"Not Protected: {surprises[0]}")
    return len(outputs)


def _is_sweep(instance: Mapping[str, Any]) -> bool:
    return bool(instance["instanceId"] == _SWEEP)


def _writes(request: Mapping[str, Any]) -> bool:
    """Whether a request writes: a POST to Resource Graph reads."""
    return request["method"] not in {"GET", "HEAD"} and "Microsoft.ResourceGraph" not in request["path"]
