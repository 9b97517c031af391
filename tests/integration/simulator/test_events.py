"""Event Grid: the handshake, what is raised by which call, and how it is delivered."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from tests.integration.simulator.azure import (
    SUBSCRIPTION,
    TARGET_GROUP,
    VAULT_ID,
    Azure,
    azure,
    disk_id,
    enable_body,
    estate,
    machine,
    ready_vault,
    vm_id,
)
from tests.waiting import eventually


class Endpoint:
    """A webhook that keeps what it gets. `answers` are the statuses to give, the last one for good."""

    def __init__(self) -> None:
        self.url = ""
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers = [200]
        self.echo = True

    async def handle(self, request: web.Request) -> web.Response:
        if request.method == "OPTIONS":
            origin = request.headers["WebHook-Request-Origin"] if self.echo else "elsewhere"
            return web.Response(headers={"WebHook-Allowed-Origin": origin})
        body = json.loads(await request.read())
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = body[0]["data"]["validationCode"] if self.echo else "wrong"
            return web.json_response({"validationResponse": code})
        self.events += body if isinstance(body, list) else [body]
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(status=self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


@asynccontextmanager
async def endpoint() -> AsyncIterator[Endpoint]:
    hook = Endpoint()
    app = web.Application()
    app.router.add_route("*", "/hook", hook.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield hook
    finally:
        await runner.cleanup()


async def subscribe(clients: Azure, hook: Endpoint, **more: Any) -> None:
    status, body, _ = await clients.call("POST", "/sim/events", {"endpoint": hook.url, **more})
    assert (status, body["endpoint"]) == (200, hook.url)


@pytest.mark.parametrize("schema", ["eventgrid", "cloud"])
async def test_an_endpoint_that_does_not_prove_itself_is_refused(schema: str) -> None:
    async with endpoint() as hook, azure() as clients:
        hook.echo = False
        status, body, _ = await clients.call("POST", "/sim/events", {"endpoint": hook.url, "schema": schema})
        assert status == 400
        assert "handshake" in body["error"]


async def test_writes_of_a_vm_its_tags_and_its_disks_raise_events() -> None:
    async with endpoint() as hook, azure(estate(machine("web-1"), machine("web-2"))) as clients:
        await subscribe(clients, hook)
        machines = clients.compute.virtual_machines
        await (await machines.begin_update("rg-app", "web-1", {"tags": {"dr": "true", "x": "y"}})).result()
        disk = {"lun": 3, "createOption": "Empty", "diskSizeGB": 32, "name": "web-1-data"}
        profile = {"properties": {"storageProfile": {"dataDisks": [disk]}}}
        changed = await (await machines.begin_update("rg-app", "web-1", profile)).result()
        assert changed.storage_profile.data_disks[0].managed_disk.id == disk_id("web-1-data")
        assert changed.tags == {"dr": "true", "x": "y"}
        tags = {"operation": "Merge", "properties": {"tags": {"DR": "false"}}}
        poller = await clients.resources.tags.begin_update_at_scope(vm_id("web-1"), tags)
        assert (await poller.result()).properties.tags == {"x": "y", "DR": "false"}
        await (await machines.begin_start("rg-app", "web-1")).result()
        await (await machines.begin_delete("rg-app", "web-2")).result()
        await eventually(lambda: len(hook.events) == 5)
        seen = {(event["data"]["operationName"], event["subject"]) for event in hook.events}
        assert seen == {
            ("Microsoft.Compute/virtualMachines/write", vm_id("web-1")),
            ("Microsoft.Resources/tags/write", vm_id("web-1") + "/providers/Microsoft.Resources/tags/default"),
            ("Microsoft.Compute/virtualMachines/start/action", vm_id("web-1")),
            ("Microsoft.Compute/virtualMachines/delete", vm_id("web-2")),
        }
        event = hook.events[0]
        assert event["topic"] == f"/subscriptions/{SUBSCRIPTION}"
        assert event["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
        assert event["data"]["resourceUri"] == event["subject"]
        assert hook.headers[0]["aeg-event-type"] == "Notification"


@pytest.mark.parametrize(
    ("options", "kind", "subject"),
    [
        ({"tagSubject": "vm"}, "Microsoft.Resources.ResourceWriteSuccess", vm_id("web-1")),
        (
            {"schema": "cloud"},
            "Microsoft.Resources.ResourceWriteSuccess",
            vm_id("web-1") + "/providers/Microsoft.Resources/tags/default",
        ),
        (
            {"source": "resource-notifications"},
            "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated",
            vm_id("web-1"),
        ),
        (
            {"source": "resource-notifications", "schema": "cloud"},
            "Microsoft.ResourceNotifications.Resources.CreatedOrUpdated",
            vm_id("web-1"),
        ),
    ],
)
async def test_every_form_of_a_tag_write(options: dict[str, str], kind: str, subject: str) -> None:
    async with endpoint() as hook, azure() as clients:
        await subscribe(clients, hook, **options)
        tags = {"properties": {"tags": {"dr": "false"}}}
        await (await clients.resources.tags.begin_create_or_update_at_scope(vm_id("web-1"), tags)).result()
        await eventually(lambda: len(hook.events) == 1)
        event = hook.events[0]
        assert (event.get("eventType") or event.get("type"), event["subject"]) == (kind, subject)
        if options.get("source"):
            assert event["data"]["resourceInfo"]["tags"] == {"dr": "false"}
        if options.get("schema") == "cloud":
            assert event["specversion"] == "1.0"
            assert hook.headers[0]["content-type"].startswith("application/cloudevents+json")


async def test_delivery_is_tried_again_after_a_server_error_and_not_after_a_refusal() -> None:
    async with endpoint() as hook, azure() as clients:
        await subscribe(clients, hook)
        hook.answers = [500, 503, 200]
        await clients.call(
            "DELETE", f"{vm_id('web-1')}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
        )
        await eventually(lambda: len(hook.events) == 3)
        assert len({event["id"] for event in hook.events}) == 1
        assert hook.events[0]["eventType"] == "Microsoft.Resources.ResourceDeleteSuccess"
        hook.events.clear()
        hook.answers = [400]
        await clients.call(
            "DELETE", f"{vm_id('web-1')}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01"
        )

        async def dropped() -> bool:
            return bool((await clients.call("GET", "/sim/events"))[1]["dropped"])

        await eventually(dropped)
        _, counts, _ = await clients.call("GET", "/sim/events")
        assert len(hook.events) == 1
        assert counts == {"endpoint": hook.url, "pending": 0, "published": 2, "delivered": 1, "dropped": 1}


async def test_duplicates_and_announced_estates() -> None:
    async with endpoint() as hook, azure() as clients:
        await subscribe(clients, hook, duplicates=1.0, delay=[0, 0.01])
        names = [machine(f"web-{number}") for number in range(5)]
        status, body, _ = await clients.call("POST", "/sim/estate", {**estate(*names), "announce": True})
        assert (status, body["virtualMachines"]) == (200, 5)
        await eventually(lambda: len(hook.events) == 10)
        assert {event["subject"] for event in hook.events} == {vm_id(f"web-{number}") for number in range(5)}
        assert len({event["id"] for event in hook.events}) == 5


async def test_enabling_raises_the_event_of_the_extension_by_itself() -> None:
    group = {"id": TARGET_GROUP, "location": "westus2"}
    async with endpoint() as hook, azure(estate(siteRecovery=ready_vault(), resourceGroups=[group])) as clients:
        await subscribe(clients, hook)
        item = (
            f"{VAULT_ID}/replicationFabrics/primary/replicationProtectionContainers/here/replicationProtectedItems/item"
        )
        status, _, _ = await clients.call("PUT", item, enable_body("web-1"))
        assert status == 202
        # No one asks the simulator for anything from here on.
        await eventually(lambda: len(hook.events) == 1)
        event = hook.events[0]
        assert event["subject"] == f"{vm_id('web-1')}/extensions/SiteRecovery-Linux"
        assert event["data"]["operationName"] == "Microsoft.Compute/virtualMachines/extensions/write"
