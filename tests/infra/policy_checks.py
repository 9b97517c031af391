"""policy.bicep: what it has deployed in each subscription of a management group, as whom, and with which rights.

The compiler evaluates no template of a management group: what is evaluated is the same for a subscription.
"""

import os
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from tests.infra.compiler import LOCATION, SUBSCRIPTION, Evaluated, Json
from tests.infra.deployments import ACTION_GROUP, APP, POLICY, Infra
from tests.infra.release_checks import allows
from tests.infra.role_checks import scope_of

_NEW = "new-subscription.bicep"
_HERE = f"/subscriptions/{SUBSCRIPTION}"
_EXEMPT = ["/providers/Microsoft.Management/managementGroups/sandbox"]
_VALUES = {"principalId": "app", "vaultPrincipalId": "vault", "appId": APP, "actionGroupId": ACTION_GROUP}
_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
_WEBSITE_CONTRIBUTOR = "de139f84-1756-47ae-9be6-808fbbe84772"
# What the policy does not ask for: assignments, which have a role with a condition; and dead letters.
_NOT_WRITTEN = {
    "Microsoft.Authorization/roleAssignments",
    *(f"Microsoft.Storage/storageAccounts{child}" for child in ("", "/blobServices", "/blobServices/containers")),
}


def check_policy_rights(infra: Infra) -> list[str]:
    """The identity of the remediation, and nobody else, may write what is deployed, and nothing else; may assign roles
    to the app and to the vault only; and may make the app the destination of events."""
    policy = _evaluated(infra)
    assignment = _only(policy, "Microsoft.Authorization/policyAssignments")
    definition = _only(policy, "Microsoft.Authorization/roleDefinitions")
    role = definition["properties"]
    found = [*policy.problems]
    if role["permissions"] != [{"actions": _written(infra), "notActions": []}]:
        found.append(f"its role allows {role['permissions']}, and what is deployed needs {_written(infra)}")
    if role["assignableScopes"] != [_HERE]:
        found.append(f"its role is for {role['assignableScopes']}")
    expected = {_guid(definition["id"]): _HERE, _ADMINISTRATOR: _HERE, _WEBSITE_CONTRIBUTOR: APP}
    held: dict[str, Json] = {}
    for each in _all(policy, "Microsoft.Authorization/roleAssignments"):
        given = each["properties"]
        guid, scope = _guid(given["roleDefinitionId"]), scope_of(each["id"])
        held[guid] = given
        if scope != expected.get(guid):
            found.append(f"{guid} is assigned on {scope}")
        if f"reference('{assignment['id']}'," not in given["principalId"]:
            found.append(f"{guid} is assigned to {given['principalId']}")
        if given["principalType"] != "ServicePrincipal":
            found.append(f"{guid} is assigned to a {given['principalType']}")
        if ("condition" in given, given.get("conditionVersion")) not in {(False, None), (True, "2.0")}:
            found.append(f"{guid} has a condition of version {given.get('conditionVersion')}")
    if held.keys() != expected.keys():
        found.append(f"it has the roles {sorted(held)}, not {sorted(expected)}")
    condition = held.get(_ADMINISTRATOR, {}).get("condition", "")
    return found + [
        f"to {action} an assignment to the {principal}"
        for action, principal in product(("write", "delete"), ("app", "vault", "stranger"))
        if allows(condition, action, "any role", principal) is (principal == "stranger")
    ]


def check_policy_rule(infra: Infra) -> list[str]:
    """Each subscription but the exempt ones is given new-subscription.bicep, until it has what that deploys last; by
    the identity of the assignment, whose roles the rule names."""
    template = infra.template(POLICY)["resources"]
    assignment = _only(_evaluated(infra), "Microsoft.Authorization/policyAssignments")
    definition = _only(_evaluated(infra), "Microsoft.Authorization/policyDefinitions")
    deployments = {each["name"]: each for each in infra.template(_NEW)["resources"]}
    events = deployments.get("dr-events", {})
    rule = template["definition"]["properties"]["policyRule"]
    details = rule["then"]["details"]
    roles = [template[each]["properties"]["roleDefinitionId"] for each in ("remediating", "assigning")]
    deployed = details["deployment"]["properties"]
    asked = {
        "the rule is for": (rule["if"], {"field": "type", "equals": "Microsoft.Resources/subscriptions"}),
        "the effect": (rule["then"]["effect"], "deployIfNotExists"),
        "the group that is looked at": (details["resourceGroupName"], events.get("resourceGroup")),
        "what is looked for": (details["type"] in set(_made({"resources": [events]})), True),
        "the scopes": ((details["existenceScope"], details["deploymentScope"]), ("resourceGroup", "subscription")),
        "the roles": (details["roleDefinitionIds"], roles),
        "the template": ((deployed["template"], deployed["mode"]), ("[parameters('template')]", "incremental")),
        "its parameters": (
            "createObject('environmentName', parameters('environmentName'), 'location', parameters('location')), "
            "parameters('values')" in deployed["parameters"],
            True,
        ),
        "the policy": (assignment["properties"]["policyDefinitionId"], definition["id"]),
        "what is exempt": (assignment["properties"]["notScopes"], _EXEMPT),
        "the identity": (assignment["identity"]["type"], "SystemAssigned"),
        "what is deployed": (deployments.keys(), {"dr-rights", "dr-events"}),
        "what is deployed last": (["'dr-rights'" in each for each in events.get("dependsOn", ())], [True]),
    }
    return [f"{what}: {given}, not {wanted}" for what, (given, wanted) in asked.items() if given != wanted]


def _evaluated(infra: Infra) -> Evaluated:
    """The policy of a subscription, in place of a management group."""
    text = (infra.folder / POLICY).read_text()
    for there, instead in (
        ("targetScope = 'managementGroup'", "targetScope = 'subscription'"),
        ("managementGroup().name", "subscription().subscriptionId"),
        ("managementGroup()", "subscription()"),
    ):
        text = text.replace(there, instead)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / POLICY
        file.write_text(text.replace("'modules/", f"'{os.path.relpath(infra.folder, folder)}/modules/"))
        given = {"environmentName": "dr", "location": LOCATION, "template": {}, "values": _VALUES, "exempt": _EXEMPT}
        return infra.compiler.evaluate(file, given)


def _written(infra: Infra) -> list[str]:
    """The actions that new-subscription.bicep takes."""
    types = {
        each.replace("Resources/resourceGroups", "Resources/subscriptions/resourceGroups")
        for each in set(_made(infra.template(_NEW))) - _NOT_WRITTEN
    }
    actions = {f"{each}/{verb}" for each, verb in product(types, ("read", "write"))}
    return sorted({*actions, "Microsoft.Resources/deployments/*"})


def _made(template: Json) -> Iterator[str]:
    """The types that a template deploys, in its modules too."""
    resources = template.get("resources", ())
    for each in resources.values() if isinstance(resources, dict) else resources:
        if each.get("type") == "Microsoft.Resources/deployments":
            yield from _made(each["properties"]["template"])
        elif not each.get("existing"):
            yield each["type"]


def _all(evaluated: Evaluated, kind: str) -> list[Json]:
    return [each for each in evaluated.resources if each["type"] == kind]


def _only(evaluated: Evaluated, kind: str) -> Json:
    [found] = _all(evaluated, kind)
    return found


def _guid(role_id: str) -> str:
    return role_id.rpartition("/")[2]
