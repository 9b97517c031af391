"""Settings: read once, and every wrong or missing one reported in one message."""

import pytest
from pydantic import ValidationError

from shared.config.environment import SettingsError, load_settings
from shared.config.profiles import Profile
from shared.config.settings import Mode, Settings
from shared.model.hold import Hold
from tests.unit.app.examples import ELSEWHERE, SOURCE, SUBSCRIPTION, VAULT_ID, VM_ID, settings

REQUIRED = {
    "DR_VAULT_IDS": str(VAULT_ID),
    "DR_SOURCE_SCOPE": f"/subscriptions/{SUBSCRIPTION}",
    "DR_TARGET_SCOPE": f"/subscriptions/{SUBSCRIPTION}",
    "DR_DEPLOYMENT": "func-1",
    "DR_ORIGIN_STORE": "/nowhere",
}


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Settings:
    for name, value in {**REQUIRED, **environment}.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def problems_of(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    """The lines of the message between its heading and what is known."""
    with pytest.raises(SettingsError) as refused:
        load(monkeypatch, **environment)
    heading, *problems, known = [line.strip() for line in str(refused.value).splitlines()]
    assert heading == "The app cannot start, because of these settings:"
    assert known.startswith("Known: DR_ACCEPT_TIMEOUT_SECONDS, DR_ACKNOWLEDGED_ROWS, DR_AGENT_AUTOMATION_ACCOUNT, ")
    return problems


def test_what_is_required_is_enough_and_the_rest_has_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(monkeypatch)

    assert loaded.vault_ids == (VAULT_ID,)
    assert loaded.vault_for(SOURCE, Profile()) == VAULT_ID
    assert VM_ID in loaded.source
    assert VM_ID in loaded.target
    assert (loaded.mode, loaded.paused, loaded.poll_seconds) == (Mode.PROTECT, False, 30)
    assert (loaded.tag_name, loaded.tag_values) == ("dr", ("true",))
    assert loaded.arm_endpoint == "https://management.azure.com"
    assert loaded.writes_disabled == ""


@pytest.mark.parametrize(
    ("endpoint", "portal"),
    [
        ("https://management.azure.com", "https://portal.azure.com"),
        ("https://management.usgovcloudapi.net", "https://portal.azure.us"),
        ("https://management.chinacloudapi.cn", "https://portal.azure.cn"),
        ("https://127.0.0.1:8443", ""),
    ],
)
def test_the_portal_is_that_of_the_cloud(monkeypatch: pytest.MonkeyPatch, endpoint: str, portal: str) -> None:
    assert load(monkeypatch, DR_ARM_ENDPOINT=endpoint).portal == portal


@pytest.mark.parametrize("platform", [None, "", "False", "True", "true", "1"])
@pytest.mark.parametrize("setting", [None, "false", "true"])
def test_that_entra_is_in_front_is_said_by_platform_and_setting_or_by_neither(
    monkeypatch: pytest.MonkeyPatch, platform: str | None, setting: str | None
) -> None:
    """Where the platform does not check tokens, any caller may send the header with the roles."""
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)
    if platform is not None:
        monkeypatch.setenv("WEBSITE_AUTH_ENABLED", platform)
    environment = {} if setting is None else {"DR_ENTRA_AUTH": setting}
    checks = platform in ("True", "true")

    if checks is (setting == "true"):
        assert load(monkeypatch, **environment).entra_auth is checks
        return
    (problem,) = problems_of(monkeypatch, **environment)
    assert problem.startswith("DR_ENTRA_AUTH: ")
    assert "WEBSITE_AUTH_ENABLED" in problem


def test_every_missing_setting_is_listed_with_what_it_needs() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings()

    message = str(refused.value)
    for name in REQUIRED.keys() - {"DR_TARGET_SCOPE"}:
        assert f"{name}: missing; needed: " in message
    assert "DR_MODE: " not in message


@pytest.mark.parametrize(
    ("name", "given", "allowed"),
    [
        ("DR_VAULT_IDS", "vault", "resource IDs of Recovery Services vaults"),
        ("DR_VAULT_IDS", str(VM_ID), "/subscriptions/.../providers/Microsoft.RecoveryServices/vaults/<name>"),
        ("DR_VAULT_IDS", ",", "resource IDs of Recovery Services vaults"),
        ("DR_SOURCE_SCOPE", "Production", "IDs of management groups, subscriptions or resource groups"),
        ("DR_SOURCE_SCOPE", str(VM_ID), "a subscription or a resource group is allowed"),
        (
            "DR_TARGET_SCOPE",
            f"/subscriptions/{SUBSCRIPTION},web",
            "IDs of management groups, subscriptions or resource groups",
        ),
        ("DR_TARGET_SCOPE", str(VM_ID), "a subscription or a resource group is allowed"),
        ("DR_MODE", "heal", "report (look, write nothing), protect (enable what is tagged) or cleanup"),
        ("DR_PAUSED", "maybe", "true stops all writes at once"),
        ("DR_POLL_SECONDS", "0", "above 0, at most 3600"),
        ("DR_POLL_SECONDS", "3601", "above 0, at most 3600"),
        ("DR_POLL_SECONDS", "nan", "above 0, at most 3600"),
        ("DR_POLL_SECONDS", "soon", "above 0, at most 3600"),
        ("DR_TAG_NAME", "dr/asr", "none of <>%&\\?/"),
        ("DR_TAG_NAME", "x" * 513, "1 to 512 characters"),
        ("DR_SOURCE_SCOPE", f"/subscriptions/{SUBSCRIPTION},", "a comma too many"),
        ("DR_TARGET_SCOPE", f"/subscriptions/{SUBSCRIPTION}, ,/subscriptions/{ELSEWHERE}", "a comma too many"),
        ("DR_RESOURCE_TAGS", "owner=x,", "a comma too many"),
        ("DR_ACKNOWLEDGED_ROWS", ",a", "a comma too many"),
        ("DR_TAG_VALUES", " , ", "values of that tag that mean yes"),
        ("DR_AUTH_CLIENT_ID", "api://dr-protect", "the client ID"),
        ("DR_AUTH_AUTHORITY", "https://login.microsoftonline.com", "and the tenant's ID"),
        ("DR_AUTH_AUTHORITY", "http://login.microsoftonline.com/common", "the https address"),
        ("DR_AUTH_AUTHORITY", "https://a.b *; script-src */common", "the https address"),
        ("DR_ARM_ENDPOINT", "http://management.azure.com", "https address of Azure Resource Manager"),
        ("DR_ARM_ENDPOINT", "https://management.azure.com/", "without a path"),
    ],
)
def test_a_wrong_setting_is_reported_with_what_was_given_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, allowed: str
) -> None:
    (problem,) = problems_of(monkeypatch, **{name: given})

    assert problem.startswith(f"{name}: given {given!r}: ")
    assert allowed in problem


