"""The HTTP doors: what they do, and what they refuse without having done half of it."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests import estates
from tests.e2e.conftest import StartStack, eventually
from tests.e2e.follow import results, written


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


@pytest.mark.timeout(120)
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
        ("PUT", route("nobody"), {}, b"", 404, "VmNotFound"),
        ("GET", route("nobody"), {}, b"", 404, "VmNotFound"),
        ("PUT", route("web-1"), {"Content-Type": "text/plain"}, b"{}", 415, "NotJson"),
        ("PUT", route("web-1"), json_type, b"{", 400, "MalformedBody"),
        ("PUT", route("web-1"), json_type, b"[]", 422, "InvalidBody"),
        ("PUT", route("web-1"), json_type, b'{"retention": 99}', 422, "InvalidBody"),
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


async def test_an_untagged_vm_can_be_looked_at(start_stack: StartStack) -> None:
    vm = estates.vm("web-1", tagged=False)
    async with start_stack(estates.estate([vm])) as stack:
        status, view = await stack.api("GET", route("web-1"))
        assert status == 200
        assert (view["exists"], view["tagged"], view["item"], view["running"]) == (True, False, None, False)
        assert await results(stack, 0) == {}
