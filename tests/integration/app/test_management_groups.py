"""Management groups in the scopes: their subscriptions as Resource Graph tells them, and what is done without it."""

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from shared.observe.inventory import read_inventory
from shared.readers.management_groups import _KEY, resolve_scope
from tests.integration.app.conftest import Reach, Reached
from tests.integration.simulator.azure import NETWORK, SUBSCRIPTION, estate, machine, vm_id

NEAR, FAR, OTHER = (f"{digit * 8}-2222-4222-8222-222222222222" for digit in "345")
GROUP = "/providers/Microsoft.Management/managementGroups/{}"
REFUSED = {"match": {"path": "Microsoft.ResourceGraph"}, "kind": "status", "status": 403, "times": 1}


def of(*groups: str) -> str:
    return ",".join(map(GROUP.format, groups))


def world(**groups: list[str]) -> dict[str, Any]:
    """A VM in each of four subscriptions, and the management groups above each, its own first."""
    known = {SUBSCRIPTION: ["vault"], NEAR: ["Corp"], FAR: ["sandbox", "corp"], OTHER: ["Corporate"], **groups}
    nic = {"name": "n", "subnet": f"{NETWORK}/subnets/web"}
    made = estate(*(machine("web", id=vm_id("web").replace(SUBSCRIPTION, each), nics=[nic]) for each in known))
    made["subscriptions"] = [{"id": each, "managementGroups": above} for each, above in known.items()]
    return made


def members(reached: Reached) -> set[str]:
    return {each.subscription for each in reached.azure.settings.source.members}


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (of("corp"), {NEAR, FAR}),
        (of("CORP").upper().replace("/PROVIDERS", "/providers"), {NEAR, FAR}),
        (of("sandbox"), {FAR}),
        (of("sandbox", "vault"), {FAR, SUBSCRIPTION}),
        (f"{of('sandbox')},/subscriptions/{OTHER}", {FAR, OTHER}),
    ],
)
async def test_the_vms_of_all_subscriptions_below_a_group_are_in_scope(
    reach: Reach, scope: str, expected: set[str]
) -> None:
    async with reach(world(), source_scope=scope, target_scope=of("vault")) as reached:
        await resolve_scope(reached.azure)
        found = await read_inventory(reached.azure)
        target = reached.azure.settings.target

    assert members(reached) == expected
    assert {vm.id.subscription for vm in found.vms} == expected
    assert found.gaps == ()
    assert {each.subscription for each in target.members} == {SUBSCRIPTION} - expected


@pytest.mark.parametrize(
    ("source", "target", "sources", "targets", "left_out"),
    [
        # What is named itself is what it is named for, and not the other, which only a management group says.
        (of("corp"), f"/subscriptions/{NEAR}", {FAR}, {NEAR}, {NEAR}),
        (f"/subscriptions/{NEAR}", of("corp"), {NEAR}, {FAR}, {NEAR}),
        (f"/subscriptions/{NEAR}/resourceGroups/app", of("corp"), {NEAR}, {FAR}, {NEAR}),
        (f"{of('corp')},/subscriptions/{NEAR}", f"/subscriptions/{NEAR}", {NEAR, FAR}, {NEAR}, set()),
        (of("corp"), f"/subscriptions/{NEAR}/resourceGroups/app-asr", {NEAR, FAR}, {NEAR}, set()),
        # Of two management groups that both have it, it is a source.
        (of("sandbox"), of("corp"), {FAR}, {NEAR}, {FAR}),
        (of("corp"), of("corp"), {NEAR, FAR}, set(), {NEAR, FAR}),
    ],
)
async def test_no_management_group_makes_a_subscription_both_source_and_target(
    reach: Reach, source: str, target: str, sources: set[str], targets: set[str], left_out: set[str]
) -> None:
    async with reach(world(), source_scope=source, target_scope=target) as reached:
        await resolve_scope(reached.azure)
        settings = reached.azure.settings

    assert members(reached) == sources
    assert {each.subscription for each in settings.target.members} == targets
    assert {each.subscription for each in (*settings.source.left_out, *settings.target.left_out)} == left_out


async def test_all_scopes_are_resolved_by_one_query_for_a_while(reach: Reach) -> None:
    async with reach(world(), source_scope=of("corp", "sandbox"), target_scope=of("vault")) as reached:
        for _ in range(3):
            await resolve_scope(reached.azure)
        assert len(reached.calls("Microsoft.ResourceGraph")) == 1


async def test_without_management_groups_nothing_is_read(reach: Reach) -> None:
    async with reach(world()) as reached:
        await resolve_scope(reached.azure)
        assert reached.calls() == []


async def test_a_subscription_that_comes_or_goes_is_followed(reach: Reach) -> None:
    async with reach(world(), source_scope=of("sandbox")) as reached:
        await resolve_scope(reached.azure)
        known = reached.simulator.world.store.subscriptions
        known[NEAR].management_groups, known[FAR].management_groups = ("sandbox",), ("corp",)
        reached.azure.forget(_KEY, if_before=float("inf"))
        await resolve_scope(reached.azure)

    assert members(reached) == {NEAR}


async def test_a_group_without_a_subscription_that_may_be_read_is_a_gap(reach: Reach) -> None:
    async with reach(world(), source_scope=of("corp", "misspelt")) as reached:
        await resolve_scope(reached.azure)
        found = await read_inventory(reached.azure)

    assert members(reached) == {NEAR, FAR}
    assert len(found.gaps) == 1
    assert of("misspelt") in found.gaps[0]


async def test_what_cannot_be_read_at_first_is_no_empty_scope_and_later_leaves_the_scope_as_it_was(
    reach: Reach,
) -> None:
    async with reach(world(), source_scope=of("corp")) as reached:
        reached.fault(**REFUSED)
        with pytest.raises(HttpResponseError):
            await resolve_scope(reached.azure)
        await resolve_scope(reached.azure)
        assert members(reached) == {NEAR, FAR}

        reached.fault(**REFUSED)
        reached.azure.forget(_KEY, if_before=float("inf"))
        await resolve_scope(reached.azure)
        assert members(reached) == {NEAR, FAR}
