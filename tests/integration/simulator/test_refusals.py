"""Azure says no: at once, or by a job that fails with the cause in it."""

import asyncio
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    CACHE,
    COMPUTE,
    GROUP,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    azure,
    disk_id,
    enable,
    enable_body,
    error_code,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
    why_refused,
)

ITEM = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems/item"


def world(*machines: dict[str, Any], **more: Any) -> dict[str, Any]:
    more.setdefault("siteRecovery", ready_vault())
    more.setdefault("resourceGroups", [{"id": TARGET_GROUP, "location": "westus2"}])
    return estate(*machines, **more)


def disks(**change: Any) -> list[dict[str, Any]]:
    return [enable_body("web-1")["properties"]["providerSpecificDetails"]["vmManagedDisks"][0] | change]


WRONG_CACHE = {"id": f"{TARGET_GROUP}/providers/Microsoft.Storage/storageAccounts/cachewest", "location": "westus2"}


@pytest.mark.parametrize(
    ("code", "machines", "changes", "more"),
    [
        ("159001", {}, {"fabricObjectId": vm_id("missing")}, {}),
        ("159004", {"power": "deallocated"}, {}, {}),
        ("150019", {"provisioningState": "Failed"}, {}, {}),
        ("150172", {"eligibilityErrors": [{"code": "150172", "message": "A disk is too small."}]}, {}, {}),
        (
            "150226",
            {},
            {},
            {
                "links": [
                    {"id": f"{vm_id('web-1')}/providers/Microsoft.Resources/links/ASR-Protect-x", "targetId": "/x"}
                ]
            },
        ),
        ("159068", {"disks": [{"name": "web-1-os", "storageAccount": CACHE}]}, {}, {}),
        ("159007", {}, {}, {"siteRecovery": [ready_vault()[0] | {"containerMappings": []}]}),
        (
            "159005",
            {},
            {"recoveryContainerId": f"{VAULT_ID}/replicationFabrics/x/replicationProtectionContainers/y"},
            {},
        ),
        ("159008", {}, {"recoveryResourceGroupId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/none"}, {}),
        ("159009", {}, {"recoveryResourceGroupId": GROUP}, {}),
        (
            "159010",
            {},
            {"recoveryAvailabilitySetId": f"{TARGET_GROUP}/providers/Microsoft.Compute/availabilitySets/x"},
            {},
        ),
        (
            "159011",
            {},
            {"recoveryAvailabilitySetId": f"{COMPUTE}/availabilitySets/as"},
            {"availabilitySets": [{"id": f"{COMPUTE}/availabilitySets/as", "location": "eastus"}]},
        ),
        ("159014", {}, {"vmManagedDisks": []}, {}),
        ("159016", {}, {"vmManagedDisks": disks(primaryStagingAzureStorageAccountId=CACHE + "0")}, {}),
        (
            "159017",
            {},
            {"vmManagedDisks": disks(primaryStagingAzureStorageAccountId=WRONG_CACHE["id"])},
            {"storageAccounts": [WRONG_CACHE]},
        ),
        ("159020", {}, {}, {"siteRecovery": [ready_vault()[0] | {"networkMappings": []}]}),
        ("159021", {}, {"recoveryAzureNetworkId": TARGET_NETWORK + "-x"}, {}),
        ("159022", {}, {"recoveryAzureNetworkId": NETWORK}, {}),
        ("159023", {}, {"recoveryAzureNetworkId": TARGET_NETWORK, "recoverySubnetName": "none"}, {}),
    ],
)
async def test_an_enable_job_fails_with_its_cause(
    code: str, machines: dict[str, Any], changes: dict[str, Any], more: dict[str, Any]
) -> None:
    existing = world(machine("web-1", **machines), **more)
    async with azure(existing) as clients:
        error = await why_refused(clients, enable_body("web-1", **changes))
        assert error["code"] == code
        assert error["message"]
        status, _, _ = await clients.call("GET", ITEM)
        assert status == 404


async def test_a_disk_of_another_vm_is_refused() -> None:
    async with azure(world(machine("web-1"), machine("web-2"))) as clients:
        both = disks() + disks(diskId=disk_id("web-2-os"))
        error = await why_refused(clients, enable_body("web-1", vmManagedDisks=both))
        assert error["code"] == "159015"


