"""policy.bicep: what it has deployed in each subscription of a management group, and as whom.

The compiler evaluates no template of a management group: what is checked is the compiled one."""

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.infra.compiler import Compiler, Json
from tests.infra.deployments import INFRA, POLICY, ROOT, Infra
from tests.infra.release_checks import allows

_NEW = "new-subscription.bicep"
_PAGE = ROOT / "docs" / "scopes.md"


@pytest.fixture(scope="session")
def policy(infra: Infra) -> dict[str, Json]:
    """The resources of the template, by their names in it."""
    found: dict[str, Json] = infra.template(POLICY)["resources"]
    return found


def made(template: Json) -> Iterator[str]:
    """The types that a template deploys, in its modules too."""
    resources = template["resources"]
    for each in resources.values() if isinstance(resources, dict) else resources:
        if each["type"] == "Microsoft.Resources/deployments":
            yield from made(each["properties"]["template"])
        elif not each.get("existing"):
            yield each["type"]


def test_the_remediation_may_write_what_is_deployed_and_nothing_else(infra: Infra, policy: dict[str, Json]) -> None:
    """Assignments apart, which have a role with a condition; and dead letters, which the policy does not ask for."""
    dead_letters = {
        f"Microsoft.Storage/storageAccounts{child}" for child in ("", "/blobServices", "/blobServices/containers")
    }
    types = {
        each.replace("Resources/resourceGroups", "Resources/subscriptions/resourceGroups")
        for each in made(infra.template(_NEW))
    } - {"Microsoft.Authorization/roleAssignments", *dead_letters}
    [permission] = policy["remediates"]["properties"]["permissions"]

    needed = {f"{each}/{verb}" for each, verb in product(types, ("read", "write"))}
    assert set(permission["actions"]) == needed | {"Microsoft.Resources/deployments/*"}
    assert permission["notActions"] == []


def test_it_assigns_roles_to_the_app_and_the_vault_only(compiler: Compiler, tmp_path: Path) -> None:
    file = tmp_path / "condition.bicep"
    source = os.path.relpath(INFRA / "modules" / "assign-condition.bicep", tmp_path)
    file.write_text(
        f"targetScope = 'subscription'\nimport {{ mayAssignTo }} from '{source}'\n"
        "output condition string = mayAssignTo(['app', 'vault'])\n"
    )
    condition = compiler.evaluate(file, {}).outputs["condition"]

    for action, principal in product(("write", "delete"), ("app", "vault", "stranger")):
        assert allows(condition, action, "any role", principal) is (principal != "stranger")


def test_that_condition_is_on_the_assignment_of_the_administrator(policy: dict[str, Json]) -> None:
    about = {name: each["properties"] for name, each in policy.items() if each["type"].endswith("/roleAssignments")}

    assert {name for name, each in about.items() if "condition" in each} == {"assigning"}
    assert "mayAssignTo" in about["assigning"]["condition"]
    assert re.findall(r"parameters\('values'\)\.(\w+)", about["assigning"]["condition"]) == [
        "principalId",
        "vaultPrincipalId",
    ]


def test_a_subscription_is_done_when_it_has_what_is_deployed_last(infra: Infra, policy: dict[str, Json]) -> None:
    rule = policy["definition"]["properties"]["policyRule"]
    deployments = {each["name"]: each for each in infra.template(_NEW)["resources"]}
    events = deployments["dr-events"]

    assert rule["if"] == {"field": "type", "equals": "Microsoft.Resources/subscriptions"}
    assert rule["then"]["effect"] == "deployIfNotExists"
    details = rule["then"]["details"]
    assert details["type"] in set(made({"resources": [events]}))
    assert details["resourceGroupName"] == events["resourceGroup"]
    assert deployments.keys() == {"dr-rights", "dr-events"}
    assert "'dr-rights'" in events["dependsOn"][0]
    assert details["deployment"]["properties"]["template"] == "[parameters('template')]"
    assert details["deploymentScope"] == "subscription"


def test_the_command_gives_every_parameter_that_is_needed(infra: Infra) -> None:
    text = _PAGE.read_text()
    needed = {name for name, about in infra.template(_NEW)["parameters"].items() if "defaultValue" not in about}
    [command] = re.findall(r"az deployment mg create.*?\n```", text, re.DOTALL)

    for name in needed - {"environmentName", "location"}:
        assert f'"{name}"' in text, name
    for name, about in infra.template(POLICY)["parameters"].items():
        assert "defaultValue" in about or f"{name}=" in command, name
