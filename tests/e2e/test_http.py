"""The HTTP doors: what they do, and what they refuse without having done half of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession

from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event, written
from tests.waiting import eventually


def route(name: str, subscription: str = estates.SUBSCRIPTION, group: str = "app") -> str:
    return f"subscriptions/{subscription}/resourceGroups/{group}/virtualMachines/{name}/protection"


async def test_put_tags_the_vm_and_get_follows_it_to_protected(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", tagged=False)
    async with start_stack(estates.estate([vm])) as stack:
        status, accepted = await stack.api("PUT", route("web-1"))
        assert status == 202
        assert accepted["vmId"].lower() == vm["id"].lower()
        found = await stack.arm("GET", vm["id"], "2026-04-01")
        assert found["tags"] == {"dr": "true"}

        async def protected() -> Any:
            _, view = await stack.api("GET", route("web-1"))
            return view if view["item"] and view["item"]["state"] == "Protected" and not view["running"] else None

        view = await eventually(protected)
    assert view["tagged"]
    assert view["run"]["outcome"] == "Protected"
    assert all(setting["origin"] for setting in view["run"]["settings"])


async def test_put_refuses_a_vm_that_is_not_eligible_and_tags_nothing(start_stack: StartStack) -> None:
    vm = estates.vm("off", tagged=False, power="deallocated")
    async with start_stack(estates.estate([vm])) as stack:
        status, problem = await stack.api("PUT", route("off"))
        assert (status, problem["code"]) == (422, "NotEligible")
        assert [finding["code"] for finding in problem["findings"]] == ["VmNotRunning"]
        assert not await written(stack)
        assert await stack.instances() == []


async def test_no_log_holds_a_key_a_token_or_who_the_caller_is(start_stack: StartStack) -> None:
    """At the level that logs most; for requests that are served, refused or malformed, and events that are not read."""
    secret = "5ecret"
    names = ("Authorization", "X-MS-CLIENT-PRINCIPAL", "X-MS-CLIENT-PRINCIPAL-NAME", "X-MS-TOKEN-AAD-ACCESS-TOKEN")
    identity = dict.fromkeys(names, f"Bearer {secret}")
    vm = estates.vm("web-1", tagged=False)
    async with start_stack(estates.estate([vm]), settings={"LOG_LEVEL": "debug"}) as stack, ClientSession() as session:
        keys = [stack.keys["master"], *stack.keys["function"].values(), *stack.keys["system"].values()]
        for method, path in (("PUT", route("web-1")), ("GET", route("web-1")), ("GET", "compliance"), ("PUT", "x")):
            for code in (keys[1], secret):
                url = f"{stack.host_url}/api/{path}?code={code}"
                async with session.request(method, url, headers=identity) as answer:
                    await answer.read()
        claims = {"claims": {"name": secret}, "authorization": secret, "operationName": "x"}
        events: list[Any] = [{**write_event(vm["id"]), "data": claims}, {"id": "1", "data": claims}, secret, None]
        await stack.deliver(*events)
        async with session.post(stack.webhook, json=secret, headers={"aeg-event-type": "Notification"}) as answer:
            await answer.read()
        for line in (f"Authorization : {secret}", f"X-MS-CLIENT-PRINCIPAL: \x00{secret}", f"{secret}\x01: x"):
            reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(stack.host_url).port)
            writer.write(f"GET /api/jobs?code={keys[1]} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
            await reader.readline()
            writer.close()
        identity_header = stack.ready("simulator")["identityHeader"]
        logs = stack.log_of("host") + stack.log_of("simulator")
    assert "Executed 'put_protection' (Succeeded" in logs
    # `eyJ` begins every token: the app's own for Azure as well.
    assert [word for word in (secret, "eyJ", identity_header, *keys) if word in logs] == []


async def test_bad_requests_are_refused_and_start_nothing(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", tagged=False)
    other = "22222222-2222-4222-8222-222222222222"
    json_type = {"Content-Type": "application/json"}
    refused: list[tuple[str, str, dict[str, str], bytes, int, str]] = [
        ("PUT", route("web-1"), {"x-functions-key": "wrong"}, b"", 401, ""),
        ("PUT", route("web-1"), {"x-functions-key": ""}, b"", 401, ""),
        ("PUT", route("web-1", subscription="not-a-guid"), {}, b"", 400, "MalformedResource"),
        ("PUT", route("web%201"), {}, b"", 400, "MalformedResource"),
        ("GET", route("web-1", subscription=other), {}, b"", 404, "OutOfScope"),
        ("PUT", route("web-1", subscription=other), {}, b"", 404, "OutOfScope"),
        ("PUT", route("missing"), {}, b"", 404, "VmNotFound"),
        ("GET", route("missing"), {}, b"", 404, "VmNotFound"),
        ("PUT", route("web-1"), {"Content-Type": "text/plain"}, b"{}", 415, "NotJson"),
        ("PUT", route("web-1"), json_type, b"{", 400, "MalformedBody"),
        ("PUT", route("web-1"), json_type, b"[]", 422, "InvalidBody"),
        ("PUT", route("web-1"), json_type, b'{"retention": 99}', 422, "InvalidBody"),
        ("PUT", route("web-1"), json_type, b'{"dr-target-zone": "9"}', 422, "InvalidBody"),
        ("PUT", route("web-1"), json_type, b'{"dr-target-zone": "2"}', 422, "NotEligible"),
        ("PUT", route("web-1") + "?targetsOnly=true", json_type, b'{"dr-target-zone": "2"}', 422, "BodyNeedsTags"),
        ("PUT", route("web-1") + "?targetsOnly=yes", {}, b"", 400, "InvalidQuery"),
        ("GET", route("web-1") + "?verbose=true", {}, b"", 400, "InvalidQuery"),
        ("PUT", route("web-1"), json_type, b'{"a":"' + b"x" * 70_000 + b'"}', 413, "BodyTooLarge"),
    ]
    async with start_stack(estates.estate([vm])) as stack, ClientSession() as session:
        key = {"x-functions-key": stack.keys["function"]["default"]}
        for method, path, headers, body, status, code in refused:
            url = f"{stack.host_url}/api/{path}"
            async with session.request(method, url, headers=key | headers, data=body or None) as answer:
                assert answer.status == status, (method, path, await answer.text())
                if code:
                    problem = await answer.json(content_type="application/problem+json")
                    assert (problem["status"], problem["code"]) == (status, code)
                    assert problem["detail"]
        assert not await written(stack)
        assert await stack.instances() == []


async def test_a_body_in_chunks_is_refused_before_anything_is_done(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", tagged=False)
    body = json.dumps({"dr-profile": "default"}).encode()
    batch = json.dumps({"virtualMachines": [vm["id"]]}).encode()

    async def in_chunks(content: bytes) -> AsyncIterator[bytes]:
        yield content[:9]
        yield content[9:]

    routes = [
        ("PUT", route("web-1"), body),
        ("POST", f"{route('web-1')}/plan", body),
        ("POST", "protections", batch),
        ("POST", "protections/plan", batch),
    ]
    async with start_stack(estates.estate([vm])) as stack, ClientSession() as session:
        headers = {"x-functions-key": stack.keys["function"]["default"], "Content-Type": "application/json"}
        for method, path, content in routes:
            url = f"{stack.host_url}/api/{path}"
            async with session.request(method, url, headers=headers, data=in_chunks(content)) as answer:
                problem = await answer.json(content_type="application/problem+json")
                assert (answer.status, problem["code"]) == (411, "LengthRequired"), (method, path)
        assert not await written(stack)
        assert await stack.instances() == []


async def test_an_untagged_vm_can_be_looked_at(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", tagged=False)
    async with start_stack(estates.estate([vm])) as stack:
        status, view = await stack.api("GET", route("web-1"))
        assert status == 200
        assert (view["exists"], view["tagged"], view["item"], view["running"]) == (True, False, None, False)
        assert await results(stack, 0) == {}


async def test_what_the_body_asks_for_is_written_as_tags_and_done(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", tagged=False)
    profiles = {"default": {"allow": {"target-disk-type": ["StandardSSD_LRS"], "consistency-group": ["*"]}}}
    body = {"dr-target-disk-type": "StandardSSD_LRS", "dr-consistency-group": "shop"}
    async with start_stack(estates.estate([vm]), settings={"DR_PROFILES": json.dumps(profiles)}) as stack:
        _, plan = await stack.api("POST", f"{route('web-1')}/plan", body)
        assert not await written(stack)
        status, _ = await stack.api("PUT", route("web-1"), body)
        assert status == 202
        result = (await results(stack, 1))["web-1"]
        found = await stack.arm("GET", vm["id"], "2026-04-01")
        _, view = await stack.api("GET", route("web-1"))
        requests = await stack.app_requests()

    assert found["tags"] == {"dr": "true", **body}
    assert len([each for each in requests if each["method"] == "PATCH"]) == 1
    assert result["outcome"] == "Protected"
    assert {disk["targetSku"] for disk in view["item"]["disks"]} == {"StandardSSD_LRS"}
    assert view["item"]["settings"]["consistencyGroup"] == "shop"
    origins = [
        {each["name"]: each["origin"] for each in settings}["consistencyGroup"]
        for settings in (plan["settings"], result["settings"], view["settings"])
    ]
    assert origins == ["request", "tag dr-consistency-group", "tag dr-consistency-group"]


async def test_the_targets_alone_are_made_and_the_vm_is_left_as_it_is(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", tagged=False)
    async with start_stack(estates.estate([vm])) as stack:
        _, plan = await stack.api("POST", f"{route('web-1')}/plan")
        status, accepted = await stack.api("PUT", f"{route('web-1')}?targetsOnly=true")
        assert status == 202
        (result,) = (await results(stack, 1)).values()
        made = {path.rsplit("/", 1)[1] for path in await written(stack)}
        found = await stack.arm("GET", vm["id"], "2026-04-01")
        _, view = await stack.api("GET", f"{route('web-1')}?targetsOnly=true")
        _, own = await stack.api("GET", route("web-1"))
        (instance,) = await stack.instances()
        _, again = await stack.api("POST", f"{route('web-1')}/plan")

    assert instance["instanceId"] == accepted["instanceId"]
    assert result["outcome"] == view["run"]["outcome"] == "TargetsReady"
    created = [resource["name"] for resource in plan["resources"] if resource["action"] == "create"]
    assert made == {name.rsplit("/", 1)[-1].lower() for name in created}
    assert {resource["action"] for resource in again["resources"]} == {"reuse"}
    assert (found.get("tags") or {}, view["item"], own["run"]) == ({}, None, None)


@pytest.mark.long
async def test_a_changed_profile_edits_the_policy_of_the_app_once_it_is_confirmed(start_stack: StartStack) -> None:
    vms = [estates.vm("web-1"), estates.vm("web-2")]
    longer = {"DR_PROFILES": json.dumps({"default": {"recoveryPointRetentionHours": 48}})}
    async with start_stack(estates.estate(vms)) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        before = await results(stack, 2)
        await stack.stop_process("host")
        await stack.start_host(**longer)
        writes = await written(stack)

        _, plan = await stack.api("POST", f"{route('web-1')}/plan")
        (policy,) = plan["resources"]
        await stack.api("PUT", route("web-1"))
        await results(stack, 2)
        assert await written(stack) == writes

        status, _ = await stack.api("PUT", f"{route('web-1')}?confirm=true")
        after = await results(stack, 2)
        edited = await written(stack) - writes
        _, settled = await stack.api("POST", f"{route('web-2')}/plan")
        retention = (await stack.arm("GET", policy["name"], "2026-02-01"))["properties"]["providerSpecificDetails"]

    assert (policy["kind"], policy["action"]) == ("replication policy", "change in place")
    assert "24 h → 48 h" in policy["detail"]
    assert "2 item(s)" in policy["detail"]
    codes = [[finding["code"] for finding in each["findings"]] for each in (plan, settled)]
    assert codes == [["PolicyMismatch", "TestFailoverOverdue"], ["TestFailoverOverdue"]]
    assert status == 202
    assert edited == {policy["name"].lower(): 1}
    assert retention["recoveryPointHistory"] == 48 * 60
    assert after["web-1"]["itemId"] == before["web-1"]["itemId"]
    assert (after["web-1"]["findings"], settled["resources"]) == ([], [])
