"""Azure Resource Graph by its real client: tables, pages, quota, refusals, and what it does not know yet."""

import asyncio
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions

from tests.integration.simulator.azure import (
    GROUP,
    SUBSCRIPTION,
    TARGET_GROUP,
    TENANT,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    enable,
    enable_body,
    error_code,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
)
from tests.waiting import longer

OTHER = "22222222-2222-4222-8222-222222222222"
VMS = "resources | where type =~ 'Microsoft.Compute/virtualMachines'"
ITEMS = "recoveryservicesresources | where type startswith 'Microsoft.RecoveryServices/vaults/replicationFabrics/'"


async def ask(clients: Azure, query: str, subscriptions: tuple[str, ...] = (SUBSCRIPTION,), **options: Any) -> Any:
    chosen = QueryRequestOptions(**options) if options else None
    return await clients.graph.resources(QueryRequest(query=query, subscriptions=list(subscriptions), options=chosen))


async def rows(clients: Azure, query: str, *subscriptions: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await ask(clients, query, subscriptions or (SUBSCRIPTION,))).data
    return found


async def refusal(clients: Azure, query: str, *subscriptions: str, **options: Any) -> list[tuple[str, str]]:
    """Codes and messages of the details of the error that a request is refused with."""
    with pytest.raises(HttpResponseError) as raised:
        await ask(clients, query, subscriptions, **options)
    error: Any = raised.value.error
    assert (raised.value.status_code, error.code) == (400, "BadRequest")
    assert error.message.startswith("Please provide below info when asking for support: timestamp = ")
    return [(each.code, each.message) for each in error.details]


async def test_a_vm_is_shown_as_arm_has_it_with_its_power_state_added() -> None:
    async with azure(estate(machine("web-1", zone="1", power="deallocated"))) as clients:
        [found] = await rows(clients, VMS)
        _, shown, _ = await clients.call("GET", f"{vm_id('web-1')}?api-version=2026-04-01")
    extended = found["properties"].pop("extended")
    power = {"code": "PowerState/deallocated", "displayStatus": "VM deallocated", "level": "Info"}
    assert extended["instanceView"]["powerState"] == power
    assert found == {
        "id": vm_id("web-1"),
        "name": "web-1",
        "type": "microsoft.compute/virtualmachines",
        "tenantId": TENANT,
        "kind": "",
        "location": "eastus",
        "resourceGroup": "rg-app",
        "subscriptionId": SUBSCRIPTION,
        "managedBy": "",
        "sku": None,
        "plan": None,
        "properties": shown["properties"],
        "tags": {"dr": "true"},
        "identity": None,
        "zones": ["1"],
        "extendedLocation": None,
    }
    assert shown["properties"]["timeCreated"]


async def test_each_table_has_its_own() -> None:
    existing = estate(
        siteRecovery=ready_vault([protected("web-1")]),
        resourceGroups=[{"id": GROUP, "location": "eastus", "managedBy": "/me", "tags": {"a": "b"}}],
    )
    async with azure(existing) as clients:
        kinds = await rows(clients, "resources | project type | order by type asc")
        containers = "resourcecontainers | where name in~ ('Production', 'rg-app') | order by type asc"
        subscription, group = await rows(clients, containers)
        parts = await rows(clients, "RecoveryServicesResources | project name, type | order by type asc")
        [item] = await rows(clients, ITEMS)
        listed = [each async for each in clients.recovery.replication_protected_items.list(VAULT_GROUP, VAULT)]
    assert list(dict.fromkeys(each["type"].partition("/")[2] for each in kinds)) == [
        "disks",
        "virtualmachines",
        "networkinterfaces",
        "virtualnetworks",
        "vaults",
        "storageaccounts",
    ]
    assert (subscription["type"], subscription["name"]) == ("microsoft.resources/subscriptions", "Production")
    assert (subscription["id"], subscription["resourceGroup"]) == (f"/subscriptions/{SUBSCRIPTION}", "")
    assert (group["type"], group["id"]) == ("microsoft.resources/subscriptions/resourcegroups", GROUP)
    assert (group["resourceGroup"], group["managedBy"], group["tags"]) == ("rg-app", "/me", {"a": "b"})
    assert [each["name"] for each in parts] == ["item-web-1", "gold"]
    assert (item["id"], item["resourceGroup"]) == (listed[0].id, "rg-vault")
    assert item["properties"]["providerSpecificDetails"]["fabricObjectId"] == vm_id("web-1").lower()


