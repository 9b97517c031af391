"""VMs that may not be protected: each ends with its reason; nothing is written, nothing tried again by itself."""

from typing import Any

import pytest

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, route_of, write_event, written
from tests.waiting import eventually

MANAGED = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/mc-aks"
CLASSIC = f"{estates.GROUP}/providers/Microsoft.ClassicCompute/virtualMachines/old"
OUTSIDE = estates.vm_id("far").replace(estates.SUBSCRIPTION, "22222222-2222-4222-8222-222222222222")


def _refused() -> list[tuple[str, dict[str, Any]]]:
    error = {
        "code": "GuestOsNotSupported",
        "message": "Not this one.",
        "possibleCauses": "",
        "recommendedAction": "Upgrade.",
    }
    in_managed_group = estates.vm("node") | {"id": f"{MANAGED}/providers/Microsoft.Compute/virtualMachines/node"}
    return [
        ("VmNotRunning", estates.vm("off", power="deallocated")),
        ("NotEligibleForReplication", estates.vm("odd", eligibilityErrors=[error | {"status": "Failed"}])),
        ("VaultInSourceRegion", estates.vm("near", location=estates.TARGET, network="vnet-near")),
        ("ManagedResourceGroup", in_managed_group),
        ("OnHold", estates.vm("held") | {"tags": {"dr": "true", "dr-hold": "migration"}}),
        ("VmNotReady", estates.vm("broken", provisioningState="Failed")),
    ]


async def test_each_reason_is_said_and_nothing_is_written(start_stack: StartStack) -> None:
    refused = _refused()
    estate = estates.estate([vm for _, vm in refused], networks=("vnet-app", "vnet-near"))
    estate["networks"][1]["location"] = estates.TARGET
    estate["resourceGroups"] = [
        {
            "id": MANAGED,
            "location": estates.SOURCE,
            "managedBy": f"{estates.GROUP}/providers/Microsoft.ContainerService/managedClusters/aks",
        }
    ]
    async with start_stack(estate) as stack:
        ids = [vm["id"] for _, vm in refused] + [CLASSIC, OUTSIDE]
        await stack.deliver(*(write_event(vm) for vm in ids))
        ended = await results(stack, len(ids) - 1)  # none of a VM out of scope
        writes = await written(stack)

    expected = {vm["id"].rsplit("/", 1)[1]: code for code, vm in refused} | {"old": "ClassicVm"}
    assert {name: result["outcome"] for name, result in ended.items()} == dict.fromkeys(expected, "NotEligible")
    assert {name: result["findings"][0]["code"] for name, result in ended.items()} == expected
    assert all(finding["message"] and finding["fix"] for result in ended.values() for finding in result["findings"])
    (classic,) = ended["old"]["findings"]
    assert classic["message"].startswith("old is a classic VM: Azure has retired those")
    assert classic["fix"].startswith("Migrate it to Azure Resource Manager (https://")
    assert not writes


async def test_an_untagged_vm_costs_one_read(start_stack: StartStack) -> None:
    vm = estates.vm("plain", tagged=False)
    async with start_stack(estates.estate([vm])) as stack:
        await stack.deliver(write_event(vm["id"]))
        ended = await results(stack, 1)
        assert ended["plain"]["outcome"] == "NotTagged"
        assert len(await stack.requests()) == 1


@pytest.mark.parametrize("settings", [{"DR_MODE": "report"}, {"DR_PAUSED": "true"}], ids=["report", "paused"])
async def test_with_writes_off_every_trigger_says_what_would_be_and_writes_nothing(
    start_stack: StartStack, settings: dict[str, str]
) -> None:
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm]), settings=settings) as stack:
        await stack.deliver(write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]
        status, problem = await stack.api("PUT", route_of(vm["id"]))
        assert not await written(stack)

    assert result["outcome"] == "Reported"
    assert {setting["name"] for setting in result["settings"]} >= {"targetLocation", "replicationPolicy"}
    assert (status, problem["code"]) == (409, "WritesDisabled")


async def test_a_vm_that_starts_is_observed_again(start_stack: StartStack) -> None:
    vm = estates.vm("off", power="deallocated")
    async with start_stack(estates.estate([vm])) as stack:
        await stack.subscribe()
        await stack.deliver(write_event(vm["id"]))
        assert (await results(stack, 1))["off"]["outcome"] == "NotEligible"
        await stack.arm("POST", f"{vm['id']}/start", "2026-04-01")

        async def is_protected() -> bool:
            return bool((await results(stack, 1))["off"]["outcome"] == "Protected")

        await eventually(is_protected)
