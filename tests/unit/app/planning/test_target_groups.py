"""Where targets lie by default, and the groups that the deployment has to prepare for them."""

import pytest

from shared.model.resource_id import ResourceId
from shared.model.target_resources import ResourceGroup
from shared.planning.preflight import not_to_be_made
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    ELSEWHERE,
    NETWORK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    asking,
    open_settings,
    plan_of,
    planning_context,
    setting,
    settings,
    source_vm,
)

HERE, THERE = f"/subscriptions/{SUBSCRIPTION}", f"/subscriptions/{ELSEWHERE}"
CACHES = f"{HERE}/resourceGroups/asr-cache-{SOURCE}"
FAR = "/subscriptions/33333333-3333-3333-3333-333333333333"


@pytest.mark.parametrize(
    ("scope", "of_targets"),
    [
        (f"{THERE},{CACHES}", ELSEWHERE),
        (f"{THERE}/resourceGroups/web-asr,{THERE}/resourceGroups/net-asr,{CACHES}", ELSEWHERE),
        (f"{THERE},{FAR},{CACHES}", ELSEWHERE),
        (f"{THERE},{HERE}", SUBSCRIPTION),
        (f"{THERE},{HERE}/resourceGroups/web-asr,{HERE}/resourceGroups/net-asr,{CACHES}", SUBSCRIPTION),
    ],
)
def test_targets_lie_in_their_subscription_and_the_cache_in_that_of_the_vm(scope: str, of_targets: str) -> None:
    vm = source_vm(availability_set_id=AVAILABILITY_SET)
    plan = plan_of(vm, planning_context(), settings(target_scope=scope))

    assert plan.blockers == ()
    assert setting(plan, "targetResourceGroup").value == f"/subscriptions/{of_targets}/resourceGroups/web-asr"
    network = ResourceId.of(of_targets, "net-asr", NETWORK.type, "vnet-asr")
    assert setting(plan, "targetVnet/vnet").value == str(network)
    assert plan.replication is not None
    assert plan.replication.cache_account.group_id == ResourceId(CACHES)


def test_the_name_of_a_group_is_that_of_one_in_the_subscription_of_the_targets() -> None:
    plan = plan_of(asking(target_resource_group="own"), planning_context(), open_settings(target_scope=THERE))

    (finding,) = (each for each in plan.blockers if each.code == "OverrideInvalid")
    assert f"there is no {THERE}/resourceGroups/own" in finding.message


@pytest.mark.parametrize(
    ("scope", "named", "fix"),
    [
        (CACHES, "web-asr,net-asr", "DR_TARGET_RESOURCE_GROUPS net-asr,web-asr && azd provision"),
        (f"{HERE}/resourceGroups/web-asr,{CACHES}", "net-asr", "DR_TARGET_RESOURCE_GROUPS web-asr,net-asr && azd "),
        (f"{THERE}/resourceGroups/app-asr,{CACHES}", "net-asr", "DR_TARGET_RESOURCE_GROUPS app-asr,net-asr,web-asr "),
        (HERE.replace("1111", "1112"), f"asr-cache-{SOURCE}", f"Add {SOURCE} to the list by azd env set DR_SOURCE_LOC"),
    ],
)
def test_a_group_out_of_scope_is_not_prepared_and_the_command_lists_all_that_have_to_be(
    scope: str, named: str, fix: str
) -> None:
    plan = plan_of(source_vm(), planning_context(), settings(target_scope=scope))

    assert {each.code for each in plan.blockers} == {"TargetGroupNotPrepared"}
    (finding,) = plan.blockers
    assert all(f"/resourceGroups/{each}" in finding.message for each in named.split(","))
    assert fix in finding.fix


def test_without_a_scope_nothing_is_prepared() -> None:
    plan = plan_of(source_vm(), planning_context(), settings(target_scope=()))

    assert [each.code for each in plan.blockers] == ["TargetGroupNotPrepared"] * 2
    assert all("DR_TARGET_SCOPE is empty" in each.message for each in plan.blockers)


@pytest.mark.parametrize(
    ("group", "scope", "blocks"),
    [
        ("web-asr", HERE, False),
        ("web-asr", f"{HERE}/resourceGroups/web-asr", True),
        (f"asr-cache-{SOURCE}", HERE, False),
        (f"asr-cache-{SOURCE}", f"{THERE},{CACHES}", True),
    ],
)
def test_the_app_makes_groups_only_in_a_subscription_of_the_scope(group: str, scope: str, blocks: bool) -> None:
    wanted = ResourceGroup(id=ResourceId(f"{HERE}/resourceGroups/{group}"), location=TARGET, for_cache="cache" in group)

    found = not_to_be_made(wanted, settings(target_scope=scope))

    assert (found and found.code) == ("TargetGroupNotPrepared" if blocks else None)
