"""DR_TARGET_CREATION binds what may be made outside the vault; what is made carries our tag and the operator's."""

import pytest

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event, written
from tests.e2e.test_http import route


@pytest.mark.parametrize(
    ("create", "missing"),
    [
        ("none", {"app-asr", "vnet-app-asr", "account"}),
        ("cache", {"app-asr", "vnet-app-asr"}),
    ],
)
async def test_what_is_missing_and_not_to_be_made_blocks(
    start_stack: StartStack, create: str, missing: set[str]
) -> None:
    """All of it at once, in a plan and in a run, before anything else is made."""
    vm = estates.vm("web-1")
    async with start_stack(estates.estate([vm]), settings={"DR_TARGET_CREATION": create} | estates.SHARED) as stack:
        _, plan = await stack.api("POST", f"{route('web-1')}/plan")
        await stack.deliver(write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]
        assert not await written(stack)

    assert plan["blocked"]
    assert result["outcome"] == "NotEligible"
    assert result["findings"] == plan["findings"]
    assert {(each["code"], each["severity"]) for each in plan["findings"]} == {("CreationDisabled", "blocker")}
    messages = [finding["message"] for finding in plan["findings"]]
    assert len(messages) == len(missing)
    assert all(f"DR_TARGET_CREATION={create} forbids" in message for message in messages)
    assert all(any(f"{name} " in message for message in messages) for name in missing)


async def test_with_everything_there_nothing_has_to_be_made(start_stack: StartStack) -> None:
    """What an operator made beforehand, under the names of the plan, is reused with DR_TARGET_CREATION=none."""
    vm = estates.vm("web-1")
    estate = estates.estate([vm])
    estate["networks"].append(
        {
            "id": f"{estates.GROUP}-asr/providers/Microsoft.Network/virtualNetworks/vnet-app-asr",
            "location": estates.TARGET,
            "addressSpace": ["10.1.0.0/16"],
            "subnets": [{"name": "web", "prefix": "10.1.1.0/24"}],
        }
    )
    estate["resourceGroups"] = [{"id": f"{estates.GROUP}-asr", "location": estates.TARGET}]
    async with start_stack(estate, settings={"DR_MODE": "report"}) as stack:
        _, plan = await stack.api("POST", f"{route('web-1')}/plan")
    (cache,) = [setting["value"] for setting in plan["settings"] if setting["name"] == "cacheStorage"]
    estate["storageAccounts"] = [{"id": cache, "location": estates.SOURCE, "kind": "StorageV2", "sku": "Standard_LRS"}]
    estate["resourceGroups"].append({"id": cache.split("/providers/")[0], "location": estates.SOURCE})
    async with start_stack(estate, settings={"DR_TARGET_CREATION": "none"}) as stack:
        await stack.deliver(write_event(vm["id"]))
        result = (await results(stack, 1))["web-1"]
        made = [path for path in await written(stack) if "/vaults/" not in path]
    assert result["outcome"] == "Protected"
    assert made == []


async def test_what_is_made_carries_our_tag_and_the_operator_s(start_stack: StartStack) -> None:
    vm = estates.vm("web-1")
    tags = {"DR_RESOURCE_TAGS": "cost-center=42, owner=dr team"}
    async with start_stack(estates.estate([vm]), settings=tags | estates.SHARED) as stack:
        await stack.deliver(write_event(vm["id"]))
        assert (await results(stack, 1))["web-1"]["outcome"] == "Protected"
        group = await stack.arm("GET", f"{estates.GROUP}-asr", "2025-04-01")
        network = await stack.arm(
            "GET", f"{group['id']}/providers/Microsoft.Network/virtualNetworks/vnet-app-asr", "2026-03-01"
        )
    expected = {"cost-center": "42", "owner": "dr team", "dr-made-by": "azure-vm-dr-autoprotect/local"}
    assert group["tags"].keys() - expected.keys() == {"dr-made-at"}
    assert network["tags"].keys() - expected.keys() == {"dr-made-at"}
    for made in (group, network):
        assert made["tags"].items() >= expected.items()
