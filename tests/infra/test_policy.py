"""How policy.bicep is deployed. What it deploys, and as whom: policy_checks.py."""

import re

from tests.infra.deployments import POLICY, ROOT, Infra

_PAGE = ROOT / "docs" / "scopes.md"


def test_the_command_gives_every_parameter_that_is_needed(infra: Infra) -> None:
    text = _PAGE.read_text()
    template = infra.template("new-subscription.bicep")
    needed = {name for name, about in template["parameters"].items() if "defaultValue" not in about}
    [command] = re.findall(r"az deployment mg create.*?\n```", text, re.DOTALL)

    for name in needed - {"environmentName", "location"}:
        assert f'"{name}"' in text, name
    for name, about in infra.template(POLICY)["parameters"].items():
        assert "defaultValue" in about or f"{name}=" in command, name