async def test_a_query_sees_the_subscriptions_that_it_names_or_all() -> None:
    elsewhere = vm_id("web-2").replace(SUBSCRIPTION, OTHER)
    network = f"/subscriptions/{OTHER}/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/net"
    existing = estate()
    existing["subscriptions"].append({"id": OTHER, "name": "Other"})
    subnets = [{"name": "web", "prefix": "10.9.1.0/24"}]
    existing["networks"].append(
        {"id": network, "location": "eastus", "addressSpace": ["10.9.0.0/16"], "subnets": subnets}
    )
    nics = [{"name": "web-2-nic", "subnet": f"{network}/subnets/web"}]
    existing["virtualMachines"].append(machine("web-2", id=elsewhere, nics=nics))
    async with azure(existing) as clients:
        query = f"{VMS} | project name | order by name asc"
        assert await rows(clients, query) == [{"name": "web-1"}]
        assert await rows(clients, query, OTHER.upper(), "33333333-3333-4333-8333-333333333333") == [{"name": "web-2"}]
        assert await rows(clients, query, SUBSCRIPTION, OTHER) == [{"name": "web-1"}, {"name": "web-2"}]
        assert (await ask(clients, query, ())).count == 2
        foreign = "33333333-3333-4333-8333-333333333333"
        [(code, _)] = await refusal(clients, query, foreign)
        assert code == "NoValidSubscriptionsInQueryRequest"
        [(code, message)] = await refusal(clients, query, *[SUBSCRIPTION] * 1001)
        assert (code, "1000" in message) == ("TooManySubscriptions", True)


async def test_pages_follow_each_other_by_their_tokens() -> None:
    machines = [machine(f"vm-{number:02}") for number in range(25)]
    async with azure(estate(*machines)) as clients:
        query = f"{VMS} | project id, name | order by id asc"
        options: dict[str, Any] = {"top": 10}
        pages: list[Any] = []
        while not pages or options.get("skip_token"):
            pages.append(await ask(clients, query, **options))
            options = {"skip_token": pages[-1].skip_token}
        whole = await ask(clients, query)
        end = await ask(clients, query, skip_token=pages[0].skip_token, top=3, skip=20)
    assert [(page.count, page.total_records, page.result_truncated) for page in pages] == [
        (10, 25, "false"),
        (10, 25, "false"),
        (5, 25, "false"),
    ]
    assert [each["name"] for page in pages for each in page.data] == [each["id"].rsplit("/")[-1] for each in machines]
    assert (whole.count, whole.skip_token, whole.facets) == (25, None, [])
    assert [each["name"] for each in end.data] == ["vm-20", "vm-21", "vm-22"]


async def test_what_cannot_be_paged_is_truncated() -> None:
    async with azure(estate(*(machine(f"vm-{number}") for number in range(5)))) as clients:
        page = await ask(clients, f"{VMS} | project name | order by name asc", top=3)
    assert (page.count, page.total_records, page.result_truncated, page.skip_token) == (3, 5, "true", None)


async def test_a_page_has_at_most_a_thousand_rows() -> None:
    async with azure({"generate": {"vms": 1001}}) as clients:
        query = f"{VMS} | project id | order by id asc"
        first = await ask(clients, query, ())
        last = await ask(clients, query, (), skip_token=first.skip_token)
        assert (first.count, last.count, last.skip_token) == (1000, 1, None)
        assert last.data[0]["id"].endswith("vm-01000")


