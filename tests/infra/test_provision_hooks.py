"""The hooks before and after `azd provision`, run as azd runs them; and what a release passes on to it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.hooks import before_provision
from shared.config.settings import Settings
from tests.infra.deployments import INFRA, ROOT, Case, Infra, filled

WORKFLOW = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
AZD = {"AZURE_ENV_NAME": "dr", "AZURE_LOCATION": "westus2", "DR_SOURCE_LOCATIONS": "eastus"}
OBJECTS = {
    "DR_PROFILES": '{"default": {"values": {"target-vnet": "a \\"b\\""}}}',
    "DR_REGION_MAP": '{"eastus": {"targetLocation": "westus2"}}',
    "DR_PRICES": '{"instance": 25}',
    "DR_NAMES": '{"environment": "prod"}',
    "DR_DEPLOYMENT_TAGS": '{"owner": "x"}',
}
LISTS = {
    "DR_CACHE_ACCOUNT_SCOPES",
    *(f"DR_{what}" for what in ("SOURCE_LOCATIONS", "SOURCE_RESOURCE_GROUPS", "TARGET_RESOURCE_GROUPS")),
    *(f"DR_{what}" for what in ("EXTRA_SOURCE_SCOPES", "EXTRA_TARGET_SCOPES", "RESOURCE_TAGS", "ACKNOWLEDGED_ROWS")),
    *("DR_TAG_VALUES", "DR_ALERT_EMAILS", "DR_EXISTING_SUBNET_IDS"),
}


def example(parameter: before_provision.Parameter) -> str:
    """A value that it takes."""
    of_text = "1.5" if parameter.is_number else "a,b"
    return OBJECTS.get(parameter.variable) or (parameter.choices[-1] if parameter.choices else of_text)


def run(
    module: str, environment: dict[str, str], *arguments: str, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"infra.hooks.{module}", *arguments]
    given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=cwd, env=given, capture_output=True, text=True, timeout=60)  # noqa: S603


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("DR_PROFILES", '{"default": {}', "is no JSON"),
        ("DR_REGION_MAP", "[]", "is no JSON object"),
        ("DR_PRICES", "", "is no JSON"),
        ("DR_SOURCE_RESOURCE_GROUPS", "app,", "a comma too many"),
        ("DR_EXTRA_TARGET_SCOPES", "/subscriptions/a,,/subscriptions/b", "a comma too many"),
        ("DR_TARGET_RESOURCE_GROUPS", " ", "a comma too many"),
        ("DR_PAUSE", "true", "nothing reads it"),
        ("DR_CREATE", "none", "nothing reads it"),
        ("DR_TAG_NAME", 'the "dr" tag', "a quotation mark"),
        ("DR_MODE", "foo", "'foo' is not allowed; allowed: report, protect, cleanup"),
        ("DR_DRILLS", "yes", "'yes' is not allowed; allowed: true, false"),
        ("DR_DRILLS", "True", "'True' is not allowed; allowed: true, false"),
        ("DR_VAULT_LOCK", "maybe", "'maybe' is not allowed; allowed: true, false"),
        ("DR_DEAD_LETTER", "yes", "'yes' is not allowed; allowed: true, false"),
        ("DR_EVENT_SOURCE", "all", "'all' is not allowed; allowed: operations, notifications"),
        ("DR_UNTAG_GRACE_HOURS", "x", "'x' is not allowed; allowed: a number"),
        ("DR_MAX_MISSING", "-1", "'-1' is not allowed; allowed: a number"),
        ("DR_ARCHIVE", "https://st.example/a", "the deployment computes this setting of the app, from DR_KEEP_ARCHIVE"),
        ("DR_DEPLOYMENT", "func-1", "the deployment computes this setting of the app: remove the variable"),
    ],
)
def test_what_would_be_misread_is_refused_by_name(name: str, value: str, why: str) -> None:
    done = run("before_provision", {**AZD, name: value})

    assert done.returncode == 1
    [expected] = done.stderr.splitlines()[1:]
    assert expected.startswith(f"  {name}: ")
    assert why in expected


VAULT = "/subscriptions/s/resourceGroups/rg-dr/providers/Microsoft.RecoveryServices/vaults/rsv-1"
ITEM = {"properties": {"friendlyName": "web-1", "testFailoverState": "WaitingForCompletion"}}
IDLE = {"properties": {"friendlyName": "web-2", "testFailoverState": "None"}}
PAGES = {"first": {"value": [IDLE], "nextLink": "https://arm/next"}, "next": {"value": [ITEM], "nextLink": None}}
AZ = """#!{python}
import sys
url, failure = sys.argv[-3], {failure!r}
if failure:
    sys.exit(failure)
