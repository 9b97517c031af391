"""The tables of docs/deploy-without-azd.md: all that the templates deploy, as Microsoft's compiler evaluates them, and
what each parameter changes.

`python -m tests.infra.deployment_tables` writes them; test_deployment_tables.py deploys from them alone.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from tests.infra.compiler import SUBSCRIPTION, TENANT, Compiler, Json, find
from tests.infra.deployments import INFRA, ROOT, SOURCE, TARGET, VAULT, Case, Infra
from tests.infra.role_checks import BUILT_IN, scope_of

Values = dict[tuple[str, str], str]
"""The value of each property of each resource, as JSON with placeholders. Of a role assignment: its principal, by the
scope and `role <name>`."""

PAGE = ROOT / "docs" / "deploy-without-azd.md"
GONE, LEFT_OUT = "not deployed", "left out"
ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_ARM_GUIDS = UUID("11fb06fb-712d-4ddd-98c7-e71bbd588830")
"""The namespace of ARM's function guid()."""
_SUBSCRIPTIONS = {
    "subscription": SUBSCRIPTION,
    "sourceSubscription": SOURCE,
    "targetSubscription": TARGET,
    "vaultSubscription": VAULT.split("/")[2],
}
_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-{{environmentName}}"
_IDENTITY = (
    f"reference('{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-{{token}}', '2024-11-30')"
)
_NEW_VAULT = f"{_GROUP}/providers/Microsoft.RecoveryServices/vaults/rsv-{{token}}"
_AGENTS = f"{_GROUP}/providers/Microsoft.Automation/automationAccounts/{{account}}"

BASES = {
    "main": Case(
        "main.bicep",
        {
            "environmentName": "{environmentName}",
            "location": "{location}",
            "sourceLocations": "{region}",
            "sourceSubscriptionId": SOURCE,
            "targetSubscriptionId": TARGET,
        },
    ),
    "events": Case(
        "events.bicep",
        {"appId": "{appId}", "actionGroupId": "{actionGroupId}", "location": "{location}"},
        "rg-{environmentName}-events",
    ),
}
"""What is deployed by default: to three subscriptions, and then, for Event Grid, to that of the VMs."""
_PROBES: dict[str, Any] = {
    "archive": "false",
    "archiveImmutabilityDays": "31",
    "logRetentionDays": "91",
    "rpoAlertMinutes": "61",
    "alwaysReadyInstances": "1",
    "sourceSubscriptionId": SUBSCRIPTION,
    "targetSubscriptionId": SOURCE,
    "sourceLocations": "{region}, {region2}",
    "sourceResourceGroups": "{group}",
    "targetResourceGroups": "{group}",
    "cacheAccountScopes": f"/subscriptions/{SOURCE}/resourceGroups/{{group}}"
    "/providers/Microsoft.Storage/storageAccounts/{account}",
    "existingVaultId": VAULT,
    "agentAutomationAccount": _AGENTS,
    "agentAutomationRole": "{role}",
    "authClientId": "{client}",
    "existingSubnetIds": "{functionsSubnet}, {endpointsSubnet}",
    "extraSourceScopes": "{scope}",
    "extraTargetScopes": "{scope}",
    "profiles": {"{profile}": {"rpoLimitMinutes": 60}},
    "names": {"cacheGroup": "dr-{sourceRegion}"},
    "regionMap": {"{region}": {"targetLocation": "{location}"}},
    "prices": {"{price}": 1},
    "tags": {"example": "{value}"},
    "defineRoles": "false",
    "assignRoles": "false",
    "existingTopicName": "{topic}",
    "webhookUrl": "{url}",
}
"""A value for each parameter that does not just pass its text on. Of a list of values it is the last one."""
_OF_CLOUD = {
    "environment().suffixes.storage": "{storageSuffix}",
    "split(environment().resourceManager, '/')[2]": "{armHost}",
    "replace(environment().authentication.loginEndpoint, 'login.chinacloudapi.cn', "
    "'login.partner.microsoftonline.cn')": "{loginEndpoint}",
    f"'{TENANT}'": "{tenant}",
}
"""What differs between Azure's clouds: core.windows.net, management.azure.com, https://login.microsoftonline.com/."""
_CALL = re.compile(r"\b(format|resourceId)\(('[^']*'(?:, '[^']*')*)\)")
_PART = re.compile(r"filter\(split\('([^']*)', '/'\), lambda\('x', not\(empty\(lambdaVariables\('x'\)\)\)\)\)\[(\d)\]")
"""How the compiler takes a name apart."""
_BESIDE = {
    "existingSubnetIds": {"privateNetworking": "true"},
    "privateInbound": {"privateNetworking": "true"},
    "agentAutomationRole": {"agentAutomationAccount": _AGENTS},
    "sharedSubscription": {"targetSubscriptionId": SOURCE},
    "webhookUrl": {"destination": "webhook"},
}
"""What a parameter needs beside it to change anything."""


