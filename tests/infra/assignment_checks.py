"""Where Bicep assigns the roles, held to where the demo and the tests let the app have them (local/rights.py)."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from local import rights
from tests.infra.bicep import File, Symbol, member_of, properties, text

_SUBSCRIPTION = "/subscriptions/s"
_VAULT = f"{_SUBSCRIPTION}/resourceGroups/dr/providers/Microsoft.RecoveryServices/vaults/v"
# What a module is deployed to, as Bicep says it, and what that comes to.
_PLACES = {
    "": _SUBSCRIPTION,
    "sourceGroups": f"{_SUBSCRIPTION}/resourceGroups/app",
    "targetGroups": f"{_SUBSCRIPTION}/resourceGroups/app-asr",
    "cacheRegions": f"{_SUBSCRIPTION}/resourceGroups/asr-cache-eastus",
    "resourceGroup(vaultSubscriptionId, vaultGroup)": _VAULT,
}


class Assignment(NamedTuple):
    """`where` is a loop or a scope as it stands there, `condition` that of the assignment and of the role."""

    role: str
    where: str
    condition: str


def check_assignments(infra: Path) -> list[str]:
    """Whole subscriptions and groups, in protect and in cleanup: in each the same roles on the same scopes."""
    found = [each for name in ("main.bicep", "subscription.bicep") for each in assignments(File(infra / name))]
    problems = [f"{each.role} is assigned on {each.where}" for each in found if each.where not in _PLACES]
    for by_groups, cleanup in product((False, True), repeat=2):
        deployed = defaultdict(set)
        for each in found:
            if _holds(each, by_groups=by_groups, cleanup=cleanup):
                deployed[each.role].add(_PLACES.get(each.where, ""))
        for role, scopes in rights.scopes_of(_settings(by_groups=by_groups, cleanup=cleanup)).items():
            if deployed[role] != set(scopes):
                problems.append(f"Bicep and local/rights.py differ: {role}: {deployed[role]}, {scopes}")
    return problems


def assignments(file: File) -> Iterator[Assignment]:
    """The modules that are given the ID of a role which another module makes."""
    modules = file.of_kind("module")
    for module in modules.values():
        params = member_of(module.body, "params")
        for name, _, value in properties(params) if params else ():
            if name and name.lower().endswith("roleid"):
                made = modules[re.split(r"\W", text(value))[0]]
                role = member_of(made.body, "params")
                key = member_of(role, "role") if role else None
                condition = f"{_condition(module)} {_condition(made)}"
                yield Assignment(text(key).removeprefix("roles.") if key else "", _where(module), condition)


def _where(module: Symbol) -> str:
    if module.is_loop and module.value:
        return text(module.value.named_children[-2])
    scope = member_of(module.body, "scope")
    return text(scope) if scope else ""


def _condition(module: Symbol) -> str:
    found = re.search(r"\bif \((.*)\) \{", text(module.node).splitlines()[0])
    return found[1] if found else ""


def _holds(assignment: Assignment, *, by_groups: bool, cleanup: bool) -> bool:
    needs_none = "empty(sourceResourceGroups)" in assignment.condition or "empty(targetResourceGroups)" in (
        assignment.condition
    )
    needs_some = assignment.where in {"sourceGroups", "targetGroups"}
    return not (
        (needs_none and by_groups)
        or (needs_some and not by_groups)
        or ("cleanup" in assignment.condition and not cleanup)
    )


def _settings(*, by_groups: bool, cleanup: bool) -> dict[str, str]:
    """What main.bicep writes into the settings by the same parameters."""
    targets = _PLACES["targetGroups"] if by_groups else _SUBSCRIPTION
    return {
        "DR_SOURCE_SCOPE": _PLACES["sourceGroups"] if by_groups else _SUBSCRIPTION,
        "DR_TARGET_SCOPE": f"{targets},{_PLACES['cacheRegions']}",
        "DR_VAULT_IDS": _VAULT,
        "DR_MODE": "cleanup" if cleanup else "protect",
    }
