"""Disks that are not to be replicated: excluded by a tag, or removed from the item by somebody."""

import json

import pytest

from local.stack import Stack
from tests import estates
from tests.e2e import overrides, sweeping
from tests.e2e.conftest import StartStack
from tests.e2e.follow import results, write_event
from tests.e2e.overrides import OPEN, protected, protected_world
from tests.waiting import eventually

_PROFILES = {"DR_PROFILES": json.dumps({"open": OPEN})}
_OPEN = {"dr": "true", "dr-profile": "open"}


@pytest.mark.long
async def test_what_is_excluded_or_was_removed_stays_out_and_the_rest_is_added(start_stack: StartStack) -> None:
    """By name, by LUN and by the vault's job, through runs and a sweep, which calls them compliant."""
    vms = [
        estates.vm("enabled", disks=3) | {"tags": {**_OPEN, "dr-exclude-disks": "1"}},
        estates.vm("late", disks=3) | {"tags": {**_OPEN, "dr-exclude-disks": "late-disk2"}},
        estates.vm("removed", disks=2) | {"tags": _OPEN},
    ]
    items = [protected("late", disks=[{"name": "late-disk0"}]), protected("removed")]
    async with start_stack(protected_world(vms, items), settings=_PROFILES) as stack:
        (ours,) = [item for name, item in (await overrides.items(stack)).items() if name == "removed"]
        disk = estates.resource_id("Microsoft.Compute/disks", "removed-disk1")
        body = {"properties": {"providerSpecificDetails": {"instanceType": "A2A", "vmManagedDisksIds": [disk]}}}
        await stack.arm("POST", f"{ours['id']}/removeDisks", "2025-08-01", body)

        async def is_removed() -> bool:
            return await _disks(stack, "removed") == ["removed-disk0"]

        await eventually(is_removed)
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, len(vms))
        await sweeping.sweep(stack)
        statuses = await sweeping.compliance(stack)
        had = {vm["id"].rsplit("/", 1)[1]: await _disks(stack, vm["id"].rsplit("/", 1)[1]) for vm in vms}

    assert had == {
        "enabled": ["enabled-disk0", "enabled-disk1"],  # the LUNs count data disks
        "late": ["late-disk0", "late-disk1"],
        "removed": ["removed-disk0"],
    }
    for name, result in ended.items():
        status = statuses[estates.vm_id(name).lower()]
        assert (result["outcome"], status["compliant"]) == ("Protected", True)
        assert [finding["code"] for finding in status["findings"]].count("DiskExcluded") == 1


async def test_a_private_disk_has_a_private_replica_and_others_are_enabled_as_ever(start_stack: StartStack) -> None:
    """By the API version that knows it, for those disks alone; a late disk, too."""
    private = {"networkAccessPolicy": "DenyAll", "publicNetworkAccess": "Disabled"}
    vms = [estates.vm("private", disks=2), estates.vm("public"), estates.vm("late", disks=2)]
    vms[0]["disks"][0] |= private
    vms[0]["disks"][1] |= {"networkAccessPolicy": "AllowPrivate"}
    vms[2]["disks"][1] |= private
    item = protected("late", disks=[{"name": "late-disk0"}])
    async with start_stack(protected_world(vms, [item]), settings=_PROFILES) as stack:
        await stack.deliver(*(write_event(vm["id"]) for vm in vms))
        ended = await results(stack, len(vms))
        state = await stack.sim("GET", "state")
        versions = {
            (request["path"].rsplit("/", 1)[1], request["apiVersion"])
            for request in await stack.app_requests()
            if request["method"] in {"PUT", "POST"} and "/replicationprotecteditems/" in request["path"].lower()
        }

    replicas = {
        each["id"].rsplit("/", 1)[1]: each["properties"] for each in state["resources"] if "-ASRReplica" in each["id"]
    }
    shown = {name: (each["networkAccessPolicy"], each["publicNetworkAccess"]) for name, each in replicas.items()}
    assert shown == {
        "private-disk0-ASRReplica": ("DenyAll", "Disabled"),
        "private-disk1-ASRReplica": ("DenyAll", "Enabled"),
        "public-disk0-ASRReplica": ("AllowAll", "Enabled"),
        "late-disk0-ASRReplica": ("AllowAll", "Enabled"),
        "late-disk1-ASRReplica": ("DenyAll", "Disabled"),
    }
    assert {result["outcome"] for result in ended.values()} == {"Protected"}
    assert [finding["code"] for finding in ended["private"]["findings"]].count("DiskAccessNotKept") <= 1
    assert sorted(version for _, version in versions) == ["2025-08-01", "2026-02-01", "2026-02-01"]


async def _disks(stack: Stack, vm: str) -> list[str]:
    details = (await overrides.items(stack))[vm]["properties"]["providerSpecificDetails"]
    return sorted(disk["diskName"] for disk in details["protectedManagedDisks"])
