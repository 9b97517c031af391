"""The rights that infra/ gives the app, held against all that it asks of Azure: none is missing, none is needless."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import rights
from local.simulator.access.roles import Role, parse
from local.stack import Stack
from shared.model.drill_words import LATEST_PROCESSED
from tests import estates, fork_server
from tests.e2e import overrides
from tests.e2e.conftest import SPEED, StartStack
from tests.e2e.follow import results, write_event
from tests.e2e.overrides import CACHES, CHOSEN, OPEN
from tests.e2e.sweeping import sweep
from tests.e2e.test_drill import DRILLS, begin, isolated_network
from tests.e2e.test_drill import ended as drilled
from tests.e2e.test_http import route
from tests.e2e.untagging import CLEANUP, ended, grace, soon, untag
from tests.waiting import eventually

Json = dict[str, Any]

LINKED = "checked by Azure"
"""How the reason of a right begins that no call takes, but Azure asks for where a call names a resource."""

GROUPS = "Microsoft.Resources/subscriptions/resourceGroups"
OF_GROUPS = {("groupCreator", f"{GROUPS}/write")}
OF_GROUPS |= {("groupCleaner", f"{GROUPS}/{each}") for each in ("delete", "resources/read")}
"""What is taken only where the targets have a subscription of their own: else the deployment makes the groups."""
OF_TARGETS = "44444444-4444-4444-8444-444444444444"

TARGET = f"{estates.GROUP}-asr"
SET = estates.resource_id("Microsoft.Compute/availabilitySets", "set")
NEAR = estates.resource_id("Microsoft.Compute/proximityPlacementGroups", "near")
FLEXIBLE = estates.resource_id("Microsoft.Compute/virtualMachineScaleSets", "pair")
ROUTES = f"{CHOSEN}/providers/Microsoft.Network/routeTables/nowhere"
# Source and target have nothing in common, so that no right of the one stands in for one of the other.
SCOPES = {
    "DR_SOURCE_SCOPE": estates.GROUP,
    "DR_TARGET_SCOPE": f"{TARGET},{CHOSEN},{CACHES}",
    "DR_PROFILES": json.dumps({"open": OPEN, "default": {"updateAgents": True}}),
}
_APART = {"target-zone", "target-scale-set", "target-capacity-reservation", "churn"}
_NOT_NAMED = {*overrides.NEVER, *_APART, "target-location", "target-availability-set", "target-ppg"}


def world() -> Json:
    """`made` gets all that the app makes, `named` and `zonal` what their tags name, each of a kind of resource."""
    values = overrides.values(0, "named")
    named = {choice: value for choice, value in values.items() if choice not in _NOT_NAMED}
    zonal = {choice: values[choice] for choice in ("target-resource-group", *_APART - {"churn"})}
    tags = [{"dr": "true", "dr-profile": "open", **overrides.tags(wanted)} for wanted in (named, zonal)]
    return overrides.world(
        [
            estates.vm("made", tagged=False, availabilitySet=SET, proximityPlacementGroup=NEAR),
            estates.vm("named") | {"tags": tags[0]},
            estates.vm("zonal", scaleSet=FLEXIBLE) | {"tags": tags[1]},
        ],
        resources=[
            *({"id": each, "location": estates.SOURCE} for each in (NEAR, FLEXIBLE)),
            {"id": ROUTES, "location": estates.TARGET, "properties": {"routes": []}},
        ],
        availabilitySets=[{"id": SET, "location": estates.SOURCE, "proximityPlacementGroup": NEAR}],
    )


async def empty_caches(stack: Stack) -> None:
    """As an operator does who knows that Site Recovery has left its containers there: with them an account stays."""
    for each in (await stack.sim("GET", "state"))["resources"]:
        if each["id"].rsplit("/", 1)[-1].startswith("asrcache"):
            containers = f"{each['id']}/blobServices/default/containers"
            for left in (await stack.arm("GET", containers, "2025-06-01"))["value"]:
                await stack.arm("DELETE", f"{containers}/{left['name']}", "2025-06-01")


@pytest.mark.long
async def test_each_right_is_for_something_and_nothing_is_done_without_one(start_stack: StartStack) -> None:
    """That none is missing, the fixture says of this and of all the other tests."""
    estate = world()
    estate["networks"].append(isolated_network(routeTable=ROUTES))
    async with start_stack(estate, settings=CLEANUP | grace(soon()) | SCOPES | DRILLS) as stack:
        await stack.subscribe()
        await protect(stack)
        await add_a_disk(stack)
        await update_an_agent(stack)
        for name in ("made", "named"):  # the second one is in a consistency group, by itself
            await begin(stack, name, recoveryPoint=LATEST_PROCESSED)
            assert (await drilled(stack, name))["outcome"] == "Passed"
        for path in (route("made"), "jobs", "compliance"):
            status, answer = await stack.api("GET", path)
            assert status == 200, answer
        await sweep(stack)
        await disable(stack)
        await empty_caches(stack)
        removed = await clean_up(stack)
        access = await stack.sim("GET", "access")

    assert {name for name in removed if not name.startswith("asrcache")} == {"set-asr", "near-asr", "vnet-app-asr"}
    permissions = rights.load()
    found = {
        (key, action): set(uses(access, key, action)) for key, role in permissions.items() for action in role["actions"]
    }
    assert {right for right, ways in found.items() if not ways} == OF_GROUPS
    reasons = {(key, action): why for key, role in permissions.items() for action, why in role["actions"].items()}
    told_linked = {right for right, why in reasons.items() if why.startswith(LINKED)}
    linked = {right for right, ways in found.items() if ways == {"linked"}}
    # A drill looks at interfaces, by a role of its own; the other roles' right to them is for links all the same.
    assert told_linked - linked == {("targetWriter", "Microsoft.Network/networkInterfaces/read")}
    assert linked <= told_linked


@pytest.mark.long
async def test_in_a_subscription_of_their_own_target_groups_are_made_and_removed(start_stack: StartStack) -> None:
    """A group that is named in the scope stays, as that of the cache accounts: the app's rights are assigned on it."""
    subscriptions = [{"id": each, "name": each[:4]} for each in (estates.SUBSCRIPTION, OF_TARGETS)]
    estate = estates.estate([estates.vm("made", tagged=False)], subscriptions=subscriptions)
    scopes = {"DR_SOURCE_SCOPE": estates.GROUP, "DR_TARGET_SCOPE": f"/subscriptions/{OF_TARGETS},{CACHES}"}
    async with start_stack(estate, settings=CLEANUP | grace(soon()) | scopes) as stack:
        await stack.subscribe()
        assert (await stack.api("PUT", route("made")))[0] == 202
        await ended(stack, "made", "Protected")
        item = (await overrides.items(stack))["made"]["properties"]["providerSpecificDetails"]
        assert (await stack.api("DELETE", f"{route('made')}?confirm=true"))[0] == 202
        await ended(stack, "made", "Disabled")
        await empty_caches(stack)
        removed = await clean_up(stack)
        access = await stack.sim("GET", "access")

    assert item["recoveryAzureResourceGroupId"] == f"/subscriptions/{OF_TARGETS}/resourceGroups/app-asr"
    assert {each for each in removed if not each.startswith("asrcache")} == {"app-asr", "vnet-app-asr"}
    assert [set(uses(access, *right)) for right in OF_GROUPS] == [{"called"}] * len(OF_GROUPS)


