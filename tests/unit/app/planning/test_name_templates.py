"""DR_NAMES and policyName in a plan: for what is created from now on, with their origin, and refused if not unique."""

import re
from typing import Any

import pytest

from shared.config.profiles import Profile
from shared.config.settings import Settings
from shared.model.plan import Plan
from shared.model.resource_id import ResourceId, vm_id
from shared.model.resource_types import PLACEMENT_GROUP
from shared.model.target_resources import ContainerMapping, NetworkMapping, Placed, ReplicationPolicy
from shared.model.vm import SourceAvailabilitySet
from tests.unit.app.config.test_settings import load, problems_of
from tests.unit.app.examples import (
    AVAILABILITY_SET,
    ELSEWHERE,
    NAMES,
    NETWORK,
    SUBSCRIPTION,
    VM_ID,
    of_kind,
    open_settings,
    plan_of,
    planning_context,
    protected_item,
    reported,
    setting,
    settings,
    source_vm,
)

SET = SourceAvailabilitySet(id=AVAILABILITY_SET, fault_domains=2, update_domains=5, sku="Aligned")
NEAR = ResourceId.of(SUBSCRIPTION, "web", PLACEMENT_GROUP, "near")
TEMPLATES = {
    "environment": "prod",
    "resourceGroup": "{source}-{environment}-{targetRegion}",
    "network": "{environment}.{source}",
    "availabilitySet": "{source}_dr",
    "placementGroup": "{source}-of-{sourceRegion}",
    "cacheGroup": "cache-{environment}-{sourceRegion}",
    "policy": "asr-{retention}-{appConsistent}{forProfile}",
    "containerMapping": "{policy}-{sourceRegion}-to-{targetRegion}",
    "networkMapping": "{digest}-{source}-{targetRegion}",
}
IN_SET = source_vm(availability_set_id=AVAILABILITY_SET, placement_group_id=NEAR)


def planned(app: Settings, **context: Any) -> Plan:
    return plan_of(IN_SET, planning_context(availability_set=SET, **context), app)


def test_what_is_created_is_named_by_the_templates_and_the_plan_says_so() -> None:
    plan = planned(settings(names=TEMPLATES))

    assert plan.replication
    assert {str(each.id).split("/", 4)[4] for each in of_kind(plan, Placed)} == {
        "cache-prod-eastus",
        f"cache-prod-eastus/providers/Microsoft.Storage/storageAccounts/{plan.replication.cache_account.name}",
        "web-prod-westus2",
        "web-prod-westus2/providers/Microsoft.Compute/availabilitySets/web-set_dr",
        "web-prod-westus2/providers/Microsoft.Compute/proximityPlacementGroups/near-of-eastus",
        "net-prod-westus2",
        "net-prod-westus2/providers/Microsoft.Network/virtualNetworks/prod.vnet",
    }
    assert [each.policy.name for each in of_kind(plan, ReplicationPolicy)] == ["asr-24-4-hour"]
    assert {each.name for each in of_kind(plan, ContainerMapping)} == {
        "asr-24-4-hour-eastus-to-westus2",
        "asr-24-4-hour-westus2-to-eastus",
    }
    there, back = (each.name.partition("-")[2] for each in of_kind(plan, NetworkMapping))
    assert there == "vnet-westus2"
    assert re.fullmatch("prod-vnet-[0-9a-f]{6}-eastus", back)
    for name, template in (
        ("targetResourceGroup", TEMPLATES["resourceGroup"]),
        ("targetVnet/vnet", TEMPLATES["network"]),
        ("targetAvailabilitySet", TEMPLATES["availabilitySet"]),
        ("targetPpg", TEMPLATES["placementGroup"]),
        ("replicationPolicy", TEMPLATES["policy"]),
    ):
        shown = setting(plan, name)
        assert shown.origin == "settings"
        assert f"DR_NAMES says: {template}" in shown.reason


