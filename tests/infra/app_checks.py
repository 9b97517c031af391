"""infra/ held to the app: its settings, the roles of its callers, its metrics and decisions."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from shared.config.settings import Settings
from shared.reporting.audit_log import KEYS
from shared.reporting.metrics import METRICS
from tests.infra.deployments import Infra
from tests.infra.queries import of_alerts, of_workbook
from triggers.roles import Role

_IDENTITY = {
    "AZURE_CLIENT_ID",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    *(f"AzureWebJobsStorage__{each}ServiceUri" for each in ("blob", "queue", "table")),
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}


def settings_in(infra: Infra, name: str) -> dict[str, str]:
    """The settings of the function app that a deployment makes; none if it makes no app."""
    return next(
        (
            each["properties"]
            for each in infra.evaluated(name).resources
            if each["type"] == "Microsoft.Web/sites/config" and each["name"].endswith("/appsettings")
        ),
        {},
    )


def check_settings(infra: Infra) -> list[str]:
    """The app's settings and those of the function app are the same, by name, and the app takes their values."""
    known = {f"DR_{field.upper()}": field for field in Settings.model_fields}
    found = []
    for name, settings in _of_apps(infra):
        given = {key: value for key, value in settings.items() if key.startswith("DR_")}
        found += [f"{name}: {key} is no setting of the app" for key in sorted(given.keys() - known.keys())]
        found += [f"{name}: the setting {key} is missing" for key in sorted(known.keys() - given.keys())]
        # An expression is a value that only the deployment tells: all of them are addresses, two with a path.
        address = dict.fromkeys(("DR_ARCHIVE", "DR_AUTH_AUTHORITY"), "https://example.com/container")
        values = {
            known[key]: address.get(key, "https://example.com") if value.startswith("[") else value
            for key, value in given.items()
            if key in known and value
        }
        try:
            Settings(**values)
        except ValueError as error:
            found.append(f"{name}: the app does not take its settings: {error}")
    return found


def check_authentication(infra: Infra) -> list[str]:
    """The app's setting says that Entra is in front of it exactly where it is: otherwise the app does not start. The
    page signs in with the application and at the authority whose tokens the platform takes."""
    found = []
    for name, settings in _of_apps(infra):
        platforms = [
            each["properties"]
            for each in infra.evaluated(name).resources
            if each["name"].endswith("/authsettingsV2") and each["properties"]["platform"]["enabled"]
        ]
        if (settings.get("DR_ENTRA_AUTH") == "true") is not bool(platforms):
            found.append(f"{name}: DR_ENTRA_AUTH is not what App Service authentication is: {bool(platforms)}")
        client, authority = (settings.get(f"DR_AUTH_{each}", "").strip("[]") for each in ("CLIENT_ID", "AUTHORITY"))
        for each in platforms:
            registered = each["identityProviders"]["azureActiveDirectory"]["registration"]
            if client != registered["clientId"] or not authority or authority not in registered["openIdIssuer"]:
                found.append(f"{name}: the page signs in with {client!r} at {authority!r}, not with {registered}")
    return found


def check_open_paths(infra: Infra) -> list[str]:
    """Without a token come Event Grid, which has a key, and browsers that load the page: each of its files by name."""
    page = Path(__file__).parents[2] / "ui"
    files = (file.relative_to(page).as_posix() for file in page.rglob("*") if file.is_file())
    wanted = {
        *("/runtime/webhooks/eventgrid", "/runtime/webhooks/EventGrid", "/api/ui", "/api/ui/"),
        *(f"/api/ui/{file}" for file in files if file != "vendor/manifest.json"),
    }
    found = []
    for name in infra.cases:
        for each in infra.evaluated(name).resources:
            if each["name"].endswith("/authsettingsV2"):
                given = each["properties"]["globalValidation"]["excludedPaths"]
                found += [f"{name}: {path} is not an open path" for path in sorted(wanted - {*given})]
                found += [f"{name}: the path {path} is open" for path in sorted({*given} - wanted)]
    return found


def check_identity_settings(infra: Infra) -> list[str]:
    """The host reaches its storage and Application Insights by identity: every service is named, and no key."""
    found = []
    for name, settings in _of_apps(infra):
        found += [f"{name}: {key} is missing" for key in sorted(_IDENTITY - settings.keys())]
        found += [f"{name}: {key} holds a key" for key in settings.keys() & {"AzureWebJobsStorage"}]
        has_scheduler = infra.cases[name].parameters.get("durableBackend") == "scheduler"
        for key in ("storageProvider__type", "storageProvider__connectionStringName"):
            if (f"AzureFunctionsJobHost__extensions__durableTask__{key}" in settings) is not has_scheduler:
                found.append(f"{name}: {key} is {'missing' if has_scheduler else 'too much'}")
    return found


def check_app_roles(infra: Infra) -> list[str]:
    """The roles of the Entra application are those that the HTTP triggers tell apart, its scope is the page's."""
    listed = {role["value"] for role in json.loads((infra.folder / "app-roles.json").read_text())}
    known = {role.value for role in Role}
    found = [f"app-roles.json and the HTTP triggers differ: {name}" for name in sorted(listed ^ known)]
    (scope,) = json.loads((infra.folder / "app-scope.json").read_text())["api"]["oauth2PermissionScopes"]
    if f"}}/{scope['value']}`" not in (Path(__file__).parents[2] / "ui" / "session.js").read_text():
        found.append(f"app-scope.json and the page differ: {scope['value']}")
    return found


def check_metrics(infra: Infra) -> list[str]:
    """Alerts and the workbook ask for metrics that the app sends and read the column that holds the value; the workbook
    reads of a decision what is in its line."""
    found = []
    for name, query in {**of_alerts(infra), **of_workbook(infra)}.items():
        metrics = set(re.findall(r"\bdr\.[a-z]+\.[a-z]+\b", query))
        found += [f"{name}: no metric {metric}" for metric in sorted(metrics - METRICS.keys())]
        columns = {"Max" if METRICS[each].kind == "histogram" else "Sum" for each in metrics & METRICS.keys()}
        for column in columns:
            if not re.search(rf"\b{column}\b|count\(\)", query):
                found.append(f"{name}: {', '.join(sorted(metrics))} is read from another column than {column}")
        reported = set(re.findall(r"\bd\.(\w+)", query))
        found += [f"{name}: a decision has no {key}" for key in sorted(reported - KEYS.keys())]
    return found


def _of_apps(infra: Infra) -> Iterator[tuple[str, dict[str, str]]]:
    for name, case in infra.cases.items():
        if case.template == "main.bicep":
            yield name, settings_in(infra, name)
