"""The main job: an Event Grid event in, a protected VM out, whatever the service does that no one has documented."""

import pytest

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, write_event, written

pytestmark = pytest.mark.original


@pytest.mark.parametrize("options", [(), ("--items-hidden-while-enabling",)], ids=["items visible", "items hidden"])
async def test_a_tagged_vm_becomes_protected(start_stack: StartStack, options: tuple[str, ...]) -> None:
    vm = estates.vm("web-1", disks=3, nics=_two_nics())
    estate = estates.estate([vm])
    estate["networks"][0]["subnets"].append({"name": "data", "prefix": "10.1.2.0/24"})
    async with start_stack(estate, simulator_options=options) as stack:
        assert await stack.deliver(write_event(vm["id"])) == 202
        result = (await results(stack, 1))["web-1"]
        items = await stack.arm("GET", f"{estates.VAULT}/replicationProtectedItems", "2025-08-01")
        writes = await written(stack)

    assert result["outcome"] == "Protected"
    assert result["findings"] == []
    assert {setting["name"] for setting in result["settings"]} >= {"targetLocation", "cacheStorage"}
    assert all(setting["origin"] and setting["reason"] for setting in result["settings"])
    assert enables(writes) == [1]
    assert [path.rsplit("/", 1)[1] for path in writes if "/virtualnetworks/" in path] == ["vnet-app-asr"]
    assert sum("/replicationnetworkmappings/" in path for path in writes) == 2  # there and back
    (item,) = items["value"]
    details = item["properties"]["providerSpecificDetails"]
    subnets = {
        nic["sourceNicArmId"].rsplit("/", 1)[1]: nic["ipConfigs"][0]["recoverySubnetName"] for nic in details["vmNics"]
    }
    assert subnets == {"web-1-nic0": "web", "web-1-nic1": "data"}
    assert len(details["protectedManagedDisks"]) == 3


async def test_what_is_made_looks_like_the_source(start_stack: StartStack) -> None:
    availability_set = f"{estates.GROUP}/providers/Microsoft.Compute/availabilitySets/set-app"
    sets = [{"id": availability_set, "location": estates.SOURCE, "faultDomains": 2, "updateDomains": 5}]
    vm = estates.vm("web-1", availabilitySet=availability_set)
    async with start_stack(estates.estate([vm], availabilitySets=sets)) as stack:
        await stack.deliver(write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]
        target = estates.GROUP + "-asr"
        network = await stack.arm(
            "GET", f"{target}/providers/Microsoft.Network/virtualNetworks/vnet-app-asr", "2026-03-01"
        )
        made_set = await stack.arm(
            "GET", f"{target}/providers/Microsoft.Compute/availabilitySets/set-app-asr", "2026-04-01"
        )
        items = await stack.arm("GET", f"{estates.VAULT}/replicationProtectedItems", "2025-08-01")
        policies = await stack.arm("GET", f"{estates.VAULT}/replicationPolicies", "2025-08-01")

    assert result["outcome"] == "Protected"
    assert network["location"] == estates.TARGET
    assert network["properties"]["addressSpace"]["addressPrefixes"] == ["10.1.0.0/16"]
    assert [subnet["name"] for subnet in network["properties"]["subnets"]] == ["web"]
    assert made_set["location"] == estates.TARGET
    assert made_set["properties"]["platformFaultDomainCount"] == 2
    details = items["value"][0]["properties"]["providerSpecificDetails"]
    assert details["recoveryAvailabilitySet"].lower() == made_set["id"].lower()
    assert details["protectedManagedDisks"][0]["recoveryTargetDiskAccountType"] == "Premium_LRS"
    assert details["vmNics"][0]["recoveryVMNetworkId"].lower() == network["id"].lower()
    values = policies["value"][0]["properties"]["providerSpecificDetails"]
    assert values["recoveryPointHistory"] == 24 * 60
    assert values["appConsistentFrequencyInMinutes"] == 4 * 60
    assert values["crashConsistentFrequencyInMinutes"] == 5


async def test_a_protected_vm_is_left_alone(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm])) as stack:
        await stack.deliver(write_event(vm["id"]))
        await results(stack, 1)
        before = await written(stack)
        await stack.deliver(write_event(vm["id"]))
        await results(stack, 1)
        assert await written(stack) == before


def _two_nics() -> list[dict[str, str]]:
    return [
        {"name": f"web-1-nic{number}", "subnet": f"{estates.network_id('vnet-app')}/subnets/{subnet}"}
        for number, subnet in enumerate(("web", "data"))
    ]
