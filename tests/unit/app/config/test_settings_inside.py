"""Settings with an inside: vaults and the map of regions, prices, the account that updates agents."""

import json

import pytest

from shared.config.environment import as_text
from shared.config.prices import Prices
from shared.config.profiles import Profile
from shared.config.settings import Settings
from shared.model.resource_id import AUTOMATION_ACCOUNT, ResourceId
from tests.unit.app.config.test_settings import load, problems_of
from tests.unit.app.examples import SUBSCRIPTION, VAULT_ID, settings

SECOND = ResourceId(f"{VAULT_ID}-2")
TWO = {"DR_VAULT_IDS": f"{VAULT_ID},{SECOND}"}


def test_several_vaults_need_a_region_map(monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = problems_of(monkeypatch, **TWO)

    assert problem == "DR_VAULT_IDS: 2 vaults are given: DR_REGION_MAP has to say which serves whom"


def test_the_region_map_says_which_vault_serves_a_region_and_a_profile_may_say_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    region_map = {"East US": {"vault": str(SECOND)}, "northeurope": {"targetLocation": "West Europe"}}
    loaded = load(monkeypatch, **TWO, DR_REGION_MAP=json.dumps(region_map))

    assert loaded.vault_for("eastus", Profile()) == SECOND
    assert loaded.vault_for("eastus", Profile(vault=VAULT_ID)) == VAULT_ID
    assert loaded.region_map["northeurope"].target_location == "westeurope"
    # Of two vaults none is guessed: not for a region that the map gives none, nor for one it does not know.
    assert loaded.vault_for("northeurope", Profile()) is None
    assert loaded.vault_for("westus", Profile()) is None
    assert loaded.vault_for("westus", Profile(vault=SECOND)) == SECOND


def test_the_only_vault_serves_every_region_that_the_map_gives_no_other() -> None:
    assert settings().vault_for("anywhere", Profile()) == VAULT_ID
    mapped = settings(region_map={"eastus": {"target_location": "centralus"}})
    assert mapped.vault_for("eastus", Profile()) == VAULT_ID


OTHER_VAULT = json.dumps({"vault": f"{VAULT_ID}-9"})


@pytest.mark.parametrize(
    ("name", "given", "where", "why"),
    [
        ("DR_REGION_MAP", "{", "", "it is no JSON: "),
        ("DR_REGION_MAP", "[]", "", "it is no JSON object"),
        ("DR_REGION_MAP", '"eastus"', "", "it is no JSON object"),
        ("DR_REGION_MAP", '{"east-us": {"targetLocation": "westus"}}', "east-us.[key]", "the name of an Azure region"),
        ("DR_REGION_MAP", '{"eastus": {}}', "eastus", "vault, targetLocation or both are needed"),
        ("DR_REGION_MAP", '{"eastus": "westus"}', "eastus", "valid dictionary"),
        (
            "DR_REGION_MAP",
            '{"eastus": {"targetLocation": "??"}}',
            "eastus.targetLocation",
            "the name of an Azure region",
        ),
        ("DR_REGION_MAP", '{"eastus": {"vault": "vault"}}', "eastus.vault", "is not an Azure resource ID"),
        ("DR_REGION_MAP", '{"eastus": {"target": "westus"}}', "eastus.target", "Extra inputs are not permitted"),
        ("DR_PRICES", "25", "", "it is no JSON object"),
        ("DR_PRICES", '{"instance": -1}', "instance", "greater than or equal to 0"),
        ("DR_PRICES", '{"coreHour": -1}', "coreHour", "greater than or equal to 0"),
        ("DR_PRICES", '{"cache": NaN}', "cache", "finite number"),
        ("DR_PRICES", '{"cache": "free"}', "cache", "valid number"),
        ("DR_PRICES", '{"currency": ""}', "currency", "at least 1 character"),
        ("DR_PRICES", '{"diskGb": {"Premium_LRS": "a lot"}}', "diskGb.Premium_LRS", "valid number"),
        ("DR_PRICES", '{"disk": 1}', "disk", "Extra inputs are not permitted"),
        ("DR_AGENT_AUTOMATION_ACCOUNT", "agents", "", "is not an Azure resource ID"),
        ("DR_AGENT_AUTOMATION_ACCOUNT", str(VAULT_ID), "", "is not an automation account"),
    ],
)
def test_what_is_wrong_inside_a_setting_is_reported_with_its_place(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, where: str, why: str
) -> None:
    (problem,) = problems_of(monkeypatch, **{name: given})

    reported = f"{name} at {where}: given {given!r}: " if where else f"{name}: given {given!r}: "
    assert problem.startswith(reported)
    assert why in problem
    assert "; allowed: " in problem


@pytest.mark.parametrize(
    ("name", "given", "where"),
    [
        ("DR_REGION_MAP", f'{{"eastus": {OTHER_VAULT}}}', "DR_REGION_MAP at eastus"),
        ("DR_PROFILES", f'{{"gold": {OTHER_VAULT}}}', "DR_PROFILES at gold"),
    ],
)
def test_a_vault_that_is_not_among_those_of_the_app_is_reported_with_its_place(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, where: str
) -> None:
    (problem,) = problems_of(monkeypatch, **{name: given})

    assert problem == f"{where}: {VAULT_ID}-9 is not among DR_VAULT_IDS"


@pytest.mark.parametrize("given", ['{"diskGb": {"Premium_LRS": -1}}', '{"instance": Infinity}'])
def test_a_price_is_a_number_that_can_be_added(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    (problem,) = problems_of(monkeypatch, DR_PRICES=given)

    assert problem.startswith("DR_PRICES at ")


def test_prices_replace_the_built_in_ones_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    prices = load(monkeypatch, DR_PRICES='{"currency": "EUR", "diskGb": {"Premium_LRS": 0.2}}').prices

    assert (prices.currency, prices.instance, prices.disk_gb) == ("EUR", Prices().instance, {"Premium_LRS": 0.2})


def test_the_account_that_updates_agents_is_one_of_automation(monkeypatch: pytest.MonkeyPatch) -> None:
    account = ResourceId.of(SUBSCRIPTION, "dr", AUTOMATION_ACCOUNT, "agents")

    assert load(monkeypatch, DR_AGENT_AUTOMATION_ACCOUNT=str(account)).agent_automation_account == account
    assert settings().agent_automation_account is None


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("paused", "false"),
        ("profiles", '{"default": {}}'),
        ("region_map", "none"),
        ("agent_automation_account", "none"),
        ("tag_values", "true"),
        ("poll_seconds", "30"),
        ("mode", "protect"),
    ],
)
def test_a_default_is_shown_as_one_would_write_it(field: str, text: str) -> None:
    assert as_text(Settings.model_fields[field].default) == text


def test_the_default_prices_are_shown_as_json() -> None:
    assert Prices.model_validate_json(as_text(Settings.model_fields["prices"].default)) == Prices()
