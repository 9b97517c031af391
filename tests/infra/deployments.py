"""infra/, or a copy of it with a mistake in it, as the compiler evaluates it for several sets of parameters."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.infra.compiler import LOCATION, SUBSCRIPTION, Compiler, Evaluated, Json

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
ENTRIES = ("main.bicep", "events.bicep", "roles.bicep", "release.bicep", "new-subscription.bicep", "messages.bicep")
"""What is deployed by itself; all else are their modules, subscription.bicep too, which can be deployed by itself as
well, and POLICY."""
POLICY = "policy.bicep"
"""What is deployed to a management group: the compiler evaluates no template of that kind."""

SOURCE = "33333333-3333-4333-8333-333333333333"
TARGET = "44444444-4444-4444-8444-444444444444"
VAULT = (
    "/subscriptions/55555555-5555-4555-8555-555555555555/resourceGroups/vaults"
    "/providers/Microsoft.RecoveryServices/vaults/rsv"
)
CACHE = f"/subscriptions/{SOURCE}/resourceGroups/caches/providers/Microsoft.Storage/storageAccounts/theirs"
APP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dr/providers/Microsoft.Web/sites/func-dr"
ACTION_GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dr/providers/Microsoft.Insights/actionGroups/ag-dr"
_HUB = f"/subscriptions/{TARGET}/resourceGroups/hub/providers/Microsoft.Network/virtualNetworks/hub/subnets"
_HERE = f"/subscriptions/{SUBSCRIPTION}"
_AZD = {"AZURE_ENV_NAME": "dr", "AZURE_LOCATION": LOCATION, "DR_SOURCE_LOCATIONS": "eastus"}
_MAIN = {"environmentName": "dr", "location": LOCATION, "sourceLocations": "eastus, westeurope"}
_PRINCIPALS = {"principalId": "the app's", "vaultPrincipalId": "the vault's"}
_RELEASE = {
    "environmentName": "dr",
    "location": LOCATION,
    "repository": "owner/name",
    "appPrincipalId": "88888888-8888-4888-8888-888888888888",
    "vaultPrincipalId": "99999999-9999-4999-8999-999999999999",
    "sourceLocations": "eastus",
}


@dataclass(frozen=True)
class Case:
    """One set of parameters. `group` is the resource group that is deployed to, none for a subscription; `settings` are
    those of the app that go with it, where the deployment does not write them itself."""

    template: str
    parameters: Json
    group: str | None = None
    settings: dict[str, str] = field(default_factory=dict)


SHARED = "main, of a whole shared subscription"
AZD = "main, as azd deploys it"
RELEASE = "release"
MESSAGES = "messages, by each recipe"
CASES = {
    "main, of two subscriptions, in cleanup": Case(
        "main.bicep",
        {**_MAIN, "targetSubscriptionId": TARGET, "mode": "cleanup", "drills": "true", "vaultLock": "true"},
    ),
    "main, by groups": Case(
        "main.bicep",
        {**_MAIN, "sourceResourceGroups": "app, web", "targetResourceGroups": "app-asr", "mode": "protect"},
    ),
    SHARED: Case("main.bicep", {**_MAIN, "sharedSubscription": "true", "mode": "cleanup", "drills": "true"}),
    "main, with everything": Case(
        "main.bicep",
        {
            **_MAIN,
            "sourceSubscriptionId": SOURCE,
            "sourceResourceGroups": "app,web",
            "targetSubscriptionId": TARGET,
            "targetResourceGroups": "app-asr,web-asr",
            "cacheAccountScopes": f"{CACHE}, {CACHE}2",
            "existingVaultId": VAULT,
            "highChurn": "true",
            "mode": "cleanup",
            "drills": "true",
            "profiles": {"default": {"rpoLimitMinutes": 60}},
            "regionMap": {"eastus": {"targetLocation": "westus2"}},
            "prices": {"instance": 25},
            "names": {"cacheGroup": "asr-cache-{environment}-{sourceRegion}", "network": "{environment}-{source}"},
            "agentAutomationAccount": f"{VAULT.partition('/providers/')[0]}"
            "/providers/Microsoft.Automation/automationAccounts/agents",
            "outcomeTopic": "true",
            "authClientId": "66666666-6666-4666-8666-666666666666",
            "archiveImmutabilityDays": "400",
            "durableBackend": "scheduler",
            "privateNetworking": "true",
            "privateInbound": "true",
            "alwaysReadyInstances": "1",
            "alertEmails": "a@example.com, b@example.com",
        },
    ),
    "main, in a hub network that is there": Case(
        "main.bicep",
        {
            **_MAIN,
            "privateNetworking": "true",
            "privateInbound": "true",
            "existingSubnetIds": f"{_HUB}/app, {_HUB}/endpoints",
        },
    ),
    MESSAGES: Case(
        "messages.bicep",
        {
            "recipes": ["teams", "slack", "webhook", "serviceNow"],
            "topicName": "evgt-dr",
            "teamsWebhookUrl": "https://teams.example/secret",
            "slackWebhookUrl": "https://slack.example/secret",
            "webhookUrl": "https://other.example/secret",
            "serviceNowUrl": "https://service.example/secret",
            "serviceNowObjectId": "77777777-7777-4777-8777-777777777777",
            "serviceNowIdentifierUri": "api://77777777-7777-4777-8777-777777777777",
        },
        "rg-dr",
    ),
    "messages, by a webhook alone": Case(
        "messages.bicep",
        {"recipes": ["webhook"], "topicName": "evgt-dr", "webhookUrl": "https://other.example/secret"},
        "rg-dr",
    ),
    "one more subscription": Case(
        "subscription.bicep",
        {**_MAIN, **_PRINCIPALS, "isSource": True, "isTarget": True, "targetResourceGroups": "app-asr"},
        settings={
            "DR_SOURCE_SCOPE": _HERE,
            "DR_TARGET_SCOPE": f"{_HERE}/resourceGroups/app-asr,{_HERE}/resourceGroups/asr-cache-eastus,"
            f"{_HERE}/resourceGroups/asr-cache-westeurope",
        },
    ),
    "one more subscription of targets, by groups, in cleanup": Case(
        "subscription.bicep",
        {
            "environmentName": "dr",
            "location": LOCATION,
            **_PRINCIPALS,
            "isTarget": True,
            "targetResourceGroups": "app-asr",
            "cleanup": True,
            "drills": True,
        },
        settings={
            "DR_SOURCE_SCOPE": "",
            "DR_TARGET_SCOPE": f"{_HERE}/resourceGroups/app-asr",
            "DR_MODE": "cleanup",
            "DR_DRILLS": "true",
        },
    ),
    "a new subscription, by Azure Policy": Case(
        "new-subscription.bicep",
        {**_MAIN, **_PRINCIPALS, "appId": APP, "actionGroupId": ACTION_GROUP},
        settings={
            "DR_SOURCE_SCOPE": _HERE,
            "DR_TARGET_SCOPE": f"{_HERE}/resourceGroups/asr-cache-eastus,{_HERE}/resourceGroups/asr-cache-westeurope",
        },
    ),
    "a new subscription, by Azure Policy, in cleanup": Case(
        "new-subscription.bicep",
        {
            **_MAIN,
            **_PRINCIPALS,
            "appId": APP,
            "actionGroupId": ACTION_GROUP,
            "cacheGroupTemplate": "asr-cache-{environment}-{sourceRegion}",
            "cleanup": True,
            "highChurn": True,
        },
        settings={
            "DR_SOURCE_SCOPE": _HERE,
            "DR_TARGET_SCOPE": f"{_HERE}/resourceGroups/asr-cache-dr-eastus,"
            f"{_HERE}/resourceGroups/asr-cache-dr-westeurope",
            "DR_NAMES": '{"cacheGroup": "asr-cache-{environment}-{sourceRegion}", "environment": "dr"}',
            "DR_MODE": "cleanup",
        },
    ),
    "the roles of one subscription": Case("roles.bicep", {"environmentName": "dr"}),
    RELEASE: Case("release.bicep", _RELEASE),
    "release, of one more subscription": Case(
        "release.bicep",
        {**_RELEASE, "releasePrincipalId": "77777777-7777-4777-8777-777777777777", "groups": "rg-dr-events,vaults"},
    ),
    "events, of operations": Case(
        "events.bicep", {"appId": APP, "actionGroupId": ACTION_GROUP, "deadLetter": True}, "rg-dr-events"
    ),
    "events, of notifications": Case(
        "events.bicep",
        {
            "appId": APP,
            "actionGroupId": ACTION_GROUP,
            "source": "notifications",
            "destination": "webhook",
            "webhookUrl": "https://func-dr.example/runtime/webhooks/eventgrid?code=key",
        },
        "rg-dr-events",
    ),
    "events, to a topic that is there": Case(
        "events.bicep", {"appId": APP, "actionGroupId": ACTION_GROUP, "existingTopicName": "theirs"}, "rg-dr-events"
    ),
}


_VARIABLE = re.compile(r"\$\{(\w+)(?:=([^}]*))?\}")


class Infra:
    """What the checks look at: each thing is built or evaluated once, when it is asked for."""

    def __init__(self, folder: Path, compiler: Compiler) -> None:
        self.folder = folder
        self.compiler = compiler
        self._evaluated: dict[str, Evaluated] = {}

    @cached_property
    def cases(self) -> dict[str, Case]:
        return {AZD: Case("main.bicep", self._parameters_of_azd()), **CASES}

    @cached_property
    def problems(self) -> list[str]:
        """What the compiler and its linter have to say of every file."""
        return sorted({each for entry in (*ENTRIES, POLICY) for each in self.compiler.build(self.folder / entry)[1]})

    def template(self, file: str) -> Json:
        """The ARM template of a file that can be built."""
        return self.compiler.build(self.folder / file)[0]

    def evaluated(self, name: str) -> Evaluated:
        return self.with_case(name, self.cases[name])

    def with_case(self, name: str, case: Case) -> Evaluated:
        """One more set of parameters, for one check: the others do not see it."""
        if name not in self._evaluated:
            self._evaluated[name] = self.compiler.evaluate(self.folder / case.template, case.parameters, case.group)
        return self._evaluated[name]

    @cached_property
    def roles(self) -> Json:
        """The app's custom roles by key."""
        roles: Json = json.loads((self.folder / "permissions.json").read_text())
        return roles

    def resources(self, resource_type: str, template: str = "") -> list[tuple[str, Json]]:
        """Those of a type, with the name of the deployment: of all deployments, or of those of one template."""
        return [
            (name, resource)
            for name, case in self.cases.items()
            if template in ("", case.template)
            for resource in self.evaluated(name).resources
            if resource["type"] == resource_type
        ]

    def _parameters_of_azd(self) -> dict[str, Any]:
        return filled(self.folder, _AZD)


def filled(folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """main.parameters.json, as azd fills it: what is not set is its default, or left out; what is set for an object is
    read as JSON. (azd 1.23.4, bicep_provider.go, loadParameters)"""
    types = dict(re.findall(r"^param (\w+) (\w+)", (folder / "main.bicep").read_text(), re.MULTILINE))
    found = {}
    for name, given in json.loads((folder / "main.parameters.json").read_text())["parameters"].items():
        text = given["value"]
        if isinstance(text, str):
            text = _VARIABLE.sub(lambda found: environment.get(found[1], found[2] or ""), text)
            if not text and not any(variable in environment for variable, _ in _VARIABLE.findall(given["value"])):
                continue
            # Of any other type azd fills in the JSON text of the parameter: a quotation mark breaks it.
            text = json.loads(text) if types.get(name) == "object" else json.loads(f'"{text}"')
        found[name] = text
    return found
