"""The small reads around a VM, and the Tags API at every scope."""

from typing import Any

from tests.integration.simulator.azure import GROUP, SUBSCRIPTION, azure, estate, machine, vm_id

LOCK = {"id": f"{GROUP}/providers/Microsoft.Authorization/locks/keep", "level": "ReadOnly", "notes": "not now"}


async def test_eligibility() -> None:
    error = {
        "code": "150172",
        "message": "Too small.",
        "possibleCauses": "A disk.",
        "recommendedAction": "Resize.",
        "status": "NotEligible",
    }
    async with azure(estate(machine("web-1"), machine("web-2", eligibilityErrors=[error]))) as clients:
        results = clients.recovery.replication_eligibility_results
        fine = await results.get("rg-app", "web-1")
        assert (fine.name, fine.properties.errors) == ("default", [])
        assert fine.properties.client_request_id
        bad = await results.get("rg-app", "web-2")
        assert bad.properties.errors[0].as_dict() == error


async def test_locks_are_seen_from_below_and_from_above() -> None:
    async with azure(estate(locks=[LOCK])) as clients:
        version = "api-version=2020-05-01"
        locks = "/providers/Microsoft.Authorization/locks"
        _, at_group, _ = await clients.call("GET", f"{GROUP}{locks}?{version}")
        assert at_group["value"][0]["properties"] == {"level": "ReadOnly", "notes": "not now"}
        _, at_vm, _ = await clients.call("GET", f"{vm_id('web-1')}{locks}?{version}&$filter=atScope()")
        assert [lock["name"] for lock in at_vm["value"]] == ["keep"]
        _, below, _ = await clients.call("GET", f"/subscriptions/{SUBSCRIPTION}{locks}?{version}")
        assert [lock["name"] for lock in below["value"]] == ["keep"]
        tags = f"{vm_id('web-1')}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
        status, body, _ = await clients.call("PUT", tags, {"properties": {"tags": {}}})
        assert (status, body["error"]["code"]) == (409, "ScopeLocked")
        status, body, _ = await clients.call("DELETE", f"{vm_id('web-1')}?api-version=2026-04-01")
        assert (status, body["error"]["code"]) == (409, "ScopeLocked")


async def test_tags_of_a_vm_a_group_and_a_subscription() -> None:
    async with azure() as clients:
        tags = clients.resources.tags
        for scope in (vm_id("web-1"), GROUP, f"/subscriptions/{SUBSCRIPTION}"):
            body: Any = {"properties": {"tags": {"dr": "true", "keep": "x"}}}
            await (await tags.begin_create_or_update_at_scope(scope, body)).result()
            change: Any = {"operation": "Delete", "properties": {"tags": {"DR": "true", "keep": "other"}}}
            await (await tags.begin_update_at_scope(scope, change)).result()
            found = await tags.get_at_scope(scope)
            assert found.properties.tags == {"keep": "x"}
            await (await tags.begin_delete_at_scope(scope)).result()
            assert (await tags.get_at_scope(scope)).properties.tags == {}
        vm = await clients.compute.virtual_machines.get("rg-app", "web-1")
        assert vm.tags == {}
        for wrong in ({"operation": "Add", "properties": {"tags": {}}}, {"properties": {"tags": {"a": 1}}}):
            path = f"{GROUP}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
            assert (await clients.call("PATCH", path, wrong))[0] == 400


async def test_paths_are_read_without_case() -> None:
    async with azure() as clients:
        path = vm_id("web-1").upper().replace("/SUBSCRIPTIONS", "/Subscriptions")
        status, body, _ = await clients.call("GET", f"{path}?api-version=2026-04-01")
        assert (status, body["id"]) == (200, vm_id("web-1"))
        _, log, _ = await clients.call("GET", "/sim/requests")
        assert (log[-1]["path"], log[-1]["apiVersion"], log[-1]["status"]) == (path, "2026-04-01", 200)
        assert log[-1]["responseBody"]["name"] == "web-1"
        assert log[-1]["principal"]
        await clients.call("DELETE", "/sim/requests")
        _, log, _ = await clients.call("GET", f"/sim/requests?after={log[-1]['n']}")
        assert log == []
