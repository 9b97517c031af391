"""What the portal, Terraform or Azure Policy made, under whatever names, is reused; nothing of it is doubled."""

import json
from typing import Any

from local.stack import Stack
from shared.model.names import DEFAULT_NAMES
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import enables, results, route_of, write_event, written
from tests.estates import GROUP, SOURCE, TARGET, VAULT, resource_id

OTHER_VAULT = resource_id("Microsoft.RecoveryServices/vaults", "made-by-policy", f"{GROUP}-vaults")
HUB = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/hub"
FAILOVER = resource_id("Microsoft.Network/virtualNetworks", "failover-net", HUB)
CACHE = resource_id("Microsoft.Storage/storageAccounts", "portalcache", GROUP)
GOLD = {"DR_PROFILES": json.dumps({"gold": {"recoveryPointRetentionHours": 72, "appConsistentFrequencyHours": 1}})}


def _estate() -> dict[str, Any]:
    plain, gold = estates.vm("plain"), estates.vm("gold") | {"tags": {"dr": "true", "dr-profile": "gold"}}
    by_portal, by_policy, stuck = (estates.vm(name) for name in ("by-portal", "by-policy", "stuck"))
    estate = estates.estate([plain, gold, by_portal, by_policy, stuck])
    estate["networks"].append(estates.network(1, "failover-net", TARGET, HUB))
    estate["vaults"].append({"id": OTHER_VAULT, "location": TARGET})
    estate["storageAccounts"] = [{"id": CACHE, "location": SOURCE, "kind": "StorageV2", "sku": "Standard_LRS"}]
    estate["resourceGroups"] = [{"id": f"{GROUP}-asr", "location": TARGET}]
    ours = estates.site_recovery(items=[_item(by_portal), _item(stuck) | {"state": "EnablingFailed"}])
    ours["policies"].append({"name": "three-days", "recoveryPointHistory": 4320, "appConsistentFrequencyInMinutes": 60})
    ours["containerMappings"] += [
        mapping | {"name": f"{mapping['name']}-3d", "policy": "three-days"} for mapping in ours["containerMappings"]
    ]
    ours["networkMappings"] = [
        {
            "fabric": fabric,
            "name": f"net-{fabric}",
            "recoveryFabric": recovery,
            "primaryNetwork": source,
            "recoveryNetwork": target,
        }
        for fabric, recovery, source, target in (
            ("primary", "secondary", estates.network_id("vnet-app"), FAILOVER),
            ("secondary", "primary", FAILOVER, estates.network_id("vnet-app")),
        )
    ]
    theirs = estates.site_recovery(OTHER_VAULT, items=[_item(by_policy)])
    return estate | {"siteRecovery": [ours, theirs], "demo": {"targets": [HUB]}}


def _item(vm: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": f"their-{vm['id'].rsplit('/', 1)[1]}",
        "virtualMachine": vm["id"],
        "recoveryResourceGroup": f"{GROUP}-asr",
        "cacheStorageAccount": CACHE,
        "recoveryNetwork": FAILOVER,
    }


async def _held(stack: Stack) -> dict[str, dict[str, set[str]]]:
    """The names of what each vault holds."""
    state = await stack.sim("GET", "state")
    return {
        vault["vault"].rsplit("/", 1)[1]: {
            kind: {each["name"] for each in found}
            for kind, found in vault.items()
            if isinstance(found, list) and kind != "jobs"
        }
        for vault in state["siteRecovery"]
    }


