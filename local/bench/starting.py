"""The cold start: from the start of the host's process to its first answer, over that of an app that only orchestrates.

Of a GET that reads a VM, and of an event about one. Both apps run on the local host: its own start is part of both.
"""

import statistics
import time
from pathlib import Path

from local.bench.estate import estate, vm_ids
from local.bench.scenario import RECORDED, Run, Scenario
from local.bench.throughput import SAMPLE_APP
from local.stack import APP, Stack, StackError, protection

_TIMES = 7
_WRITTEN = {
    "id": "1",
    "topic": "",
    "eventType": "Microsoft.Resources.ResourceWriteSuccess",
    "eventTime": "2026-05-01T12:00:00Z",
    "dataVersion": "2",
    "metadataVersion": "1",
}


async def _measure(run: Run) -> dict[str, float]:
    """Medians over processes in alternation, with compiled byte code: the first of each kind does not count."""
    seconds: dict[tuple[Path, bool], list[float]] = {}
    async with (
        Stack(run.folder / "app", estate(1)) as ours,
        Stack(run.folder / "sample", estate(1), app=SAMPLE_APP) as empty,
    ):
        for _ in range(_TIMES + 1):
            for stack in (ours, empty):
                for event in (False, True):
                    seconds.setdefault((stack.app, event), []).append(await _start(stack, event=event))
    app, empty_app = (
        {event: statistics.median(seconds[each, event][1:]) for event in (False, True)} for each in (APP, SAMPLE_APP)
    )
    return {
        "start.get": app[False] / empty_app[False],
        "start.get seconds": app[False],
        "start.event": app[True] / empty_app[True],
        "start.event seconds": app[True],
    }


async def _start(stack: Stack, *, event: bool) -> float:
    """Seconds from the start of a new host to its answer."""
    vm = vm_ids(1)[0]
    await stack.stop_process("host")
    started = time.monotonic()
    await stack.start_host()
    if event:
        status = await stack.deliver({**_WRITTEN, "subject": vm, "data": {"resourceUri": vm}})
    else:
        status, _ = await stack.api("GET", protection(vm) if stack.app == APP else "hello")
    if status not in {200, 202}:
        raise StackError(f"The first request was answered {status}:\n{stack.log_of('host')[-3000:]}")
    return time.monotonic() - started


SCENARIO = Scenario("from the start of the process to the first answer to a GET, and to an event", _measure, RECORDED)
