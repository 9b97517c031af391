"""Read rights that are lost: what is no longer readable looks gone in queries and lists, and is refused by its ID."""

import pytest
from azure.core.exceptions import HttpResponseError

from tests.integration.simulator.azure import (
    GROUP,
    SUBSCRIPTION,
    Azure,
    azure,
    error_code,
    estate,
    machine,
    vm_id,
)

OTHER = "22222222-2222-4222-8222-222222222222"
FOREIGN_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-more"
FOREIGN_VM = f"{FOREIGN_GROUP}/providers/Microsoft.Compute/virtualMachines/web-2"


async def lose(clients: Azure, *scopes: str) -> None:
    status, answer, _ = await clients.call("PATCH", "/sim/access", {"unreadable": list(scopes)})
    assert (status, answer["unreadable"]) == (200, [scope.lower() for scope in scopes])


async def queried(clients: Azure) -> set[str]:
    query = {"query": "Resources | where type =~ 'microsoft.compute/virtualmachines' | project id, name"}
    return {row["name"] for row in (await clients.graph.resources(query)).data}


async def listed(clients: Azure) -> set[str]:
    return {vm.name async for vm in clients.compute.virtual_machines.list_all()}


def two_groups() -> dict[str, object]:
    second = machine("web-2") | {"id": FOREIGN_VM}
    return estate(machine("web-1"), second, subscriptions=[{"id": SUBSCRIPTION}, {"id": OTHER}])


async def test_a_group_that_cannot_be_read_is_left_out_of_lists_and_refused_by_id_until_it_can_be() -> None:
    async with azure(two_groups()) as clients:
        await lose(clients, FOREIGN_GROUP)
        assert await queried(clients) == await listed(clients) == {"web-1"}
        names = {group.name async for group in clients.resources.resource_groups.list()}
        assert "rg-app" in names
        assert "rg-more" not in names
        for read in (
            clients.compute.virtual_machines.get("rg-more", "web-2"),
            clients.compute.virtual_machines.get("rg-more", "never-there"),
            clients.resources.resource_groups.get("rg-more"),
        ):
            with pytest.raises(HttpResponseError) as raised:
                await read
            assert (raised.value.status_code, error_code(raised.value)) == (403, "AuthorizationFailed")
        with pytest.raises(HttpResponseError):
            [vm async for vm in clients.compute.virtual_machines.list("rg-more")]
        await lose(clients)
        assert await queried(clients) == await listed(clients) == {"web-1", "web-2"}
        assert (await clients.compute.virtual_machines.get("rg-more", "web-2")).name == "web-2"


async def test_a_subscription_that_cannot_be_read_drops_out_of_a_query_over_several() -> None:
    async with azure(two_groups()) as clients:
        await lose(clients, f"/subscriptions/{SUBSCRIPTION}")
        assert await queried(clients) == set()
        status, answer, _ = await clients.call("GET", f"{vm_id('web-1')}?api-version=2026-04-01")
        assert (status, answer["error"]["code"]) == (403, "AuthorizationFailed")
        _, answer, _ = await clients.call("GET", "/subscriptions?api-version=2022-12-01")
        assert [each["subscriptionId"] for each in answer["value"]] == [OTHER]
        query = {"query": "Resources", "subscriptions": [SUBSCRIPTION]}
        with pytest.raises(HttpResponseError) as raised:
            await clients.graph.resources(query)
        assert (raised.value.status_code, error_code(raised.value)) == (403, "AccessDenied")


async def test_only_reading_is_lost_and_loaded_roles_stay() -> None:
    async with azure(two_groups()) as clients:
        await lose(clients, GROUP)
        tags = {"operation": "Merge", "properties": {"tags": {"dr": "no"}}}
        path = f"{vm_id('web-1')}/providers/Microsoft.Resources/tags/default?api-version=2024-07-01"
        assert (await clients.call("PATCH", path, tags))[0] in (200, 202)
        await lose(clients)
        assert (await clients.compute.virtual_machines.get("rg-app", "web-1")).tags == {"dr": "no"}
        status, answer, _ = await clients.call("PATCH", "/sim/access", {"unreadable": "rg-app"})
        assert (status, "unreadable" in answer["error"]) == (400, True)
