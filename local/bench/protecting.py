"""VMs from the event of their tag to Protected: the calls the app spent, and the time it took."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from local.stack import Stack

SPEED = 30

_EVERY = 0.25
_NOT_ENDED_WITHIN = 600.0
_TAGS = "/providers/microsoft.resources/tags/default"
_POLLED = ("/replicationprotecteditems", "/replicationjobs")


@dataclass(frozen=True)
class Protected:
    """`requests` are those of the app. In seconds of Azure, `elapsed` is from the first tag to the last result,
    `to_enable` the median from a VM's tag to the PUT that enables its protection."""

    requests: Sequence[Mapping[str, Any]]
    elapsed: float
    to_enable: float


def without_polls(requests: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """All but the reads of the vault's lists of items and jobs that follow the (last) PUT that enables protection."""
    enabled = max(n for n, request in enumerate(requests) if _is_enable(request))
    return [request for n, request in enumerate(requests) if n <= enabled or not _is_poll(request)]


def enable_times(requests: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """When protection of each VM was requested first, in epoch seconds by the VM's ID in lower case."""
    times: dict[str, float] = {}
    for request in filter(_is_enable, requests):
        details = request["requestBody"]["properties"]["providerSpecificDetails"]
        times.setdefault(details["fabricObjectId"].lower(), _time_of(request))
    return times


def _tag_times(requests: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    return {
        request["path"].lower().removesuffix(_TAGS): _time_of(request)
        for request in requests
        if request["method"] == "PATCH" and request["path"].lower().endswith(_TAGS)
    }


def _time_of(request: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(request["time"]).timestamp()


def _is_enable(request: Mapping[str, Any]) -> bool:
    return request["method"] == "PUT" and "/replicationprotecteditems/" in str(request["path"]).lower()


def _is_poll(request: Mapping[str, Any]) -> bool:
    return request["method"] == "GET" and str(request["path"]).lower().endswith(_POLLED)


async def protect(stack: Stack, vms: Sequence[str], at_least: float = 0.0) -> Protected:
    """Tags the VMs at once and waits until each is Protected, which it is not before `at_least` seconds of Azure: so
    long the host is not asked, because each question costs it CPU time. Raises RuntimeError if a VM ends otherwise."""
    seen = len(await stack.requests())
    started = time.monotonic()
    await asyncio.gather(*(stack.tag(vm, dr="true") for vm in vms))
    await asyncio.sleep(at_least / stack.speed)
    while not await _all_protected(stack, vms):
        if time.monotonic() - started > _NOT_ENDED_WITHIN:
            raise RuntimeError(f"Not protected within {_NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")
        await asyncio.sleep(_EVERY)
    elapsed = (time.monotonic() - started) * stack.speed
    requests, tagged = await stack.app_requests(after=seen), _tag_times(await stack.requests(after=seen))
    waits = [at - tagged[vm] for vm, at in enable_times(requests).items()]
    return Protected(requests, elapsed, median(waits) * stack.speed)


async def _all_protected(stack: Stack, vms: Sequence[str]) -> bool:
    outputs = [each["output"] for each in await stack.instances() if each["runtimeStatus"] in {"Completed", "Failed"}]
    ended = {output["vmId"].lower(): output["outcome"] for output in outputs if isinstance(output, dict)}
    surprises = [output for output in outputs if not isinstance(output, dict) or output["outcome"] != "Protected"]
    if surprises:
        raise RuntimeError(f"Not Protected: {surprises[0]}")
    return all(vm.lower() in ended for vm in vms)
