"""Answers that are changed by a rule on their way to the client."""

import base64
from typing import Any

import pytest
from azure.core.exceptions import DecodeError, HttpResponseError

from tests.integration.simulator.azure import (
    SUBSCRIPTION,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    estate,
    machine,
    protected,
    ready_vault,
    vm_id,
)

ITEMS = f"{VAULT_ID}/replicationProtectedItems"
VMS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines?api-version=2026-04-01"


async def rule(clients: Azure, path: str, **mutation: Any) -> None:
    match = {"method": "GET", "path": path}
    status, answer, _ = await clients.call("POST", "/sim/faults", {"match": match, "kind": "mutate", **mutation})
    assert status == 200, answer


async def test_fields_are_set_and_removed_in_the_answer_alone() -> None:
    items = [protected("web-1"), protected("web-2")]
    async with azure(estate(machine("web-1"), machine("web-2"), siteRecovery=ready_vault(items))) as clients:
        _, before, _ = await clients.call("GET", ITEMS)
        await rule(
            clients,
            "replicationProtectedItems$",
            set={"value[?properties.friendlyName=='web-1'].properties.replicationHealth": 7},
            delete=["value[1].id"],
            times=1,
        )
        _, odd, _ = await clients.call("GET", ITEMS)
        assert [each["properties"]["replicationHealth"] for each in odd["value"]] == [7, "Normal"]
        assert ["id" in each for each in odd["value"]] == [True, False]
        _, after, _ = await clients.call("GET", ITEMS)
        assert [each["id"] for each in after["value"]] == [each["id"] for each in before["value"]]
        _, log, _ = await clients.call("GET", "/sim/requests")
        assert [entry.get("mutated", False) for entry in log] == [False, True, False]
        assert log[1]["responseBody"]["value"][1]["id"] == before["value"][1]["id"]


@pytest.mark.parametrize(
    ("mutation", "expected"),
    [
        ({"body": "<html>Service unavailable</html>"}, b"<html>Service unavailable</html>"),
        ({"body": "null"}, b"null"),
        ({"body": "[]"}, b"[]"),
        ({"body": ""}, b""),
        ({"bodyBase64": base64.b64encode(b'{"value": "\xff\xfe"}').decode()}, b'{"value": "\xff\xfe"}'),
        ({"set": {"value": None}, "truncate": 9}, b'{"value":'),
    ],
)
async def test_bodies_that_are_no_list(mutation: dict[str, Any], expected: bytes) -> None:
    async with azure() as clients:
        await rule(clients, "virtualMachines$", headers={"Content-Type": "text/html", "X-Odd": "1"}, **mutation)
        status, body, received = await clients.raw("GET", VMS)
        assert (status, received["Content-Type"], received["X-Odd"], body) == (200, "text/html", "1", expected)
        await clients.call("DELETE", "/sim/faults")
        assert (await clients.call("GET", VMS))[0] == 200


async def test_a_status_and_one_api_version_only() -> None:
    async with azure() as clients:
        match = {"path": "/web-1$", "apiVersion": "2026-04-01"}
        await clients.call("POST", "/sim/faults", {"match": match, "kind": "mutate", "status": 599})
        statuses = [
            (await clients.call("GET", f"{vm_id('web-1')}?api-version={api}"))[0]
            for api in ("2026-04-01", "2025-04-01")
        ]
        assert statuses == [599, 200]


async def test_a_next_link_that_repeats_and_one_of_another_host() -> None:
    async with azure() as clients:
        await rule(clients, "virtualMachines$", set={"nextLink": "{url}"}, times=3)
        assert len([vm async for vm in clients.compute.virtual_machines.list_all()]) == 4
        await rule(clients, "virtualMachines$", set={"nextLink": "https://127.0.0.1:9/more"})
        _, page, _ = await clients.call("GET", VMS)
        assert page["nextLink"] == "https://127.0.0.1:9/more"


async def test_the_sdk_cannot_read_what_is_no_json() -> None:
    async with azure(retry_total=0) as clients:
        await rule(clients, "replicationProtectedItems$", body="<html>")
        with pytest.raises((DecodeError, HttpResponseError)):
            [each async for each in clients.recovery.replication_protected_items.list(VAULT_GROUP, VAULT)]


@pytest.mark.parametrize(
    "mutation", [{}, {"set": {"value[": 1}}, {"set": []}, {"delete": [""]}, {"bodyBase64": "#"}, {"truncate": "9"}]
)
async def test_a_mutation_that_is_none(mutation: dict[str, Any]) -> None:
    async with azure() as clients:
        status, answer, _ = await clients.call("POST", "/sim/faults", {"kind": "mutate", **mutation})
        assert (status, bool(answer["error"])) == (400, True)
