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
    versions.append(container["features"]["ghcr.io/azure/azure-dev/azd:0"]["version"])
    assert len(versions) == workflow.count("Azure/setup-azd") + 1
    assert len(set(versions)) == 1
    assert Version(versions[0]) >= Version(needed)


def test_a_caller_without_an_app_role_gets_no_token() -> None:
    assert "--set appRoleAssignmentRequired=true" in (ROOT / "docs" / "permissions.md").read_text()
