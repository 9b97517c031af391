"""VMs from the event of their tag to Protected: the calls the app spent, and the time it took."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.bench import memory
from local.bench.estate import estate, vm_ids
from local.bench.figures import Figure
from local.simulator import latencies
from local.stack import Stack

SPEED = 30
MANY = 100
# The longest chain of waits for the service, in service seconds. All other work runs in parallel to it.
READY_PAIR_PATH = sum(latencies.ENABLE_TASKS) + latencies.PROTECTED
EMPTY_VAULT_PATH = latencies.FABRIC + latencies.CONTAINER + latencies.CONTAINER_MAPPING + READY_PAIR_PATH

_EVERY = 0.25
_NOT_ENDED_WITHIN = 600.0
_POLLED = ("/replicationprotecteditems", "/replicationjobs")


@dataclass(frozen=True)
class Run:
    """`requests` are those of the app, `elapsed` the seconds from the first tag to the last result."""

    vms: int
    requests: Sequence[Mapping[str, Any]]
    elapsed: float

    def over(self, critical_path: float) -> float:
        return self.elapsed * SPEED / critical_path


def without_polls(requests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All but the reads of the vault's lists of items and jobs that follow the (last) PUT that enables protection."""
    enabled = max(n for n, request in enumerate(requests) if _is_enable(request))
    return [request for n, request in enumerate(requests) if n <= enabled or not _is_poll(request)]


def _is_enable(request: Mapping[str, Any]) -> bool:
    return request["method"] == "PUT" and "/replicationprotecteditems/" in str(request["path"]).lower()


def _is_poll(request: Mapping[str, Any]) -> bool:
    return request["method"] == "GET" and str(request["path"]).lower().endswith(_POLLED)


async def measure(wanted: set[str], folder: Path, say: Callable[[str], None]) -> list[Figure]:
    """`wanted` are of `one`, `more` and `many`: all need a region pair, so that one VM is protected in any case."""
    first, second, *others = vm_ids(MANY + 2)
    figures = []
    async with Stack(folder, estate(MANY + 2), speed=SPEED) as stack:
        await stack.subscribe()
        say(f"one VM into an empty vault: {EMPTY_VAULT_PATH / SPEED:.0f} s at least")
        one = await _protect(stack, [first])
        if "one" in wanted:
            figures += _of_one(one)
        if "more" in wanted:
            say(f"one more VM: {READY_PAIR_PATH / SPEED:.0f} s at least")
            figures += _of_one_more(await _protect(stack, [second]))
        if "many" in wanted:
            say(f"{MANY} more VMs: {READY_PAIR_PATH / SPEED:.0f} s at least")
            figures += _of_many(await _protect(stack, others), memory.peak(stack.host_pid))
    return figures


def _of_one(run: Run) -> list[Figure]:
    puts = sum(1 for request in run.requests if request["method"] == "PUT")
    return [
        Figure("ARM calls, one VM into an empty vault", len(run.requests), "calls", 74),
        Figure("  PUTs among them", puts, "PUTs", 12, at_least=True),
        Figure("  elapsed over the critical path", run.over(EMPTY_VAULT_PATH), "", 1.2),
    ]


def _of_one_more(run: Run) -> list[Figure]:
    polls = len(run.requests) - len(without_polls(run.requests))
    return [
        Figure(
            "ARM calls, one more VM into a ready region pair, without polls", len(run.requests) - polls, "calls", 14
        ),
        Figure("  polls", polls, "calls"),
    ]


def _of_many(run: Run, peak: float) -> list[Figure]:
    return [
        Figure(f"ARM calls a VM, {MANY} more VMs at once, polls included", len(run.requests) / run.vms, "calls", 7),
        Figure("  elapsed over the critical path", run.over(READY_PAIR_PATH), "", 1.4),
        Figure(f"Peak memory of the host process, {MANY} VMs under way", peak, "MB", 180),
    ]


async def _protect(stack: Stack, vms: Sequence[str]) -> Run:
    """Tags the VMs at once and waits until each is Protected. Raises RuntimeError if one ends otherwise."""
    seen = len(await stack.requests())
    started = time.monotonic()
    await asyncio.gather(*(stack.tag(vm, dr="true") for vm in vms))
    while not await _all_protected(stack, vms):
        if time.monotonic() - started > _NOT_ENDED_WITHIN:
            raise RuntimeError(f"Not protected within {_NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")
        await asyncio.sleep(_EVERY)
    elapsed = time.monotonic() - started
    return Run(len(vms), await stack.app_requests(after=seen), elapsed)


async def _all_protected(stack: Stack, vms: Sequence[str]) -> bool:
    outputs = [each["output"] for each in await stack.instances() if each["runtimeStatus"] in {"Completed", "Failed"}]
    ended = {output["vmId"].lower(): output["outcome"] for output in outputs if isinstance(output, dict)}
    surprises = [output for output in outputs if not isinstance(output, dict) or output["outcome"] != "Protected"]
    if surprises:
        raise RuntimeError(f"Not Protected: {surprises[0]}")
    return all(vm.lower() in ended for vm in vms)
