"""Roles, held against real clients: who lacks a right is refused in Azure's words, and nothing happens."""

import copy
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from local.simulator.identity import object_id
from tests.integration.simulator.azure import (
    CACHE,
    CLIENT,
    COMPUTE,
    GROUP,
    NETWORK,
    SUBSCRIPTION,
    TARGET_GROUP,
    TARGET_NETWORK,
    VAULT_ID,
    Azure,
    Token,
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
)

ME = object_id(CLIENT)
HERE = f"/subscriptions/{SUBSCRIPTION}"
NO_CHECKS: dict[str, Any] = {"roles": {}, "assignments": [], "demands": [], "unreadable": []}
VMS_READ = "Microsoft.Compute/virtualMachines/read"
ITEMS = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems"
ITEM_TYPE = (
    "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems"
)


async def let(clients: Azure, *granted: tuple[str, list[str]], principal: str = ME) -> None:
    """Each is a scope, and the actions that are allowed there."""
    roles = {str(number): {"actions": actions} for number, (_, actions) in enumerate(granted)}
    held = [{"principal": principal, "role": str(number), "scope": scope} for number, (scope, _) in enumerate(granted)]
    status, body, _ = await clients.call("POST", "/sim/access", {"roles": roles, "assignments": held})
    assert status == 200, body


async def test_what_a_role_does_not_allow_is_refused_in_the_words_of_azure_and_changes_nothing() -> None:
    async with azure() as clients:
        await let(clients, (HERE, [VMS_READ]))
        assert (await clients.compute.virtual_machines.get("rg-app", "web-1")).tags == {"dr": "true"}
        with pytest.raises(HttpResponseError) as raised:
            await clients.compute.virtual_machines.begin_update("rg-app", "web-1", {"tags": {}})
        assert (raised.value.status_code, error_code(raised.value)) == (403, "AuthorizationFailed")
        message = (
            f"The client '{CLIENT}' with object id '{ME}' does not have authorization to perform action "
            f"'Microsoft.Compute/virtualMachines/write' over scope '{vm_id('web-1')}' or the scope is invalid. "
            "If access was recently granted, please refresh your credentials."
        )
        assert raised.value.error
        assert raised.value.error.message == message
        assert (await clients.compute.virtual_machines.get("rg-app", "web-1")).tags == {"dr": "true"}
        status, _, headers = await clients.call("GET", f"{CACHE}?api-version=2026-09-01")
        assert (status, headers["x-ms-failure-cause"]) == (403, "gateway")
        _, log, _ = await clients.call("GET", "/sim/requests")
        assert [each["status"] for each in log] == [200, 403, 200, 403]


async def test_the_managed_identity_is_the_principal_that_is_described() -> None:
    async with azure() as clients:
        reported = clients.simulator.description()
        secret = {"X-IDENTITY-HEADER": reported["identityHeader"]}
        _, given, _ = await clients.call("GET", "/msi/token?api-version=2019-08-01&resource=arm", **secret)
        bearer = {"Authorization": f"Bearer {given['access_token']}"}
        await let(clients, (HERE, [VMS_READ]), principal=reported["principalId"])
        assert (await clients.call("GET", f"{vm_id('web-1')}?api-version=2026-04-01", **bearer))[0] == 200
        assert (await clients.call("GET", f"{CACHE}?api-version=2026-09-01", **bearer))[0] == 403


async def test_others_are_free_and_so_is_everybody_when_it_is_lifted() -> None:
    async with azure() as clients:
        await let(clients, (HERE, [VMS_READ]))
        other = f"Bearer {(await Token('another').get_token('x')).token}"
        path = f"{CACHE}?api-version=2026-09-01"
        assert (await clients.call("GET", path))[0] == 403
        assert (await clients.call("GET", path, Authorization=other))[0] == 200
        await clients.call("DELETE", "/sim/access")
        assert (await clients.call("GET", path))[0] == 200
        assert (await clients.call("GET", "/sim/access"))[1] == NO_CHECKS


async def test_a_right_holds_at_its_scope_and_in_it_and_a_list_is_as_wide_as_what_it_lists() -> None:
    existing = estate(resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}])
    async with azure(existing) as clients:
        await let(clients, (GROUP.upper(), [VMS_READ, "Microsoft.Resources/subscriptions/resourceGroups/read"]))
        assert (await clients.compute.virtual_machines.get("rg-app", "web-1")).name == "web-1"
        assert [vm.name async for vm in clients.compute.virtual_machines.list("rg-app")] == ["web-1"]
        assert (await clients.resources.resource_groups.get("rg-app")).name == "rg-app"
        for refused in (
            clients.compute.virtual_machines.list_all(),
            clients.resources.resource_groups.list(),
            clients.compute.virtual_machines.list("rg-app-asr"),
        ):
            with pytest.raises(HttpResponseError) as raised:
                _ = [each async for each in refused]
            assert error_code(raised.value) == "AuthorizationFailed"


