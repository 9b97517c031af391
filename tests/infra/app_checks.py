"""infra/ held to the app: its settings, the rights that it needs, the roles of its callers."""

import json
import re
from pathlib import Path

from doors.callers import Role
from shared.domain.decisions import KEYS
from shared.domain.metrics import METRICS
from shared.domain.settings import Settings
from tests.infra.bicep import File, member_of, part, properties

# What Azure checks of whoever enables a replication, besides the call itself: the least that is known.
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


def check_settings(infra: Path) -> list[str]:
    """The app's settings and those of the function app in main.bicep are the same, by name."""
    module = File(infra / "main.bicep").of_kind("module")["app"]
    params = member_of(module.body, "params")
    given = member_of(params, "settings") if params else None
    names = {name for name, _, _ in properties(given)} if given else set()
    known = {f"DR_{field.upper()}" for field in Settings.model_fields}
    return [
        *(f"main.bicep: {name} is no setting of the app" for name in sorted(names - known, key=str)),
        *(f"main.bicep: the setting {name} is missing" for name in sorted(known - names)),
    ]


def check_identity_settings(infra: Path) -> list[str]:
    """The host reaches its storage and Application Insights by identity: every service is named, and no key."""
    file = File(infra / "modules" / "app.bicep")
    value = member_of(file.of_kind("resource")["appSettings"].body, "properties")
    own = part(value, "arguments").named_children[0] if value else None
    names = {name for name, _, _ in properties(own) if name} if own else set()
    storage = {f"AzureWebJobsStorage__{each}ServiceUri" for each in ("blob", "queue", "table")}
    needed = storage | {
        "AZURE_CLIENT_ID",
        "AzureWebJobsStorage__credential",
        "AzureWebJobsStorage__clientId",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    }
    return [
        *(f"app.bicep: {name} is missing" for name in sorted(needed - names)),
        *(f"app.bicep: {name} holds a key" for name in sorted(names & {"AzureWebJobsStorage"})),
    ]


def check_permissions(infra: Path) -> list[str]:
    """Each action is one, has its reason and stands once in a role; what Azure checks at enable is among them."""
    roles = json.loads((infra / "permissions.json").read_text())
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


def check_role_use(infra: Path) -> list[str]:
    """Each role of permissions.json is made by a file, and each role that a file makes is there."""
    named = {
        match
        for file in ("main.bicep", "subscription.bicep")
        for match in re.findall(r"\broles\.(\w+)", (infra / file).read_text())
    }
    there = set(json.loads((infra / "permissions.json").read_text()))
    return [f"permissions.json and Bicep differ: {name}" for name in sorted(named ^ there)]


def check_app_roles(infra: Path) -> list[str]:
    """The roles of the Entra application are those that the doors tell apart."""
    listed = {role["value"] for role in json.loads((infra / "app-roles.json").read_text())}
    return [f"app-roles.json and the doors differ: {name}" for name in sorted(listed ^ {role.value for role in Role})]


def check_metrics(infra: Path) -> list[str]:
    """Alerts and the workbook ask for metrics that the app sends and read the column that holds the value; the workbook
    reads of a decision what is in its line."""
    texts = {name: (infra / name).read_text() for name in ("modules/alerts.bicep", "workbook.json")}
    problems = [
        f"{name}: no metric {metric}"
        for name, text in texts.items()
        for metric in sorted(set(re.findall(r"\bdr\.[a-z]+\.[a-z]+\b", text)) - METRICS.keys())
    ]
    for name, text in texts.items():
        for metric, query in re.findall(r'Name == \\?"(dr[\w.]+)\\?"(.*)', text):
            column = "Max" if metric in METRICS and METRICS[metric].kind == "histogram" else "Sum"
            if not re.search(rf"\b{column}\b|count\(\)", query):
                problems.append(f"{name}: {metric} is read from another column than {column}")
    told = set(re.findall(r"\bd\.(\w+)", texts["workbook.json"]))
    return [*problems, *(f"workbook.json: a decision has no {key}" for key in sorted(told - KEYS.keys()))]
