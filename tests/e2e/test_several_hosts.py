"""The app scaled out: several hosts share the work of one task hub."""

import uuid

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.waiting import eventually

OTHERS = ("host-2", "host-3")


@pytest.mark.external_only
async def test_sixty_vms_are_enabled_once_each_by_three_hosts_of_which_one_is_killed(start_stack: StartStack) -> None:
    vms = [estates.vm(f"web-{number:02}") for number in range(60)]
    hub = {"DURABLE_HUB": f"shared{uuid.uuid4().hex[:12]}"}
    async with start_stack(estates.estate(vms), settings=hub) as stack:
        for name in OTHERS:
            await stack.start_host(name)
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        await eventually(lambda: _all_have_worked(stack))
        await eventually(lambda: _enabled(stack, len(vms) // 4))
        await stack.kill_host("host-2")
        enabled_then = enables(await written(stack))
        ended = await results(stack, len(vms), within=200)
        enabled = enables(await written(stack))
    assert len(enabled_then) < len(vms)
    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert enabled == [1] * len(vms)


async def _all_have_worked(stack: Stack) -> bool:
    logs = [stack.folder / name / "durable.log" for name in ("host", *OTHERS)]
    return all('"TaskName":"FunctionCompleted"' in log.read_text() for log in logs)


async def _enabled(stack: Stack, count: int) -> bool:
    return len(enables(await written(stack))) >= count