async def test_an_answer_has_at_most_sixteen_megabytes() -> None:
    groups = [
        {"id": f"{GROUP}-{number}", "location": "eastus", "tags": {f"t{index}": "x" * 256 for index in range(50)}}
        for number in range(900)
    ]
    async with azure(estate(resourceGroups=groups)) as clients:
        query = "resourcecontainers | project id, tags, again = tags | order by id asc"
        [(code, message)] = await refusal(clients, query)
        assert (code, "exceeded the limit of 16777216" in message) == ("ResponsePayloadTooLarge", True)
        assert (await ask(clients, query, top=450)).count == 450


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("resources | where", "ParserFailure"),
        ("resources | join (resources) on id", "InvalidQueryLanguage"),
        ("resources | where power == 1", "SemanticError"),
    ],
)
async def test_a_query_that_is_none_is_refused(query: str, code: str) -> None:
    async with azure() as clients:
        invalid, why = await refusal(clients, query)
    assert invalid[0] == "InvalidQuery"
    assert why[0] == code


async def test_other_requests_that_are_refused() -> None:
    async with azure() as clients:
        [(code, message)] = await refusal(clients, "securityresources")
        assert (code, message) == (
            "DisallowedLogicalTableName",
            "Table securityresources is invalid, unsupported or disallowed.",
        )
        token = (await ask(clients, "resources | project id", top=1)).skip_token
        assert [code for code, _ in await refusal(clients, VMS, skip_token=token)] == ["InvalidSkipToken"]
        assert [code for code, _ in await refusal(clients, VMS, skip_token="bm90aGluZw==")] == ["InvalidSkipToken"]
        path = "/providers/Microsoft.ResourceGraph/resources"
        for version, body, reported in (
            ("2021-03-01", {"query": "resources", "options": {"$top": 0}}, "BadRequest"),
            ("2021-03-01", {"query": "resources", "options": {"$top": 1001}}, "BadRequest"),
            ("2021-03-01", {"query": "resources", "options": {"$skip": -1}}, "BadRequest"),
            ("2021-03-01", {"query": "resources", "options": {"top": 1}}, "BadRequest"),
            ("2021-03-01", {"query": "resources", "options": {"resultFormat": "csv"}}, "BadRequest"),
            ("2021-03-01", {"query": "resources", "facets": [{"expression": "location"}]}, "BadRequest"),
            ("2021-03-01", {"query": "resources", "managementGroups": ["mg"]}, "BadRequest"),
            ("2021-03-01", {"options": {}}, "InvalidRequestContent"),
            ("2018-09-01", {"query": "resources"}, "NoRegisteredProviderFound"),
        ):
            status, answer, _ = await clients.call("POST", f"{path}?api-version={version}", body)
            assert (status, answer["error"]["code"]) == (400, reported), body
        status, _, _ = await clients.call("GET", f"{path}?api-version=2024-04-01")
        assert status == 405


async def test_fifteen_queries_fit_into_a_window_of_five_seconds() -> None:
    async with azure(speed=0.001, retry_total=0) as clients:
        seen: list[Any] = []
        query = QueryRequest(query=f"{VMS} | project name")
        for _ in range(15):
            answer = await clients.graph.resources(query, raw_response_hook=seen.append)
            assert answer.data == [{"name": "web-1"}]
        headers = [each.http_response.headers for each in seen]
        assert [each["x-ms-user-quota-remaining"] for each in headers] == [str(left) for left in range(14, -1, -1)]
        assert "x-ms-ratelimit-remaining-tenant-writes" not in headers[0]
        with pytest.raises(HttpResponseError) as raised:
            await clients.graph.resources(query)
        assert (raised.value.status_code, error_code(raised.value)) == (429, "RateLimiting")
        response: Any = raised.value.response
        assert response.headers["x-ms-user-quota-remaining"] == "0"
        # At a thousandth of the speed a window is 5,000 s long.
        assert response.headers["x-ms-user-quota-resets-after"] == "01:23:20"
        assert response.headers["Retry-After"] == "5000"
        # What ARM allows is another matter.
        assert (await clients.call("GET", f"/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01"))[0] == 200
        await clients.call("PATCH", "/sim/clock", {"speed": 100_000})
        assert (await clients.graph.resources(query)).count == 1