async def test_a_vm_of_another_region_than_the_fabric_is_refused() -> None:
    async with azure(world()) as clients:
        there = f"{VAULT_ID}/replicationFabrics/secondary/replicationProtectionContainers/there"
        body = enable_body("web-1", recoveryContainerId=there.replace("secondary", "primary").replace("there", "here"))
        status, _, headers = await clients.call("PUT", f"{there}/replicationProtectedItems/item", body)
        assert status == 202
        job = headers["x-ms-request-id"]
        while (found := (await clients.call("GET", job))[1])["properties"]["state"] == "InProgress":
            pass
        assert found["properties"]["errors"][0]["serviceErrorDetails"]["code"] == "159002"


@pytest.mark.wide
async def test_fifty_vms_at_once() -> None:
    machines = [machine(f"web-{number}") for number in range(50)]
    async with azure(world(*machines)) as clients:
        made = await asyncio.gather(
            *(enable(clients, enable_body(f"web-{number}"), f"item-{number}") for number in range(50))
        )
        assert {item.properties.friendly_name for item in made} == {f"web-{number}" for number in range(50)}
        _, container, _ = await clients.call(
            "GET", f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here"
        )
        assert container["properties"]["protectedItemCount"] == 50


async def test_the_estate_can_fail_an_enable_once_and_the_item_has_to_be_removed_first() -> None:
    order = {
        "times": 1,
        "code": "151066",
        "message": "Root certificates are missing.",
        "recommendedAction": "Add them.",
    }
    async with azure(world(machine("web-1", failEnable=order))) as clients:
        error = await why_refused(clients, enable_body("web-1"))
        assert (error["code"], error["recommendedAction"]) == ("151066", "Add them.")
        items = clients.recovery.replication_protected_items
        left = await items.get(VAULT_GROUP, VAULT, "primary", "here", "item")
        assert left.properties.protection_state == "EnablingFailed"
        assert (await why_refused(clients, enable_body("web-1")))["code"] == "159025"
        await (await items.begin_delete(VAULT_GROUP, VAULT, "primary", "here", "item", {"properties": {}})).result()
        again = await enable(clients, enable_body("web-1"))
        assert again.properties.protection_state != "EnablingFailed"


@pytest.mark.parametrize(
    "change",
    [
        {"fabricObjectId": None},
        {"fabricObjectId": 7},
        {"instanceType": "InMageRcm"},
        {"instanceType": None},
        {"vmManagedDisks": {}},
        {"vmManagedDisks": [{"diskId": disk_id("web-1-os")}]},
        {"recoveryAvailabilityZone": 1},
        {"autoProtectionOfDataDisk": "Yes"},
    ],
)
async def test_a_wrong_enable_body_is_refused_at_once(change: dict[str, Any]) -> None:
    async with azure(world()) as clients:
        status, body, _ = await clients.call("PUT", ITEM, enable_body("web-1", **change))
        assert status == 400
        assert body["error"]["message"]


async def test_a_vault_that_was_never_used_does_not_know_its_children_but_lists_them() -> None:
    async with azure() as clients:
        status, body, _ = await clients.call("GET", f"{VAULT_ID}/replicationFabrics/primary")
        assert status == 400
        assert body["error"]["details"][0]["code"] == "SubscriptionIdNotRegisteredWithSrs"
        for kind in ("Fabrics", "Policies", "ProtectedItems", "Jobs", "ProtectionContainers", "NetworkMappings"):
            status, body, _ = await clients.call("GET", f"{VAULT_ID}/replication{kind}")
            assert (status, body) == (200, {"value": [], "nextLink": None})


