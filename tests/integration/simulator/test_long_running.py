"""The contract of long-running operations, as recorded."""

from typing import Any

import pytest
from azure.mgmt.resource.resources.aio import ResourceManagementClient

from local.bench import critical_path
from local.simulator import latencies
from tests.integration.simulator.azure import (
    GROUP,
    SUBSCRIPTION,
    TARGET_GROUP,
    VAULT_ID,
    azure,
    enable_body,
    estate,
    ready_vault,
    vm_id,
)

ITEM = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems/item"
ESTATE = {"siteRecovery": ready_vault(), "resourceGroups": [{"id": TARGET_GROUP, "location": "westus2"}]}


def path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def test_a_site_recovery_operation_is_its_job() -> None:
    async with azure(estate(**ESTATE), speed=1) as clients:
        status, body, headers = await clients.call("PUT", ITEM, enable_body("web-1"))
        assert (status, body, headers["Content-Length"]) == (202, None, "0")
        assert headers["Retry-After"] == "30"
        follow, location = headers["Azure-AsyncOperation"], headers["Location"]
        assert len(follow) > 2800
        assert f"/Subscriptions/{SUBSCRIPTION}/" in follow
        operation = follow.split("/replicationOperationStatus/")[1].split("?")[0]
        assert location.split("?")[0].endswith(f"{ITEM.split('/subscriptions')[1]}/operationresults/{operation}")
        assert headers["x-ms-request-id"].endswith(f"/replicationJobs/{operation}")
        status, running, _ = await clients.call("GET", path(follow))
        assert status == 200
        assert running == {
            "error": None,
            "id": None,
            "name": operation,
            "properties": None,
            "status": "InProgress",
            "startTime": running["startTime"],
            "endTime": None,
            "percentComplete": None,
        }
        _, job, _ = await clients.call("GET", f"{VAULT_ID}/replicationJobs/{operation}")
        assert "endTime" not in job["properties"]
        assert job["properties"]["allowedActions"] == ["Cancel"]
        assert [task["state"] for task in job["properties"]["tasks"]] == ["InProgress", *["NotStarted"] * 4]
        assert job["properties"]["tasks"][1]["startTime"] == "0001-01-01T00:00:00"
        status, body, _ = await clients.call("GET", path(location))
        assert (status, body) == (202, None)
        await clients.call("PATCH", "/sim/clock", {"speed": 100_000})
        while (ended := (await clients.call("GET", path(follow)))[1])["status"] == "InProgress":
            pass
        assert (ended["status"], ended["error"]) == ("Succeeded", None)
        assert ended["endTime"].endswith(".0000000Z")
        status, item, _ = await clients.call("GET", path(location))
        assert (status, item["name"]) == (200, "item")


async def test_the_retry_interval_follows_the_clock() -> None:
    async with azure(estate(**ESTATE), speed=30) as clients:
        body = {"properties": {"customDetails": {"instanceType": "Azure", "location": "uksouth"}}}
        _, _, headers = await clients.call("PUT", f"{VAULT_ID}/replicationFabrics/third", body)
        assert headers["Retry-After"] == "1"
        await clients.call("PATCH", "/sim/clock", {"speed": 100})
        _, _, headers = await clients.call("PUT", f"{VAULT_ID}/replicationFabrics/third", body)
        assert "Retry-After" not in headers
        assert headers["retry-after-ms"] == "300"


