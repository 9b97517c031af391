"""Changes that Azure may refuse for good: they are tried, keep nothing else out, and are not repeated by each sweep."""

import json

import pytest

from tests import estates
from tests.e2e import overrides, sweeping
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event
from tests.e2e.overrides import OPEN, protected, protected_world
from tests.e2e.test_http import route

_PROFILES = {"DR_PROFILES": json.dumps({"open": OPEN | {"updateAgents": True}})}
_OUTDATED = {"agentUpdateRequired": True, "agentVersion": "9.50.1.1"}


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_zone_and_an_agent_are_tried_once_and_the_rest_is_changed(
    start_stack: StartStack, refuses: bool
) -> None:
    tags = {"dr": "true", "dr-profile": "open"}
    wanted = {"dr-target-zone": "2", "dr-target-size": "Standard_D4s_v5"}
    vms = [estates.vm("zone") | {"tags": tags | wanted}, estates.vm("agent") | {"tags": tags}]
    items = [protected("zone", recoveryAvailabilityZone="1"), protected("agent", condition=_OUTDATED)]
    async with start_stack(protected_world(vms, items), settings=_PROFILES) as stack:
        if refuses:
            await stack.sim("POST", "faults", {"match": {"path": "updateMobilityService$"}, "kind": "fail-operation"})
        else:
            await stack.sim("PATCH", "behaviour", {"zoneInUpdate": "succeed"})
        _, plan = await stack.api("POST", f"{route('zone')}/plan", {})
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, len(vms))
        tried = await sweeping.writes(stack)
        for _ in range(2):
            await sweeping.sweep(stack)
        assert await sweeping.writes(stack) == tried
        found = {
            name: item["properties"]["providerSpecificDetails"] for name, item in (await overrides.items(stack)).items()
        }
        if refuses:
            status, _ = await stack.api("PUT", route("agent"))
            assert status == 202
            await sweeping.settled(stack)
            assert len(await sweeping.writes(stack)) == len(tried) + 1

    assert {each["setting"] for each in plan["changes"]} == {"targetZone", "targetSize"}
    assert sorted(each.split()[0] for each in tried) == ["patch", "patch", "post"]
    assert found["zone"]["recoveryAzureVMSize"] == "Standard_D4s_v5"
    assert found["zone"]["recoveryAvailabilityZone"] == ("1" if refuses else "2")
    assert found["agent"]["isReplicationAgentUpdateRequired"] is refuses
    codes = {name: [finding["code"] for finding in result["findings"]] for name, result in ended.items()}
    assert codes == ({"zone": ["TargetMismatch"], "agent": ["AgentOutdated"]} if refuses else {"zone": [], "agent": []})
    assert not refuses or "159060" in ended["zone"]["findings"][0]["message"]
