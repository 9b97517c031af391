"""Profiles: the policy that a VM's tag may ask for, and nothing beyond what the settings define."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.config.environment import load_settings
from shared.config.profiles import Profile
from shared.config.settings import Settings
from shared.model.policy import Policy
from shared.model.resource_id import ResourceId
from tests.unit.app.config.test_settings import load, problems_of
from tests.unit.app.examples import NETWORK, VAULT_ID, asking, plan_of, planning_context, settings, source_vm

GOLD = {"recoveryPointRetentionHours": 72, "appConsistentFrequencyHours": 1}


def policy(app: Settings) -> Policy:
    """That of a VM without a tag for it."""
    replication = plan_of(source_vm(), planning_context(), app).replication
    assert replication
    return replication.policy


def with_gold(monkeypatch: pytest.MonkeyPatch) -> Settings:
    return load(monkeypatch, DR_PROFILES=json.dumps({"gold": GOLD}))


def test_the_default_profile_is_there_whatever_is_defined(monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = with_gold(monkeypatch).profiles

    assert profiles == {"default": Profile(), "gold": Profile.model_validate(GOLD)}
    policy = profiles["gold"].policy_for("gold")
    assert policy.name == "72-hour-retention-1-hour-app-consistent-policy-for-gold"
    assert (policy.retention_minutes, policy.app_consistent_minutes) == (4320, 60)


def test_a_vm_gets_the_policy_of_the_profile_that_its_tag_names(monkeypatch: pytest.MonkeyPatch) -> None:
    vm = source_vm(tags={"dr": "true", "DR-Profile": " Gold "})
    plan = plan_of(vm, planning_context(), with_gold(monkeypatch))

    assert plan.replication
    assert plan.replication.policy.retention_minutes == 4320
    (reported,) = [setting for setting in plan.settings if setting.name == "recoveryPointRetention"]
    assert (reported.value, reported.origin) == ("72 h", "profile gold")


def test_a_profile_that_no_one_defined_blocks_and_says_what_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    vm = source_vm(tags={"dr": "true", "dr-profile": "platinum"})
    plan = plan_of(vm, planning_context(), with_gold(monkeypatch))

    (finding,) = plan.blockers
    assert finding.code == "OverrideInvalid"
    assert "'platinum'" in finding.message
    assert "allowed: default, gold" in finding.message
    assert plan.replication is None


@pytest.mark.parametrize(
    ("given", "reported"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no JSON object"),
        ('{"Gold!": {}}', "Gold!"),
        ('{"gold": {"recoveryPointRetentionHours": 361}}', "gold.recoveryPointRetentionHours"),
        ('{"gold": {"recoveryPointRetentionHours": 0}}', "gold.recoveryPointRetentionHours"),
        ('{"gold": {"appConsistentFrequencyHours": 13}}', "gold.appConsistentFrequencyHours"),
        ('{"gold": {"recoveryPointRetentionHours": 2}}', "at most recoveryPointRetentionHours (2) is allowed"),
        ('{"gold": {"retention": 2}}', "gold.retention"),
        ('{"gold": {"vault": "v"}}', "gold.vault"),
        ('{"gold": {"values": {"target-siz": "x"}}}', "'target-siz' is none of target-location, "),
        ('{"gold": {"values": {"target-zone": "9"}}}', "target-zone is '9'; allowed: 1, 2, 3, none"),
        ('{"gold": {"values": {"target-zone": 1}}}', "gold.values.target-zone"),
        ('{"gold": {"values": []}}', "gold.values"),
        ('{"gold": {"allow": {"vault": ["*"]}}}', "'vault' is none of target-location, "),
        ('{"gold": {"allow": {"target-zone": "*"}}}', "gold.allow.target-zone"),
        ('{"gold": {"allow": ["target-zone"]}}', "gold.allow"),
    ],
)
def test_a_wrong_profile_keeps_the_app_from_starting(
    monkeypatch: pytest.MonkeyPatch, given: str, reported: str
) -> None:
    (problem,) = problems_of(monkeypatch, DR_PROFILES=given)

    assert problem.startswith("DR_PROFILES")
    assert reported in problem
    assert "recoveryPointRetentionHours (1 to 360)" in problem


@given(retention=st.integers(-10, 400), frequency=st.integers(-10, 20))
def test_whatever_is_asked_for_a_policy_is_one_that_site_recovery_takes(retention: int, frequency: int) -> None:
    asked = {"recoveryPointRetentionHours": retention, "appConsistentFrequencyHours": frequency}
    try:
        policy = Profile.model_validate(asked).policy_for("default")
    except ValidationError:
        return
    assert 60 <= policy.retention_minutes <= 15 * 24 * 60
    assert policy.app_consistent_minutes == 0 or 60 <= policy.app_consistent_minutes <= policy.retention_minutes


def test_two_profiles_never_share_a_policy_name() -> None:
    names = {
        Profile(recovery_point_retention_hours=retention, app_consistent_frequency_hours=frequency)
        .policy_for(profile)
        .name
        for retention in range(12, 30)
        for frequency in range(13)
        if frequency <= retention
        for profile in ("default", "gold")
    }
    assert len(names) == 18 * 13 * 2


def test_without_a_tag_it_is_the_default() -> None:
    assert policy(settings()) == Profile().policy_for("default")


def test_a_profile_named_default_changes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch, DR_PROFILES='{"default": {"appConsistentFrequencyHours": 0}}')

    assert policy(loaded).name == "24-hour-retention-no-app-consistent-policy"
    assert load_settings() == loaded


def test_a_profile_sets_values_and_allows_others_and_names_a_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    gold = {"vault": str(VAULT_ID), "values": {"churn": "high"}, "allow": {"target-ip": ["10.0.0.0/8"], "churn": ["*"]}}

    loaded = load(monkeypatch, DR_PROFILES=json.dumps({"gold": gold})).profiles["gold"]

    assert (loaded.vault, loaded.values) == (VAULT_ID, {"churn": "high"})
    assert loaded.allow == {"target-ip": ("10.0.0.0/8",), "churn": ("*",)}


@pytest.mark.parametrize(
    "allow",
    [{"target-zone": ["5"]}, {"target-ip": ["10.0.0.0/33"]}, {"target-vnet": [f"{VAULT_ID}/"]}, {"churn": [""]}],
    ids=str,
)
def test_an_entry_of_an_allow_list_that_covers_nothing_keeps_the_app_from_starting(
    monkeypatch: pytest.MonkeyPatch, allow: dict[str, list[str]]
) -> None:
    problems_of(monkeypatch, DR_PROFILES=json.dumps({"gold": {"allow": allow}}))


SCHEDULE = {"everyDays": 90, "window": "22-04", "maxCores": 8}


@pytest.mark.parametrize("given", ["Create", "make", "", None, 7, str(VAULT_ID), "dr-drill"], ids=str)
def test_a_network_for_drills_is_one_by_its_id_or_create(monkeypatch: pytest.MonkeyPatch, given: Any) -> None:
    (problem,) = problems_of(monkeypatch, DR_PROFILES=json.dumps({"gold": {"drill": {**SCHEDULE, "network": given}}}))

    assert problem.startswith("DR_PROFILES at gold.drill.network")
    assert f"{given!r} is no network; allowed: the resource ID of a virtual network, or create" in problem


@pytest.mark.parametrize("given", ["create", str(NETWORK)])
def test_what_it_may_be_is_kept_as_it_was_given(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    loaded = load(monkeypatch, DR_PROFILES=json.dumps({"gold": {"drill": {**SCHEDULE, "network": given}}}))

    drill = loaded.profiles["gold"].drill
    assert drill
    assert (str(drill.network), isinstance(drill.network, ResourceId)) == (given, given != "create")


def test_an_allow_list_is_written_as_values_are(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch, DR_PROFILES='{"default": {"allow": {"target-location": ["West US 2"]}}}')

    assert plan_of(asking(target_location="westus2"), planning_context(), loaded).findings == ()