@pytest.mark.parametrize(
    ("role", "action", "code"),
    [
        ("sourceTagger", "Microsoft.Compute/virtualMachines/read", "AuthorizationFailed"),
        ("estateReader", "Microsoft.Authorization/locks/read", "AuthorizationFailed"),
        ("targetWriter", "Microsoft.Network/virtualNetworks/write", "AuthorizationFailed"),
        ("vaultOperator", "Microsoft.RecoveryServices/vaults/replicationFabrics/write", "AuthorizationFailed"),
        ("targetWriter", "Microsoft.Network/virtualNetworks/subnets/join/action", "LinkedAuthorizationFailed"),
        ("cacheUser", "Microsoft.Storage/storageAccounts/listKeys/action", "LinkedAuthorizationFailed"),
    ],
)
async def test_a_right_that_is_missing_ends_the_run_and_is_named(
    role: str, action: str, code: str, tmp_path: Path
) -> None:
    roles = rights.load()
    name_of_role = roles[role]["name"]
    del roles[role]["actions"][action]
    scopes = SCOPES | {"DR_PROFILES": json.dumps({"default": {}})}
    estate, spawn = estates.estate([estates.vm("web-1")]), fork_server.spawn
    async with Stack(tmp_path, estate, speed=SPEED, settings=scopes, roles=roles, spawn=spawn) as stack:
        await stack.deliver(write_event(estates.vm_id("web-1")))
        ((name, result),) = (await results(stack, 1)).items()
        items = await overrides.items(stack)
        refused = {each["status"] for each in await stack.app_requests() if each["status"] >= 400}

    assert (name, result["outcome"], result["error"]["code"]) == ("web-1", "Failed", code)
    assert f"'{action}'" in result["error"]["message"]
    assert f"lacks {action} on /subscriptions/" in result["error"]["action"]
    assert name_of_role in result["error"]["action"]
    assert items == {}
    assert refused <= {403, 404}