async def test_who_may_not_look_is_not_reported_what_is_there() -> None:
    async with azure() as clients:
        await let(clients, (TARGET_GROUP, ["*"]))
        for path in (vm_id("web-1"), vm_id("none"), vm_id("web-1").replace("rg-app", "none")):
            status, body, _ = await clients.call("GET", f"{path}?api-version=2026-04-01")
            assert (status, body["error"]["code"]) == (403, "AuthorizationFailed")
        nowhere = f"{HERE.replace('1', '2')}/resourceGroups/g"
        status, body, _ = await clients.call("GET", f"{nowhere}?api-version=2025-04-01")
        assert (status, body["error"]["code"]) == (404, "SubscriptionNotFound")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ({"roles": {}}, "access has roles, assignments, and nothing else"),
        ({"roles": {}, "assignments": [{"principal": "p", "role": "r", "scope": "/"}]}, "there is no role 'r'"),
    ],
)
async def test_access_that_cannot_be_read_is_refused_with_the_reason(raw: Any, why: str) -> None:
    async with azure() as clients:
        status, body, _ = await clients.call("POST", "/sim/access", raw)
        assert status == 400
        assert why in body["error"]


ALLOCATION = "Microsoft.Compute/capacityReservationGroups/deploy/action"
RESERVATION = f"{TARGET_GROUP}/providers/Microsoft.Compute/capacityReservationGroups/kept"
SET = f"{TARGET_GROUP}/providers/Microsoft.Compute/availabilitySets/set"
NEAR = f"{TARGET_GROUP}/providers/Microsoft.Compute/proximityPlacementGroups/near"
KEYS = f"{TARGET_GROUP}/providers/Microsoft.Compute/diskEncryptionSets/keys"
RULES = f"{TARGET_GROUP}/providers/Microsoft.Network/networkSecurityGroups/rules"
PUBLIC = f"{TARGET_GROUP}/providers/Microsoft.Network/publicIPAddresses/front"
OTHER = f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-other"
POOL = f"{TARGET_GROUP}/providers/Microsoft.Network/loadBalancers/front/backendAddressPools/web"
DISK: dict[str, Any] = {
    "diskId": disk_id("web-1-os"),
    "primaryStagingAzureStorageAccountId": CACHE,
    "recoveryResourceGroupId": TARGET_GROUP,
}
# What is put into the body of every enable call, the right that is demanded for it, and where.
LINKED: list[tuple[dict[str, Any], str, str]] = [
    ({}, "Microsoft.Compute/virtualMachines/read", vm_id("web-1")),
    ({}, "Microsoft.Compute/virtualMachines/write", TARGET_GROUP),
    ({}, "Microsoft.Compute/virtualMachines/delete", TARGET_GROUP),
    ({}, "Microsoft.Network/networkInterfaces/read", TARGET_GROUP),
    ({}, "Microsoft.Network/networkInterfaces/write", TARGET_GROUP),
    ({}, "Microsoft.Network/networkInterfaces/delete", TARGET_GROUP),
    ({}, "Microsoft.Network/networkInterfaces/join/action", TARGET_GROUP),
    ({}, "Microsoft.Resources/subscriptions/resourceGroups/read", TARGET_GROUP),
    ({}, "Microsoft.Network/virtualNetworks/subnets/read", f"{TARGET_NETWORK}/subnets/web"),
    ({}, "Microsoft.Network/virtualNetworks/subnets/join/action", f"{TARGET_NETWORK}/subnets/web"),
    ({}, "Microsoft.Storage/storageAccounts/read", CACHE),
    ({}, "Microsoft.Storage/storageAccounts/listKeys/action", CACHE),
    ({"recoveryAzureNetworkId": TARGET_NETWORK}, "Microsoft.Network/virtualNetworks/read", TARGET_NETWORK),
    (
        {"recoveryAzureNetworkId": TARGET_NETWORK, "recoverySubnetName": "data"},
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        f"{TARGET_NETWORK}/subnets/data",
    ),
    ({"recoveryAvailabilitySetId": SET}, "Microsoft.Compute/availabilitySets/read", SET),
    ({"recoveryProximityPlacementGroupId": NEAR}, "Microsoft.Compute/proximityPlacementGroups/read", NEAR),
    ({"recoveryCapacityReservationGroupId": RESERVATION}, ALLOCATION, RESERVATION),
    ({"recoveryBootDiagStorageAccountId": f"{CACHE}diag"}, "Microsoft.Storage/storageAccounts/read", f"{CACHE}diag"),
    (
        {"vmManagedDisks": [{**DISK, "recoveryDiskEncryptionSetId": KEYS}]},
        "Microsoft.Compute/diskEncryptionSets/read",
        KEYS,
    ),
]


