"""Profiles side by side in one region pair: a policy and a mapping pair each."""

import json

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event, written

AGENTS = estates.resource_id("Microsoft.Automation/automationAccounts", "agents", f"{estates.GROUP}-vaults")
GOLD = {
    "DR_AGENT_AUTOMATION_ACCOUNT": AGENTS,
    "DR_PROFILES": json.dumps({"gold": {"recoveryPointRetentionHours": 72, "appConsistentFrequencyHours": 1}}),
}


async def test_two_profiles_in_one_region_pair(start_stack: StartStack) -> None:
    plain, gold = estates.vm("web-1"), estates.vm("web-2") | {"tags": {"dr": "true", "dr-profile": "gold"}}
    estate = estates.estate([plain, gold], resources=[{"id": AGENTS, "location": estates.TARGET}])
    async with start_stack(estate, settings=GOLD) as stack:
        await stack.deliver(write_event(plain["id"]), write_event(gold["id"]))
        ended = await results(stack, 2)
        policies = await stack.arm("GET", f"{estates.VAULT}/replicationPolicies", "2025-08-01")
        mappings = await stack.arm("GET", f"{estates.VAULT}/replicationProtectionContainerMappings", "2025-08-01")
        items = await stack.arm("GET", f"{estates.VAULT}/replicationProtectedItems", "2025-08-01")

        await stack.subscribe()
        before = await written(stack)
        await stack.tag(plain["id"], **{"dr-profile": "gold"})
        await stack.deliver(write_event(plain["id"]))
        changed = (await results(stack, 2))["web-1"]
        assert await written(stack) == before

    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert all(result["findings"] == [] for result in ended.values())
    retention = {
        policy["id"].lower(): policy["properties"]["providerSpecificDetails"]["recoveryPointHistory"]
        for policy in policies["value"]
    }
    assert sorted(retention.values()) == [24 * 60, 72 * 60]
    assert len(mappings["value"]) == 4
    details = [mapping["properties"]["providerSpecificDetails"] for mapping in mappings["value"]]
    updated = {(each["agentAutoUpdateStatus"], each["automationAccountArmId"].lower()) for each in details}
    assert updated == {("Enabled", AGENTS.lower())}
    reported = [each for each in ended["web-1"]["settings"] if each["name"] == "agentUpdate"]
    assert [(each["value"], each["origin"]) for each in reported] == [(AGENTS, "settings")]
    by_vm = {item["properties"]["friendlyName"]: item["properties"]["policyId"].lower() for item in items["value"]}
    assert {name: retention[policy] for name, policy in by_vm.items()} == {"web-1": 24 * 60, "web-2": 72 * 60}
    (finding,) = changed["findings"]
    assert finding["code"] == "PolicyMismatch"
    assert "24-hour-retention" in finding["message"].split("its profile requests")[0]
    assert "72-hour-retention" in finding["message"].split("its profile requests")[1]
    cost = "its recovery points of the last 24 h, and leave it unprotected until 64 GiB are replicated again"
    assert cost in finding["fix"]
    assert changed["outcome"] == "Protected"


async def test_profiles_whose_policies_have_the_same_values_share_one_from_the_first_moment(
    start_stack: StartStack,
) -> None:
    """All at once into an empty vault, where each would make a policy of its own name and a mapping with it."""
    names = ("default", "open", "wide", "free")
    vms = [estates.vm(f"web-{name}") | {"tags": {"dr": "true", "dr-profile": name}} for name in names]
    settings = {"DR_PROFILES": json.dumps({name: {"allow": {"churn": ["*"]}} for name in names})}
    async with start_stack(estates.estate(vms), settings=settings) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, len(vms))
        policies = await stack.arm("GET", f"{estates.VAULT}/replicationPolicies", "2025-08-01")
        mappings = await stack.arm("GET", f"{estates.VAULT}/replicationProtectionContainerMappings", "2025-08-01")

    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert (len(policies["value"]), len(mappings["value"])) == (1, 2)