def uses(access: Json, key: str, action: str) -> Iterator[str]:
    """Whether calls took an action of a role where it is assigned, and whether named resources were checked for it."""
    only = Role(key, (action,))
    _, assignments = parse({name: access[name] for name in ("roles", "assignments")})
    for held in assignments:
        for referenced in access["demands"]:
            if held.key == key and held.covers(referenced["scope"]) and only.allows(referenced["action"]):
                yield "linked" if referenced["linked"] else "called"


async def protect(stack: Stack) -> None:
    status, answer = await stack.api("POST", f"{route('made')}/plan")
    assert (status, answer["blocked"]) == (200, False), answer
    status, answer = await stack.api("PUT", route("made"))
    assert status == 202, answer
    await stack.deliver(*(write_event(estates.vm_id(name)) for name in ("named", "zonal")))
    found = await results(stack, 3)
    assert {name: result["outcome"] for name, result in found.items()} == dict.fromkeys(found, "Protected"), found


async def add_a_disk(stack: Stack) -> None:
    vm = estates.vm_id("made")
    found = await stack.arm("GET", vm, "2026-04-01")
    late = {"lun": 7, "name": "late", "createOption": "Empty", "diskSizeGB": 32}
    found["properties"]["storageProfile"]["dataDisks"] = [late]
    await stack.arm("PUT", vm, "2026-04-01", found)

    async def added() -> bool:
        disks = (await overrides.items(stack))["made"]["properties"]["providerSpecificDetails"]["protectedManagedDisks"]
        return len(disks) == 2

    await eventually(added)
    await results(stack, 3)


async def update_an_agent(stack: Stack) -> None:
    """The item shows that there is a newer one."""
    item = (await overrides.items(stack))["made"]
    shown = {"properties.providerSpecificDetails.isReplicationAgentUpdateRequired": True}
    await stack.sim("POST", "overrides", {"id": item["id"], "set": shown})
    await stack.deliver(write_event(estates.vm_id("made")))
    await results(stack, 3)
    await stack.sim("DELETE", "overrides")


async def disable(stack: Stack) -> None:
    """One by HTTP, the others by taking away their tags."""
    status, answer = await stack.api("DELETE", f"{route('made')}?confirm=true")
    assert status == 202, answer
    for name in ("named", "zonal"):
        await untag(stack, estates.vm_id(name))
    for name in ("made", "named", "zonal"):
        await ended(stack, name, "Disabled")


async def clean_up(stack: Stack) -> list[str]:
    """Sweeps until nothing goes any more. Returns the names of what went."""
    removed: list[str] = []

    async def rest() -> bool:
        report = await sweep(stack)
        removed.extend(each.name for each in report.removed)
        young = [note for note in report.orphans if "less than" in note.message]
        return not report.removed and not young

    await eventually(rest, within=150)
    return removed