class Tables:
    """The tables of infra/, each by the mark of its place in the page."""

    def __init__(self, infra: Infra) -> None:
        self.infra = infra

    def all(self) -> dict[str, str]:
        found = {}
        for base, case in BASES.items():
            values = values_of(self.evaluated(case), self.placeholders)
            found[base] = "\n\n".join(_by_type(values))
            roles = [(_code(key[1][5:]), _code(key[0]), _code(of)) for key, of in values.items() if _is_role(key)]
            if roles:
                found[f"{base}_roles"] = table(("role", "on", "of"), roles)
            rows = (row for parameter, changed in self.changes(base) for row in _rows(changed, parameter))
            found[f"{base}_changes"] = table(("parameter", "resource", "property", "value"), rows)
        return found

    @cached_property
    def placeholders(self) -> dict[str, str]:
        """What each stands for, the longest text first. An expression in brackets is known to Azure only."""
        [token] = set(re.findall(r"/id-(\w+)", json.dumps(self.evaluated(BASES["main"]))))
        letters = self.evaluated(_with(BASES["events"], {"deadLetter": True}))
        found = {
            "app.principalId": f"{_IDENTITY}.principalId",
            "app.clientId": f"{_IDENTITY}.clientId",
            "vault.principalId": f"reference('{_NEW_VAULT}', '2025-02-01', 'full').identity.principalId",
            "workbook.json": json.dumps((INFRA / "workbook.json").read_text())[1:-1],
            "workbook": _guid(_GROUP, "dr-compliance"),
            "events": f"{_GROUP}-events",
            "eventsToken": next(iter(re.findall(r"/stdl(\w+)", json.dumps(letters)))),
            "home": _GROUP,
            "token": token,
            **_SUBSCRIPTIONS,
        }
        for role in self.infra.roles.values():
            for name, subscription in _SUBSCRIPTIONS.items():
                guid = _guid(f"/subscriptions/{subscription}", "{environmentName}", role["name"])
                found[f"{role['name']}, {name}"] = guid
        longest_first = sorted(found.items(), key=lambda each: -len(each[1]))
        return {f"{{{name}}}": text.replace("{token}", token) for name, text in longest_first}

    def evaluated(self, case: Case) -> list[Json]:
        """What a case deploys."""
        evaluated = self.infra.with_case(f"tables: {case.template} {case.parameters}", case)
        assert evaluated.problems == [], f"{case}: is a value missing in _PROBES? {evaluated.problems}"
        resources: list[Json] = _resolved(evaluated.resources)
        return resources

    def cases(self, base: str) -> Iterator[tuple[str, Case, Case]]:
        """Each parameter with the value it is given, and the case without and with it."""
        case = BASES[base]
        for name, about in self.infra.template(case.template)["parameters"].items():
            if name in _PROBES or name not in case.parameters:
                before = _with(case, _BESIDE.get(name, {}))
                given = {**_BESIDE.get(name, {}), name: _probe(name, about)}
                said = ", ".join(f"{key}={shortened(_text(value), self.placeholders)}" for key, value in given.items())
                yield said, before, _with(case, given)

    def changes(self, base: str) -> Iterator[tuple[str, Values]]:
        """What each parameter changes."""
        for said, before, after in self.cases(base):
            was, now = (values_of(self.evaluated(case), self.placeholders) for case in (before, after))
            yield said, dict(_changed(was, now))


def values_of(resources: Iterable[Json], placeholders: Mapping[str, str]) -> Values:
    """The values of what is deployed."""
    found: Values = {}
    # In an order that no edit of a template changes, so that two versions of the page can be compared.
    for each in sorted(resources, key=lambda each: (each["type"], each["id"])):
        if each["type"] == ASSIGNMENT:
            guid = each["properties"]["roleDefinitionId"].rpartition("/")[2]
            role = BUILT_IN.get(guid) or next((name for name, text in placeholders.items() if text == guid), guid)
            # Placeholders of custom roles are {name, subscription}.
            key = scope_of(each["id"]), "role " + re.sub(r"^{(.+), \w+}$", r"\1", role)
            assert key not in found, key
            found[key] = each["properties"]["principalId"]
        else:
            rest = {key: value for key, value in each.items() if key not in ("id", "name", "type", "apiVersion")}
            found[each["id"], "apiVersion"] = json.dumps(each["apiVersion"])
            found |= {(each["id"], path): json.dumps(value) for path, value in _flat(rest, "")}
    return {
        (shortened(resource, placeholders), path): shortened(text, placeholders)
        for (resource, path), text in found.items()
    }


