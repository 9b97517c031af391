"""What deploys, and as whom: roles that others write or assign, and the rights of the identity of a release."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from tests.infra.compiler import SUBSCRIPTION, Evaluated, Json
from tests.infra.deployments import AZD, CACHE, RELEASE, ROOT, SOURCE, Case, Infra
from tests.infra.role_checks import BUILT_IN, assignments, scope_of

_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
_OUTPUTS: dict[str, tuple[str, Any]] = {
    "main.bicep": ("DR_ROLE_ASSIGNMENTS", "false"),
    "subscription.bicep": ("roleAssignments", False),
}
_DEPLOYS = [
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
]


def check_roles_to_assign(infra: Infra) -> list[str]:
    """Where roles are assigned by others, what they are to assign is what would be assigned, and nothing is; where they
    are written by others, none is written."""
    found = []
    own_names = {key: role["name"] for key, role in infra.roles.items()}
    for name, case in infra.cases.items():
        if case.template not in _OUTPUTS:
            continue
        output, no = _OUTPUTS[case.template]
        without, undefined = (
            infra.with_case(f"{name}, {what}", replace(case, parameters={**case.parameters, what: no}))
            for what in ("assignRoles", "defineRoles")
        )
        listed = Counter((row["role"], row["holder"], row["scope"].lower()) for row in without.outputs[output])
        made = Counter(
            (own_names.get(each.role, each.role), each.holder, each.scope) for each in assignments(infra, name)
        )
        found += [f"{name}: {row} is not listed" for row in made - listed]
        found += [f"{name}: {row} is listed, and no one has it" for row in listed - made]
        found += [f"{name}: {each['id']} is assigned all the same" for each in _of(without, "/role")]
        found += [f"{name}: {each['id']} is defined all the same" for each in _of(undefined, "/roleDefinitions")]
    return found


def check_release(infra: Infra) -> list[str]:
    """The identity of a release is trusted in one environment of the repository only, writes no role definition, and
    may assign what a deployment assigns, and nothing else."""
    release = infra.evaluated(RELEASE)
    workflow = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    [environment] = re.findall(r"^    environment: (\w+)$", workflow, re.MULTILINE)
    [credential] = _of(release, "/federatedIdentityCredentials")
    [definition] = _of(release, "/roleDefinitions")
    subject, actions = credential["properties"]["subject"], definition["properties"]["permissions"][0]["actions"]
    found = [] if subject == f"repo:owner/name:environment:{environment}" else [f"the subject is {subject}"]
    found += [] if actions == _DEPLOYS else [f"it may {actions}"]
    needed = {(_guid(row["roleDefinitionId"]), row["holder"], row["scope"].lower()) for row in _listed(infra)}
    given = infra.cases[RELEASE].parameters
    principals = {"app": given["appPrincipalId"], "vault": given["vaultPrincipalId"], "stranger": "an ID"}
    conditions = dict(_conditions(release))
    guids = {_OWNER, *BUILT_IN, *(guid for guid, *_ in needed)}
    for guid, holder, action in product(guids, principals, ("write", "delete")):
        needs = {scope for role, who, scope in needed if (role, who) == (guid, holder)}
        may = {scope for scope, text in conditions.items() if allows(text, action, guid, principals[holder])}
        found += [
            f"it may not {action} an assignment of {guid} to the {holder} on {scope}"
            for scope in needs
            if not any(scope.startswith(each) for each in may)
        ]
        if may and not needs:
            found.append(f"it may {action} an assignment of {guid} to the {holder} on {sorted(may)}")
    return found


def allows(condition: str, action: str, role: str, principal: str) -> bool:
    """Whether a condition of Azure's attribute-based access control lets through to write or delete an assignment. An
    assignment that is written is in the request, and one that is deleted is the resource."""
    source = "Request" if action == "write" else "Resource"
    values = {(source, "RoleDefinitionId"): role, (source, "PrincipalId"): principal}
    attribute = r"@(\w+)\[Microsoft\.Authorization/roleAssignments:(\w+)\] ForAnyOfAnyValues:GuidEquals \{([^}]*)\}"
    text = re.sub(attribute, lambda found: str(values.get((found[1], found[2])) in found[3].split(", ")), condition)
    is_action = r"!\(ActionMatches\{'Microsoft\.Authorization/roleAssignments/(\w+)'\}\)"
    text = re.sub(is_action, lambda found: str(found[1] != action), text)
    text = re.sub(r"\b(AND|OR)\b", lambda found: found[1].lower(), text)
    assert not condition or re.fullmatch(r"(True|False|and|or|[() ])+", text), text
    return bool(eval(text)) if condition else True  # noqa: S307


def _conditions(release: Evaluated) -> Iterator[tuple[str, str]]:
    """The scopes on which it may assign roles, each with its condition, empty for none."""
    for each in _of(release, "/roleAssignments"):
        if _guid(each["properties"]["roleDefinitionId"]) == _ADMINISTRATOR:
            yield scope_of(each["id"]).lower(), each["properties"].get("condition") or ""


def _listed(infra: Infra) -> list[Json]:
    """All that a deployment to one subscription may ever assign."""
    most = {
        "mode": "cleanup",
        "drills": "true",
        "highChurn": "true",
        "outcomeTopic": "true",
        "durableBackend": "scheduler",
    }
    most |= {"cacheAccountScopes": CACHE.replace(SOURCE, SUBSCRIPTION)}
    rows: list[Json] = []
    for targets in ({"targetResourceGroups": "app-asr"}, {"sharedSubscription": "true"}):
        case = Case("main.bicep", {**infra.cases[AZD].parameters, **most, **targets, "assignRoles": "false"})
        rows += infra.with_case(f"all that is ever assigned, {targets}", case).outputs["DR_ROLE_ASSIGNMENTS"]
    return rows


def _of(evaluated: Evaluated, part: str) -> list[Json]:
    """The resources with this in their types."""
    return [each for each in evaluated.resources if part in each["type"]]


def _guid(role_id: str) -> str:
    return role_id.rpartition("/")[2]
