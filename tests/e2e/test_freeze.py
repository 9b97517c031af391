"""Freeze beats fix: what an operator has begun is never written to, by events or by sweeps, nor are the copies."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from local.stack import Stack, protection
from tests import estates
from tests.e2e import overrides
from tests.e2e.conftest import StartStack
from tests.e2e.drift import SETTINGS, asking
from tests.e2e.follow import write_event
from tests.e2e.overrides import CHOSEN, protected, protected_world
from tests.e2e.sweeping import Json, compliance, settled, so_far, sweep, writes
from tests.waiting import eventually

_API = "2025-08-01"
BACK_CACHE = f"{CHOSEN}/providers/Microsoft.Storage/storageAccounts/cacheback"
CLEANUP = {"DR_MODE": "cleanup", "DR_UNTAG_GRACE_HOURS": "0", "DR_MAX_DISABLE_PERCENT_PER_DAY": "100"}
Step = Callable[[Stack, str], Awaitable[None]]


async def drill(stack: Stack, name: str) -> None:
    await _act(stack, name, "testFailover", overrides.DRILL)
    await _until(stack, name, testFailoverState="WaitingForCompletion")


async def fail_over(stack: Stack, name: str) -> None:
    details = {"instanceType": "A2A"}
    body = {"failoverDirection": "PrimaryToRecovery", "providerSpecificDetails": details}
    await _act(stack, name, "unplannedFailover", body)
    await _until(stack, name, protectionState="UnplannedFailoverCommitRequired")


async def commit(stack: Stack, name: str) -> None:
    await fail_over(stack, name)
    await _act(stack, name, "failoverCommit", None)
    await _until(stack, name, protectionState="UnplannedFailoverCommitted")


async def begin_reprotect(stack: Stack, name: str) -> None:
    await commit(stack, name)
    item = await _item(stack, name)
    copy = item["properties"]["providerSpecificDetails"]["recoveryFabricObjectId"]
    disk = {
        "diskId": f"{CHOSEN}/providers/Microsoft.Compute/disks/{name}-disk0",
        "primaryStagingAzureStorageAccountId": BACK_CACHE,
        "recoveryResourceGroupId": estates.GROUP,
    }
    details = {
        "instanceType": "A2A",
        "recoveryContainerId": f"{estates.VAULT}/replicationFabrics/primary/replicationProtectionContainers/here",
        "recoveryResourceGroupId": estates.GROUP,
        "policyId": item["properties"]["policyId"],
        "vmManagedDisks": [disk],
    }
    container = item["id"].rsplit("/replicationProtectedItems", 1)[0]
    body = {"replicationProtectedItemName": item["name"], "providerSpecificDetails": details}
    await stack.arm("POST", f"{container}/switchprotection", _API, {"properties": body})
    await _until(stack, copy.rsplit("/", 1)[1], protectionState="InitialReplicationInProgress")


async def reprotect(stack: Stack, name: str) -> None:
    await begin_reprotect(stack, name)
    await _until(stack, name, protectionState="Protected")


async def fail_back(stack: Stack, name: str) -> None:
    await reprotect(stack, name)
    await commit(stack, name)


BEGUN: dict[str, Step] = {
    "drilled": drill,
    "failed-over": fail_over,
    "committed": commit,
    "reprotecting": begin_reprotect,
    "reprotected": reprotect,
    "failed-back": fail_back,
}
TAGS = {"asking": asking(target_size="Standard_D4s_v5"), "untagged": {}, "refusing": {"dr": "false"}}


@pytest.mark.long
async def test_whatever_is_begun_is_left_as_it_is_whatever_the_tags_say(start_stack: StartStack) -> None:
    names = {f"{begun}-{tags}": (begun, tags) for begun in BEGUN for tags in TAGS}
    vms = [estates.vm(name) | {"tags": TAGS[tags]} for name, (_, tags) in names.items()]
    estate = protected_world(vms, [protected(name, nics=[]) for name in names])
    lead_back(estate)
    async with start_stack(estate, settings=SETTINGS | CLEANUP) as stack:
        # The initial replication of a reprotect ends by itself: these come last, and time is slowed down for them.
        for last in (False, True):
            chosen = {name: BEGUN[begun] for name, (begun, _) in names.items() if (begun == "reprotecting") is last}
            await asyncio.gather(*(step(stack, name) for name, step in chosen.items()))
        await stack.sim("PATCH", "clock", {"speed": 1})
        before = await _vms(stack)

        seen = await so_far(stack)
        await stack.deliver(*(write_event(vm) for vm in before))
        await settled(stack)
        report = await sweep(stack)
        found = await compliance(stack)
        outcomes = {each["output"]["outcome"] for each in await stack.instances() if "outcome" in each["output"]}

        assert await writes(stack, seen) == []
        assert await _vms(stack) == before

    assert (report.started, report.gaps) == ({}, ())
    assert outcomes <= {"Frozen", "NotEligible", "NotTagged"}
    assert {vm_status["state"] for vm_status in found.values()} <= {"Frozen", "FailoverVm"}
    assert len([each for each in found.values() if each["state"] == "Frozen"]) == len(names)
    assert {vm.lower() for vm in before} == set(found)


def lead_back(estate: Json) -> None:
    """What the operator's reprotect needs."""
    estate["storageAccounts"].append({"id": BACK_CACHE, "location": estates.TARGET})
    (vault,) = estate["siteRecovery"]
    back = {"fabric": "secondary", "container": "there", "targetFabric": "primary", "targetContainer": "here"}
    vault["containerMappings"].append({**back, "name": "pair-back", "policy": "daily"})
    there = {"primaryNetwork": overrides.MAPPED, "recoveryNetwork": estates.network_id("vnet-app")}
    vault["networkMappings"].append({"fabric": "secondary", "name": "net-back", "recoveryFabric": "primary", **there})


