"""Orchestrations per second of the local host, with an app that does nothing else."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from local.bench.estate import estate
from local.bench.figures import Figure
from local.stack import Stack, StackError

SAMPLE_APP = Path(__file__).parent / "sample_app"
_INSTANCES = 200
_NOT_ENDED_WITHIN = 120.0


async def measure(folder: Path, say: Callable[[str], None]) -> list[Figure]:
    say(f"host: {_INSTANCES} orchestrations of 5 activities each")
    async with Stack(folder, estate(1), app=SAMPLE_APP) as stack:
        started = time.monotonic()
        status, answer = await stack.api("POST", f"start/{_INSTANCES}")
        if status != 200:
            raise StackError(f"The sample app answered {status}: {answer}")
        while sum(each["runtimeStatus"] == "Completed" for each in await stack.instances()) < _INSTANCES:
            if time.monotonic() - started > _NOT_ENDED_WITHIN:
                raise StackError(f"Not ended within {_NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")
            await asyncio.sleep(0.1)
        elapsed = time.monotonic() - started
    return [Figure(f"Orchestrations of the host, {_INSTANCES} of 5 activities in a chain", _INSTANCES / elapsed, "/s")]
