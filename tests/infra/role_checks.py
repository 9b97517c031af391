"""Who may do what where: the evaluated role assignments, held to permissions.json, the settings and local/rights.py."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from local import rights
from local.simulator.access.roles import Role
from tests.infra.app_checks import settings_in
from tests.infra.compiler import Json
from tests.infra.deployments import Infra

# Azure's own roles: infra/ names them by their IDs.
BUILT_IN = {
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "d5a91429-5739-47e2-a06b-3470a27159e7": "EventGrid Data Sender",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "0ad04412-c4d5-4796-b79c-f76d14c8d402": "Durable Task Data Contributor",
    "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39": "Azure Service Bus Data Sender",
    "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0": "Azure Service Bus Data Receiver",
}

# What Azure checks of any client that enables a replication, besides the call itself: the least that is known.
_LINKED = {
    "Microsoft.Compute/virtualMachines/write",
    "Microsoft.Network/networkInterfaces/join/action",
    "Microsoft.Network/networkInterfaces/write",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Storage/storageAccounts/listKeys/action",
}
_ENABLE = (
    "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems/"
)
_ACTION = re.compile(r"Microsoft\.[A-Za-z]+(/[A-Za-z]+)+/(read|write|delete|action)")
# Site Recovery's eligibility check has no action in any published list, and a role may name only what there is.
_WILDCARDS = {"Microsoft.RecoveryServices/*/read"}
_KINDS = {
    "resourcegroups": "resource group",
    "storageaccounts": "storage account",
    "components": "Application Insights",
    "topics": "Event Grid topic",
    "taskhubs": "task hub",
    "queues": "Service Bus queue",
    "vaults": "vault",
}


_IDENTITIES = {"automationAccounts": "automation", "EventGrid/topics": "topic", "Logic/workflows": "workflow"}


class Assignment(NamedTuple):
    """`role` is the key of a role of permissions.json, the name of a built-in role, or an ID that is neither; `holder`
    is `app`, `vault`, `automation`, `topic` or `workflow`, whose identity it is; `scope` is a resource ID in lower
    case."""

    role: str
    holder: str
    scope: str


def check_permissions(infra: Infra) -> list[str]:
    """Each action is one, has its reason and stands once in a role; what Azure checks at enable is among them."""
    roles = infra.roles
    given = {action for role in roles.values() for action in role["actions"]}
    problems = [
        f"permissions.json: {name}: {action}: {problem}"
        for name, role in roles.items()
        for action, why in role["actions"].items()
        for problem in (
            "" if _ACTION.fullmatch(action) or action in _WILDCARDS else "is no action",
            "" if len(why) > 10 else "has no reason",
        )
        if problem
    ]
    problems += [
        f"permissions.json: {name}: actions are not in order"
        for name, role in roles.items()
        if list(role["actions"]) != sorted(role["actions"], key=str.lower)
    ]
    needed = _LINKED | {f"{_ENABLE}write", f"{_ENABLE}read"}
    return [*problems, *(f"permissions.json: {action} is missing" for action in sorted(needed - given))]


def check_role_definitions(infra: Infra) -> list[str]:
    """Each role of permissions.json is made by some deployment, with its actions, for the subscription it is in."""
    roles, found, made = infra.roles, [], set()
    for name, definition in infra.resources("Microsoft.Authorization/roleDefinitions"):
        if infra.cases[name].template == "release.bicep":
            continue
        key, reported = _key(definition, roles), definition["properties"]
        made.add(key)
        scope = definition["id"].partition("/providers/")[0]
        if reported["permissions"] != [{"actions": list(roles[key]["actions"]), "notActions": []}]:
            found.append(f"{name}: {key} has other actions than permissions.json")
        if reported["assignableScopes"] != [scope] or scope.rpartition("/")[2] not in reported["roleName"]:
            found.append(f"{name}: {key} is made in {scope}, for {reported['assignableScopes']}")
    return found + [f"permissions.json: {key} is made by no deployment" for key in sorted(roles.keys() - made)]


def check_assignments(infra: Infra) -> list[str]:
    """The app's own roles are assigned at the scopes of its settings, and nowhere else; the vault has none of them."""
    roles, found = infra.roles, []
    for name, case in infra.cases.items():
        settings = case.settings or settings_in(infra, name)
        if not settings:
            continue
        expected = rights.scopes_of({"DR_VAULT_IDS": "", **settings})
        actual = defaultdict(set)
        for each in assignments(infra, name):
            if each.role not in BUILT_IN.values():
                actual[f"{each.role} of the {each.holder}"].add(each.scope)
        for key in sorted({f"{role} of the app" for role in roles} | actual.keys()):
            scopes = {scope.lower() for scope in expected.get(key.removesuffix(" of the app"), ())}
            if actual[key] != scopes:
                found.append(f"{name}: {key} is assigned on {sorted(actual[key])}, the settings say {sorted(scopes)}")
    return found


