"""From the tag that goes to the target that goes: what this app created is removed once nothing needs it; else
nothing."""

from typing import Any

import pytest

from local.stack import Stack, protection
from tests import estates
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event
from tests.e2e.sweeping import Json, sweep
from tests.e2e.untagging import CLEANUP, ended, grace, soon, untag, waits_for_its_grace
from tests.waiting import eventually

GROUP, CACHES = f"{estates.GROUP}-asr", estates.CACHES
SET = estates.resource_id("Microsoft.Compute/availabilitySets", "set")
NEAR = estates.resource_id("Microsoft.Compute/proximityPlacementGroups", "near")
_NETWORKS = "Microsoft.Network/virtualNetworks"


def target(kind: str, name: str) -> str:
    return estates.resource_id(kind, name, GROUP)


def world(**more: Any) -> Json:
    """`web-1` is in a set and a network of its own; `web-2` is not."""
    vms = [
        estates.vm("web-1", network="vnet-one", availabilitySet=SET, proximityPlacementGroup=NEAR),
        estates.vm("web-2", network="vnet-two"),
    ]
    return estates.estate(
        vms,
        networks=("vnet-one", "vnet-two"),
        resources=[{"id": NEAR, "location": estates.SOURCE}],
        availabilitySets=[{"id": SET, "location": estates.SOURCE, "proximityPlacementGroup": NEAR}],
        **more,
    )


async def protect(stack: Stack) -> None:
    await stack.subscribe()
    await stack.deliver(*(write_event(vm["id"]) for vm in stack.estate["virtualMachines"]))
    assert {each["outcome"] for each in (await results(stack, 2)).values()} == {"Protected"}


async def made(stack: Stack) -> set[str]:
    """The names of what is in the target's groups, and of the groups."""
    state = await stack.sim("GET", "state")
    there = [each["id"] for each in (*state["resourceGroups"], *state["resources"]) if "location" in each]
    found = (each for each in there if f"{each}/".startswith((f"{GROUP}/", f"{CACHES}/")))
    return {each.rsplit("/", 1)[-1] for each in found}


async def swept_until_nothing_goes(stack: Stack) -> list[str]:
    """What sweeps removed, by name, in order. What was just made stays for a while: the first may remove nothing."""
    removed: list[str] = []

    async def rest() -> Any:
        report = await sweep(stack)
        removed.extend(each.name for each in report.removed)
        young = [note for note in report.orphans if "less than" in note.message]
        return report if not report.removed and not young else None

    await eventually(rest, within=150)
    return removed


async def disabled(stack: Stack, name: str) -> None:
    await untag(stack, estates.vm_id(name))
    await ended(stack, name, "Disabled")


@pytest.mark.long
async def test_what_one_vm_needed_goes_and_what_another_needs_and_disks_stay(start_stack: StartStack) -> None:
    async with start_stack(world(), settings=CLEANUP | grace(soon()) | estates.SHARED) as stack:
        await stack.sim("PATCH", "behaviour", {"seedDisksLeft": True})
        await protect(stack)
        before = await made(stack)
        await disabled(stack, "web-1")
        first = await swept_until_nothing_goes(stack)
        with_web_2 = await made(stack)
        await disabled(stack, "web-2")
        second = await swept_until_nothing_goes(stack)
        at_last = await made(stack)
        vault = (await stack.sim("GET", "state"))["siteRecovery"][0]
        report = await sweep(stack)

    seeds = {name for name in before if name.startswith("ms-asr-")}
    (cache,) = (name for name in before if name.startswith("asrcache"))
    replicas = {"web-1-disk0-ASRReplica", "web-2-disk0-ASRReplica"}
    networks = {"vnet-one-asr", "vnet-two-asr"}
    everything = {"app-asr", "set-asr", "near-asr", f"asr-cache-{estates.SOURCE}", cache, *networks, *replicas, *seeds}
    assert (before, len(seeds)) == (everything, 2)
    assert first == ["set-asr", "near-asr", "vnet-one-asr"]
    assert with_web_2 == everything - {*first, "web-1-disk0-ASRReplica"}
    assert second == ["vnet-two-asr"]
    # Site Recovery has left its containers in the cache account: nothing shows that they are its own.
    assert at_last == {"app-asr", f"asr-cache-{estates.SOURCE}", cache, *seeds}
    holds, *inside = (note.message for note in report.orphans)
    assert "it holds the container" in holds
    assert all("is in it" in message for message in inside)
    # Site Recovery's own parts are no orphans.
    assert [len(vault[kind]) for kind in ("fabrics", "policies", "containerMappings", "networkMappings")] == [
        2,
        1,
        2,
        4,
    ]


