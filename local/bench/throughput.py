"""Orchestrations per second of the local host, with an app that does nothing else."""

import asyncio
import time
from pathlib import Path

from local.bench.estate import estate
from local.bench.scenario import RECORDED, Run, Scenario
from local.stack import Stack, StackError

SAMPLE_APP = Path(__file__).parent / "sample_app"
_INSTANCES = 200
_NOT_ENDED_WITHIN = 120.0


async def _measure(run: Run) -> dict[str, float]:
    async with Stack(run.folder, estate(1), app=SAMPLE_APP) as stack:
        started = time.monotonic()
        status, answer = await stack.api("POST", f"start/{_INSTANCES}")
        if status != 200:
            raise StackError(f"The sample app answered {status}: {answer}")
        while sum(each["runtimeStatus"] == "Completed" for each in await stack.instances()) < _INSTANCES:
            if time.monotonic() - started > _NOT_ENDED_WITHIN:
                raise StackError(f"Not ended within {_NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")
            await asyncio.sleep(0.1)
        elapsed = time.monotonic() - started
    return {"throughput.rate": _INSTANCES / elapsed}


SCENARIO = Scenario("orchestrations per second of the host", _measure, RECORDED)
