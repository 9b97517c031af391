"""Events come twice, late, out of order: what counts is the VM as it is."""

import random

import pytest

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.waiting import eventually

pytestmark = pytest.mark.original


@pytest.mark.long
async def test_delivered_thrice_shuffled_and_stale_each_thing_is_made_once(start_stack: StartStack) -> None:
    vms = [estates.vm(f"web-{number}") for number in range(6)]
    plain = estates.vm("plain", tagged=False)
    events = [write_event(vm["id"]) for vm in vms] * 3
    events += [
        write_event(f"{vm['id']}/providers/Microsoft.Resources/tags/default", "Microsoft.Resources/tags/write")
        for vm in vms
    ]
    events += [write_event(vm["id"], "Microsoft.Compute/virtualMachines/delete") for vm in vms]
    events += [write_event(plain["id"])] * 3
    random.Random(7).shuffle(events)
    async with start_stack(estates.estate([*vms, plain])) as stack:
        third = len(events) // 3
        for start in range(0, len(events), third):
            assert await stack.deliver(*events[start : start + third]) == 202
        ended = await results(stack, 7)
        writes = await written(stack)

    assert {result["outcome"] for name, result in ended.items() if name != "plain"} == {"Protected"}
    assert ended["plain"]["outcome"] == "NotTagged"
    assert enables(writes) == [1] * 6
    assert {path: count for path, count in writes.items() if count > 1} == {}


async def test_untagged_before_enabling_is_not_protected(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm]), speed=60) as stack:
        await stack.subscribe()
        await stack.deliver(write_event(vm["id"]))
        await eventually(lambda: _made(stack, "replicationfabrics"))
        await stack.tag(vm["id"], dr="false")
        ended = await results(stack, 1)
        writes = await written(stack)

    assert ended["web-1"]["outcome"] == "NotTagged"
    assert enables(writes) == []


@pytest.mark.long
async def test_a_disk_attached_during_the_run_is_seen_before_it_ends(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm]), speed=200) as stack:
        await stack.deliver(write_event(vm["id"]))
        await eventually(lambda: _made(stack, "replicationprotecteditems"))
        found = await stack.arm("GET", vm["id"], "2026-04-01")
        disks = found["properties"]["storageProfile"]["dataDisks"]
        disks.append({"lun": 7, "name": "late", "createOption": "Empty", "diskSizeGB": 32})
        await stack.arm("PUT", vm["id"], "2026-04-01", found)
        result = (await results(stack, 1))["web-1"]
        item = await stack.arm("GET", result["itemId"], "2025-08-01")
        added = [count for path, count in (await written(stack)).items() if path.endswith("/adddisks")]

    assert (result["outcome"], result["findings"]) == ("Protected", [])
    disks = item["properties"]["providerSpecificDetails"]["protectedManagedDisks"]
    assert {disk["diskName"] for disk in disks} == {"web-1-disk0", "late"}
    assert added == [1]


async def test_poison_is_taken_and_starts_nothing(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    poison = [
        write_event(vm["id"]) | {"eventType": "Contoso.Surprise"},
        write_event("not an id\nat all"),
        write_event(f"{vm['id']}/extensions/agent"),
        write_event(estates.network_id("vnet-app")),
        {key: value for key, value in write_event(vm["id"]).items() if key != "subject"},
        write_event(vm["id"]) | {"data": "text"},
        write_event(vm["id"]) | {"data": {"operationName": "Microsoft.Compute/virtualMachines/write" + "x" * 900_000}},
    ]
    async with start_stack(estates.estate([vm])) as stack:
        for event in poison:
            assert await stack.deliver(event) == 202, str(event)[:200]
        assert await stack.instances() == []
        assert await stack.requests() == []
        assert "Somebody Personal" not in stack.log_of("host")
        ignored = [line for line in stack.log_of("host").splitlines() if "ignored" in line]

    assert len(ignored) == len(poison)


async def _made(stack: object, part: str) -> bool:
    return any(f"/{part}/" in path for path in await written(stack))  # type: ignore[arg-type]
