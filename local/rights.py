"""The rights of the app's identity: the roles of infra/permissions.json, assigned as in the Bicep of infra/."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PERMISSIONS = Path(__file__).parents[1] / "infra" / "permissions.json"


class RightsError(ValueError):
    """The file has no valid roles; the text is the reason."""


def load(path: Path = PERMISSIONS) -> dict[str, Any]:
    """The roles by key. Raises RightsError."""
    try:
        roles = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise RightsError(f"{path}: {error}") from None
    known = scopes_of({"DR_SOURCE_SCOPE": "", "DR_TARGET_SCOPE": "", "DR_VAULT_IDS": ""})
    if not isinstance(roles, dict) or set(roles) != set(known):
        raise RightsError(f"{path}: must be an object of the roles {', '.join(known)}")
    return roles


def assigned(roles: Mapping[str, Any], settings: Mapping[str, str], principal: str) -> dict[str, Any]:
    """The access configuration for the simulator: each role at the scopes in the app's settings, as infra/ assigns
    it."""
    return {
        "roles": roles,
        "assignments": [
            {"principal": principal, "role": key, "scope": scope}
            for key, scopes in scopes_of(settings).items()
            for scope in scopes
        ],
    }


def scopes_of(settings: Mapping[str, str]) -> dict[str, list[str]]:
    """The scopes of each role, by its key."""
    sources, targets, vaults = (
        _listed(settings[name]) for name in ("DR_SOURCE_SCOPE", "DR_TARGET_SCOPE", "DR_VAULT_IDS")
    )
    return {
        "estateReader": sorted({"/".join(scope.split("/")[:3]).lower() for scope in (*sources, *targets, *vaults)}),
        "sourceTagger": sources,
        "targetWriter": targets,
        "targetCleaner": targets if settings.get("DR_MODE") == "cleanup" else [],
        "vaultOperator": vaults,
    }


def _listed(setting: str) -> list[str]:
    return [scope.strip() for scope in setting.split(",") if scope.strip()]
