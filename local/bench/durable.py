"""What one VM into an empty vault costs on Microsoft's Durable extension: activities, passes, history, transactions.

A pass is what the extension loads, replays and commits at once. In it, it calls the orchestrator function, and again
where that continues as new; each call is given the whole history. The storage transactions are the requests in
Azurite's log from the event of the tag to the end of the run, without those that an idle app makes, too: polls of
queues, leases of partitions.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence

from local import original
from local.bench.estate import estate, vm_ids
from local.bench.scenario import RECORDED, Run, Scenario, UnavailableError
from local.stack import Stack, StackError

# A queue message is hidden for whole seconds, so that a timer fires up to a second early: five seconds of Azure here.
SPEED = 5
_ORCHESTRATOR = "protect_vm"
_NOT_ENDED_WITHIN = 900.0
ENDED_AFTER = 3.0
IDLE = re.compile(r'"GET \S+/messages\?|[Pp]artitions\(|-applease|\$top=\d+ HTTP')
"""The last one is the bench's own read of the instance, after its end."""
_COMMIT = "/$batch "


async def _measure(run: Run) -> dict[str, float]:
    if reason := original.missing():
        raise UnavailableError(f"Microsoft's Durable extension: {reason}")
    requests: list[str] = []
    calls = run.folder / "calls"
    with original.extension(requests) as environment:
        settings = {**environment, "DURABLE_CALLS": str(calls)}
        async with Stack(run.folder / "stack", estate(1), speed=SPEED, settings=settings) as stack:
            await stack.subscribe()
            before = len(requests)
            await stack.tag(vm_ids(1)[0], dr="true")
            await _protected(stack)
            await asyncio.sleep(ENDED_AFTER)
            ended = [each["runtimeStatus"] for each in await stack.instances()]
            if ended != ["Completed"]:
                raise StackError(f"The run has not ended: {ended}")
    called, history = counted(calls.read_text().splitlines())
    replays = called.pop(_ORCHESTRATOR)
    run.say(", ".join(f"{name} {count}" for name, count in called.items()))
    return {
        "durable.transactions": sum(not IDLE.search(request) for request in requests[before:]),
        "durable.passes": sum(_COMMIT in request for request in requests[before:]),
        "durable.replays": replays,
        "durable.activities": called.total(),
        "durable.history": history / 1024,
    }


async def _protected(stack: Stack) -> None:
    """Waits for the event that a run publishes at its end: reads of its status would count."""
    deadline, broken = time.monotonic() + _NOT_ENDED_WITHIN, asyncio.create_task(stack.ended())
    while not (events := (await stack.published())["events"]):
        if broken.done():
            raise StackError(broken.result())
        if time.monotonic() > deadline:
            raise StackError(f"Not protected within {_NOT_ENDED_WITHIN:g} s:\n{stack.log_of('host')[-3000:]}")
        await asyncio.sleep(0.25)
    broken.cancel()
    if events[0]["data"]["outcome"] != "Protected":
        raise StackError(f"Not Protected: {events[0]}")


def counted(calls: Sequence[str]) -> tuple[Counter[str], int]:
    """How often each function was called, and how many bytes the orchestrator was given."""
    fields = [call.split() for call in calls]
    history = sum(int(given) for name, given, _ in fields if name == _ORCHESTRATOR)
    return Counter(name for name, _, _ in fields), history


SCENARIO = Scenario("one VM into an empty vault, on Microsoft's Durable extension", _measure, RECORDED)
