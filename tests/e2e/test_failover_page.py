"""docs/failover.md: its REST calls, in the order of the page, beside the running app."""

import json
import re
import shlex
from pathlib import Path

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.drift import SETTINGS
from tests.e2e.overrides import CACHE, CHOSEN, items, protected, protected_world
from tests.e2e.sweeping import Json, compliance, so_far, sweep, writes
from tests.e2e.test_freeze import BACK_CACHE, lead_back
from tests.waiting import eventually

PAGE = Path(__file__).parents[2] / "docs" / "failover.md"
CONTAINERS = "replicationFabrics/{}/replicationProtectionContainers/{}"
NAME = "web-1"
SIDES = {"source": estates.vm_id(NAME).lower(), "target": estates.vm_id(NAME).replace(estates.GROUP, CHOSEN).lower()}


def calls() -> dict[str, tuple[str, str]]:
    """The URL and the body of each POST of the page, by the heading it is under."""
    found = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        for command in re.findall(r"az rest --method post .*?(?=\n+ *```)", section, re.DOTALL):
            words = dict(zip((each := shlex.split(command))[2::2], each[3::2], strict=True))
            found[section.partition("\n")[0]] = (words["--url"], words.get("--body", ""))
    return found


def filled(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], text)


async def item_of(stack: Stack) -> Json:
    """The only item, whose name stays: its source has another one after a reprotect."""
    [found] = (await items(stack)).values()
    return found


async def act(stack: Stack, step: str, until: str, **variables: str) -> None:
    item = await item_of(stack)
    known = {"ITEM": item["id"], "CONTAINER": item["id"].rsplit("/", 2)[0], "NAME": item["name"], **variables}
    url, body = (filled(text, known | {"API": "2025-08-01"}) for text in calls()[step])
    path, _, version = url.partition("?api-version=")
    await stack.arm("POST", path, version, json.loads(body) if body else None)

    async def is_so() -> bool:
        return bool((await item_of(stack))["properties"]["protectionState"] == until)

    await eventually(is_so)


async def states(stack: Stack) -> dict[str, str]:
    """What the app says of the VM in each of the two groups, after a sweep."""
    await sweep(stack)
    found = await compliance(stack)
    return {side: found[vm]["state"] for side, vm in SIDES.items() if vm in found}


@pytest.mark.long
async def test_the_calls_of_the_page_lead_there_and_back_and_the_app_leaves_them_alone(start_stack: StartStack) -> None:
    estate = protected_world([estates.vm(NAME)], [protected(NAME, nics=[])])
    lead_back(estate)
    here, there = (
        f"{estates.VAULT}/{CONTAINERS.format(*each)}" for each in (("primary", "here"), ("secondary", "there"))
    )
    disk = f"/providers/Microsoft.Compute/disks/{NAME}-disk0"
    async with start_stack(estate, settings=SETTINGS | {"DR_MODE": "cleanup"}) as stack:
        seen, policy = await so_far(stack), (await item_of(stack))["properties"]["policyId"]
        back = {"BACK": here, "SOURCE_GROUP": estates.GROUP, "CACHE": BACK_CACHE, "DISK": CHOSEN + disk}
        forth = {"BACK": there, "SOURCE_GROUP": CHOSEN, "CACHE": f"{CACHE}portal", "DISK": estates.GROUP + disk}
        said = []
        for way in (back, forth):
            await act(stack, "1. Fail over", "UnplannedFailoverCommitRequired")
            await act(stack, "2. Commit", "UnplannedFailoverCommitted")
            said.append(await states(stack))
            assert await writes(stack, seen) == []
            await act(stack, "3. Reprotect", "Protected", POLICY=policy, **way)
            said.append(await states(stack))

    assert said == [
        {"source": "Frozen", "target": "FailoverVm"},
        {"source": "FailoverVm", "target": "Frozen"},
        {"source": "FailoverVm", "target": "Frozen"},
        # What is left of the failover carries the tag, and is in the target region.
        {"source": "Protected", "target": "NotEligible"},
    ]
