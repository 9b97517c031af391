"""Each check passes over infra/, and each of a list of mistakes is caught by the check that is there for it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra import app_checks, assignment_checks, filters, resource_checks, symbols

INFRA = Path(__file__).parents[2] / "infra"
Check = Callable[[Path], list[str]]

CHECKS: list[Check] = [
    symbols.check_parse,
    symbols.check_names,
    symbols.check_unused,
    symbols.check_modules,
    symbols.check_loaded_files,
    symbols.check_parameters,
    resource_checks.check_resource_types,
    resource_checks.check_api_versions,
    resource_checks.check_properties,
    resource_checks.check_parents,
    app_checks.check_settings,
    app_checks.check_identity_settings,
    app_checks.check_permissions,
    app_checks.check_role_use,
    assignment_checks.check_assignments,
    app_checks.check_app_roles,
    app_checks.check_metrics,
    filters.check_filters,
]

# The check, the file, what stands there, and the mistake.
MUTATIONS: list[tuple[Check, str, str, str]] = [
    (symbols.check_parse, "main.bicep", "module network", "modul network"),
    (symbols.check_names, "main.bicep", "location: location", "location: loaction"),
    (symbols.check_names, "main.bicep", "uniqueString(", "uniqeString("),
    (symbols.check_names, "main.bicep", "output DR_APP_URL", "output DR_APP_ID"),
    (symbols.check_unused, "modules/identity.bicep", "param tags object", "param tags object\nparam extra string"),
    (symbols.check_unused, "modules/vault.bicep", "state: immutability", "state: 'Disabled'"),
    (symbols.check_modules, "main.bicep", "principalId: identity.outputs.principalId\n    isPrivate", "isPrivate"),
    (symbols.check_modules, "main.bicep", "    isPrivate:", "    isPublic:"),
    (symbols.check_modules, "main.bicep", "identity.outputs.principalId", "identity.outputs.principal"),
    (symbols.check_modules, "main.bicep", "alwaysReadyInstances: alwaysReadyInstances", "alwaysReadyInstances: 'one'"),
    (symbols.check_modules, "main.bicep", "'modules/vault.bicep'", "'modules/volt.bicep'"),
    (symbols.check_modules, "subscription.bicep", "  scope: cacheGroups[i]\n", ""),
    (symbols.check_modules, "main.bicep", "scope: subscription(targetId)", "scope: resourceGroup(targetId)"),
    (symbols.check_loaded_files, "modules/workbook.bicep", "../workbook.json", "workbook.json"),
    (symbols.check_loaded_files, "subscription.bicep", "roles.targetWriter", "roles.targetWrite"),
    (symbols.check_parameters, "main.parameters.json", '"sourceLocations"', '"sourceLocation"'),
    (
        symbols.check_parameters,
        "main.parameters.json",
        '"highChurn": { "value": false }',
        '"highChurn": { "value": "no" }',
    ),
    (
        resource_checks.check_resource_types,
        "modules/vault.bicep",
        "RecoveryServices/vaults@",
        "RecoveryServices/safes@",
    ),
    (resource_checks.check_api_versions, "modules/vault.bicep", "vaults@2025-02-01", "vaults@2025-02-02"),
    (resource_checks.check_api_versions, "modules/alerts.bicep", "Rules@2023-12-01", "Rules@2023-12-01-preview"),
    (resource_checks.check_properties, "modules/storage.bicep", "allowSharedKeyAccess", "allowSharedKeysAccess"),
    (
        resource_checks.check_properties,
        "modules/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: 'no'",
    ),
    (resource_checks.check_properties, "modules/storage.bicep", "  kind: 'StorageV2'\n", ""),
    (
        resource_checks.check_properties,
        "modules/vault.bicep",
        "alertsForAllJobFailures: 'Enabled'",
        "alertsForAllJobFailures: 'On'",
    ),
    (resource_checks.check_properties, "modules/app.bicep", "instanceMemoryMB", "instanceMemoryMb"),
    (resource_checks.check_properties, "modules/app.bicep", "excludedPaths:", "excludePaths:"),
    (resource_checks.check_properties, "modules/app.bicep", "name: 'authsettingsV2'", "name: 'authsettingsV3'"),
    (resource_checks.check_properties, "modules/alerts.bicep", "metricMeasureColumn", "metricColumn"),
    (resource_checks.check_properties, "modules/alerts.bicep", "      emailAddress: trim(email)\n", ""),
    (resource_checks.check_properties, "modules/scheduler.bicep", "ipAllowlist", "ipAllowList"),
    (
        resource_checks.check_properties,
        "modules/network.bicep",
        "registrationEnabled: false",
        "registrationEnabled: 'no'",
    ),
    (resource_checks.check_properties, "events.bicep", "endpointType: 'AzureFunction'", "endpointType: 'Function'"),
    (resource_checks.check_properties, "events.bicep", "operatorType: 'StringIn'", "operatorType: 'StringsIn'"),
    (resource_checks.check_properties, "events.bicep", "deadLetterDestination:", "deadLetter:"),
    (resource_checks.check_parents, "modules/scheduler.bicep", "  parent: scheduler\n", ""),
    (resource_checks.check_parents, "modules/storage.bicep", "  parent: blobs\n", "  parent: account\n"),
    (app_checks.check_settings, "main.bicep", "DR_MAX_DISABLE_SHARE:", "DR_MAX_DISABLES_SHARE:"),
    (app_checks.check_settings, "main.bicep", "      DR_PAUSED: paused\n", ""),
    (
        app_checks.check_identity_settings,
        "modules/app.bicep",
        "AzureWebJobsStorage__tableServiceUri",
        "TableServiceUri",
    ),
    (
        app_checks.check_permissions,
        "permissions.json",
        "virtualNetworks/subnets/join/action",
        "virtualNetworks/subnets/read",
    ),
    (app_checks.check_permissions, "permissions.json", "storageAccounts/listKeys/action", "storageAccounts/*"),
    (app_checks.check_role_use, "subscription.bicep", "role: roles.targetCleaner", "role: roles.targetWriter"),
    (
        assignment_checks.check_assignments,
        "subscription.bicep",
        "for (name, i) in sourceGroups: {\n  name: 'assign-source-tagger",
        "for (name, i) in targetGroups: {\n  name: 'assign-source-tagger",
    ),
    (
        assignment_checks.check_assignments,
        "subscription.bicep",
        "writerRoleId: targetWriter.?outputs.id",
        "writerRoleId: targetCleaner.?outputs.id",
    ),
    (
        assignment_checks.check_assignments,
        "subscription.bicep",
        "targetCleaner 'modules/role.bicep' = if (cleanup && (isSource || isTarget))",
        "targetCleaner 'modules/role.bicep' = if (isSource || isTarget)",
    ),
    (app_checks.check_app_roles, "app-roles.json", "dr.disable", "dr.delete"),
    (app_checks.check_metrics, "modules/alerts.bicep", "dr.enables.failed", "dr.enables.fail"),
    (app_checks.check_metrics, "modules/alerts.bicep", "max(Max)", "max(Sum)"),
    (app_checks.check_metrics, "workbook.json", "tostring(d.origin)", "tostring(d.from)"),
    (filters.check_filters, "events.bicep", "virtualMachines/start/action", "virtualMachines/started/action"),
    (filters.check_filters, "events.bicep", "key: 'subject'", "key: 'data.subject'"),
    (filters.check_filters, "events.bicep", "Resources.Deleted", "Resources.Removed"),
    (filters.check_filters, "events.bicep", "'/providers/Microsoft.Compute/virtualMachines/'", "'/providers/'"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_infra_passes(check: Check) -> None:
    assert check(INFRA) == []


@pytest.mark.parametrize(("check", "file", "there", "mistake"), MUTATIONS)
def test_a_mistake_is_caught(check: Check, file: str, there: str, mistake: str, tmp_path: Path) -> None:
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy)
    text = (copy / file).read_text()
    assert there in text
    (copy / file).write_text(text.replace(there, mistake, 1))
    assert any(Path(file).name in problem or "differ" in problem for problem in check(copy))


def test_each_check_has_a_mistake_that_it_catches() -> None:
    assert {check for check, *_ in MUTATIONS} == set(CHECKS)
