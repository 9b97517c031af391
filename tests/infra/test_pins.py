"""What is deployed and what deploys: released versions, each named."""

import json
import re
import tomllib

from packaging.version import Version

from tests.infra.deployments import ROOT

PINNED = re.compile(r"^([\w-]+)(?:\[\w+\])?==([^ ;\\]+)", re.MULTILINE)


def test_a_version_that_is_not_released_yet_is_deployed_for_a_written_reason() -> None:
    pinned = PINNED.findall((ROOT / "requirements.txt").read_text())
    reasons = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["prereleases"]

    assert len(pinned) > 30
    assert {name for name, version in pinned if Version(version).is_prerelease} == reasons.keys()
    assert all(len(why) > 20 for why in reasons.values())


def test_azd_has_one_version_wherever_it_is_installed() -> None:
    """And what azure.yaml needs is not newer."""
    workflow = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    [needed] = re.findall(r'^  azd: ">= ([\d.]+)"$', (ROOT / "azure.yaml").read_text(), re.MULTILINE)

    versions = re.findall(r"uses: Azure/setup-azd@.*\n +with:\n +version: \"([\d.]+)\"", workflow)
    versions.append(container["features"]["ghcr.io/azure/azure-dev/azd:0.2.0"]["version"])
    assert len(versions) == workflow.count("Azure/setup-azd") + 1
    assert len(set(versions)) == 1
    assert Version(versions[0]) >= Version(needed)


def test_azure_yaml_names_the_template_and_its_version() -> None:
    """As `azd init -t` and azd's telemetry expect it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert f"\nmetadata:\n  template: {project['name']}@{project['version']}\n" in (ROOT / "azure.yaml").read_text()


def test_the_devcontainer_is_of_released_versions_each_named() -> None:
    """Its image and features: not those of the day."""
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    for source in (container["image"], *container["features"]):
        assert re.search(r":\d+\.\d+\.\d+(-|$)", source), source


def test_a_release_publishes_what_every_change_has_built() -> None:
    """The dry run is no other way: a release takes the artefacts of the tests' workflow, signs and publishes them."""
    test, deploy = ((ROOT / ".github" / "workflows" / f"{name}.yml").read_text() for name in ("test", "deploy"))

    assert "\n  pull_request:\n" in test
    assert "make artefacts" in test
    assert "name: release\n          path: dist\n" in test
    assert deploy.count("name: release\n          path: dist\n") == 2
    assert "make " not in deploy
    assert "azd package" not in deploy
    order = ("download-artifact", "attest-build-provenance", "gh release create")
    assert sorted(order, key=deploy.index) == list(order)


def test_a_caller_without_an_app_role_gets_no_token() -> None:
    assert "--set appRoleAssignmentRequired=true" in (ROOT / "docs" / "permissions.md").read_text()
