"""Calls that go wrong on purpose, and calls that are too many."""

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

from tests.integration.simulator.azure import (
    SUBSCRIPTION,
    TARGET_GROUP,
    VAULT,
    VAULT_GROUP,
    VAULT_ID,
    Azure,
    azure,
    enable_body,
    error_code,
    estate,
    ready_vault,
    vm_id,
)


async def count(clients: Azure, method: str, part: str) -> int:
    _, log, _ = await clients.call("GET", "/sim/requests")
    return sum(entry["method"] == method and part in entry["path"] for entry in log)


async def test_status_and_throttle_faults_are_retried_by_the_sdk() -> None:
    async with azure(retry_total=3, retry_backoff_factor=0.01) as clients:
        match = {"method": "GET", "path": "virtualMachines/web-1$"}
        fault = {"match": match, "kind": "throttle", "retryAfter": 0.01, "times": 2}
        await clients.call("POST", "/sim/faults", fault)
        assert (await clients.compute.virtual_machines.get("rg-app", "web-1")).name == "web-1"
        assert await count(clients, "GET", "web-1") == 3
        await clients.call("DELETE", "/sim/faults")
        await clients.call(
            "POST", "/sim/faults", {"match": match, "kind": "status", "status": 403, "code": "Forbidden"}
        )
        with pytest.raises(HttpResponseError) as raised:
            await clients.compute.virtual_machines.get("rg-app", "web-1")
        assert (raised.value.status_code, error_code(raised.value)) == (403, "Forbidden")


async def test_every_nth_call() -> None:
    async with azure() as clients:
        await clients.call("POST", "/sim/faults", {"kind": "status", "status": 418, "every": 3})
        answers = [
            (await clients.call("GET", f"/subscriptions/{SUBSCRIPTION}?api-version=2022-12-01"))[0] for _ in range(6)
        ]
        assert answers == [200, 200, 418, 200, 200, 418]


async def test_a_reset_does_nothing_and_a_lost_response_has_done_it() -> None:
    async with azure(retry_total=0) as clients:
        match = {"method": "PUT", "path": "/resourcegroups/rg-"}
        for kind, exists in (("reset", False), ("lost-response", True)):
            # aiohttp sends an idempotent call again by itself when a kept-alive connection breaks: hence twice.
            await clients.call("POST", "/sim/faults", {"match": match, "kind": kind, "times": 2})
            with pytest.raises((ServiceRequestError, ServiceResponseError)):
                await clients.resources.resource_groups.create_or_update(f"rg-{kind}", {"location": "eastus"})
            assert await clients.resources.resource_groups.check_existence(f"rg-{kind}") is exists
            await clients.call("DELETE", "/sim/faults")


async def test_an_operation_can_be_made_to_fail() -> None:
    existing = estate(siteRecovery=ready_vault(), resourceGroups=[{"id": TARGET_GROUP, "location": "westus2"}])
    async with azure(existing) as clients:
        fault = {
            "match": {"method": "PUT", "path": "replicationProtectedItems"},
            "kind": "fail-operation",
            "code": "151196",
            "message": "Sign-in endpoints are unreachable.",
            "recommendedAction": "Allow them.",
            "times": 1,
        }
        await clients.call("POST", "/sim/faults", fault)
        items = clients.recovery.replication_protected_items
        with pytest.raises(HttpResponseError) as raised:
            await (
                await items.begin_create(VAULT_GROUP, VAULT, "primary", "here", "item", enable_body("web-1"))
            ).result()
        assert error_code(raised.value) == "45005"
        _, state, _ = await clients.call("GET", "/sim/state")
        job = state["siteRecovery"][0]["jobs"][0]["properties"]
        assert job["errors"][0]["serviceErrorDetails"]["code"] == "151196"
        assert [task["state"] for task in job["tasks"]][:3] == ["Succeeded", "Failed", "NotStarted"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "earthquake"},
        {"kind": "status", "when": 1},
        {"match": {"url": "x"}, "kind": "reset"},
        {"match": {"body": "("}, "kind": "reset"},
        7,
    ],
)
async def test_a_fault_that_is_no_fault(fault: object) -> None:
    async with azure() as clients:
        status, body, _ = await clients.call("POST", "/sim/faults", fault)
        assert status == 400
        assert body["error"]


async def test_the_buckets_run_dry_per_principal_and_fill_again() -> None:
    async with azure(speed=0.001) as clients:
        path = f"{VAULT_ID}/replicationFabrics/primary"
        first = (await clients.call("DELETE", path))[2]
        assert first["x-ms-ratelimit-remaining-subscription-deletes"] == "199"
        statuses = [(await clients.call("DELETE", path))[0] for _ in range(200)]
        assert statuses == [204] * 199 + [429]
        status, body, headers = await clients.call("DELETE", path)
        assert (status, body["error"]["code"]) == (429, "SubscriptionRequestsThrottled")
        assert float(headers["Retry-After"]) > 1
        status, _, headers = await clients.call("GET", f"{vm_id('web-1')}?api-version=2026-04-01")
        assert (status, headers["x-ms-ratelimit-remaining-subscription-reads"]) == (200, "249")
        assert headers["x-ms-ratelimit-remaining-subscription-global-reads"] == "3749"
        await clients.call("PATCH", "/sim/clock", {"speed": 100_000})
        assert (await clients.call("DELETE", path))[0] == 204
