"""Names that Azure allows for sources, and templates for what is made after them."""

import json
from typing import Any

import pytest

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import is_write, results, write_event

GROUPS = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups"
PROFILES = {"gold-": {"recoveryPointRetentionHours": 48}, "default": {"policyName": "Nightly"}}
NAMES = {
    "environment": "prod",
    "resourceGroup": "{source}.{environment}",
    "network": "{targetRegion}-{source}",
    "availabilitySet": "{source}",
    "cacheGroup": "(cache)_{sourceRegion}",
    "policy": "p{forProfile}-{retention}-{appConsistent}",
    "networkMapping": "{source}-{targetRegion}-{digest}",
}


def odd(
    group: str, network: str, name: str, profile: str = ""
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A VM in an availability set, its network and the set, in a group of that name."""
    vm, here = estates.vm(name), f"{GROUPS}/{group}/providers"
    vnet = f"{here}/Microsoft.Network/virtualNetworks/{network}"
    nics = [{"name": f"{name}-nic", "subnet": f"{vnet}/subnets/web"}]
    own = {"id": f"{here}/Microsoft.Compute/virtualMachines/{name}", "nics": nics}
    own["availabilitySet"] = f"{here}/Microsoft.Compute/availabilitySets/{'s' * 79}_"
    tags = {"dr": "true"} | ({"dr-profile": profile} if profile else {})
    subnets = [{"name": "web", "prefix": "10.1.1.0/24"}]
    space = {"id": vnet, "location": estates.SOURCE, "addressSpace": ["10.1.0.0/16"], "subnets": subnets}
    return vm | own | {"tags": tags}, space, {"id": own["availabilitySet"], "location": estates.SOURCE}


@pytest.mark.parametrize("names", [{}, NAMES], ids=["default", "templates"])
@pytest.mark.long
async def test_any_name_that_azure_allows_is_protected_once(start_stack: StartStack, names: dict[str, str]) -> None:
    made = [
        odd("Straße-日本", "vnet_prod.eastus", "web-1", "gold-"),
        odd("(a).-_" + "x" * 83 + ")", "n" * 63 + "_", "web-2"),
        odd("dr-\u212a", "aa", "web-3"),
    ]
    vms = [vm for vm, _, _ in made]
    estate = estates.estate(vms, availabilitySets=[each for _, _, each in made])
    estate["networks"] = [network for _, network, _ in made]
    caches = names.get("cacheGroup", "asr-cache-{sourceRegion}").format(sourceRegion=estates.SOURCE)
    app = {
        "DR_NAMES": json.dumps(names),
        "DR_PROFILES": json.dumps(PROFILES),
        "DR_TARGET_SCOPE": f"/subscriptions/{estates.SUBSCRIPTION},{GROUPS}/{caches}",
    }
    async with start_stack(estate, settings=app) as stack:
        await stack.deliver(
            *(write_event(vm["id"].upper().replace("SS", "ß")) if vm is vms[1] else write_event(vm["id"]) for vm in vms)
        )
        first = await results(stack, len(vms))
        requests = await stack.app_requests()
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        second = await results(stack, len(vms))
        later = (await stack.app_requests())[len(requests) :]
        policies = await stack.arm("GET", f"{estates.VAULT}/replicationPolicies", "2025-08-01")

    assert {name: (each["outcome"], each.get("error")) for name, each in first.items()} == {
        vm["id"].rsplit("/", 1)[1]: ("Protected", None) for vm in vms
    }
    assert {each["vmId"] for each in first.values()} == {vm["id"] for vm in vms}
    assert {each["outcome"] for each in second.values()} == {"Protected"}
    assert [each for each in later if is_write(each)] == []
    assert [each for each in requests if is_write(each) and each["status"] >= 400] == []
    assert "Nightly" in {policy["name"] for policy in policies["value"]}
