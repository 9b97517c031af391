"""A plan says what would be done, and does none of it; what is done then is what the plan said."""

from typing import Any

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, written
from tests.e2e.test_http import route


def values_of(reported: dict[str, Any]) -> dict[str, str]:
    return {setting["name"]: setting["value"] for setting in reported["settings"]}


async def test_what_is_done_is_what_the_plan_said(start_stack: StartStack) -> None:
    vms = [estates.vm("web-1", tagged=False), estates.vm("web-2", tagged=False)]
    async with start_stack(estates.estate(vms)) as stack:
        status, plan = await stack.api("POST", f"{route('web-1')}/plan")
        assert status == 200
        assert not await written(stack)
        assert await stack.instances() == []

        await stack.api("PUT", route("web-1"))
        result = (await results(stack, 1))["web-1"]
        made = {path.rsplit("/", 1)[1] for path in await written(stack)}
        before = await written(stack)
        _, protected = await stack.api("POST", f"{route('web-1')}/plan")
        _, neighbour = await stack.api("POST", f"{route('web-2')}/plan")
        assert await written(stack) == before

    assert (plan["blocked"], plan["findings"], plan["tagged"], plan["item"]) == (False, [], False, None)
    # What the plan derived the item has; that is where the values come from by then.
    assert values_of(plan) == values_of(result) == values_of(protected)
    create = [each for each in plan["resources"] if each["kind"] != "resource group"]
    assert {each["action"] for each in create} == {"create"}
    # The deployment has prepared the groups.
    assert [each["action"] for each in plan["resources"] if each not in create] == ["reuse", "reuse"]
    planned = {each["name"].rsplit("/", 1)[-1].lower() for each in create}
    assert made - planned == {"default", result["itemId"].rsplit("/", 1)[1].lower()}  # the tag, and the item
    assert planned - made == set()
    assert (protected["resources"], protected["item"]["state"]) == ([], "Protected")
    assert {resource["action"] for resource in neighbour["resources"]} == {"reuse"}


async def test_a_plan_says_what_stands_in_the_way(start_stack: StartStack) -> None:
    vm = estates.vm("off", tagged=False, power="deallocated")
    taken = {
        "id": f"{estates.GROUP}-asr/providers/Microsoft.Network/virtualNetworks/vnet-app-asr",
        "location": "northeurope",
        "addressSpace": ["10.1.0.0/16"],
        "subnets": [{"name": "web", "prefix": "10.1.1.0/24"}],
    }
    estate = estates.estate([vm, estates.vm("web-1", tagged=False)])
    estate["networks"].append(taken)
    async with start_stack(estate, settings={"DR_MODE": "report"}) as stack:
        _, off = await stack.api("POST", f"{route('off')}/plan")
        _, unfit = await stack.api("POST", f"{route('web-1')}/plan")
        status, problem = await stack.api("POST", f"{route('missing')}/plan")
        assert not await written(stack)

    assert off["blocked"]
    assert [finding["code"] for finding in off["findings"]] == ["IncompatibleTargetResource", "VmNotRunning"]
    assert (unfit["blocked"], [finding["code"] for finding in unfit["findings"]]) == (
        True,
        ["IncompatibleTargetResource"],
    )
    assert "northeurope" in unfit["findings"][0]["message"]
    assert unfit["writesDisabled"]
    assert (status, problem["code"]) == (404, "VmNotFound")
