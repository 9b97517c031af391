"""What is deployed, as far as the compiler or the evaluated deployments can tell. Each check returns what is wrong."""

import json
from collections.abc import Iterator
from typing import Any

from tests.infra.compiler import Json
from tests.infra.deployments import APP, AZD, ENTRIES, Infra

_SECURE_STORAGE = {
    "allowBlobPublicAccess": False,
    "minimumTlsVersion": "TLS1_2",
    "supportsHttpsTrafficOnly": True,
}

# What the documents promise of a resource and its type does not enforce: the type takes any text, or leaves a default.
# By type and a part of the ID; each has to be in some deployment.
PROMISES: list[tuple[str, str, Json]] = [
    (
        "Microsoft.RecoveryServices/vaults",
        "",
        {
            "identity": {"type": "SystemAssigned"},
            "sku": {"name": "RS0", "tier": "Standard"},
            "properties": {
                "publicNetworkAccess": "Enabled",
                "securitySettings": {"softDeleteSettings": {"softDeleteState": "Enabled"}},
                "monitoringSettings": {
                    "azureMonitorAlertSettings": {
                        "alertsForAllJobFailures": "Enabled",
                        "alertsForAllReplicationIssues": "Enabled",
                        "alertsForAllFailoverIssues": "Enabled",
                    },
                    "classicAlertSettings": {
                        "alertsForCriticalOperations": "Disabled",
                        "emailNotificationsForSiteRecovery": "Disabled",
                    },
                },
            },
        },
    ),
    (
        "Microsoft.Storage/storageAccounts",
        "/storageAccounts/st",
        {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "properties": _SECURE_STORAGE},
    ),
    (
        "Microsoft.EventGrid/systemTopics/eventSubscriptions",
        "/evgst-dr-operations/",
        {
            "properties": {
                "eventDeliverySchema": "EventGridSchema",
                "destination": {
                    "endpointType": "AzureFunction",
                    "properties": {"resourceId": f"{APP}/functions/on_vm_event", "maxEventsPerBatch": 1},
                },
                "deadLetterDestination": {
                    "endpointType": "StorageBlob",
                    "properties": {"blobContainerName": "deadletters"},
                },
            }
        },
    ),
    (
        "Microsoft.EventGrid/systemTopics/eventSubscriptions",
        "/theirs/",
        {
            "properties": {
                "eventDeliverySchema": "EventGridSchema",
                "destination": {
                    "endpointType": "WebHook",
                    "properties": {"maxEventsPerBatch": 1, "minimumTlsVersionAllowed": "1.2"},
                },
            }
        },
    ),
]


def check_build(infra: Infra) -> list[str]:
    """Every file builds, and the linter has nothing to say."""
    return infra.problems


def check_format(infra: Infra) -> list[str]:
    """Every file is as `bicep format` writes it."""
    return [
        f"{file.name} is not as `bicep format` writes it"
        for file in sorted(infra.folder.rglob("*.bicep"))
        if infra.compiler.formatted(file) != file.read_text()
    ]


def check_files(infra: Infra) -> list[str]:
    """Every file belongs to what is deployed."""
    used = {file for entry in ENTRIES for file in infra.compiler.files_of(infra.folder / entry)}
    return [f"{file.name} is used by nothing" for file in infra.folder.rglob("*.bicep") if file not in used]


def check_evaluation(infra: Infra) -> list[str]:
    """Each set of parameters is taken, that of azd among them, and what it comes to is known before it is deployed."""
    sources = {AZD: "main.parameters.json: "}
    return [
        f"{sources.get(name, '')}{name}: {problem}"
        for name in infra.cases
        for problem in infra.evaluated(name).problems
    ]


def check_promises(infra: Infra) -> list[str]:
    """Resources are as the documents say, in every deployment that has them."""
    found = []
    for resource_type, part, wanted in PROMISES:
        these = [(name, each) for name, each in infra.resources(resource_type) if part in each["id"]]
        found += [] if these else [f"{resource_type}: no deployment has one"]
        found += [
            f"{resource_type}, {name}: {problem}" for name, each in these for problem in _differences(each, wanted)
        ]
    return found


def _differences(actual: Any, wanted: Any, where: str = "") -> Iterator[str]:
    """Where a value is not as wanted; an object may have more."""
    if isinstance(wanted, dict) and isinstance(actual, dict):
        for key, value in wanted.items():
            yield from _differences(actual.get(key), value, f"{where}.{key}")
    elif actual != wanted:
        yield f"{where.lstrip('.')} is {json.dumps(actual)}, not {json.dumps(wanted)}"