def ready() -> dict[str, Any]:
    return estate(siteRecovery=ready_vault(), resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}])


async def linked(clients: Azure) -> list[tuple[str, str]]:
    """What was demanded of resources that bodies name: actions and scopes."""
    _, body, _ = await clients.call("GET", "/sim/access")
    return [(each["action"], each["scope"]) for each in body["demands"] if each["linked"]]


async def everything_but(clients: Azure, needed: list[tuple[str, str]], action: str, scope: str) -> None:
    """All that is needed, each where it is, but this one there."""
    assert (action, scope.lower()) in needed
    given = [(at, [name]) for name, at in needed if (name, at) != (action, scope.lower())]
    await let(clients, (HERE, ["Microsoft.RecoveryServices/*"]), *given)


@pytest.mark.parametrize(("changes", "action", "scope"), LINKED)
async def test_who_enables_needs_a_right_on_each_resource_that_is_given_to_the_item(
    changes: dict[str, Any], action: str, scope: str
) -> None:
    body = enable_body("web-1", **changes)
    async with azure(ready()) as clients:
        await let(clients, (HERE, ["*"]))
        status, answer, _ = await clients.call("PUT", f"{ITEMS}/item", body)
        assert status == 202, answer
        needed = await linked(clients)

    async with azure(ready()) as clients:
        await everything_but(clients, needed, action, scope)
        with pytest.raises(HttpResponseError) as raised:
            await enable(clients, body)
        assert (raised.value.status_code, error_code(raised.value)) == (403, "LinkedAuthorizationFailed")
        assert raised.value.error
        words = (
            f"The client '{CLIENT}' with object id '{ME}' has permission to perform action '{ITEM_TYPE}/write' on "
            f"scope '{ITEMS}/item'; however, it does not have permission to perform action(s) '{action}' on the linked "
            f"scope(s) '{scope}' (respectively) or the linked scope(s) are invalid."
        )
        assert str(raised.value.error.message).lower() == words.lower()
        state = (await clients.call("GET", "/sim/state"))[1]["siteRecovery"][0]
        assert (state["protectedItems"], state["jobs"]) == ([], [])


# The same of changes in place.
CHANGED: list[tuple[dict[str, Any], str, str]] = [
    ({"selectedRecoveryAzureNetworkId": OTHER}, "Microsoft.Network/virtualNetworks/read", OTHER),
    (
        {"selectedRecoveryAzureNetworkId": OTHER},
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        f"{OTHER}/subnets/web",
    ),
    ({"recoveryAvailabilitySetId": SET}, "Microsoft.Compute/availabilitySets/read", SET),
    (
        {"providerSpecificDetails": {"instanceType": "A2A", "recoveryResourceGroupId": GROUP}},
        "Microsoft.Compute/virtualMachines/write",
        GROUP,
    ),
    (
        {"vmNics": [{"ipConfigs": [{"recoverySubnetName": "data"}]}]},
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        f"{TARGET_NETWORK}/subnets/data",
    ),
    (
        {"vmNics": [{"recoveryNetworkSecurityGroupId": RULES}]},
        "Microsoft.Network/networkSecurityGroups/join/action",
        RULES,
    ),
    (
        {"vmNics": [{"ipConfigs": [{"recoveryPublicIPAddressId": PUBLIC}]}]},
        "Microsoft.Network/publicIPAddresses/join/action",
        PUBLIC,
    ),
    (
        {"vmNics": [{"ipConfigs": [{"recoveryLBBackendAddressPoolIds": [POOL]}]}]},
        "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        POOL,
    ),
    (
        {"selectedTfoAzureNetworkId": OTHER, "vmNics": [{"ipConfigs": [{"tfoSubnetName": "data"}]}]},
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        f"{OTHER}/subnets/data",
    ),
]


