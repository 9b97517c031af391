"""The rights of the app's identity: the roles of infra/permissions.json, assigned as in the Bicep of infra/."""

import json
import re
from collections.abc import Iterable, Mapping
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
    known = scopes_of({})
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


def expanded(settings: Mapping[str, str], subscriptions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The settings with the subscriptions of the management groups in both scopes, as the app resolves them:
    `subscriptions` are those of an estate. In each of them infra/ assigns the roles."""
    below = {f"/subscriptions/{each['id']}": each.get("managementGroups", ()) for each in subscriptions}

    def members(scope: str, without: set[str]) -> list[str]:
        named = _listed(settings[scope])
        itself = [each for each in named if not each.lower().startswith(_MANAGEMENT_GROUP)]
        groups = {each.rpartition("/")[2].lower() for each in named if each not in itself}
        found = [each for each, above in below.items() if groups.intersection(group.lower() for group in above)]
        return list(dict.fromkeys((*itself, *(each for each in found if each.lower() not in without))))

    whole = {each.lower() for each in _listed(settings["DR_TARGET_SCOPE"]) if each.count("/") == 2}
    sources = members("DR_SOURCE_SCOPE", whole)
    held = {"/".join(each.split("/")[:3]).lower() for each in sources}
    targets = members("DR_TARGET_SCOPE", held)
    return {**settings, "DR_SOURCE_SCOPE": ",".join(sources), "DR_TARGET_SCOPE": ",".join(targets)}


_MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"


def scopes_of(settings: Mapping[str, str]) -> dict[str, list[str]]:
    """The scopes of each role, by its key. Of the target scope the groups that DR_NAMES names for cache accounts have
    other roles than the rest."""
    sources, among_targets, vaults = (
        _listed(settings.get(name, "")) for name in ("DR_SOURCE_SCOPE", "DR_TARGET_SCOPE", "DR_VAULT_IDS")
    )
    accounts = [each for each in among_targets if "/storageaccounts/" in each.lower()]
    caches = [each for each in among_targets if _cache_groups(settings).fullmatch(each.rpartition("/")[2])]
    targets = [each for each in among_targets if each not in (*accounts, *caches)]
    whole = [each for each in targets if "/resourcegroups/" not in each.lower()]
    cleans, drills = settings.get("DR_MODE") == "cleanup", settings.get("DR_DRILLS") == "true"
    subscriptions = {"/".join(scope.split("/")[:3]).lower() for scope in (*sources, *among_targets, *vaults)}
    return {
        "estateReader": sorted(subscriptions),
        "sourceTagger": sources,
        "targetWriter": targets,
        "targetCleaner": targets if cleans else [],
        "groupCreator": whole,
        "groupCleaner": whole if cleans else [],
        "cacheUser": [*caches, *accounts],
        "cacheCreator": caches,
        "cacheCleaner": caches if cleans else [],
        "vaultOperator": vaults,
        "drillReader": targets if drills else [],
        "drillNetworkWriter": targets if drills else [],
        "driller": vaults if drills else [],
    }


def _cache_groups(settings: Mapping[str, str]) -> re.Pattern[str]:
    """The names of the resource groups for cache accounts."""
    names = json.loads(settings.get("DR_NAMES") or "{}")
    template = names.get("cacheGroup", "asr-cache-{sourceRegion}").replace(
        "{environment}", names.get("environment", "")
    )
    return re.compile(re.escape(template).replace(re.escape("{sourceRegion}"), "[a-z0-9]+"), re.IGNORECASE)


def _listed(setting: str) -> list[str]:
    return [scope.strip() for scope in setting.split(",") if scope.strip()]
