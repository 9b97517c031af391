"""Many VMs at once while Azure's buckets refill no faster than they do: nothing is refused.

That events go first is shown in tests/integration/app/test_pace.py, where no host competes for the machine.
"""

import asyncio
from collections import Counter

import pytest

from local.stack import Stack
from shared.model import naming
from shared.model.resource_id import ResourceId
from shared.reconcile.run_state import RunState
from tests import estates, waiting
from tests.e2e.conftest import SPEED, StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.waiting import eventually

pytestmark = pytest.mark.wide

# Half as fast as Azure: 12 reads come back in a second.
TTL_SLOW = 0.5
FLOOD, FEW = [f"batch-{n:03}" for n in range(120)], [f"event-{n}" for n in range(5)]
ALL = ["first", *FLOOD, *FEW]


async def test_of_events_beside_a_flood_in_low_priority_no_call_is_refused(start_stack: StartStack) -> None:
    """All are asked for while time is slow; then it flies again."""
    estate = estates.estate([estates.vm(name) for name in ALL], siteRecovery=[estates.site_recovery()])
    async with start_stack(estate, speed=SPEED) as stack:
        # One goes first, and makes what is made once for all.
        await stack.deliver(write_event(estates.vm_id("first")))
        await results(stack, 1)
        await _at_speed(stack, TTL_SLOW)
        seen = len(await stack.requests())
        await asyncio.gather(*(_start_in_background(stack, estates.vm_id(name)) for name in FLOOD))

        async def bucket_is_used_up() -> bool:
            return len(await stack.app_requests(after=seen)) > 250

        await eventually(bucket_is_used_up)
        await stack.deliver(*(write_event(estates.vm_id(name)) for name in FEW))
        await _until_asked_for(stack, len(ALL))
        requests = await stack.app_requests(after=seen)
        # The lease of a run is 240 polls: Microsoft's extension takes longer than those of SPEED to wake all runs.
        await _at_speed(stack, SPEED / waiting.patience)
        # No one waits for timers that were set while time was slow.
        await stack.deliver(*(write_event(estates.vm_id(name)) for name in ALL[1:]))

        ended, writes = await results(stack, len(ALL)), await written(stack)
    assert [request for request in requests if request["status"] == 429] == []
    # Of the seven that a VM may cost in all, its first look takes but a few, and is seldom made twice.
    assert len(requests) <= 6 * len(ALL)
    assert Counter(result["outcome"] for result in ended.values()) == {"Protected": len(ALL)}
    assert enables(writes) == [1] * len(ALL)


async def _at_speed(stack: Stack, speed: float) -> None:
    """The app knows the speed by its poll interval alone."""
    await stack.stop_process("host")
    await stack.sim("PATCH", "clock", {"speed": speed})
    await stack.start_host(DR_POLL_SECONDS=str(30 / speed))


async def _start_in_background(stack: Stack, vm: str) -> None:
    """As a sweep does that has found it."""
    run = RunState(vm_id=ResourceId(vm), poll_seconds=30 / TTL_SLOW, low_priority=True)
    await stack.start("protect_vm", naming.instance_id(run.vm_id), run.dump())


async def _asked_for(stack: Stack) -> int:
    """How many VMs' protection was asked for."""
    return sum(
        request["method"] == "PUT" and "/replicationprotecteditems/" in request["path"].lower()
        for request in await stack.app_requests()
    )


async def _until_asked_for(stack: Stack, vms: int) -> None:
    async def as_many() -> bool:
        return await _asked_for(stack) == vms

    await eventually(as_many, within=120, every=0.5)