def shortened(text: str, placeholders: Mapping[str, str]) -> str:
    for name, long in placeholders.items():
        text = text.replace(long, name)
    return text


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _by_type(values: Values) -> Iterator[str]:
    types: dict[str, Values] = {}
    for key, text in values.items():
        if not _is_role(key):
            types.setdefault(type_of(key[0]), {})[key] = text
    for resource_type, these in types.items():
        yield f"#### {resource_type}\n\n" + table(("resource", "property", "value"), _rows(these))


def _rows(values: Values, first: str = "") -> Iterator[tuple[str, ...]]:
    """The rows of a table; what is the same as in the row before is left out."""
    last = ""
    for (resource, path), text in values.items():
        begin = (_code(first),) if first else ()
        yield (
            *(begin if not last else ("",) * len(begin)),
            _code(resource) if resource != last else "",
            path,
            _value(text),
        )
        last = resource


def type_of(resource: str) -> str:
    """The type in a resource's ID."""
    _, _, parts = resource.rpartition("/providers/")
    if "/providers/" not in resource:
        return "Microsoft.Resources/resourceGroups"
    namespace, *names = parts.split("/")
    return "/".join((namespace, *names[::2]))


def _changed(was: Values, now: Values) -> Iterator[tuple[tuple[str, str], str]]:
    yield from ((key, text) for key, text in now.items() if was.get(key) != text)
    still = {resource for (resource, path) in now if not path.startswith("role ")}
    for resource, path in (key for key in was if key not in now):
        if path == "apiVersion":
            yield (resource, ""), GONE
        elif resource in still or path.startswith("role "):
            yield (resource, path), LEFT_OUT


def _flat(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Each value by its path; what is null is left out, as ARM does. A list of texts is one value."""
    if isinstance(value, dict) and value and all(re.fullmatch(r"[\w-]+", key) for key in value):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(each, dict) for each in value):
        for index, each in enumerate(value):
            yield from _flat(each, f"{path}[{index}]")
    elif path and value is not None:
        yield path, value


def _resolved(value: Any) -> Any:
    """With ARM's expressions computed as far as they need no answer of Azure; names of a cloud are placeholders."""
    if isinstance(value, dict):
        return {_resolved(key): _resolved(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolved(each) for each in value]
    if not isinstance(value, str) or not value.startswith("["):
        return value
    for expression, name in _OF_CLOUD.items():
        value = value.replace(expression, f"'{name}'")
    before = ""
    while value != before:
        before = value
        value = _CALL.sub(_called, _PART.sub(lambda part: f"'{part[1].split('/')[int(part[2])]}'", value))
    return value[2:-2] if re.fullmatch(r"\['[^']*'\]", value) else value


def _called(call: re.Match[str]) -> str:
    """What a function gives for texts."""
    first, *others = re.findall("'([^']*)'", call[2])
    if call[1] == "format":
        return f"'{re.sub('{([0-9])}', lambda place: others[int(place[1])], first)}'"
    group, resource_type, *names = others
    namespace, *types = resource_type.split("/")
    path = "/".join(part for pair in zip(types, names, strict=True) for part in pair)
    return f"'/subscriptions/{first}/resourceGroups/{group}/providers/{namespace}/{path}'"


def _probe(name: str, about: Json) -> Any:
    if name in _PROBES:
        return _PROBES[name]
    if about["type"] == "bool":
        return not about["defaultValue"]
    others = [value for value in about.get("allowedValues", ()) if value != about["defaultValue"]]
    return "true" if "true" in others else others[-1] if others else f"{{{name}}}"


def _with(case: Case, given: Mapping[str, Any]) -> Case:
    return Case(case.template, {**case.parameters, **given}, case.group)


def _guid(*parts: str) -> str:
    return str(uuid5(_ARM_GUIDS, "-".join(parts)))


def _is_role(key: tuple[str, str]) -> bool:
    return key[1].startswith("role ")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _code(text: str) -> str:
    return f"`{text}`"


def _value(text: str) -> str:
    return text if text in (GONE, LEFT_OUT) else _code(text)


def main() -> int:
    path = find()
    if path is None:
        sys.stderr.write("No Bicep compiler: `az bicep install`, or set BICEP to the path of one\n")
        return 1
    with Compiler(path) as compiler:
        tables = Tables(Infra(INFRA, compiler)).all()
    marked = re.compile(r"(<!-- infra: (\w+) -->\n).*?(<!-- end of infra -->)", re.DOTALL)
    written = marked.sub(lambda found: f"{found[1]}{tables.pop(found[2])}\n{found[3]}", PAGE.read_text())
    assert not tables, f"{PAGE.name} has no place for {', '.join(tables)}"
    PAGE.write_text(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