@pytest.mark.parametrize(("speed", "resets"), [(1, "00:00:05"), (200, "00:00:00.025000")])
async def test_the_window_runs_as_fast_as_the_clock(speed: float, resets: str) -> None:
    async with azure(speed=speed) as clients:
        seen: list[Any] = []
        await clients.graph.resources(QueryRequest(query="resources"), raw_response_hook=seen.append)
    assert seen[0].http_response.headers["x-ms-user-quota-resets-after"] == resets


async def test_the_quota_is_reported_with_a_refusal_too() -> None:
    async with azure() as clients:
        path = "/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"
        status, _, headers = await clients.call("POST", path, {"query": "nothing"})
        assert (status, headers["x-ms-user-quota-remaining"]) == (400, "14")


async def test_the_second_page_can_be_made_to_fail() -> None:
    async with azure(estate(machine("a"), machine("b")), retry_total=0) as clients:
        match = {"path": "Microsoft.ResourceGraph", "body": r'"\$skipToken"'}
        await clients.call("POST", "/sim/faults", {"match": match, "kind": "status", "status": 503})
        query = f"{VMS} | project id | order by id asc"
        first = await ask(clients, query, top=1)
        with pytest.raises(HttpResponseError) as raised:
            await ask(clients, query, skip_token=first.skip_token)
        assert raised.value.status_code == 503
        _, log, _ = await clients.call("GET", "/sim/requests")
    assert [(each["status"], each["requestBody"]["query"]) for each in log] == [(200, query), (503, query)]
    assert log[0]["responseBody"]["count"] == 1


# Longer than any test lasts, until the clock is made to run.
LAG = 3_600_000


async def lag(clients: Azure) -> None:
    await clients.call("PATCH", "/sim/behaviour", {"graphLagSeconds": LAG})
    await clients.call("PATCH", "/sim/clock", {"speed": 3000})


async def until_it_knows(clients: Azure, query: str, expected: list[dict[str, Any]]) -> None:
    await clients.call("PATCH", "/sim/clock", {"speed": 100 * LAG})
    async with asyncio.timeout(longer(20)):
        while await rows(clients, query) != expected:
            continue


async def test_without_a_lag_a_write_is_seen_at_once() -> None:
    async with azure() as clients:
        path = f"{vm_id('web-1')}/providers/Microsoft.Resources/tags/default?api-version=2022-09-01"
        await clients.call("PUT", path, {"properties": {"tags": {"dr": "false"}}})
        assert await rows(clients, f"{VMS} | project tags") == [{"tags": {"dr": "false"}}]