async def _item(stack: Stack, name: str) -> Json:
    return (await overrides.items(stack))[name]


async def _act(stack: Stack, name: str, action: str, properties: Json | None) -> None:
    body = None if properties is None else {"properties": properties}
    await stack.arm("POST", f"{(await _item(stack, name))['id']}/{action}", _API, body)


async def _until(stack: Stack, name: str, **wanted: Any) -> None:
    async def is_so() -> bool:
        item = (await overrides.items(stack)).get(name)
        return item is not None and item["properties"].items() >= wanted.items()

    await eventually(is_so)


async def _vms(stack: Stack) -> list[str]:
    state = await stack.sim("GET", "state")
    return sorted(each["id"] for each in state["resources"] if each["type"].endswith("/virtualMachines"))


@pytest.mark.long
async def test_after_commit_and_disable_neither_vm_is_enabled_without_a_word(start_stack: StartStack) -> None:
    """Both carry the tag. An operator removes the replication, and decides for one of the VMs later."""
    names = ("shop", "till")
    vms = [estates.vm(name) | {"tags": asking()} for name in names]
    estate = protected_world(vms, [protected(name, nics=[]) for name in names])
    async with start_stack(estate, settings=SETTINGS | CLEANUP) as stack:
        await asyncio.gather(*(commit(stack, name) for name in names))
        await sweep(stack)
        for name in names:
            await _act(stack, name, "remove", {"disableProtectionReason": "NotSpecified"})
        await eventually(lambda: _nothing_protected(stack))
        await stack.kill_host()
        await stack.start_host()

        both = await _vms(stack)
        held: list[dict[str, bool]] = []
        for _ in range(2):
            report = await sweep(stack)
            found = await compliance(stack)
            held.append({vm: _CODE in str(found[vm.lower()]["findings"]) for vm in both})
            assert report.started == {}
        put = await stack.api("PUT", f"{protection(vms[0]['id'])}?confirm=true", {"dr-target-name": "shop-2"})
        await settled(stack)
        await sweep(stack)
        protected_then = set(await overrides.items(stack))
        refused, _ = await stack.api("PUT", protection(vms[1]["id"]), {"dr-target-name": "till-2"})

    assert len(both) == 4
    assert held == [dict.fromkeys(both, True)] * 2
    assert put[0] == 202, put
    assert protected_then == {"shop"}
    assert refused == 422


_CODE = "DisabledAfterFailover"


async def _nothing_protected(stack: Stack) -> bool:
    return not await overrides.items(stack)
