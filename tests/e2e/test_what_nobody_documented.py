"""What no source settles about Site Recovery exists in the simulator in variants: the app passes under each."""

import pytest

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event, written
from tests.e2e.test_faults import AGENT_ERROR

OTHER_VARIANTS = {
    "itemsLeftWhenEnableFails": False,
    "infrastructureHiddenWhileCreating": False,
    "reEnable": "conflict",
    "secondFabric": "conflict",
    "repeatedWrite": "conflict",
    "pageSize": 2,
}


@pytest.mark.parametrize("hidden", [False, True], ids=["items visible", "items hidden"])
@pytest.mark.long
async def test_protected_under_every_other_variant_too(start_stack: StartStack, hidden: bool) -> None:
    vms = [estates.vm(f"web-{number}") for number in range(4)] + [estates.vm("odd", failEnable=AGENT_ERROR)]
    async with start_stack(estates.estate(vms)) as stack:
        await stack.sim("PATCH", "behaviour", {**OTHER_VARIANTS, "itemsHiddenWhileEnabling": hidden})
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, len(vms))
        writes = await written(stack)

    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    asked = [count for path, count in writes.items() if "/replicationprotecteditems/" in path and "remove" not in path]
    assert sorted(asked) == [1, 1, 1, 1, 2]  # the one whose job failed was asked for again