@pytest.mark.parametrize(("properties", "action", "scope"), CHANGED)
async def test_who_changes_an_item_needs_them_on_what_it_is_given_again(
    properties: dict[str, Any], action: str, scope: str
) -> None:
    async with azure(estate(siteRecovery=ready_vault([protected("web-1")]))) as clients:
        _, item, _ = await clients.call("GET", f"{ITEMS}/item-web-1")
        (nic,) = item["properties"]["providerSpecificDetails"]["vmNics"]
        given = copy.deepcopy(properties)
        for each in given.get("vmNics", ()):
            each["nicId"] = nic["nicId"]
        await let(clients, (HERE, ["*"]))
        status, answer, _ = await clients.call("PATCH", f"{ITEMS}/item-web-1", {"properties": given})
        assert status == 202, answer
        await everything_but(clients, await linked(clients), action, scope)
        status, answer, _ = await clients.call("PATCH", f"{ITEMS}/item-web-1", {"properties": given})
        assert (status, answer["error"]["code"]) == (403, "LinkedAuthorizationFailed")
        assert f"'{action}' on the linked scope(s) '{scope}'".lower() in answer["error"]["message"].lower()


async def test_a_change_of_its_own_settings_needs_nothing_else() -> None:
    async with azure(estate(siteRecovery=ready_vault([protected("web-1")]))) as clients:
        await let(clients, (HERE, ["Microsoft.RecoveryServices/*"]))
        change = {"properties": {"recoveryAzureVMName": "renamed"}}
        assert (await clients.call("PATCH", f"{ITEMS}/item-web-1", change))[0] == 202
        assert await linked(clients) == []


async def test_who_adds_a_disk_needs_the_keys_of_its_cache_account() -> None:
    disks = [{"name": f"web-1-{name}", "sizeGB": 64, "sku": "Premium_LRS"} for name in ("os", "data")]
    item = protected("web-1", disks=[{"name": "web-1-os"}])
    existing = estate(machine("web-1", disks=disks), siteRecovery=ready_vault([item]))
    added = {"instanceType": "A2A", "vmManagedDisks": [{**DISK, "diskId": disk_id("web-1-data")}]}
    body = {"properties": {"providerSpecificDetails": added}}
    async with azure(existing) as clients:
        everywhere = [
            "Microsoft.RecoveryServices/*",
            "Microsoft.Compute/*",
            "Microsoft.Network/*",
            "Microsoft.Resources/*",
        ]
        await let(clients, (HERE, [*everywhere, "Microsoft.Storage/storageAccounts/read"]))
        status, answer, _ = await clients.call("POST", f"{ITEMS}/item-web-1/addDisks", body)
        assert (status, answer["error"]["code"]) == (403, "LinkedAuthorizationFailed")
        assert f"{ITEM_TYPE}/addDisks/action" in answer["error"]["message"]
        assert (
            f"'Microsoft.Storage/storageAccounts/listKeys/action' on the linked scope(s) '{CACHE}'"
            in (answer["error"]["message"])
        )
        await let(clients, (HERE, [*everywhere, "Microsoft.Storage/storageAccounts/*"]))
        assert (await clients.call("POST", f"{ITEMS}/item-web-1/addDisks", body))[0] == 202


@pytest.mark.parametrize(
    ("path", "body", "action", "scope"),
    [
        (
            f"{GROUP}/providers/Microsoft.Network/networkInterfaces/late?api-version=2026-03-01",
            {"ipConfigurations": [{"name": "one", "properties": {"subnet": {"id": f"{NETWORK}/subnets/web"}}}]},
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            f"{NETWORK}/subnets/web",
        ),
        (
            f"{GROUP}/providers/Microsoft.Network/virtualNetworks/late?api-version=2026-03-01",
            {
                "addressSpace": {"addressPrefixes": ["10.7.0.0/16"]},
                "subnets": [
                    {
                        "name": "web",
                        "properties": {"addressPrefix": "10.7.1.0/24", "networkSecurityGroup": {"id": RULES}},
                    }
                ],
            },
            "Microsoft.Network/networkSecurityGroups/join/action",
            RULES,
        ),
        (
            f"{COMPUTE}/availabilitySets/late?api-version=2026-04-01",
            {"proximityPlacementGroup": {"id": NEAR}},
            "Microsoft.Compute/proximityPlacementGroups/write",
            NEAR,
        ),
    ],
)
async def test_who_makes_something_of_another_resource_needs_to_be_let_join_it(
    path: str, body: dict[str, Any], action: str, scope: str
) -> None:
    own = ["Microsoft.Network/*/write", "Microsoft.Compute/availabilitySets/write"]
    async with azure() as clients:
        await let(clients, (HERE, own))
        # What a tag is called says nothing.
        made = {"location": "eastus", "properties": body, "tags": {"subnet": "any", "recoveryResourceGroupId": "any"}}
        status, answer, _ = await clients.call("PUT", path, made)
        assert (status, answer["error"]["code"]) == (403, "LinkedAuthorizationFailed"), answer
        assert f"'{action}' on the linked scope(s) '{scope}'" in answer["error"]["message"]
        assert await linked(clients) == [(action, scope.lower())]
        assert (await clients.call("GET", "/sim/state"))[1]["resources"][-1]["name"] != "late"