def test_a_changed_template_is_no_difference_of_what_is_protected() -> None:
    item = protected_item(
        settings=protected_item().settings.with_(availability_set=NAMES.in_group(NAMES.group(VM_ID), AVAILABILITY_SET))
    )

    plan = plan_of(IN_SET, planning_context(availability_set=SET), settings(names=TEMPLATES), item)

    assert plan.changes.differences == ()
    assert plan.findings == ()


def test_a_network_that_is_mapped_keeps_its_target_whatever_the_template() -> None:
    target = NAMES.sibling(NETWORK)

    plan = planned(settings(names=TEMPLATES), mapped_networks={NETWORK.key: target})

    assert setting(plan, "targetVnet/vnet").value == str(target)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([vm_id(SUBSCRIPTION, "app", "app-1")], True),
        ([vm_id(SUBSCRIPTION, "web", "web-2"), vm_id(ELSEWHERE, "web", "web-1")], True),
        ([vm_id(SUBSCRIPTION, "WEB", "web-2")], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("names", [{}, TEMPLATES], ids=["default", "other"])
def test_two_sets_that_would_have_one_name_are_named(names: Any, others: list[ResourceId], expected: bool) -> None:
    plan = planned(settings(names=names), in_target_set=tuple(others))

    assert [each.code for each in plan.blockers] == (["NameNotUnique"] if expected else [])
    if expected:
        assert f"{others[-1]} is protected into it" in reported(plan.findings, "NameNotUnique").message


def test_another_set_may_be_named_then() -> None:
    vm = IN_SET.with_(tags={"dr": "true", "dr-target-availability-set": "none"})
    context = planning_context(availability_set=SET, in_target_set=(vm_id(SUBSCRIPTION, "app", "app-1"),))

    assert plan_of(vm, context, open_settings()).blockers == ()


def test_a_target_group_with_the_name_of_the_cache_group_is_told() -> None:
    names = {"resourceGroup": "{source}-eastus", "cacheGroup": "web-{sourceRegion}"}

    assert "cache accounts" in reported(planned(settings(names=names)).blockers, "NameNotUnique").message


def test_a_profile_names_its_policy() -> None:
    plan = planned(settings(profiles={"default": Profile(policy_name="Gold-24h")}))

    assert [each.policy.name for each in of_kind(plan, ReplicationPolicy)] == ["Gold-24h"]
    shown = setting(plan, "replicationPolicy")
    assert (shown.value, shown.origin) == ("Gold-24h", "profile default")


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        (
            '{"gold": {"policyName": "gold_24"}}',
            "'gold_24' is no name of a policy; allowed: 2 to 128 letters and digits",
        ),
        ('{"gold": {"policyName": "g"}}', "2 to 128"),
        (
            '{"gold": {"policyName": "x1"}, "silver": {"policyName": "X1", "recoveryPointRetentionHours": 12}}',
            "silver.policyName: X1 is the name of another profile's policy, which has other values",
        ),
    ],
)
def test_a_wrong_name_of_a_policy_stops_the_app(monkeypatch: pytest.MonkeyPatch, profiles: str, expected: str) -> None:
    (problem,) = problems_of(monkeypatch, DR_PROFILES=profiles)

    assert expected in problem


def test_profiles_of_the_same_values_may_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    app = load(monkeypatch, DR_PROFILES='{"gold": {"policyName": "x1"}, "silver": {"policyName": "x1"}}')

    assert {profile.policy_for(name).name for name, profile in app.profiles.items()} == {
        "x1",
        "24-hour-retention-4-hour-app-consistent-policy",
    }


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ('{"network": "{sources}"}', "DR_NAMES at network: given"),
        ('{"network": "{sources}"}', "{sources}; allowed: {source}, {sourceRegion}, {targetRegion}, {environment}"),
        ('{"network": "{source}."}', "network is '{source}.', which gives"),
        ('["network"]', "it is no JSON object"),
    ],
)
def test_a_wrong_template_stops_the_app(monkeypatch: pytest.MonkeyPatch, names: str, expected: str) -> None:
    (problem,) = problems_of(monkeypatch, DR_NAMES=names)

    assert expected in problem
