"""What the app's identity may not do, with the roles of infra/ where infra/ assigns them: anything but its work."""

from typing import Any

import pytest

from local import deployed, rights
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
    azure,
    estate,
    protected,
    ready_vault,
    vm_id,
)

HERE = f"/subscriptions/{SUBSCRIPTION}"
FABRIC = f"{VAULT_ID}/replicationFabrics/primary"
CONTAINER = f"{FABRIC}/replicationProtectionContainers/here"
ITEM = f"{CONTAINER}/replicationProtectedItems/item-web-1"
TAGS = "providers/Microsoft.Resources/tags/default?api-version=2025-04-01"
DEFAULT = {**deployed.scopes(estate()), "DR_VAULT_IDS": VAULT_ID}
"""The default deployment: VMs anywhere in the subscription, and targets in the groups that are named."""
BY_GROUPS = {**DEFAULT, "DR_SOURCE_SCOPE": GROUP}
CACHES = f"{HERE}/resourceGroups/asr-cache-eastus"
ROLES = "providers/Microsoft.Authorization"

COMPUTES, NETWORKS, STORAGE, RESOURCES = (
    f"?api-version={version}" for version in ("2026-04-01", "2026-03-01", "2026-09-01", "2025-04-01")
)
REFUSED = [
    ("PATCH", vm_id("web-1") + COMPUTES),
    ("DELETE", vm_id("web-1") + COMPUTES),
    ("POST", f"{vm_id('web-1')}/start{COMPUTES}"),
    ("POST", f"{vm_id('web-1')}/deallocate{COMPUTES}"),
    ("PUT", vm_id("web-1") + COMPUTES),
    ("PUT", f"{vm_id('web-1')}/extensions/any{COMPUTES}"),
    ("POST", f"{vm_id('web-1')}/runCommand{COMPUTES}"),
    ("POST", f"{vm_id('web-1')}/capture{COMPUTES}"),
    ("POST", f"{COMPUTE}/disks/web-1-os/beginGetAccess{COMPUTES}"),
    ("DELETE", f"{COMPUTE}/disks/web-1-os{COMPUTES}"),
    ("PUT", f"{COMPUTE}/disks/web-1-os{COMPUTES}"),
    ("DELETE", f"{GROUP}/providers/Microsoft.Network/networkInterfaces/web-1-nic{NETWORKS}"),
    ("PUT", f"{COMPUTE}/availabilitySets/new{COMPUTES}"),
    ("PUT", NETWORK + NETWORKS),
    ("DELETE", NETWORK + NETWORKS),
    ("PUT", f"{GROUP}/providers/Microsoft.Network/networkInterfaces/new{NETWORKS}"),
    *(
        ("POST", f"{group}/providers/Microsoft.Storage/storageAccounts/any/{action}{STORAGE}")
        for group in (GROUP, TARGET_GROUP, f"{HERE}/resourceGroups/rg-dr", f"{HERE}/resourceGroups/another")
        for action in ("listKeys", "listAccountSas", "regenerateKey")
    ),
    ("POST", f"{CACHE}/listKeys{STORAGE}"),
    ("POST", f"{CACHES}/providers/Microsoft.Storage/storageAccounts/any/regenerateKey{STORAGE}"),
    ("PUT", f"{TARGET_GROUP}/providers/Microsoft.Storage/storageAccounts/any{STORAGE}"),
    ("PUT", f"{CACHES}/providers/Microsoft.Compute/virtualMachines/any{COMPUTES}"),
    ("DELETE", f"{CACHES}/providers/Microsoft.Storage/storageAccounts/any{STORAGE}"),
    *(
        (method, f"{scope}/{ROLES}/{kind}/0b6a2c0e-0000-4000-8000-000000000001?api-version=2022-04-01")
        for scope in (HERE, GROUP, TARGET_GROUP, CACHES, VAULT_ID, vm_id("web-1"))
        for kind in ("roleAssignments", "roleDefinitions", "locks")
        for method in ("PUT", "DELETE")
    ),
    ("PUT", f"{HERE}/resourceGroups/another/providers/Microsoft.Compute/virtualMachines/any{COMPUTES}"),
    ("PUT", f"{HERE}/providers/Microsoft.Resources/deployments/any{RESOURCES}"),
    ("PUT", TARGET_GROUP + RESOURCES),
    ("PUT", CACHE + STORAGE),
    ("DELETE", CACHE + STORAGE),
    ("PUT", GROUP + RESOURCES),
    ("DELETE", GROUP + RESOURCES),
    ("PUT", f"{HERE}/resourceGroups/another{RESOURCES}"),
    ("DELETE", TARGET_GROUP + RESOURCES),
    ("DELETE", TARGET_NETWORK + NETWORKS),
    ("DELETE", f"{vm_id('web-1')}/{TAGS}"),
    ("DELETE", f"{vm_id('web-1')}/providers/Microsoft.Resources/links/any?api-version=2016-09-01"),
    ("PUT", f"{VAULT_ID}?api-version=2026-07-01"),
    ("DELETE", ITEM),
    ("POST", f"{ITEM}/removeDisks"),
    ("POST", f"{ITEM}/testFailover"),
    ("POST", f"{ITEM}/unplannedFailover"),
    ("POST", f"{ITEM}/failoverCommit"),
    ("POST", f"{ITEM}/reProtect"),
    ("POST", f"{FABRIC}/remove"),
    ("DELETE", FABRIC),
    ("POST", f"{CONTAINER}/replicationProtectionContainerMappings/primary-gold/remove"),
    ("DELETE", f"{FABRIC}/replicationNetworks/azureNetwork/replicationNetworkMappings/net"),
    ("DELETE", f"{VAULT_ID}/replicationPolicies/gold"),
    ("PUT", f"{VAULT_ID}/replicationRecoveryPlans/plan"),
]
OUTSIDE_ITS_GROUPS = [
    ("GET", f"{HERE}/providers/Microsoft.Compute/virtualMachines{COMPUTES}"),
    ("PATCH", f"{TARGET_NETWORK}/{TAGS}"),
    ("PATCH", f"{VAULT_ID}/{TAGS}"),
]