async def test_writes_are_seen_when_the_lag_is_over() -> None:
    """Tags, power, deletion and creation, of VMs and groups: first as it was, then as it is."""
    vms = f"{VMS} | project name, tags, on = tostring(properties.extended.instanceView.powerState.code) | order by name"
    groups = "resourcecontainers | where name =~ 'rg-new' | project name, tags"
    disks = "resources | where type =~ 'microsoft.compute/disks' | project name | order by name asc"
    was = [
        {"name": "b", "tags": {"dr": "true"}, "on": "PowerState/running"},
        {"name": "a", "tags": {"dr": "true"}, "on": "PowerState/running"},
    ]
    async with azure(estate(machine("a"), machine("b"))) as clients:
        await lag(clients)
        tags = f"{vm_id('a')}/providers/Microsoft.Resources/tags/default?api-version=2022-09-01"
        await clients.call("PUT", tags, {"properties": {"tags": {"x": "y"}}})
        await clients.resources.resource_groups.create_or_update("rg-new", {"location": "eastus", "tags": {"n": "1"}})
        await (await clients.compute.virtual_machines.begin_deallocate("rg-app", "a")).result()
        await (await clients.compute.virtual_machines.begin_delete("rg-app", "b")).result()
        attached = {"lun": 0, "createOption": "Empty", "diskSizeGB": 8, "name": "a-data"}
        change = {"properties": {"storageProfile": {"dataDisks": [attached]}}}
        await (await clients.compute.virtual_machines.begin_update("rg-app", "a", change)).result()
        assert await rows(clients, vms) == was
        assert await rows(clients, groups) == []
        assert await rows(clients, disks) == [{"name": "a-os"}, {"name": "b-os"}]
        await until_it_knows(clients, vms, [{"name": "a", "tags": {"x": "y"}, "on": "PowerState/deallocated"}])
        await until_it_knows(clients, groups, [{"name": "rg-new", "tags": {"n": "1"}}])
        await until_it_knows(clients, disks, [{"name": "a-data"}, {"name": "a-os"}, {"name": "b-os"}])


async def test_items_are_seen_when_the_lag_is_over() -> None:
    existing = estate(siteRecovery=ready_vault(), resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}])
    query = f"{ITEMS} | project state = tostring(properties.protectionState), name"
    async with azure(existing) as clients:
        await lag(clients)
        await enable(clients, enable_body("web-1"))
        assert await rows(clients, query) == []
        await until_it_knows(clients, query, [{"state": "Protected", "name": "item"}])
        await lag(clients)
        containers = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers"
        path = f"{containers}/here/replicationProtectedItems/item"
        await clients.call("POST", f"{path}/remove", {"properties": {}})
        items = clients.recovery.replication_protected_items
        async with asyncio.timeout(longer(20)):
            while [each async for each in items.list(VAULT_GROUP, VAULT)]:
                continue
        assert await rows(clients, query) == [{"state": "Protected", "name": "item"}]
        await until_it_knows(clients, query, [])


async def test_an_item_that_moves_to_the_other_container_is_known_once() -> None:
    where = f"{ITEMS} | project id, state = tostring(properties.protectionState)"
    existing = estate(siteRecovery=ready_vault([protected("web-1", state="UnplannedFailoverCommitted")]))
    async with azure(existing) as clients:
        await lag(clients)
        back = f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here"
        details = {"instanceType": "A2A", "recoveryContainerId": back, "recoveryResourceGroupId": GROUP}
        body = {"properties": {"providerSpecificDetails": details}}
        await clients.call("POST", f"{back}/replicationProtectedItems/item-web-1/reProtect", body)
        was = {
            "id": f"{back.replace('/subscriptions', '/Subscriptions')}/replicationProtectedItems/item-web-1",
            "state": "UnplannedFailoverCommitted",
        }
        assert await rows(clients, where) == [was]
        moved = was["id"].replace("primary", "secondary").replace("here", "there")
        await until_it_knows(clients, where, [{"id": moved, "state": "Protected"}])


async def test_a_lag_that_ends_and_an_estate_that_is_replaced_leave_nothing_behind() -> None:
    async with azure() as clients:
        await lag(clients)
        await clients.call("POST", "/sim/estate", estate(machine("new")))
        assert await rows(clients, f"{VMS} | project name") == [{"name": "new"}]
        await clients.resources.resource_groups.create_or_update("rg-new", {"location": "eastus"})
        query = "resourcecontainers | where name == 'rg-new' | project name"
        assert await rows(clients, query) == []
        await clients.call("PATCH", "/sim/behaviour", {"graphLagSeconds": 0})
        assert await rows(clients, query) == [{"name": "rg-new"}]
        for wrong in (-1, 1.5, "60"):
            status, body, _ = await clients.call("PATCH", "/sim/behaviour", {"graphLagSeconds": wrong})
            assert (status, "graphLagSeconds" in body["error"]) == (400, True)