def check_built_in_roles(infra: Infra) -> list[str]:
    """Azure's own roles are held by whom docs/permissions.md says, each on its kind of scope."""
    found = []
    for name, case in infra.cases.items():
        if case.template == "release.bicep":
            continue
        expected = set(_expected_of(infra, name, high_churn=case.parameters.get("highChurn") in {"true", True}))
        actual = {
            (each.role, each.holder, _kind(each.scope))
            for each in assignments(infra, name)
            if each.role in BUILT_IN.values()
        }
        found += [f"{name}: {role} of the {who} on {on} is missing" for role, who, on in sorted(expected - actual)]
        found += [f"{name}: {role} of the {who} on {on} is too much" for role, who, on in sorted(actual - expected)]
    return found


def check_what_roles_allow(infra: Infra) -> list[str]:
    """Each role on each kind of scope, and what it allows beyond what the app asks for, is listed with a reason, and
    nothing else is: by permissions.json and built-in-roles.json, of which docs/permissions.md is made."""
    roles = infra.roles
    built_in = json.loads((infra.folder / "built-in-roles.json").read_text())
    listed = {(key, "app", kind) for key, role in roles.items() for kind in role["scopes"]}
    listed |= {(row["role"], row["holder"], row["on"]) for row in built_in}
    held = {
        (each.role, each.holder, _reach(each, infra, name))
        for name, case in infra.cases.items()
        if case.template != "release.bicep"
        for each in assignments(infra, name)
    }
    found = [f"{role} of the {who} on a {on} is not listed" for role, who, on in sorted(held - listed)]
    found += [f"{role} of the {who} on a {on} is listed, and nobody has it" for role, who, on in sorted(listed - held)]
    for key, role in roles.items():
        more = {action for action, why in role["actions"].items() if not is_asked_alone(action, why)}
        found += [
            f"{key}: {each}: what it allows beyond is not listed, or too much" for each in more ^ set(role["beyond"])
        ]
    reasons = [text for role in roles.values() for part in ("scopes", "beyond") for text in role[part].values()]
    reasons += [row[part] for row in built_in for part in ("why", "beyond")]
    return found + [f"{text!r} is no reason" for text in reasons if len(text) < 12]


def is_asked_alone(action: str, why: str) -> bool:
    """Whether a right allows nothing but what the app asks for: to read, by a call of the app."""
    return action.endswith("/read") and "*" not in action and not why.startswith("checked by Azure")


def check_hostile_calls(infra: Infra) -> list[str]:
    """Nothing allows the app to write or delete a VM to be protected or what belongs to it, to take keys but those of
    cache accounts, or to write roles and locks, unless the whole of a shared subscription was asked for."""
    found = []
    for name, case in infra.cases.items():
        settings = case.settings or settings_in(infra, name)
        if not settings or case.parameters.get("sharedSubscription"):
            continue
        held = [
            (each, Role(each.role, tuple(infra.roles[each.role]["actions"])))
            for each in assignments(infra, name)
            if each.role in infra.roles
        ]
        for action, resource in _hostile(settings):
            found += [
                f"{name}: {each.role} on {each.scope} allows {action} on {resource}"
                for each, role in held
                if role.allows(action) and f"{resource}/".startswith(f"{each.scope}/")
            ]
    return found


