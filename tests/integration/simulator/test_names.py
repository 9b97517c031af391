"""Names that Azure refuses, kind by kind, each with its provider's code."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.simulator.azure import SUBSCRIPTION, TARGET_GROUP, VAULT_ID, azure, estate, ready_vault

SPACE = {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}
GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"
COMPUTE = f"{TARGET_GROUP}/providers/Microsoft.Compute"
VERSIONS = {"group": "2025-04-01", "network": "2026-03-01", "account": "2026-09-01", "policy": "2025-08-01"}
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "group": (GROUPS, "InvalidResourceGroup", {}),
    "network": (
        f"{TARGET_GROUP}/providers/Microsoft.Network/virtualNetworks",
        "InvalidResourceName",
        {"properties": SPACE},
    ),
    "set": (f"{COMPUTE}/availabilitySets", "InvalidParameter", {"sku": {"name": "Aligned"}}),
    "placement group": (f"{COMPUTE}/proximityPlacementGroups", "InvalidParameter", {}),
    "account": (
        f"{TARGET_GROUP}/providers/Microsoft.Storage/storageAccounts",
        "AccountNameInvalid",
        {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    ),
    "policy": (
        f"{VAULT_ID}/replicationPolicies",
        "BadRequest",
        {"properties": {"providerSpecificInput": {"instanceType": "A2A", "multiVmSyncStatus": "Enable"}}},
    ),
}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("group", name) for name in ("web.", "we b", "²web", "web!", "x" * 91, "\U00010400", "a\u0301", "web\n")),
        *(("network", name) for name in ("x", "-web", "web-", "web.", "_web", "wéb", "(web)", "x" * 65)),
        *(("set", name) for name in ("_web", "web-", "web.", ".web", "wéb", "x" * 81)),
        *(("placement group", name) for name in ("_web", "web-", "we(b", "x" * 81)),
        *(("account", name) for name in ("ab", "Web", "web-1", "x" * 25)),
        *(("policy", name) for name in ("gold_24", "gold.24", "-gold", "gold-", "g", "gold 24")),
    ],
)
async def test_an_illegal_name_is_refused_with_the_provider_s_code(kind: str, name: str) -> None:
    collection, code, body = KINDS[kind]
    async with azure(estate(siteRecovery=ready_vault())) as clients:
        status, found, _ = await clients.call(
            "PUT",
            f"{collection}/{quote(name)}?api-version={VERSIONS.get(kind, '2026-04-01')}",
            {"location": "westus2", **body},
        )

    assert (status, found["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("group", name) for name in ("(", "_", "Straße-日本", "\u212a", "x" * 90, "a.b-(c)")),
        *(("network", name) for name in ("vnet_prod.eastus", "a_", "x" * 64)),
        *(("set", name) for name in ("a", "a.b_", "x" * 80)),
        ("placement group", "near_1.x"),
    ],
)
async def test_a_legal_name_is_taken(kind: str, name: str) -> None:
    collection, _, body = KINDS[kind]
    async with azure(
        estate(siteRecovery=ready_vault(), resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}])
    ) as clients:
        status, found, _ = await clients.call(
            "PUT",
            f"{collection}/{quote(name)}?api-version={VERSIONS.get(kind, '2026-04-01')}",
            {"location": "westus2", **body},
        )

    assert (status in {200, 201}, found.get("name")) == (True, name)
