"""The estate and its jobs over HTTP: every VM, filtered, page by page, and as a file."""

import csv
import io
from typing import Any

from aiohttp import ClientSession

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event, written
from tests.e2e.overrides import protected, protected_world


def world() -> dict[str, Any]:
    vms = [
        {**estates.vm("web-1"), "tags": {"dr": "true", "dr-profile": "default", "owner": "=alice"}},
        estates.vm("web-2"),
        estates.vm("off", power="deallocated"),
        estates.vm("untagged", tagged=False),
        estates.vm("left", tagged=False),
    ]
    return protected_world(vms, [protected("web-1"), protected("left")])


async def pages(stack: Stack, path: str) -> list[dict[str, Any]]:
    """Every page from this one on, by the links that they give."""
    found = []
    link = f"/api/{path}"
    headers = {"x-functions-key": stack.keys["function"]["default"]}
    async with ClientSession() as session:
        while link:
            async with session.get(f"{stack.host_url}{link}", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                found.append(await answer.json())
            link = found[-1]["nextLink"]
    return found


def names(view: dict[str, Any]) -> list[str]:
    return [row["vmId"].rsplit("/", 1)[-1] for row in view["value"]]


async def test_the_estate_is_reported_by_vm_filtered_in_pages_and_as_a_file(start_stack: StartStack) -> None:
    async with start_stack(world()) as stack:
        _, everything = await stack.api("GET", "compliance")
        two_each = await pages(stack, "compliance?top=2")
        filtered = {
            query: names((await stack.api("GET", f"compliance?{query}"))[1])
            for query in (
                "state=Protected",
                "finding=MissingProtection",
                "tag=dr-profile=default",
                "resourceGroup=APP&state=NotTagged",
                "region=westus2",
            )
        }
        status, refused = await stack.api("GET", "compliance?state=Fine")
        _, text = await stack.api("GET", "compliance?format=csv&state=Protected")
        assert not await written(stack)

    states = dict(zip(names(everything), (row["state"] for row in everything["value"]), strict=True))
    assert states == {
        "left": "Untagged",
        "off": "NotEligible",
        "untagged": "NotTagged",
        "web-1": "Protected",
        "web-2": "Unprotected",
    }
    assert (everything["gaps"], everything["nextLink"]) == ([], None)
    assert everything["summary"]["total"] == 5
    assert [names(page) for page in two_each] == [["left", "off"], ["untagged", "web-1"], ["web-2"]]
    assert {page["summary"]["total"] for page in two_each} == {5}
    assert filtered == {
        "state=Protected": ["web-1"],
        "finding=MissingProtection": ["web-2"],
        "tag=dr-profile=default": ["web-1"],
        "resourceGroup=APP&state=NotTagged": ["untagged"],
        "region=westus2": [],
    }
    assert (status, refused["errors"][0]["field"]) == (400, "state")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["name"], row["state"], row["partial"]) == ("web-1", "Protected", "false")
    assert row["tags"] == "dr=true; dr-profile=default"


async def test_the_jobs_of_the_vault_are_reported_newest_first(start_stack: StartStack) -> None:
    vms = [estates.vm("web-1"), estates.vm("web-2")]
    async with start_stack(estates.estate(vms)) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        await results(stack, 2)
        _, jobs = await stack.api("GET", "jobs")
        paged = await pages(stack, "jobs?top=3")
        _, enabled = await stack.api("GET", "jobs?scenario=EnableDr&vm=WEB-1&state=Succeeded")
        status, refused = await stack.api("GET", "jobs?state=Fine")

    started = [job["started"] for job in jobs["value"]]
    assert len(started) > 3
    assert started == sorted(started, reverse=True)
    assert [job["name"] for page in paged for job in page["value"]] == [job["name"] for job in jobs["value"]]
    mapped = [each for each in jobs["value"] if each["scenario"] == "NetworkPairing"]
    assert {(each["vm"], bool(each["target"])) for each in mapped} == {("", True)}
    (job,) = enabled["value"]
    assert (job["vm"], job["scenario"], job["state"]) == ("web-1", "EnableDr", "Succeeded")
    assert job["vault"].lower() == estates.VAULT.lower()
    assert job["started"] < job["ended"]
    assert (status, refused["errors"][0]["field"]) == (400, "state")