@pytest.mark.parametrize(
    ("path", "status", "code", "detail"),
    [
        (f"{VAULT_ID}/replicationFabrics/none", 404, "NotFound", "FabricArmEntityMissing"),
        (
            f"{VAULT_ID}/replicationFabrics/none/replicationProtectionContainers/here",
            404,
            "NotFound",
            "FabricArmEntityMissing",
        ),
        (ITEM, 404, "NotFound", "ArmResourceDoesNotExist"),
        (f"{VAULT_ID}/replicationPolicies/none", 404, "NotFound", "ArmResourceDoesNotExist"),
        (f"{VAULT_ID}0/replicationFabrics/none", 404, "ResourceNotFound", None),
        (vm_id("missing"), 404, "ResourceNotFound", None),
        (vm_id("missing").replace("rg-app", "rg-none"), 404, "ResourceGroupNotFound", None),
        ("/subscriptions/22222222-2222-4222-8222-222222222222", 404, "SubscriptionNotFound", None),
        ("/subscriptions/abc", 400, "InvalidSubscriptionId", None),
        (f"{GROUP}/providers/Microsoft.Sql/servers/x", 404, "InvalidResourceType", None),
    ],
)
async def test_what_is_missing_is_reported_as_azure_reports_it(
    path: str, status: int, code: str, detail: str | None
) -> None:
    version = {"Microsoft.Compute": "2026-04-01", "/replication": "2025-08-01"}
    wanted = next((value for part, value in version.items() if part in path), "2022-12-01")
    async with azure(world()) as clients:
        found, body, _ = await clients.call("GET", f"{path}?api-version={wanted}")
        assert (found, body["error"]["code"]) == (status, code)
        if detail:
            assert body["error"]["details"][0]["code"] == detail


async def test_second_fabric_of_a_region_is_refused_in_both_variants() -> None:
    body = {"properties": {"customDetails": {"instanceType": "Azure", "location": "eastus"}}}
    async with azure(world()) as clients:
        fabrics = clients.recovery.replication_fabrics
        with pytest.raises(HttpResponseError) as raised:
            await (await fabrics.begin_create(VAULT_GROUP, VAULT, "another", body)).result()
        assert error_code(raised.value) == "FabricAlreadyExists"
        await clients.call("PATCH", "/sim/behaviour", {"secondFabric": "conflict"})
        with pytest.raises(HttpResponseError) as raised:
            await fabrics.begin_create(VAULT_GROUP, VAULT, "another", body)
        assert raised.value.status_code == 409
        assert [fabric.name async for fabric in fabrics.list(VAULT_GROUP, VAULT)] == ["primary", "secondary"]
        same = await (await fabrics.begin_create(VAULT_GROUP, VAULT, "primary", body)).result()
        assert same.properties.custom_details.location == "eastus"


@pytest.mark.parametrize(
    "values",
    [
        {"recoveryPointHistory": 21_601},
        {"recoveryPointHistory": 60, "appConsistentFrequencyInMinutes": 240},
        {"recoveryPointHistory": 1440, "appConsistentFrequencyInMinutes": 30},
        {"recoveryPointHistory": 1440, "crashConsistentFrequencyInMinutes": 15},
    ],
)
async def test_a_policy_outside_the_ranges_is_refused(values: dict[str, int]) -> None:
    async with azure(world()) as clients:
        body = {
            "properties": {"providerSpecificInput": {"instanceType": "A2A", "multiVmSyncStatus": "Enable", **values}}
        }
        with pytest.raises(HttpResponseError) as raised:
            await (await clients.recovery.replication_policies.begin_create(VAULT_GROUP, VAULT, "bad", body)).result()
        assert error_code(raised.value) == "150261"
        status, _, _ = await clients.call("GET", f"{VAULT_ID}/replicationPolicies/bad")
        assert status == 404


@pytest.mark.parametrize(("variant", "outcome"), [("fail", "45005"), ("conflict", "Conflict"), ("succeed", None)])
async def test_enabling_a_protected_vm_again(variant: str, outcome: str | None) -> None:
    async with azure(world(siteRecovery=ready_vault([protected("web-1")]))) as clients:
        await clients.call("PATCH", "/sim/behaviour", {"reEnable": variant})
        if outcome is None:
            again = await enable(clients, enable_body("web-1"), "item-web-1")
            assert again.properties.protection_state == "Protected"
            return
        with pytest.raises(HttpResponseError) as raised:
            await enable(clients, enable_body("web-1"), "item-web-1")
        assert error_code(raised.value) == outcome


async def test_the_item_is_hidden_or_shown_while_it_is_enabled() -> None:
    async with azure(world(), speed=1) as clients:
        status, _, headers = await clients.call("PUT", ITEM, enable_body("web-1"))
        assert status == 202
        _, shown, _ = await clients.call("GET", ITEM)
        assert shown["properties"]["protectionState"] == "EnablingProtection"
        assert (
            headers["Azure-AsyncOperation"]
            .split("/")[-1]
            .startswith(shown["properties"]["currentScenario"]["jobId"].split("/")[-1])
        )
        await clients.call("PATCH", "/sim/behaviour", {"itemsHiddenWhileEnabling": True})
        status, _, _ = await clients.call("GET", ITEM)
        _, listed, _ = await clients.call("GET", f"{VAULT_ID}/replicationProtectedItems")
        assert (status, listed["value"]) == (404, [])


