"""What tells a resource from an earlier one of the same name, and what a storage account holds."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.integration.simulator.azure import CACHE, GROUP, NETWORK, SUBSCRIPTION, TARGET_GROUP, Azure, azure, estate

API = {"Network": "2025-05-01", "Storage": "2025-06-01", "Compute": "2025-04-01"}
SPACE = {"addressSpace": {"addressPrefixes": ["10.9.0.0/16"]}}
MADE: dict[str, dict[str, Any]] = {
    "Microsoft.Network/virtualNetworks": {"properties": SPACE},
    "Microsoft.Network/networkSecurityGroups": {},
    "Microsoft.Storage/storageAccounts": {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
    "Microsoft.Compute/availabilitySets": {"sku": {"name": "Aligned"}},
    "Microsoft.Compute/proximityPlacementGroups": {},
}


def where(kind: str) -> str:
    return f"{TARGET_GROUP}/providers/{kind}/made1?api-version={API[kind.split('.')[1].split('/')[0]]}"


async def settled(clients: Azure, path: str, is_there: bool) -> Any:
    """The resource once it is there, or None once it is not. The test's own time-out bounds the wait."""
    while True:
        status, body, _ = await clients.call("GET", path)
        if (status == 200) == is_there:
            return body if is_there else None


async def made(clients: Azure, kind: str) -> Any:
    status, body, _ = await clients.call("PUT", where(kind), {"location": "westus2", **MADE[kind]})
    assert status < 300, body
    return await settled(clients, where(kind), is_there=True)


async def created(clients: Azure, kind: str) -> str:
    """As the list of a resource group shows it."""
    found = clients.resources.resources.list_by_resource_group("rg-app-asr", expand="createdTime")
    (time,) = [str(each.created_time) async for each in found if (each.type, each.name) == (kind, "made1")]
    return time


async def _guid(clients: Azure, kind: str) -> str:
    _, body, _ = await clients.call("GET", where(kind))
    return str(body["properties"]["resourceGuid"])


@pytest.mark.parametrize("kind", MADE)
async def test_a_rewrite_keeps_the_identity_and_a_resource_made_again_has_another(kind: str) -> None:
    identities: list[Callable[[Azure, str], Awaitable[str]]] = [created]
    identities += [_guid] if "Network" in kind else []
    async with azure(estate(resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}])) as clients:
        await made(clients, kind)
        first = [await read(clients, kind) for read in identities]
        await made(clients, kind)
        assert [await read(clients, kind) for read in identities] == first
        await clients.call("DELETE", where(kind))
        await settled(clients, where(kind), is_there=False)
        await made(clients, kind)
        second = [await read(clients, kind) for read in identities]
        assert all(new != old for new, old in zip(second, first, strict=True)), (first, second)


async def test_resource_groups_show_when_they_were_made_to_those_who_ask() -> None:
    async with azure() as clients:
        path = f"{GROUP}?api-version=2024-07-01"
        assert "createdTime" not in (await clients.call("GET", path))[1]
        _, one, _ = await clients.call("GET", f"{path}&$expand=createdTime,changedTime")
        _, every, _ = await clients.call(
            "GET", f"/subscriptions/{SUBSCRIPTION}/resourceGroups?api-version=2024-07-01&$expand=createdTime"
        )
        assert one["createdTime"].endswith("Z")
        assert one["createdTime"] in [each["createdTime"] for each in every["value"]]
        _, network, _ = await clients.call("GET", f"{NETWORK}?api-version={API['Network']}")
        assert network["properties"]["resourceGuid"]


async def test_containers_come_and_go() -> None:
    containers = f"{CACHE}/blobServices/default/containers"
    version = f"?api-version={API['Storage']}"
    async with azure() as clients:
        statuses = [
            (await clients.call(method, f"{containers}/{name}{version}", body))[0]
            for method, name, body in (
                ("GET", "backups", None),
                ("PUT", "backups", {}),
                ("PUT", "backups", {"properties": {}}),
                ("GET", "backups", None),
                ("PUT", "No--Name", {}),
                ("PUT", "customer-data", {}),
            )
        ]
        assert statuses == [404, 201, 200, 200, 400, 201]
        _, found, _ = await clients.call("GET", containers + version)
        assert [each["name"] for each in found["value"]] == ["backups", "customer-data"]
        statuses = [(await clients.call("DELETE", f"{containers}/backups{version}"))[0] for _ in range(2)]
        assert statuses == [200, 204]
        _, found, _ = await clients.call("GET", containers + version)
        assert [each["name"] for each in found["value"]] == ["customer-data"]
        await clients.call("DELETE", "/sim/requests")  # no installed SDK has these routes