print({pages!r}["next" if url.endswith("/next") else "first"] if {vault!r} in url or url.endswith("/next") else "?")
"""


@pytest.mark.parametrize(
    ("had", "has", "pages", "failure", "why"),
    [
        ("true", "false", PAGES, "", "web-1 is in test failover"),
        ("true", "", PAGES, "", "web-1 is in test failover"),
        ("true", "", {"first": {"value": [IDLE]}}, "", ""),
        ("true", "", PAGES, "ERROR: please run az login", "please run az login"),
        # Nothing is asked where the roles stay, or were never there.
        ("true", "true", PAGES, "must not be asked", ""),
        ("false", "", PAGES, "must not be asked", ""),
        ("", "", PAGES, "must not be asked", ""),
    ],
)
def test_the_roles_for_drills_are_not_taken_from_a_drill_in_progress(
    had: str, has: str, pages: dict[str, Any], failure: str, why: str, tmp_path: Path
) -> None:
    program = tmp_path / "az"
    shown = {name: json.dumps(page) for name, page in pages.items()}
    program.write_text(AZ.format(python=sys.executable, vault=VAULT, pages=shown, failure=failure))
    program.chmod(0o755)
    before = {"DR_HAS_DRILLS": had, "DR_DRILLS": has, "DR_VAULT_ID": VAULT, "PATH": f"{tmp_path}:/usr/bin:/bin"}

    done = run("before_provision", AZD | before)

    assert (done.returncode, why in done.stderr) == (1 if why else 0, True)
    assert "web-2" not in done.stderr


def test_all_that_may_be_set_is_taken_and_so_is_what_azd_keeps(infra: Infra) -> None:
    outputs = dict.fromkeys(infra.template("main.bicep")["outputs"], "[]")
    every = list(before_provision.declared())
    empty = {each.variable: OBJECTS.get(each.variable, "") for each in every}
    for environment in (AZD, {each.variable: example(each) for each in every}, empty, outputs | AZD):
        done = run("before_provision", environment)
        assert (done.returncode, done.stderr) == (0, "")

    assert {each.variable for each in every if each.is_object} == OBJECTS.keys()
    assert {each.variable for each in every if each.is_list} == LISTS


def test_the_hook_knows_what_the_templates_and_the_app_take(infra: Infra) -> None:
    every = list(before_provision.declared())
    takes = infra.template("events.bicep")["parameters"] | infra.template("main.bicep")["parameters"]
    for each in every:
        taken = takes[each.name]
        values = ["true", "false"] if taken["type"] == "bool" else taken.get("allowedValues", [])
        assert list(each.choices) == [value for value in values if value], each.variable

    of_template = set(re.findall(r"\bint\((\w+)\)", (INFRA / "main.bicep").read_text()))
    of_app = {f"DR_{name.upper()}" for name, field in Settings.model_fields.items() if field.annotation in {int, float}}
    assert {each.variable for each in every if each.is_number} == of_app | {
        each.variable for each in every if each.name in of_template
    }


def test_no_value_lies_in_a_file_that_is_tracked() -> None:
    """Else everyone who changes one has a copy of the project to maintain."""
    given = json.loads((INFRA / "main.parameters.json").read_text())["parameters"]
    assert [name for name, each in given.items() if not re.fullmatch(r"\$\{\w+(=[\w.-]*)?\}", each["value"])] == []


def test_each_parameter_has_its_variable_and_each_setting_its_parameter(infra: Infra) -> None:
    variables = before_provision.parameters()
    assert variables.keys() == infra.template("main.bicep")["parameters"].keys()
    assert len(set(variables.values())) == len(variables)

    settings = {f"DR_{field.upper()}" for field in Settings.model_fields}
    assert settings - set(variables.values()) == before_provision.COMPUTED.keys()
    assert {each for by in before_provision.COMPUTED.values() for each in by} <= set(variables.values())
    read = set(re.findall(r'environment\("(DR_\w+)"', (INFRA / "hooks" / "deploy_events.py").read_text()))
    assert read == set(before_provision.OF_EVENTS.values())
    assert len(list(before_provision.declared())) == len(variables) + len(read)


def test_what_azd_would_pass_on_reaches_the_settings(infra: Infra) -> None:
    case = Case("main.bicep", filled(INFRA, {**AZD, **OBJECTS}))
    resources = infra.with_case("objects in variables", case).resources
    [settings] = [each["properties"] for each in resources if each["name"].endswith("/appsettings")]

    for name in OBJECTS.keys() - {"DR_DEPLOYMENT_TAGS"}:
        assert json.loads(settings[name]) == json.loads(OBJECTS[name])
    [group] = [each for each in resources if each["id"].endswith("/resourceGroups/rg-dr")]
    assert group["tags"] == {"owner": "x", "azd-env-name": "dr"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sourceResourceGroups", "app,"),
        ("targetResourceGroups", ",app"),
        ("sourceLocations", "eastus,,westus"),
        ("extraSourceScopes", " "),
        ("extraTargetScopes", "/subscriptions/a,"),
    ],
)
def test_a_comma_too_many_is_refused_by_the_template_too(name: str, value: str, infra: Infra) -> None:
    parameters = {**filled(INFRA, AZD), name: value}

    problems = infra.with_case(f"{name}={value}", Case("main.bicep", parameters)).problems

    assert any(f"{name}: an entry is empty" in problem for problem in problems), problems


def test_a_release_passes_on_every_variable_that_is_read(tmp_path: Path) -> None:
    every = {each.variable: example(each) for each in before_provision.declared()}
    variables = every | {"DR_TAG_VALUES": "true,\nyes", "UNRELATED": "x"}
    file = tmp_path / "env"
    done = run("before_provision", {"VARIABLES": json.dumps(variables), "GITHUB_ENV": str(file)}, "--release")

    assert done.returncode == 0, done.stderr
    passed = dict(re.findall(r"^(\w+)<<end-of-value\n(.*?)\nend-of-value$", file.read_text(), re.MULTILINE | re.DOTALL))
    assert passed == {name: value for name, value in variables.items() if name != "UNRELATED"}


def test_a_release_with_a_misspelt_variable_deploys_nothing(tmp_path: Path) -> None:
    variables = {**AZD, "DR_PAUSD": "true"}
    file = tmp_path / "env"
    done = run("before_provision", {"VARIABLES": json.dumps(variables), "GITHUB_ENV": str(file)}, "--release")

    assert done.returncode == 1
    assert "DR_PAUSD" in done.stderr
    assert not file.exists()


def test_the_workflow_names_no_variable_of_the_deployment_itself() -> None:
    """Else there were two lists."""
    assert set(re.findall(r"vars\.(\w+)", WORKFLOW)) == before_provision.OF_AZD
    assert WORKFLOW.index("before_provision --release") < WORKFLOW.index("azd provision")
    assert "VARIABLES: ${{ toJSON(vars) }}" in WORKFLOW


def test_a_platform_team_gets_a_file_of_what_it_has_to_assign(infra: Infra, tmp_path: Path) -> None:
    case = Case("main.bicep", {**filled(INFRA, AZD), "assignRoles": "false"})
    outputs = infra.with_case("for a platform team", case).outputs
    environment = {"AZURE_ENV_NAME": "dr", "DR_APP_PRINCIPAL_ID": "app-id", "DR_VAULT_PRINCIPAL_ID": "vault-id"}
    rows = outputs["DR_ROLE_ASSIGNMENTS"]
    environment["DR_ROLE_ASSIGNMENTS"] = json.dumps(rows)

    assert run("after_provision", environment, cwd=tmp_path).returncode == 0
    assert list(tmp_path.iterdir()) == []
    done = run("after_provision", {**environment, "DR_ASSIGN_ROLES": "false"}, cwd=tmp_path)

    assert "roles-to-assign.json" in done.stdout
    found = json.loads((tmp_path / ".azure" / "dr" / "roles-to-assign.json").read_text())
    assert [each["scope"] for each in found["roleAssignments"]] == [row["scope"] for row in rows]
    holders = {"app": "app-id", "vault": "vault-id"}
    assert [each["principalId"] for each in found["roleAssignments"]] == [holders[row["holder"]] for row in rows]
    made = [
        each
        for each in infra.evaluated("main, as azd deploys it").resources
        if each["type"] == "Microsoft.Authorization/roleDefinitions"
    ]
    assert {each["id"] for each in found["roleDefinitions"]} == {each["id"] for each in made}
    for each in found["roleDefinitions"]:
        [definition] = [other["properties"] for other in made if other["id"] == each["id"]]
        assert each["roleName"] == definition["roleName"]
        assert each["assignableScopes"] == definition["assignableScopes"]
        assert each["actions"] == definition["permissions"][0]["actions"]
