"""Fifty VMs at once: each protected, and of what they share one of each, any client that made it."""

from collections import Counter
from typing import Any

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, write_event, written
from tests.waiting import eventually

VMS, FEW = 50, 10
_PARTS = {
    "replicationFabrics": 2,
    "replicationProtectionContainers": 2,
    "replicationPolicies": 1,
    "replicationProtectionContainerMappings": 2,
    "replicationNetworkMappings": 4,
}


@pytest.mark.wide
async def test_fifty_vms_share_one_of_each(start_stack: StartStack) -> None:
    async with start_stack(_estate()) as stack:
        ended, writes = await _protect_all(stack)
        assert await _counts(stack) == _PARTS
    assert Counter(result["outcome"] for result in ended.values()) == {"Protected": VMS}
    assert enables(writes) == [1] * VMS
    assert set(writes.values()) == {1}


@pytest.mark.long
async def test_what_others_made_under_their_own_names_is_used(start_stack: StartStack) -> None:
    async with start_stack(_estate(FEW)) as stack:
        await _make_chain_by_hand(stack)
        ended, writes = await _protect_all(stack)
        assert await _counts(stack) == _PARTS
    assert Counter(result["outcome"] for result in ended.values()) == {"Protected": FEW}
    assert enables(writes) == [1] * FEW
    assert not [path for path in writes if path.rsplit("/", 2)[1] in {"replicationfabrics", "replicationpolicies"}]


def _estate(vms: int = VMS) -> dict[str, Any]:
    networks = ("vnet-app", "vnet-back")
    return estates.estate([estates.vm(f"web-{n:02}", network=networks[n % 2]) for n in range(vms)], networks=networks)


async def _protect_all(stack: Stack) -> tuple[dict[str, dict[str, Any]], Counter[str]]:
    await stack.deliver(*(write_event(vm["id"]) for vm in stack.estate["virtualMachines"]))
    ended = await results(stack, len(stack.estate["virtualMachines"]), within=200)
    return ended, await written(stack)


async def _counts(stack: Stack) -> dict[str, int]:
    return {part: len((await stack.arm("GET", f"{estates.VAULT}/{part}", "2025-08-01"))["value"]) for part in _PARTS}


async def _make_chain_by_hand(stack: Stack) -> None:
    """A fabric pair, containers, a policy and a mapping pair, as somebody's Terraform named them."""
    fabrics = f"{estates.VAULT}/replicationFabrics"
    for name, location in (("tf-east", estates.SOURCE), ("tf-west", estates.TARGET)):
        fabric = {"properties": {"customDetails": {"instanceType": "Azure", "location": location}}}
        await _put(stack, f"{fabrics}/{name}", fabric)
        container = {"properties": {"providerSpecificInput": [{"instanceType": "A2A"}]}}
        await _put(stack, f"{fabrics}/{name}/replicationProtectionContainers/box", container)
    values = {
        "recoveryPointHistory": 1440,
        "appConsistentFrequencyInMinutes": 240,
        "crashConsistentFrequencyInMinutes": 5,
    }
    policy = f"{estates.VAULT}/replicationPolicies/gold"
    await _put(
        stack,
        policy,
        {"properties": {"providerSpecificInput": {"instanceType": "A2A", "multiVmSyncStatus": "Enable", **values}}},
    )
    for here, there in (("tf-east", "tf-west"), ("tf-west", "tf-east")):
        target = f"{fabrics}/{there}/replicationProtectionContainers/box"
        body = {
            "properties": {
                "policyId": policy,
                "targetProtectionContainerId": target,
                "providerSpecificInput": {"instanceType": "A2A", "agentAutoUpdateStatus": "Disabled"},
            }
        }
        await _put(
            stack,
            f"{fabrics}/{here}/replicationProtectionContainers/box/replicationProtectionContainerMappings/pair",
            body,
        )


async def _put(stack: Stack, resource: str, body: dict[str, Any]) -> None:
    await stack.arm("PUT", resource, "2025-08-01", body)

    async def there() -> bool:
        jobs = await stack.arm("GET", f"{estates.VAULT}/replicationJobs", "2025-08-01")
        return all(job["properties"]["state"] == "Succeeded" for job in jobs["value"])

    await eventually(there)
