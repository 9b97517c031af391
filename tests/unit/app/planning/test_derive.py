"""The target settings of a VM: what the defaults are, and what the plan reports them."""

from itertools import chain
from typing import Any

import pytest

from shared.config.override_options import ROWS
from shared.config.profiles import Profile
from shared.model.resource_id import ResourceId, vm_id
from shared.model.target_resources import (
    CacheAccount,
    ContainerMapping,
    ReplicationPolicy,
    ResourceGroup,
    VirtualNetwork,
)
from shared.model.vm import EligibilityError, Offer
from tests.unit.app.examples import (
    NETWORK,
    SOURCE,
    SUBSCRIPTION,
    TARGET,
    VAULT_ID,
    asking,
    of_kind,
    open_settings,
    plan_of,
    planning_context,
    setting,
    settings,
    source_vm,
)

LONG = Profile(recovery_point_retention_hours=72)


def test_the_defaults_are_those_of_the_portal_s_page() -> None:
    plan = plan_of(source_vm(), planning_context(), settings())

    assert plan.findings == ()
    values = {setting.name: setting.value for setting in plan.settings}
    target_group = ResourceId.of(SUBSCRIPTION, "web-asr")
    network = ResourceId.of(SUBSCRIPTION, "net-asr", NETWORK.type, "vnet-asr")
    assert values == {
        "vault": str(VAULT_ID),
        "targetLocation": TARGET,
        "targetResourceGroup": str(target_group),
        "targetVnet/vnet": str(network),
        "targetSubnet/web-1-nic": "web",
        "targetIp/web-1-nic": "the next free one",
        "targetNsg": "none",
        "targetPublicIp": "none",
        "targetBackendPool": "none",
        "targetAvailabilitySet": "none",
        "targetScaleSet": "none",
        "targetZone": "none",
        "targetPpg": "none",
        "targetCapacityReservation": "none",
        "targetSize": "Standard_D2s_v5",
        "targetName": "web-1",
        "targetBootDiagnostics": "none",
        "targetDiskType/web-1-os": "Premium_LRS",
        "replicaDiskType/web-1-os": "Premium_LRS",
        "targetDiskEncryptionSet": "none",
        "excludeDisks": "none",
        "cacheStorage": str(plan.replication and plan.replication.cache_account),
        "churn": "normal",
        "consistencyGroup": "none",
        "replicationPolicy": "24-hour-retention-4-hour-app-consistent-policy",
        "recoveryPointRetention": "24 h",
        "appConsistentFrequency": "4 h",
        "crashConsistentFrequency": "5 min",
        "agentUpdate": "off",
        "priority": "normal",
    }
    origins = {setting.name: setting.origin for setting in plan.settings}
    assert {name: origin for name, origin in origins.items() if origin != "default"} == {"vault": "settings"}
    assert plan.replication
    assert plan.replication.vault == VAULT_ID
    assert plan.replication.policy == Profile().policy_for("default")
    assert plan.replication.target_group == target_group
    assert (plan.replication.nics, plan.replication.size, plan.replication.name) == ((), "", "")


def test_a_plan_reports_the_priority_and_every_row_of_the_portal_s_page_that_has_a_value_of_its_own() -> None:
    of_the_source = {"sourceLocation", "sourceResourceGroup", "deploymentModel", "betweenZones", "virtualMachines"}
    of_refused_vms = {"targetStorage", "targetKeyVault"}
    reported = {each.name.split("/")[0] for each in plan_of(source_vm(), planning_context(), settings()).settings}

    assert reported == {row.setting for row in ROWS} - of_the_source - of_refused_vms | {"priority"}


@pytest.mark.parametrize(
    ("changes", "origin", "word"),
    [
        ({}, "settings", "DR_VAULT_IDS"),
        ({"region_map": {SOURCE: {"target_location": "uksouth"}}}, "settings", "DR_VAULT_IDS"),
        ({"region_map": {SOURCE: {"vault": str(VAULT_ID)}}}, "region map", SOURCE),
        ({"profiles": {"default": Profile(vault=VAULT_ID)}}, "profile default", "profile default"),
    ],
)
def test_the_vault_is_reported_and_who_chose_it(changes: dict[str, Any], origin: str, word: str) -> None:
    reported = setting(plan_of(source_vm(), planning_context(), settings(**changes)), "vault")

    assert (reported.value, reported.origin) == (str(VAULT_ID), origin)
    assert word in reported.reason


def test_what_a_profile_leaves_out_of_its_policy_comes_from_the_default() -> None:
    of_profile = settings(profiles={"default": Profile(recovery_point_retention_hours=48)})
    plan = plan_of(source_vm(), planning_context(), of_profile)

    reported = {name: setting(plan, name) for name in ("replicationPolicy", "recoveryPointRetention")}
    assert {each.origin for each in reported.values()} == {"profile default"}
    points = setting(plan, "appConsistentFrequency")
    assert (points.value, points.origin) == ("4 h", "default")
    assert "24-hour-retention-policy takes none today" in points.reason


