"""Writes that a lock or a policy stands against: refused before anything is written."""

import json
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    CACHE,
    GROUP,
    SUBSCRIPTION,
    TARGET_GROUP,
    VAULT_ID,
    azure,
    error_code,
    estate,
    protected,
    ready_vault,
    vm_id,
)

ACCOUNT: Any = {"location": "eastus", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
ITEM = (
    f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems/item-web-1"
)


def lock(scope: str, level: str) -> dict[str, str]:
    return {"id": f"{scope}/providers/Microsoft.Authorization/locks/keep", "level": level}


@pytest.mark.parametrize(
    ("scope", "level", "method", "path", "words"),
    [
        (GROUP, "ReadOnly", "PUT", f"{CACHE}?api-version=2026-09-01", "write"),
        (CACHE, "ReadOnly", "POST", f"{CACHE}/listKeys?api-version=2026-09-01", "write"),
        (vm_id("web-1"), "ReadOnly", "PATCH", f"{vm_id('web-1')}?api-version=2026-04-01", "write"),
        (f"/subscriptions/{SUBSCRIPTION}", "ReadOnly", "PUT", f"{GROUP}-new?api-version=2025-04-01", "write"),
        (VAULT_ID, "ReadOnly", "POST", f"{ITEM}/remove?api-version=2025-08-01", "write"),
        (VAULT_ID, "CanNotDelete", "DELETE", f"{ITEM}?api-version=2025-08-01", "delete"),
        (GROUP, "CanNotDelete", "DELETE", f"{vm_id('web-1')}?api-version=2026-04-01", "delete"),
    ],
)
async def test_a_lock_stops_what_is_under_it(scope: str, level: str, method: str, path: str, words: str) -> None:
    vault = ready_vault([protected("web-1")])
    async with azure(estate(siteRecovery=vault, locks=[lock(scope, level)])) as clients:
        _, before, _ = await clients.call("GET", "/sim/state")
        status, body, headers = await clients.call(method, path, ACCOUNT)
        assert (status, body["error"]["code"]) == (409, "ScopeLocked")
        assert (
            f"cannot perform {words} operation because following scope(s) are locked: '{scope}'"
            in (body["error"]["message"])
        )
        assert headers["x-ms-failure-cause"] == "gateway"
        _, after, _ = await clients.call("GET", "/sim/state")
        assert after["resources"] == before["resources"]


async def test_a_lock_against_deletion_stops_no_write() -> None:
    async with azure(estate(locks=[lock(GROUP, "CanNotDelete")])) as clients:
        vm = await clients.compute.virtual_machines.begin_update("rg-app", "web-1", {"tags": {"dr": "false"}})
        assert (await vm.result()).tags == {"dr": "false"}


async def test_a_denied_type_is_refused_as_azure_policy_refuses() -> None:
    denial = {
        "scope": GROUP,
        "type": "Microsoft.Storage/storageAccounts",
        "assignment": "no-accounts",
        "displayName": "No accounts here",
        "definition": "Not allowed resource types",
    }
    async with azure(estate(policyDenials=[denial])) as clients:
        status, body, _ = await clients.call("PUT", f"{CACHE}2?api-version=2026-09-01", ACCOUNT)
        error = body["error"]
        assert (status, error["code"], error["target"]) == (403, "RequestDisallowedByPolicy", "cacheapp2")
        before, _, identifiers = error["message"].partition(" Policy identifiers: ")
        assert before == "Resource 'cacheapp2' was disallowed by policy."
        (named,) = json.loads(identifiers.removesuffix(".").strip("'"))
        assignment = f"{GROUP}/providers/Microsoft.Authorization/policyAssignments/no-accounts"
        assert named["policyAssignment"] == {"name": "No accounts here", "id": assignment}
        (more,) = error["additionalInfo"]
        assert more["type"] == "PolicyViolation"
        assert more["info"]["policyAssignmentId"] == assignment
        assert more["info"]["policyAssignmentName"] == "no-accounts"
        assert more["info"]["policyAssignmentDisplayName"] == "No accounts here"
        assert more["info"]["policyDefinitionDisplayName"] == "Not allowed resource types"
        assert (await clients.call("GET", f"{CACHE}2?api-version=2026-09-01"))[0] == 404
        elsewhere = f"{VAULT_ID.split('/providers/')[0]}/providers/Microsoft.Storage/storageAccounts/cacheapp2"
        assert (await clients.call("PUT", f"{elsewhere}?api-version=2026-09-01", ACCOUNT))[0] == 202


async def test_resource_groups_may_be_denied() -> None:
    denial = {
        "scope": f"/subscriptions/{SUBSCRIPTION}",
        "type": "Microsoft.Resources/resourceGroups",
        "assignment": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/policyAssignments/groups",
    }
    async with azure(estate(policyDenials=[denial])) as clients:
        groups = clients.resources.resource_groups
        with pytest.raises(HttpResponseError) as raised:
            await groups.create_or_update("rg-new", {"location": "westus2"})
        assert (raised.value.status_code, error_code(raised.value)) == (403, "RequestDisallowedByPolicy")
        error: Any = raised.value.error
        info = error.additional_info[0].info
        assert info["policyAssignmentName"] == "groups"
        assert not await groups.check_existence("rg-new")
        assert await groups.check_existence(TARGET_GROUP.rsplit("/", 1)[1])