def test_all_that_is_wrong_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = problems_of(
        monkeypatch, DR_VAULT_IDS="", DR_MODE="on", DR_POLL_SECONDS="-1", DR_PUASED="true", DR_SOURCE_SCOPE="x,y"
    )

    assert {problem.split(":", 1)[0] for problem in problems} == {
        "DR_VAULT_IDS",
        "DR_MODE",
        "DR_POLL_SECONDS",
        "DR_PUASED",
        "DR_SOURCE_SCOPE",
    }


def test_a_misspelt_setting_does_not_go_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert problems_of(monkeypatch, DR_PAUSE="true") == ["DR_PAUSE: not a setting of this app"]


def test_variables_of_others_are_no_business_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    load(monkeypatch, DRAFT="1", AZURE_CLIENT_ID="x")


def test_a_blank_setting_is_one_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, DR_MODE="", DR_TAG_VALUES="", DR_POLL_SECONDS="").mode is Mode.PROTECT


def test_lists_are_comma_separated_and_blanks_around_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load(
        monkeypatch,
        DR_TAG_VALUES="true, yes",
        DR_SOURCE_SCOPE=f" /subscriptions/{SUBSCRIPTION}/resourceGroups/web , /subscriptions/{ELSEWHERE}",
    )

    assert loaded.tag_values == ("true", "yes")
    assert [scope.name for scope in loaded.source_scope] == ["web", ELSEWHERE]


def test_one_vault_given_twice_is_one_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, DR_VAULT_IDS=f"{VAULT_ID},{str(VAULT_ID).upper()}").vault_ids == (VAULT_ID,)


def test_settings_do_not_change_while_the_app_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings().paused = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"paused": True}, "DR_PAUSED"), ({"mode": "report"}, "DR_MODE"), ({"paused": True, "mode": "report"}, "DR_P")],
)
def test_report_mode_and_pause_each_turn_writes_off(given: dict[str, object], reason: str) -> None:
    assert reason in settings(**given).writes_disabled


@pytest.mark.parametrize(
    ("tags", "asks"),
    [
        ({"dr": "true"}, True),
        ({"DR": " True "}, True),
        ({"other": "true", "dr": "true"}, True),
        ({"dr": "false"}, False),
        ({"dr": ""}, False),
        ({"dr": "yes"}, False),
        ({"dr-profile": "true"}, False),
        ({"xdr": "true"}, False),
        ({}, False),
    ],
)
def test_only_the_tag_with_one_of_its_values_asks_for_protection(tags: dict[str, str], asks: bool) -> None:
    assert settings().requests_protection(tags) is asks


def test_name_and_values_of_the_tag_are_settings() -> None:
    other = settings(tag_name="Disaster-Recovery", tag_values="Gold,silver")

    assert other.requests_protection({"disaster-recovery": "gold"})
    assert other.requests_protection({"Disaster-Recovery": "SILVER"})
    assert not other.requests_protection({"dr": "true"})
    assert other.hold_of({"disaster-recovery-hold": "since Monday"}) == Hold(reason="since Monday")
    assert other.hold_of({"dr-hold": "true"}) is None


PLATFORM = {"WEBSITE_SITE_NAME": "func-2", "AzureWebJobsStorage__blobServiceUri": "https://st1.blob.core.windows.net"}


def test_in_azure_the_platform_names_the_deployment_and_its_store(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLATFORM.items():
        monkeypatch.setenv(name, value)

    by_platform = load(monkeypatch, DR_DEPLOYMENT="", DR_ORIGIN_STORE="")
    assert (by_platform.deployment, by_platform.origin_store) == tuple(PLATFORM.values())
    assert load(monkeypatch, DR_DEPLOYMENT="mine").deployment == "mine"


@pytest.mark.parametrize("name", ["DR_DEPLOYMENT", "DR_ORIGIN_STORE"])
def test_elsewhere_both_have_to_be_said(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for variable in PLATFORM:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(SettingsError, match=f"{name}: missing"):
        load(monkeypatch, **{name: ""})