def _hostile(settings: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Actions and the lower-cased IDs of what they are hostile to."""
    listed = [settings.get(f"DR_{each}", "").lower().split(",") for each in ("SOURCE_SCOPE", "TARGET_SCOPE")]
    sources, targets = ([each for each in scopes if each] for scopes in listed)
    groups = [each if "/resourcegroups/" in each else f"{each}/resourcegroups/of-vms" for each in sources]
    for group in groups:
        for kind in (
            "compute/virtualmachines",
            "compute/disks",
            "network/networkinterfaces",
            "network/virtualnetworks",
        ):
            for verb in ("write", "delete"):
                yield f"Microsoft.{kind}/{verb}", f"{group}/providers/microsoft.{kind}/any"
        yield "Microsoft.Resources/subscriptions/resourceGroups/delete", group
    places = [each for each in targets if "/asr-cache-" not in each and "/providers/" not in each]
    for place in (*groups, *places):
        account = f"{place}/providers/microsoft.storage/storageaccounts/any"
        for verb in ("listKeys/action", "write", "delete"):
            yield f"Microsoft.Storage/storageAccounts/{verb}", account
    for scope in (*sources, *groups, *targets):
        for kind in ("roleAssignments", "roleDefinitions", "locks"):
            for verb in ("write", "delete"):
                yield f"Microsoft.Authorization/{kind}/{verb}", f"{scope}/providers/microsoft.authorization/{kind}/any"


def _reach(assignment: Assignment, infra: Infra, name: str) -> str:
    """The kind of scope, as permissions.json names it."""
    kind = assignment.scope.split("/")[-2]
    if kind != "subscriptions":
        return _KINDS.get(kind, kind)
    settings = infra.cases[name].settings or settings_in(infra, name)
    sources = f"{settings.get('DR_SOURCE_SCOPE', '')},".lower().replace(",", "/")
    shares = assignment.role.startswith(("target", "group", "drillNetwork")) and f"{assignment.scope}/" in sources
    return "shared subscription" if shares else "subscription"


def assignments(infra: Infra, name: str) -> Iterator[Assignment]:
    """Those of one deployment."""
    roles = infra.roles
    resources = infra.evaluated(name).resources
    custom = {
        each["id"]: _key(each, roles) for each in resources if each["type"] == "Microsoft.Authorization/roleDefinitions"
    }
    for each in resources:
        if each["type"] == "Microsoft.Authorization/roleAssignments":
            reported = each["properties"]
            role = reported["roleDefinitionId"]
            guid = role.rpartition("/")[2]
            # A system-assigned identity is read of its resource; that of a case is reported by its name.
            principal = reported["principalId"]
            holder = "vault" if ".identity." in principal or "vault" in principal else "app"
            holder = next((name for kind, name in _IDENTITIES.items() if kind in principal), holder)
            yield Assignment(custom.get(role) or BUILT_IN.get(guid) or role, holder, scope_of(each["id"]).lower())


def _expected_of(infra: Infra, name: str, *, high_churn: bool) -> Iterator[tuple[str, str, str]]:
    types = {each["type"] for each in infra.evaluated(name).resources}
    if "Microsoft.Web/sites" in types:
        yield "Storage Blob Data Owner", "app", "storageaccounts"
        yield "Storage Queue Data Contributor", "app", "storageaccounts"
        yield "Storage Table Data Contributor", "app", "storageaccounts"
        yield "Monitoring Metrics Publisher", "app", "components"
    if infra.cases[name].parameters.get("agentAutomationAccount"):
        yield "Contributor", "automation", "vaults"
    if "Microsoft.EventGrid/topics" in types:
        yield "EventGrid Data Sender", "app", "topics"
    if "Microsoft.ServiceBus/namespaces/queues" in types:
        yield "Azure Service Bus Data Sender", "topic", "queues"
        yield "Azure Service Bus Data Receiver", "workflow", "queues"
    if "Microsoft.DurableTask/schedulers" in types:
        yield "Durable Task Data Contributor", "app", "taskhubs"
    if any("/resourceGroups/asr-cache-" in each["id"] for each in infra.evaluated(name).resources):
        yield "Contributor", "vault", "a cache group"
        yield "Storage Blob Data Contributor", "vault", "a cache group"
        if high_churn:
            yield "Storage Blob Data Owner", "vault", "a cache group"


def _key(definition: Json, roles: Json) -> str:
    """Which role of permissions.json a definition is, by the name that its own begins with."""
    name = definition["properties"]["roleName"]
    return next(key for key, role in roles.items() if name.startswith(f"{role['name']} ("))


def scope_of(assignment_id: str) -> str:
    """What an assignment is on. If its name depends on a principal that is not known yet, its ID is a function call."""
    call = re.match(r"\[(\w+)\('([^']+)'(?:, '([^']+)')?", assignment_id)
    if not call:
        return assignment_id.rpartition("/providers/Microsoft.Authorization/")[0]
    function, first, second = call.groups()
    return {
        "extensionResourceId": first,
        "subscriptionResourceId": f"/subscriptions/{first}",
        "resourceId": f"/subscriptions/{first}/resourceGroups/{second}",
    }[function]


def _kind(scope: str) -> str:
    kind, name = scope.split("/")[-2:]
    return "a cache group" if kind == "resourcegroups" and name.startswith("asr-cache-") else kind
