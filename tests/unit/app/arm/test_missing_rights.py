"""What to do about a 403: the action, the scope, and the role of infra/ that has it."""

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from local.simulator import errors
from shared.arm import missing_rights
from shared.arm.errors import error_of
from shared.arm.missing_rights import ROLES
from tests.unit.app.arm.test_errors import refusal

SCOPE = "/subscriptions/11111111-1111-4111-8111-111111111111/resourceGroups/web-asr"
SUBNET = f"{SCOPE}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/web"
JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"
ENABLE = "Microsoft.RecoveryServices/vaults/replicationFabrics/write"
HELD = json.loads(ROLES.read_text())


def denied(code: str, message: str) -> str:
    return error_of(refusal(403, {"error": {"code": code, "message": message}})).action


@pytest.mark.parametrize("action", sorted({action for role in HELD.values() for action in role["actions"]}))
@pytest.mark.parametrize("linked", [False, True])
def test_a_missing_right_names_its_action_its_scope_and_every_role_that_has_it(action: str, linked: bool) -> None:
    refused = (
        errors.linked_authorization_failed("c", "p", (ENABLE, "/subscriptions/S"), (action, SCOPE))
        if linked
        else errors.authorization_failed("c", "p", action, SCOPE)
    )

    said = denied(refused.code, refused.message)

    assert f"lacks {action} on {SCOPE}." in said
    holders = {role["name"] for role in HELD.values() if any(fnmatchcase(action, each) for each in role["actions"])}
    assert {role["name"] for role in HELD.values() if f"{role['name']} (" in said} == holders


def test_an_error_is_translated_without_the_roles_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(missing_rights, "ROLES", tmp_path / "permissions.json")
    missing_rights._roles.cache_clear()
    refused = errors.authorization_failed("c", "p", JOIN, SUBNET)

    said = denied(refused.code, refused.message)
    missing_rights._roles.cache_clear()

    assert f"lacks {JOIN} on {SUBNET}." in said
    assert "docs/permissions.md" in said


@pytest.mark.parametrize(
    ("code", "message", "named"),
    [
        # As Azure writes it to users of Terraform and of AKS.
        (
            "LinkedAuthorizationFailed",
            (
                "The client has permission to perform action 'Microsoft.Compute/virtualMachines/write' on scope '/a'; "
                f"however, it does not have permission to perform action '{JOIN}' on the linked scope(s) '{SUBNET}' or "
                "the linked scope(s) are invalid."
            ),
            [JOIN, SUBNET, "DR target writer"],
        ),
        (
            "LinkedAuthorizationFailed",
            (
                f"However, it does not have permission to perform action(s) '{JOIN},{ENABLE}' on the linked scope(s) "
                f"'{SUBNET},{SCOPE}' (respectively) or the linked scope(s) are invalid."
            ),
            [JOIN, ENABLE, SUBNET, SCOPE, "DR target writer", "DR vault operator"],
        ),
        (
            "AuthorizationFailed",
            (
                "The client 'x' with object id 'y' does not have authorization to perform action "
                f"'Microsoft.Web/sites/write' over scope '{SCOPE}' or the scope is invalid."
            ),
            ["Microsoft.Web/sites/write", SCOPE, "None of the app's roles"],
        ),
        ("AuthorizationFailed", "The client lacks a right.", []),
        ("Forbidden", f"It does not have authorization to perform action '{JOIN}' over scope '{SCOPE}'.", []),
    ],
)
def test_the_forms_that_azure_gives_it(code: str, message: str, named: list[str]) -> None:
    said = denied(code, message)

    assert bool(said) is bool(named)
    assert all(each in said for each in named)