@pytest.mark.long
async def test_tagged_again_everything_is_made_again(start_stack: StartStack) -> None:
    """The network mappings have stayed, and lead to a network that was gone."""
    async with start_stack(world(), settings=CLEANUP | grace(soon()) | estates.SHARED) as stack:
        await protect(stack)
        await disabled(stack, "web-1")
        await disabled(stack, "web-2")
        removed = await swept_until_nothing_goes(stack)
        stays = await made(stack)
        for vm in stack.estate["virtualMachines"]:
            await stack.tag(vm["id"], dr="true")
        for name in ("web-1", "web-2"):
            await ended(stack, name, "Protected")
        again = await made(stack)
        report = await sweep(stack)

    assert {"app-asr", "set-asr", "near-asr", "vnet-one-asr", "vnet-two-asr"} <= again
    assert {name for name in stays if not name.startswith("asrcache")} == {f"asr-cache-{estates.SOURCE}"}
    assert set(removed) == again - stays - {"web-1-disk0-ASRReplica", "web-2-disk0-ASRReplica"}
    assert (report.removed, report.orphans) == ((), ())
    assert report.summary.by_state == {"Protected": 2}


async def test_tagged_again_within_its_grace_nothing_of_the_target_goes(start_stack: StartStack) -> None:
    async with start_stack(world(), settings=CLEANUP | grace(1) | estates.SHARED) as stack:
        await protect(stack)
        before = await made(stack)
        await untag(stack, estates.vm_id("web-1"))
        await eventually(lambda: waits_for_its_grace(stack, "web-1"))
        await stack.tag(estates.vm_id("web-1"), dr="true")
        await ended(stack, "web-1", "Protected")
        report = await sweep(stack)
        assert await made(stack) == before

    assert (report.removed, report.orphans) == ((), ())


@pytest.mark.long
async def test_what_others_put_there_or_changed_stays(start_stack: StartStack) -> None:
    lock = {
        "id": f"{target('Microsoft.Compute/availabilitySets', 'set-asr')}/providers/Microsoft.Authorization/locks/keep"
    }
    rules = {"id": target("Microsoft.Network/networkSecurityGroups", "rules"), "location": estates.TARGET}
    estate = world(locks=[lock | {"level": "CanNotDelete"}])
    estate["resources"].append(rules)
    one, two = target(_NETWORKS, "vnet-one-asr"), target(_NETWORKS, "vnet-two-asr")
    async with start_stack(estate, settings=CLEANUP | grace(soon()) | estates.SHARED) as stack:
        await protect(stack)
        found = await stack.arm("GET", one, "2026-03-01")
        found["properties"]["subnets"].append({"name": "bastion", "properties": {"addressPrefix": "10.1.9.0/24"}})
        await stack.arm("PUT", one, "2026-03-01", found)
        has_nsg = await stack.arm("GET", two, "2026-03-01")
        has_nsg["properties"]["subnets"][0]["properties"]["networkSecurityGroup"] = {"id": rules["id"]}
        await stack.arm("PUT", two, "2026-03-01", has_nsg)
        await disabled(stack, "web-1")
        await disabled(stack, "web-2")
        removed = await swept_until_nothing_goes(stack)
        report = await sweep(stack)
        left = await made(stack)

    of_cache = {name for name in left if name.startswith(("asr-cache-", "asrcache"))}
    assert {"set-asr", "near-asr", "vnet-one-asr", "vnet-two-asr", "rules", "app-asr"} == left - of_cache
    assert (len(of_cache), removed) == (2, [])
    why = {note.message.split(" carries ")[0].rsplit("/", 1)[-1]: note.message for note in report.orphans}
    assert "the lock keep" in why["set-asr"]
    assert "set-asr is in it" in why["near-asr"]
    assert "was changed since it was created" in why["vnet-one-asr"]
    assert "its subnet web has networkSecurityGroup" in why["vnet-two-asr"]
    # That group was there before: it is none of this app's.
    assert "app-asr" not in why


@pytest.mark.long
async def test_in_protect_they_are_only_reported(start_stack: StartStack) -> None:
    async with start_stack(world(), settings=estates.SHARED) as stack:
        await protect(stack)
        for vm in stack.estate["virtualMachines"]:
            await stack.api("DELETE", f"{protection(vm['id'])}?confirm=true")
        for name in ("web-1", "web-2"):
            await ended(stack, name, "Disabled")
        before = await made(stack)
        report = await sweep(stack)
        assert await made(stack) == before

    assert report.removed == ()
    assert [note.code for note in report.orphans] == ["OrphanedTarget"] * 6
    assert all("DR_MODE is protect" in note.message for note in report.orphans)