async def test_what_others_made_is_reused_and_not_doubled(start_stack: StartStack) -> None:
    estate = _estate()
    async with start_stack(estate, settings=GOLD) as stack:
        before = await _held(stack)
        await stack.deliver(*(write_event(vm["id"]) for vm in estate["virtualMachines"]))
        ended = await results(stack, 5)
        after, writes = await _held(stack), await written(stack)
        items = await stack.arm("GET", f"{VAULT}/replicationProtectedItems", "2025-08-01")

    outcomes = {name: result["outcome"] for name, result in ended.items()}
    protected = dict.fromkeys(("plain", "gold", "by-portal"), "Protected")
    assert outcomes == protected | {"by-policy": "NotEligible", "stuck": "NotEligible"}
    assert [finding["code"] for finding in ended["stuck"]["findings"]] == ["EnableFailed", "NotManagedByApp"]
    assert "their-stuck" in ended["stuck"]["findings"][1]["message"]
    (elsewhere,) = ended["by-policy"]["findings"]
    assert (elsewhere["code"], elsewhere["severity"]) == ("ProtectedElsewhere", "blocker")
    assert "/made-by-policy/" in elsewhere["message"]
    assert "their-by-policy" in elsewhere["message"]

    assert after["made-by-policy"] == before["made-by-policy"]
    ours = {ended[name]["itemId"].rsplit("/", 1)[1] for name in ("plain", "gold")}
    assert after["dr-vault"].pop("protectedItems") == before["dr-vault"].pop("protectedItems") | ours
    assert after["dr-vault"] == before["dr-vault"]
    assert ended["by-portal"]["itemId"].endswith("/their-by-portal")
    assert [finding["code"] for finding in ended["by-portal"]["findings"]] == ["NotManagedByApp"]
    assert ended["plain"]["findings"] == ended["gold"]["findings"] == []
    assert enables(writes) == [1, 1]
    assert {path.split("/")[4] for path in writes if "/vaults/" not in path} == {f"asr-cache-{SOURCE}"}

    by_vm = {item["properties"]["friendlyName"]: item["properties"] for item in items["value"]}
    policies = {name: item["policyId"].rsplit("/", 1)[1] for name, item in by_vm.items()}
    assert policies == dict.fromkeys(by_vm, "terraform-policy") | {"gold": "three-days"}
    for name in protected:
        (nic,) = by_vm[name]["providerSpecificDetails"]["vmNics"]
        assert nic["recoveryVMNetworkId"].lower() == FAILOVER.lower()


async def test_a_cache_account_s_name_that_others_hold_is_passed_over_and_one_that_was_moved_is_reported(
    start_stack: StartStack,
) -> None:
    """Names of storage accounts are unique in all of Azure."""
    other = "22222222-2222-4222-8222-222222222222"
    held, moved = (
        DEFAULT_NAMES.cache_account(estates.SUBSCRIPTION, region, "local").name for region in (SOURCE, "centralus")
    )
    account = {"kind": "StorageV2", "sku": "Standard_LRS"}
    squatted = resource_id("Microsoft.Storage/storageAccounts", held, f"/subscriptions/{other}/resourceGroups/theirs")
    archive = f"/subscriptions/{estates.SUBSCRIPTION}/resourceGroups/archive"
    vms = [estates.vm("web-1"), estates.vm("web-2", location="centralus", network="vnet-central")]
    estate = estates.estate(vms)
    estate["networks"].append(estates.network(2, "vnet-central", "centralus"))
    estate["subscriptions"].append({"id": other, "name": "Theirs"})
    estate["storageAccounts"] = [
        {"id": squatted, "location": TARGET, **account},
        {"id": resource_id("Microsoft.Storage/storageAccounts", moved, archive), "location": "centralus", **account},
    ]
    async with start_stack(estate) as stack:
        _, plan = await stack.api("POST", f"{route_of(vms[0]['id'])}/plan")
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, 2)
        writes = await written(stack)
        assert [each for each in await stack.app_requests() if each["status"] == 409] == []

    second = str(DEFAULT_NAMES.cache_account(estates.SUBSCRIPTION, SOURCE, "local", number=2))
    assert [each["name"] for each in plan["resources"] if each["kind"] == "cache storage account"] == [second]
    assert {name: result["outcome"] for name, result in ended.items()} == {"web-1": "Protected", "web-2": "NotEligible"}
    assert writes[second.lower()] == 1
    (finding,) = [each for each in ended["web-2"]["findings"] if each["severity"] == "blocker"]
    assert finding["code"] == "IncompatibleTargetResource"
    assert "resource group archive" in finding["message"]
    assert "dr-cache-storage" in finding["fix"]
    assert "move it back" in finding["fix"]