def test_profiles_whose_policies_have_the_same_values_lead_to_one_policy_and_one_pair_of_mappings() -> None:
    """Whichever comes first makes them: else both would map the same containers with the same policy."""
    of_app = settings(profiles={"default": Profile(), "open": Profile(allow={"churn": ("*",)}), "long": LONG})
    keys = {}
    for name in ("default", "open", "long"):
        plan = plan_of(source_vm(tags={"dr": "true", "dr-profile": name}), planning_context(), of_app)
        keys[name] = {each.key for each in (*of_kind(plan, ReplicationPolicy), *of_kind(plan, ContainerMapping))}

    assert keys["default"] == keys["open"]
    assert len(keys["default"]) == len(keys["long"]) == 3
    assert not keys["default"] & keys["long"]


def test_the_policy_holds_its_values_in_minutes() -> None:
    assert (
        Profile().policy_for("default").retention_minutes,
        Profile().policy_for("default").app_consistent_minutes,
    ) == (24 * 60, 4 * 60)
    assert Profile().policy_for("default").crash_consistent_minutes == 5


def test_app_consistent_points_may_be_off() -> None:
    of_app = settings(profiles={"default": Profile(app_consistent_frequency_hours=0)})

    assert setting(plan_of(source_vm(), planning_context(), of_app), "appConsistentFrequency").value == "off"


def test_the_target_network_is_the_image_of_the_source_s() -> None:
    (network,) = of_kind(plan_of(source_vm(), planning_context(), settings()), VirtualNetwork)

    assert network.location == TARGET
    assert network.address_space == ("10.1.0.0/16",)
    assert network.subnets == {"web": ("10.1.1.0/24",)}


def test_the_cache_is_in_the_source_region_with_its_group() -> None:
    plan = plan_of(source_vm(), planning_context(), settings())
    (cache,) = of_kind(plan, CacheAccount)

    assert (cache.location, cache.premium) == (SOURCE, False)
    assert {group.id.name: group.location for group in of_kind(plan, ResourceGroup)} == {
        "web-asr": TARGET,
        "net-asr": TARGET,
        f"asr-cache-{SOURCE}": SOURCE,
    }
    assert [group.for_cache for group in of_kind(plan, ResourceGroup)] == [True, False, False]


def test_vms_of_one_network_and_region_share_everything_but_their_groups() -> None:
    one = plan_of(source_vm(), planning_context(), settings())
    other = plan_of(source_vm(id=vm_id(SUBSCRIPTION, "db", "db-1")), planning_context(), settings())
    keys = [{resource.key for resource in chain.from_iterable(plan.resources)} for plan in (one, other)]

    assert {key.rsplit("/", 1)[-1] for key in keys[0] ^ keys[1]} == {"web-asr", "db-asr"}


@pytest.mark.parametrize(
    "changes",
    [
        {"group_managed_by": "aks"},
        {"vault_location": SOURCE, "target_location": SOURCE},
        {"eligibility_errors": (EligibilityError(code="1", message="No."),)},
        {"offer": Offer()},
    ],
    ids=str,
)
def test_a_blocked_vm_still_shows_what_its_settings_would_be(changes: dict[str, object]) -> None:
    plan = plan_of(source_vm(), planning_context(**changes), settings())

    assert len(plan.blockers) == 1
    assert (plan.replication, plan.resources) == (None, ())
    assert setting(plan, "targetResourceGroup").value.endswith("/web-asr")


def test_what_lies_outside_the_target_scope_is_named() -> None:
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/web-asr"
    plan = plan_of(source_vm(), planning_context(), settings(target_scope=scope))

    assert {finding.code for finding in plan.blockers} == {"TargetGroupNotPrepared"}
    named = " ".join(finding.message for finding in plan.blockers)
    assert "net-asr" in named
    assert f"asr-cache-{SOURCE}" in named
    assert str(ResourceId.of(SUBSCRIPTION, "web-asr")) + " would" not in named


def test_a_value_that_is_asked_for_names_who_asked() -> None:
    vm = asking(target_size="Standard_D4s_v5")
    requested = vm.with_(request={"dr-target-name": "web-1-dr"})
    of_profile = Profile(
        values={"churn": "high"}, allow={"target-size": ("*",), "target-name": ("*",), "target-zone": ("1",)}
    )
    group_tags: dict[str, Any] = {"dr-target-zone": "1"}
    plan = plan_of(requested, planning_context(), settings(profiles={"default": of_profile}), **group_tags)

    assert plan.findings == ()
    origins = {name: setting(plan, name).origin for name in ("targetSize", "targetName", "targetZone", "churn")}
    assert origins == {
        "targetSize": "tag dr-target-size",
        "targetName": "request",
        "targetZone": "tag dr-target-zone of the resource group web",
        "churn": "profile default",
    }
    assert setting(plan, "targetSize").reason == "requested by the tag dr-target-size"


def test_the_account_that_updates_agents_comes_from_the_settings() -> None:
    account = ResourceId.of(SUBSCRIPTION, "dr", "Microsoft.Automation/automationAccounts", "agents")
    plan = plan_of(source_vm(), planning_context(), open_settings(agent_automation_account=str(account)))

    assert (setting(plan, "agentUpdate").value, setting(plan, "agentUpdate").origin) == (str(account), "settings")


def test_a_plan_says_whether_it_may_be_acted_upon() -> None:
    assert plan_of(source_vm(), planning_context(), settings()).writes_disabled == ""
    assert "DR_MODE" in plan_of(source_vm(), planning_context(), settings(mode="report")).writes_disabled