async def test_who_maps_a_network_needs_to_read_both() -> None:
    body = {
        "properties": {
            "recoveryFabricName": "secondary",
            "recoveryNetworkId": TARGET_NETWORK,
            "fabricSpecificDetails": {"instanceType": "AzureToAzure", "primaryNetworkId": NETWORK},
        }
    }
    path = f"{VAULT_ID}/replicationFabrics/primary/replicationNetworks/azureNetwork/replicationNetworkMappings/net"
    async with azure(ready()) as clients:
        granted = (HERE, ["Microsoft.RecoveryServices/*"]), (TARGET_GROUP, ["Microsoft.Network/*"])
        await let(clients, *granted)
        status, answer, _ = await clients.call("PUT", path, body)
        assert (status, answer["error"]["code"]) == (403, "LinkedAuthorizationFailed")
        assert (
            f"'Microsoft.Network/virtualNetworks/read' on the linked scope(s) '{NETWORK}'"
            in (answer["error"]["message"])
        )
        await let(clients, *granted, (NETWORK, ["Microsoft.Network/virtualNetworks/read"]))
        assert (await clients.call("PUT", path, body))[0] == 202


async def test_a_body_that_makes_no_sense_is_still_reported_so() -> None:
    async with azure(ready()) as clients:
        await let(clients, (HERE, ["*"]))
        bodies: list[Any] = [[], {}, {"properties": []}, {"properties": {"providerSpecificDetails": "A2A"}}]
        for body in bodies:
            assert (await clients.call("PUT", f"{ITEMS}/item", body))[0] == 400


QUERY = "Microsoft.ResourceGraph/resources/read"


async def names(clients: Azure, table: str = "resources") -> set[str]:
    answer = await clients.graph.resources({"query": f"{table} | project name", "subscriptions": [SUBSCRIPTION]})
    assert answer.total_records == len(answer.data)
    return {row["name"] for row in answer.data}


async def test_resource_graph_shows_what_may_be_read_and_says_nothing_of_the_rest() -> None:
    existing = estate(machine("web-1"), siteRecovery=ready_vault([protected("web-1")]))
    async with azure(existing) as clients:
        everything = await names(clients)
        await let(clients, (HERE, [QUERY]))
        assert await names(clients) == set()
        await let(clients, (HERE, [QUERY, VMS_READ]))
        assert await names(clients) == {"web-1"}
        assert await names(clients, "resourcecontainers") == set()
        await let(clients, (HERE, [QUERY]), (TARGET_GROUP, ["*/read"]))
        assert await names(clients) == {"vnet-app-asr", "web-1-os-ASRReplica"}
        assert await names(clients, "resourcecontainers") == {"rg-app-asr"}
        assert await names(clients, "recoveryservicesresources") == set()
        await let(clients, (HERE, [QUERY]), (VAULT_ID, [f"{ITEM_TYPE}/read"]))
        assert await names(clients, "recoveryservicesresources") == {"item-web-1"}
        await let(clients, (HERE, ["*"]))
        assert await names(clients) == everything


async def test_who_may_query_none_of_the_subscriptions_is_refused_as_the_service_refuses() -> None:
    async with azure() as clients:
        await let(clients, (GROUP, ["*"]))
        with pytest.raises(HttpResponseError) as raised:
            await names(clients)
        assert (raised.value.status_code, error_code(raised.value)) == (403, "AccessDenied")


async def test_what_was_demanded_is_reported_once_for_each_right() -> None:
    async with azure() as clients:
        await let(clients, (HERE, [VMS_READ]))
        for _ in range(3):
            await clients.compute.virtual_machines.get("rg-app", "web-1")
        await clients.call("GET", f"{CACHE}?api-version=2026-09-01")
        _, body, _ = await clients.call("GET", "/sim/access")
        own = {"principal": ME, "linked": False}
        assert body["demands"] == [
            {**own, "action": VMS_READ, "scope": vm_id("web-1").lower(), "granted": True},
            {**own, "action": "Microsoft.Storage/storageAccounts/read", "scope": CACHE.lower(), "granted": False},
        ]
        assert body["assignments"] == [{"principal": ME, "role": "0", "scope": HERE}]
        # Another estate is another world, with the same people in it.
        await clients.call("POST", "/sim/estate", estate())
        assert (await clients.call("GET", f"{CACHE}?api-version=2026-09-01"))[0] == 403
