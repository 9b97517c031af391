"""What an accepted request asks for is done, beside the event of its own tag write and whatever else comes."""

import asyncio
from typing import Any

import pytest

from local.stack import Stack, protection
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event
from tests.e2e.overrides import items, protected, protected_world
from tests.waiting import eventually

AT_ONCE = 20


async def _each(stack: Stack, vms: list[dict[str, Any]], method: str, query: str = "") -> list[tuple[int, Any]]:
    """The answer for each VM. As the API asks for it, what was answered with 503 is repeated."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def call(vm: dict[str, Any]) -> tuple[int, Any]:
        for _ in range(5):
            async with slots:
                answer = await stack.api(method, f"{protection(vm['id'])}{query}")
            if answer[0] != 503:
                break
        return answer

    return list(await asyncio.gather(*map(call, vms)))


async def _have_ended(stack: Stack, vms: int) -> bool:
    states = [instance["runtimeStatus"] for instance in await stack.instances()]
    return len(states) == vms and not {"Pending", "Running"} & set(states)


@pytest.mark.wide
async def test_no_confirmed_delete_is_lost_beside_the_event_of_its_own_tag_write(
    start_stack: StartStack, request: pytest.FixtureRequest
) -> None:
    """Each VM has a run that has ended: the request and the event of its tag write start it again at the same time."""
    many_vms = request.config.getoption("--vms") or 100
    names = [f"web-{number:03}" for number in range(many_vms)]
    vms = [estates.vm(name, network=f"vnet-{number // 200}") for number, name in enumerate(names)]
    world = protected_world(vms, [protected(name) for name in names])
    world["networks"] += [estates.network(20 + number, f"vnet-{number}") for number in range(1 + many_vms // 200)]
    async with start_stack(world, speed=60) as stack:
        for first in range(0, many_vms, 50):
            await stack.deliver(*(write_event(vm["id"]) for vm in vms[first : first + 50]))
        await eventually(lambda: _have_ended(stack, many_vms), within=300, every=1)
        await stack.subscribe()

        answers = await _each(stack, vms, "DELETE", "?confirm=true")

        async def none_is_left() -> bool:
            return not await items(stack) and await _have_ended(stack, many_vms)

        await eventually(none_is_left, within=400, every=1)
        views = await _each(stack, vms, "GET")

    assert [status for status, _ in answers] == [202] * many_vms
    assert len({accepted["order"] for _, accepted in answers}) == many_vms
    assert [view["lastChange"]["outcome"] for _, view in views] == ["Disabled"] * many_vms
    assert {view["run"]["outcome"] for _, view in views} <= {"Disabled", "NotTagged"}


@pytest.mark.long
async def test_targets_that_were_asked_for_again_and_again_are_made_and_every_request_is_known(
    start_stack: StartStack,
) -> None:
    vm = estates.vm("web-1", tagged=False)
    route = f"{protection(vm['id'])}?targetsOnly=true"
    async with start_stack(estates.estate([vm])) as stack:
        answers = await asyncio.gather(*(stack.api("PUT", route) for _ in range(5)))
        ended = await results(stack, 1)
        again, _ = await stack.api("PUT", route)
        await results(stack, 1)
        left = await items(stack)

    assert [status for status, _ in answers] == [202] * 5
    assert again == 202
    assert {result["outcome"] for result in ended.values()} == {"TargetsReady"}
    # A request that came after the end of the run before has a run of its own.
    assert set(ended["targets-web-1"]["orders"]) <= {accepted["order"] for _, accepted in answers}
    assert left == {}


async def test_a_request_that_no_run_takes_up_says_what_is_written_and_may_be_repeated(
    start_stack: StartStack,
) -> None:
    """Somebody has suspended the VM's run: it heeds nothing until it is resumed."""
    vm = estates.vm("web-1")
    world = protected_world([vm], [protected("web-1")])
    route = f"{protection(vm['id'])}?confirm=true"
    settings = {"DR_ACCEPT_TIMEOUT_SECONDS": "2"}
    async with start_stack(world, settings=settings, speed=60) as stack:
        await stack.deliver(write_event(vm["id"]))
        await results(stack, 1)
        instance = (await stack.instances())[0]["instanceId"]
        await stack.start("protect_vm", instance, _parked(vm["id"]))
        await stack.manage(instance, "suspend")

        status, problem = await stack.api("DELETE", route)
        found = await stack.arm("GET", vm["id"], "2026-04-01")
        await stack.manage(instance, "resume")
        repeated, _ = await stack.api("DELETE", route)
        await results(stack, 1)
        left = await items(stack)

    assert (status, problem["code"]) == (503, "RunNotStarted")
    assert "The tag says no" in problem["detail"]
    assert "Repeating the request is safe" in problem["detail"]
    assert found["tags"]["dr"] == "false"
    assert (repeated, left) == (202, {})


def _parked(vm: str) -> dict[str, Any]:
    """The state of a run that waits for long."""
    return {"vmId": vm, "pollSeconds": 0.5, "resumeAt": "2099-01-01T00:00:00Z"}
