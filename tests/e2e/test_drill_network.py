"""Drills in the app's own networks: made for each target network in use, verified, kept like it, and removed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.stack import Stack
from shared.model import naming
from shared.model.resource_id import ResourceId
from shared.model.resource_types import NETWORK_API_VERSION
from shared.reconcile.sweep import SweepReport
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.overrides import CHOSEN, MAPPED, protected, protected_world
from tests.e2e.overrides import NETWORK as OTHER
from tests.e2e.sweeping import sweep, swept, writes
from tests.e2e.test_drill import DRILLS, at, ended, left, route
from tests.e2e.test_drills import finished
from tests.e2e.untagging import grace, soon
from tests.waiting import eventually

Json = dict[str, Any]

THIRD = f"{CHOSEN}/providers/Microsoft.Network/virtualNetworks/vnet-third"
TARGETS = {"web-1": MAPPED, "web-2": OTHER, "web-3": THIRD}
ORDER = {"network": "create"}
SPACE = {"location": estates.TARGET, "addressSpace": ["10.8.0.0/16"]}
SUBNETS = [{"name": "web", "prefix": "10.8.1.0/24"}, {"name": "GatewaySubnet", "prefix": "10.8.2.0/24"}]


def own(target: str) -> str:
    return str(naming.drill_network(ResourceId(target)))


def world(*names: str) -> Json:
    """Protected VMs, each with a target network of its own."""
    items = [protected(name, nics=[], recoveryNetwork=TARGETS[name]) for name in names]
    estate = protected_world([estates.vm(name) for name in names], items)
    estate["networks"].append({"id": THIRD, **SPACE, "subnets": SUBNETS})
    return estate


def asks_for_it() -> dict[str, str]:
    """The setting of a profile with a schedule whose window is not open."""
    now = datetime.now(UTC)
    window = f"{now + timedelta(hours=4):%H}-{now + timedelta(hours=6):%H}"
    drill = {"everyDays": 90, "window": window, "network": "create", "maxCores": 64, "atOnce": 9}
    return {"DR_PROFILES": json.dumps({"default": {"drill": drill}})}


async def network(stack: Stack, which: str) -> Json:
    found: Json = await stack.arm("GET", which, NETWORK_API_VERSION)
    return found


async def networks(stack: Stack) -> set[str]:
    """The names of the networks for drills."""
    state = await stack.sim("GET", "state")
    return {name for each in state["resources"] if (name := each["id"].rsplit("/", 1)[-1]).startswith("dr-drill-")}


async def change(stack: Stack, which: str, **properties: Any) -> None:
    """What a person writes."""
    body = await network(stack, which)
    body["properties"] |= properties
    await stack.arm("PUT", which, NETWORK_API_VERSION, body)

    async def done() -> bool:
        return bool((await network(stack, which))["properties"]["provisioningState"] == "Succeeded")

    await eventually(done)


async def swept_and_old_enough(stack: Stack) -> SweepReport | None:
    """A sweep in which no network is kept for its age alone: drills may be over before that."""
    report = await swept(stack)
    return None if any("less than" in note.message for note in report.orphans) else report


@pytest.mark.long
async def test_each_target_network_gets_one_of_its_own_and_what_others_made_is_left(start_stack: StartStack) -> None:
    estate = world(*TARGETS)
    estate["networks"].append({"id": own(MAPPED), **SPACE, "subnets": SUBNETS[:1]})
    async with start_stack(estate, settings=DRILLS) as stack:
        plans = {name: (await stack.api("POST", f"{route(name)}/plan", ORDER))[1] for name in TARGETS}
        theirs = await network(stack, own(MAPPED))
        assert await writes(stack) == []
        selection = {"virtualMachines": [estates.vm_id(name) for name in TARGETS], "drill": ORDER}
        many = (await stack.api("POST", "drills/plan", selection))[1]
        accepted = (await stack.api("POST", "drills", selection))[1]
        view = await finished(stack, accepted["batch"])
        made = {target: await network(stack, own(target)) for target in (OTHER, THIRD)}
        drills = {name: (await ended(stack, name))["last"] for name in ("web-2", "web-3")}
        kept = [json.loads(file.read_text()) for file in (stack.folder / "archive").glob("drills/*/*.json")]
        assert await network(stack, own(MAPPED)) == theirs
        assert await left(stack) == []
    assert view["counts"] == {"Passed": 2, "Refused": 1}, view
    assert [each["code"] for each in plans["web-1"]["findings"]] == ["DrillNetworkTaken"]
    assert (many["refused"], many["findings"]) == (1, {"DrillNetworkTaken": 1})
    for name in ("web-2", "web-3"):
        assert plans[name]["findings"] == []
        assert (plans[name]["network"], plans[name]["networkChange"]) == (own(TARGETS[name]), "create")
        assert drills[name]["network"] == own(TARGETS[name])
        assert drills[name]["order"]["network"] == "create"
    assert {each["network"] for each in kept} == {own(OTHER), own(THIRD)}
    assert [subnet["name"] for subnet in made[THIRD]["properties"]["subnets"]] == ["web"]
    for target, body in made.items():
        source = next(each for each in estate["networks"] if each["id"] == target)
        assert body["properties"]["addressSpace"]["addressPrefixes"] == source["addressSpace"]
        assert body["location"] == estates.TARGET
        assert all(subnet["properties"]["defaultOutboundAccess"] is False for subnet in body["properties"]["subnets"])


@pytest.mark.long
async def test_it_follows_its_target_network_is_verified_and_goes_when_no_profile_asks_for_it(
    start_stack: StartStack,
) -> None:
    here = own(MAPPED)
    late = {"name": "late", "properties": {"addressPrefix": "10.1.7.0/24"}}
    async with start_stack(world("web-1"), settings=DRILLS | grace(soon()) | asks_for_it()) as stack:
        assert (await stack.api("POST", route("web-1"), ORDER))[0] == 202
        first = await ended(stack, "web-1")
        assert (await sweep(stack)).removed == ()

        target = await network(stack, MAPPED)
        await change(stack, MAPPED, subnets=[*target["properties"]["subnets"], late])
        plan = (await stack.api("POST", f"{route('web-1')}/plan", ORDER))[1]
        assert (await stack.api("POST", route("web-1"), ORDER | {"keepMinutes": 1440}))[0] == 202
        await at(stack, "web-1", "keep")
        followed = [each["name"] for each in (await network(stack, here))["properties"]["subnets"]]

        await stack.stop_process("host")
        await stack.start_host(DR_PROFILES=json.dumps({"default": {}}))
        during = await eventually(lambda: swept_and_old_enough(stack), within=150)
        assert (await stack.api("DELETE", route("web-1")))[0] == 202
        second = await ended(stack, "web-1")

        peering = {"name": "hub", "properties": {"remoteVirtualNetwork": {"id": MAPPED}}}
        await change(stack, here, virtualNetworkPeerings=[peering])
        refused, answer = await stack.api("POST", route("web-1"), ORDER)
        peered = await sweep(stack)
        assert await networks(stack) == {here.rsplit("/", 1)[-1]}

        await change(stack, here, virtualNetworkPeerings=[])
        removed: list[str] = []

        async def gone() -> bool:
            removed.extend(map(str, (await sweep(stack)).removed))
            return bool(removed)

        await eventually(gone, within=150)
        assert await networks(stack) == set()
        assert await network(stack, MAPPED) is not None
    assert (first["outcome"], second["outcome"]) == ("Passed", "Passed")
    assert plan["networkChange"] == "update"
    assert followed == ["web", "data", "late"]
    assert (during.removed, peered.removed) == ((), ())
    assert "its subnet web has ipConfigurations" in during.orphans[0].message
    assert "virtualNetworkPeerings" in peered.orphans[0].message
    assert (refused, [each["code"] for each in answer["findings"]]) == (422, ["DrillNetworkNotIsolated"])
    assert "is peered: hub" in answer["findings"][0]["message"]
    assert [each.lower() for each in removed] == [here.lower()]