async def test_a_lock_leaves_stale_links_behind_a_disable() -> None:
    lock = {"id": f"{vm_id('web-1')}/providers/Microsoft.Authorization/locks/keep", "level": "CanNotDelete"}
    async with azure(world(siteRecovery=ready_vault([protected("web-1")]), locks=[lock])) as clients:
        items = clients.recovery.replication_protected_items
        await (
            await items.begin_delete(VAULT_GROUP, VAULT, "primary", "here", "item-web-1", {"properties": {}})
        ).result()
        jobs = [job async for job in clients.recovery.replication_jobs.list(VAULT_GROUP, VAULT)]
        _, job, _ = await clients.call("GET", jobs[0].id)
        assert job["properties"]["stateDescription"] == "CompletedWithInformation"
        assert job["properties"]["errors"][0]["serviceErrorDetails"]["code"] == "150225"
        assert (await why_refused(clients, enable_body("web-1")))["code"] == "150226"


async def test_things_are_removed_in_order() -> None:
    async with azure(world(siteRecovery=ready_vault([protected("web-1")]))) as clients:
        client = clients.recovery
        where = (VAULT_GROUP, VAULT)

        async def refused(poller: Any) -> None:
            with pytest.raises(HttpResponseError):
                await poller.result()

        mappings = client.replication_protection_container_mappings
        containers = client.replication_protection_containers
        await refused(await mappings.begin_delete(*where, "primary", "here", "primary-gold", {}))
        await refused(await containers.begin_delete(*where, "primary", "here"))
        await refused(await client.replication_policies.begin_delete(*where, "gold"))
        await refused(await client.replication_fabrics.begin_delete(*where, "primary"))
        items = client.replication_protected_items
        await (await items.begin_purge(*where, "primary", "here", "item-web-1")).result()
        await (await mappings.begin_delete(*where, "primary", "here", "primary-gold", {})).result()
        await (await mappings.begin_purge(*where, "secondary", "there", "secondary-gold")).result()
        networks = client.replication_network_mappings
        await (await networks.begin_delete(*where, "primary", "azureNetwork", "net")).result()
        for fabric, container in (("primary", "here"), ("secondary", "there")):
            await (await containers.begin_delete(*where, fabric, container)).result()
            await (await client.replication_fabrics.begin_purge(*where, fabric)).result()
        await (await client.replication_policies.begin_delete(*where, "gold")).result()
        _, state, _ = await clients.call("GET", "/sim/state")
        kept = {name: value for name, value in state["siteRecovery"][0].items() if isinstance(value, list)}
        assert {name for name, value in kept.items() if value} == {"jobs"}


@pytest.mark.parametrize("name", ["bad_name", "a", "-a", "what?now".replace("?", "!")])
async def test_names_with_other_characters_are_refused(name: str) -> None:
    async with azure(world()) as clients:
        body = {"properties": {"customDetails": {"instanceType": "Azure", "location": "uksouth"}}}
        status, found, _ = await clients.call("PUT", f"{VAULT_ID}/replicationFabrics/{name}", body)
        assert (status, found["error"]["code"]) == (400, "BadRequest")


async def test_an_unknown_api_version_or_none_is_refused() -> None:
    async with azure() as clients:
        status, body, _ = await clients.call("GET", f"{VAULT_ID}/replicationFabrics?api-version=2030-01-01")
        assert (status, body["error"]["code"]) == (400, "NoRegisteredProviderFound")
        status, body, _ = await clients.call("GET", f"{VAULT_ID}/replicationFabrics", **{"no-version": "1"})
        assert (status, body["error"]["code"]) == (400, "MissingApiVersionParameter")


async def test_a_call_without_a_token_is_refused() -> None:
    async with azure() as clients:
        for token in ("", "Bearer nothing", "Basic eA=="):
            status, body, headers = await clients.call("GET", VAULT_ID, Authorization=token)
            assert status == 401
            assert body["error"]["code"] in ("AuthenticationFailed", "InvalidAuthenticationToken")
            assert headers["WWW-Authenticate"].startswith("Bearer ")