async def test_networks_storage_and_groups_through_the_generic_client() -> None:
    async with azure() as clients:
        client: ResourceManagementClient = clients.resources
        assert not await client.resource_groups.check_existence("rg-new")
        group = await client.resource_groups.create_or_update("rg-new", {"location": "westus2", "tags": {"a": "b"}})
        assert (group.location, group.tags) == ("westus2", {"a": "b"})
        assert await client.resource_groups.check_existence("RG-NEW")
        network_id = f"{group.id}/providers/Microsoft.Network/virtualNetworks/vnet"
        network = {
            "location": "westus2",
            "properties": {
                "addressSpace": {"addressPrefixes": ["10.9.0.0/16"]},
                "subnets": [{"name": "web", "properties": {"addressPrefix": "10.9.1.0/24"}}],
            },
        }
        status, body, headers = await clients.call("PUT", f"{network_id}?api-version=2024-07-01", network)
        assert (status, body["properties"]["provisioningState"]) == (201, "Updating")
        assert "/providers/Microsoft.Network/locations/westus2/operations/" in headers["Azure-AsyncOperation"]
        resources = client.resources
        poller = await resources.begin_create_or_update_by_id(network_id, network, api_version="2024-07-01")
        made: Any = await poller.result()
        assert made.properties["provisioningState"] == "Succeeded"
        account_id = f"{group.id}/providers/Microsoft.Storage/storageAccounts/cachewest"
        account = {"location": "westus2", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        status, body, headers = await clients.call("PUT", f"{account_id}?api-version=2024-01-01", account)
        assert (status, body) == (202, None)
        assert "Azure-AsyncOperation" not in headers
        while (answer := await clients.call("GET", path(headers["Location"])))[0] == 202:
            assert answer[1] is None
        status, body, _ = answer
        assert body["name"] == "cachewest"
        again = await resources.begin_create_or_update_by_id(account_id, account, api_version="2024-01-01")
        assert (await again.result()).location == "westus2"
        status, body, _ = await clients.call("POST", f"{account_id}/listKeys?api-version=2024-01-01")
        assert [key["keyName"] for key in body["keys"]] == ["key1", "key2"]


async def test_what_the_providers_refuse() -> None:
    async with azure() as clients:
        storage = f"{GROUP}/providers/Microsoft.Storage/storageAccounts"
        account = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        network = {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}}
        sets = {"location": "westus2", "sku": {"name": "Aligned"}, "properties": {"platformFaultDomainCount": 3}}
        outside = {"subnets": [{"name": "x", "properties": {"addressPrefix": "192.168.0.0/24"}}]}
        overlap = {"subnets": [{"name": n, "properties": {"addressPrefix": "10.0.0.0/24"}} for n in ("a", "b")]}
        bad_network = {"location": "eastus", "properties": network["properties"] | outside}  # type: ignore[operator]
        overlapping = {"location": "eastus", "properties": network["properties"] | overlap}  # type: ignore[operator]
        cases = [
            (f"{storage}/Upper", "2024-01-01", account, 400, "AccountNameInvalid"),
            (f"{storage}/cacheapp", "2024-01-01", account | {"location": "uksouth"}, 409, "InvalidResourceLocation"),
            (
                storage.replace("rg-app", "rg-vault") + "/cacheapp",
                "2024-01-01",
                account,
                409,
                "StorageAccountInAnotherResourceGroup",
            ),
            (
                f"{storage}/mars",
                "2024-01-01",
                account | {"location": "mars"},
                400,
                "LocationNotAvailableForResourceType",
            ),
            (f"{storage}/nokind", "2024-01-01", {"location": "eastus"}, 400, "InvalidRequestContent"),
            (
                f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net",
                "2024-07-01",
                bad_network,
                400,
                "NetcfgInvalidSubnet",
            ),
            (
                f"{GROUP}/providers/Microsoft.Network/virtualNetworks/net",
                "2024-07-01",
                overlapping,
                400,
                "NetcfgInvalidSubnet",
            ),
            (f"{GROUP}/providers/Microsoft.Compute/availabilitySets/a", "2024-07-01", sets, 400, "InvalidParameter"),
            (GROUP, "2024-11-01", {"location": "westus2"}, 409, "InvalidResourceGroupLocation"),
        ]
        for target, version, body, status, code in cases:
            found, answer, _ = await clients.call("PUT", f"{target}?api-version={version}", body)
            assert (found, answer["error"]["code"]) == (status, code), target


async def test_lists_come_in_pages() -> None:
    async with azure(
        {"generate": {"vms": 25, "regions": ["eastus", "westus2"], "protected": 1, "tagged": 1}}
    ) as clients:
        await clients.call("PATCH", "/sim/behaviour", {"pageSize": 10})
        assert len([vm async for vm in clients.compute.virtual_machines.list_all()]) == 25
        items = clients.recovery.replication_protected_items
        names = [item.name async for item in items.list("rg-vault", "vault-westus2")]
        assert len(set(names)) == 25
        _, log, _ = await clients.call("GET", "/sim/requests")
        assert sum(entry["path"].endswith("/virtualMachines") for entry in log) == 3


@pytest.mark.parametrize("seed", [0, 1, 2])
async def test_durations_are_recorded_or_drawn_by_the_seed(seed: int) -> None:
    async with azure(estate(**ESTATE), speed=1) as clients:
        await clients.call("PATCH", "/sim/behaviour", {"latencySeed": seed})
        await clients.call("PUT", ITEM, enable_body("web-1"))
        (vault,) = clients.simulator.world.recovery.values()
        (job,), (item,) = vault.jobs.values(), vault.items()
        network = {"location": "eastus", "properties": {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}}
        await clients.call(
            "PUT", f"{GROUP}/providers/Microsoft.Network/virtualNetworks/drawn?api-version=2024-05-01", network
        )
        (operation,) = clients.simulator.world.operations.values()
        await clients.call("PATCH", "/sim/clock", {"speed": 1_000_000})
        while item.protected_at is None:
            await clients.call("GET", ITEM)
    enabled = job.ends - job.started
    seconds = (enabled, item.protected_at - job.ends, operation.ends - operation.started)
    recorded = (sum(latencies.ENABLE_TASKS), latencies.PROTECTED, latencies.VIRTUAL_NETWORK)

    assert enabled == pytest.approx(critical_path.enable_seconds(seed, vm_id("web-1")))
    assert sum(seconds[:2]) == pytest.approx(critical_path.ready_pair(seed, [vm_id("web-1")]))
    if seed:
        factors = [drawn / each for drawn, each in zip(seconds, recorded, strict=True)]
        assert len({round(factor, 6) for factor in factors}) == 3
        assert all(1 / latencies.SPREAD <= factor <= latencies.SPREAD for factor in factors)
    else:
        assert seconds == pytest.approx(recorded)