def access(settings: dict[str, str]) -> dict[str, Any]:
    return rights.assigned(rights.load(), settings, object_id(CLIENT))


@pytest.mark.parametrize(
    ("settings", "refused"), [(DEFAULT, REFUSED), (BY_GROUPS, REFUSED + OUTSIDE_ITS_GROUPS)], ids=["default", "groups"]
)
async def test_all_else_is_refused_and_nothing_is_changed_by_it(
    settings: dict[str, str], refused: list[tuple[str, str]]
) -> None:
    async with azure(estate(siteRecovery=ready_vault([protected("web-1")]))) as clients:
        await clients.call("POST", "/sim/access", access(settings))
        _, before, _ = await clients.call("GET", "/sim/state")
        answers = {}
        for method, path in refused:
            status, body, _ = await clients.call(method, path, {} if method != "GET" else None)
            answers[f"{method} {path}"] = (status, body["error"]["code"] if body else "")
        _, after, _ = await clients.call("GET", "/sim/state")

    assert answers == dict.fromkeys(answers, (403, "AuthorizationFailed"))
    assert after["resources"] == before["resources"]
    assert after["resourceGroups"] == before["resourceGroups"]


async def test_in_cleanup_it_may_remove_targets_and_nothing_of_the_sources() -> None:
    async with azure(estate(siteRecovery=ready_vault([protected("web-1")]))) as clients:
        await clients.call("POST", "/sim/access", access(DEFAULT | {"DR_MODE": "cleanup"}))
        assert (await clients.call("DELETE", f"{TARGET_NETWORK}{NETWORKS}"))[0] in {200, 202}
        for path in (NETWORK + NETWORKS, CACHE + STORAGE, GROUP + RESOURCES, vm_id("web-1") + COMPUTES):
            assert (await clients.call("DELETE", path))[0] == 403
