"""Each check passes over infra/, and each of a list of mistakes is caught by the check that is there for it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.infra.app_checks import (
    check_app_roles,
    check_authentication,
    check_identity_settings,
    check_metrics,
    check_open_paths,
    check_settings,
)
from tests.infra.compiler import Compiler
from tests.infra.deployments import CACHE, ENTRIES, INFRA, TARGET, Case, Infra
from tests.infra.filters import check_filters
from tests.infra.policy_checks import check_policy_rights, check_policy_rule
from tests.infra.queries import check_queries
from tests.infra.release_checks import check_release, check_roles_to_assign
from tests.infra.resource_checks import check_build, check_configuration, check_evaluation, check_files, check_format
from tests.infra.role_checks import (
    check_assignments,
    check_built_in_roles,
    check_hostile_calls,
    check_permissions,
    check_role_definitions,
    check_what_roles_allow,
)

Check = Callable[..., list[str]]
"""It is given an Infra; that of the queries their parser, too."""

CHECKS: list[Check] = [
    check_build,
    check_format,
    check_files,
    check_evaluation,
    check_configuration,
    check_permissions,
    check_role_definitions,
    check_assignments,
    check_built_in_roles,
    check_what_roles_allow,
    check_hostile_calls,
    check_roles_to_assign,
    check_release,
    check_policy_rights,
    check_policy_rule,
    check_settings,
    check_authentication,
    check_open_paths,
    check_identity_settings,
    check_app_roles,
    check_metrics,
    check_queries,
    check_filters,
]

# The check, the file, what stands there, the mistake, and what the check has to name.
MUTATIONS: list[tuple[Check, str, str, str, str]] = [
    # What the compiler or its linter sees: syntax, names, modules, types of resources and their properties.
    (check_build, "main.bicep", "module network", "modul network", "main.bicep"),
    (check_build, "main.bicep", "location: location", "location: loaction", "loaction"),
    (check_build, "main.bicep", "uniqueString(", "uniqeString(", "uniqeString"),
    (check_build, "main.bicep", "output DR_APP_URL", "output DR_APP_ID", "DR_APP_ID"),
    (check_build, "modules/identity.bicep", "param tags object", "param tags object\nparam extra string", "extra"),
    (check_build, "modules/vault.bicep", "state: immutability", "state: 'Disabled'", "immutability"),
    (
        check_build,
        "main.bicep",
        "principalId: identity.outputs.principalId\n    assignRoles: writesAssignments\n    isPrivate",
        "assignRoles: writesAssignments\n    isPrivate",
        "principalId",
    ),
    (check_build, "main.bicep", "    isPrivate:", "    isPublic:", "isPublic"),
    (check_build, "main.bicep", "identity.outputs.principalId", "identity.outputs.principal", "principal"),
    (
        check_build,
        "main.bicep",
        "alwaysReadyInstances: int(alwaysReadyInstances)",
        "alwaysReadyInstances: 'one'",
        "alwaysReadyInstances",
    ),
    (check_build, "main.bicep", "'modules/vault.bicep'", "'modules/volt.bicep'", "volt.bicep"),
    (check_build, "subscription.bicep", "    scope: resourceGroup(each.group)\n", "", "scope"),
    (check_build, "main.bicep", "scope: subscription(targetId)", "scope: resourceGroup(targetId)", "resourceGroup"),
    (check_build, "modules/workbook.bicep", "../workbook.json", "workbook.json", "modules/workbook.json"),
    (check_build, "main.bicep", "roles.vaultOperator.name", "roles.vaultOperate.name", "vaultOperate"),
    (check_build, "modules/vault.bicep", "RecoveryServices/vaults@", "RecoveryServices/safes@", "safes"),
    (check_build, "modules/vault.bicep", "vaults@2025-02-01", "vaults@2025-02-02", "2025-02-02"),
    (check_build, "modules/alerts.bicep", "Rules@2023-12-01", "Rules@2023-12-01-preview", "2023-12-01-preview"),
    (check_build, "modules/storage.bicep", "allowSharedKeyAccess", "allowSharedKeysAccess", "allowSharedKeysAccess"),
    (
        check_build,
        "modules/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: 'no'",
        "allowSharedKeyAccess",
    ),
    (check_build, "modules/storage.bicep", "  kind: 'StorageV2'\n", "", "kind"),
    (check_build, "modules/app.bicep", "instanceMemoryMB", "instanceMemoryMb", "instanceMemoryMb"),
    (check_build, "modules/app.bicep", "excludedPaths:", "excludePaths:", "excludePaths"),
    (check_build, "modules/app.bicep", "name: 'authsettingsV2'", "name: 'authsettingsV3'", "authsettingsV3"),
    (check_build, "modules/alerts.bicep", "metricMeasureColumn", "metricColumn", "metricColumn"),
    (check_build, "modules/alerts.bicep", "        emailAddress: email\n", "", "emailAddress"),
    (check_build, "modules/scheduler.bicep", "ipAllowlist", "ipAllowList", "ipAllowList"),
    (check_build, "modules/network.bicep", "registrationEnabled: false", "registrationEnabled: 'no'", "registration"),
    (check_build, "events.bicep", "deadLetterDestination:", "deadLetter:", "deadLetter"),
    (check_build, "modules/storage.bicep", "  parent: blobs\n", "  parent: account\n", "parent"),
    (check_format, "main.bicep", "  name: groupName", "    name: groupName", "main.bicep"),
    (check_files, "events.bicep", "modules/dead-letters.bicep", "modules/storage.bicep", "dead-letters.bicep"),
    # What only the evaluated deployments show.
    (check_evaluation, "main.parameters.json", '"sourceLocations"', '"sourceLocation"', "sourceLocation"),
    (
        check_evaluation,
        "main.parameters.json",
        '"highChurn": { "value": "${DR_HIGH_CHURN=}" }',
        '"highChurn": { "value": "no" }',
        "highChurn",
    ),
    (check_evaluation, "modules/scheduler.bicep", "  parent: scheduler\n", "", "DurableTask/schedulers/taskHubs"),
    (check_build, "messages.bicep", "serviceUri: serviceNowUrl", "uri: serviceNowUrl", "serviceUri"),
    (check_configuration, "messages.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "disableLocalAuth"),
    (check_configuration, "messages.bicep", "endpointType: 'ServiceBusQueue'", "endpointType: 'Queue'", "endpointType"),
    (check_configuration, "messages.bicep", "useAadAuth: true", "useAadAuth: false", "useAadAuth"),
    (
        check_built_in_roles,
        "messages.bicep",
        "guid(queue.id, receives, workflow.id)\n  scope: queue",
        "guid(queue.id, receives, workflow.id)\n  scope: bus",
        "Receiver",
    ),
    (check_evaluation, "main.bicep", "    vaultHasIdentity: true\n", "", "cache-eastus"),
    (
        check_configuration,
        "modules/vault.bicep",
        "alertsForAllJobFailures: 'Enabled'",
        "alertsForAllJobFailures: 'On'",
        "alertsForAllJobFailures",
    ),
    (check_configuration, "events.bicep", "endpointType: 'AzureFunction'", "endpointType: 'Function'", "endpointType"),
    (
        check_permissions,
        "permissions.json",
        "virtualNetworks/subnets/join/action",
        "virtualNetworks/subnets/read",
        "join",
    ),
    (check_permissions, "permissions.json", "storageAccounts/listKeys/action", "storageAccounts/*", "Accounts/*"),
    (
        check_assignments,
        "subscription.bicep",
        "contains(map(held, each => each.role), role.value.name)",
        "role.key == 'sourceTagger'",
        "/roleDefinitions/",
    ),
    (check_role_definitions, "modules/role.bicep", "assignableScopes: [scope]", "assignableScopes: ['/']", "['/']"),
    (
        check_assignments,
        "modules/role-list.bicep",
        "sourceTagger: about.sourceGroups",
        "sourceTagger: about.targetGroups",
        "sourceTagger",
    ),
    (
        check_assignments,
        "modules/role-list.bicep",
        "cacheUser: about.cacheGroups",
        "cacheUser: about.targetGroups",
        "cacheUser",
    ),
    (
        check_assignments,
        "modules/role-list.bicep",
        "about.cleanup ? about.targetGroups",
        "!about.cleanup ? about.targetGroups",
        "targetCleaner",
    ),
    (
        check_assignments,
        "modules/role-list.bicep",
        "drillReader: about.drills ? about.targetGroups : []",
        "drillReader: about.targetGroups",
        "drillReader",
    ),
    (
        check_assignments,
        "modules/role-list.bicep",
        "drillNetworkWriter: about.drills ? about.targetGroups : []",
        "drillNetworkWriter: about.targetGroups",
        "drillNetworkWriter",
    ),
    (
        check_assignments,
        "modules/vault-access.bicep",
        "if (assignRoles && hasDrills)",
        "if (assignRoles)",
        "/roleDefinitions/",
    ),
    (check_roles_to_assign, "main.bicep", "hasDrills ? [held(", "!hasDrills ? [held(", "DR driller"),
    (
        check_built_in_roles,
        "modules/role-list.bicep",
        "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        "Storage Table Data Contributor",
    ),
    (
        check_built_in_roles,
        "modules/role-list.bicep",
        "about.highChurn ?",
        "!about.highChurn ?",
        "Storage Blob Data Owner",
    ),
    (
        check_what_roles_allow,
        "permissions.json",
        '"shared subscription": "any resource group with',
        '"unshared subscription": "any resource group with',
        "groupCleaner of the app on a shared subscription is not listed",
    ),
    (
        check_what_roles_allow,
        "permissions.json",
        '"Microsoft.Storage/storageAccounts/listKeys/action": "reads',
        '"Microsoft.Storage/storageAccounts/read": "reads',
        "listKeys",
    ),
    (
        check_what_roles_allow,
        "modules/role-list.bicep",
        "cacheCreator: about.cacheGroups",
        "cacheCreator: about.sourceGroups",
        "cacheCreator of the app on a subscription is not listed",
    ),
    (
        check_what_roles_allow,
        "built-in-roles.json",
        '"holder": "automation"',
        '"holder": "app"',
        "Contributor of the app on a vault is listed, and nobody has it",
    ),
    (
        check_hostile_calls,
        "modules/role-list.bicep",
        "targetWriter: about.targetGroups",
        "targetWriter: concat(about.targetGroups, about.sourceGroups)",
        "virtualmachines/delete",
    ),
    (
        check_hostile_calls,
        "permissions.json",
        '"Microsoft.Storage/storageAccounts/read": "whether the account for boot',
        '"Microsoft.Storage/storageAccounts/listKeys/action": "whether the account for boot',
        "listKeys",
    ),
    (
        check_hostile_calls,
        "permissions.json",
        '"Microsoft.Resources/tags/write": "PUT',
        '"Microsoft.Authorization/roleAssignments/write": "PUT',
        "roleAssignments/write",
    ),
    (
        check_roles_to_assign,
        "main.bicep",
        "outcomeTopic == 'true'\n    ?",
        "outcomeTopic == 'no'\n    ?",
        "Data Sender",
    ),
    (check_roles_to_assign, "main.bicep", "components/appi-", "components/insights-", "Metrics Publisher"),
    (check_roles_to_assign, "modules/vault-access.bicep", "if (assignRoles) {", "{", "is assigned all the same"),
    (check_roles_to_assign, "subscription.bicep", "if (defineRoles && assignRoles &&", "if (assignRoles &&", "defined"),
    (
        check_release,
        "release.bicep",
        "condition: mayAssign(vaultRoles,",
        "condition: mayAssign(appRoles,",
        "vault",
    ),
    (
        check_release,
        "release.bicep",
        "    condition: mayAssign(customRoles, appPrincipalId)\n",
        "",
        "it may write an assignment",
    ),
    (check_release, "release.bicep", "(customRoles, appP", "(customRoles, vaultP", "may not write"),
    (check_release, "release.bicep", "resourceGroups/write'", "resourceGroups/write'\n'*/write'", "'*/write'"),
    (check_release, "release.bicep", ":environment:${", ":ref:${", "subject"),
    (check_release, "modules/assign-condition.bicep", "'delete', 'Resource'", "'delete', 'Request'", "delete"),
    (
        check_release,
        "modules/assign-condition.bicep",
        ":PrincipalId] ForAny",
        ":Principal] ForAny",
        "it may not write an assignment",
    ),
    # Azure Policy for a management group: each role, scope and condition; what it deploys, where, and until when.
    (
        check_policy_rights,
        "policy.bicep",
        "          'Microsoft.EventGrid/systemTopics/write'\n",
        "",
        "systemTopics/write",
    ),
    (check_policy_rights, "policy.bicep", "deployments/*'", "deployments/*'\n'Microsoft.Storage/*'", "Storage/*"),
    (check_policy_rights, "policy.bicep", "notActions: []", "notActions: ['*/read']", "*/read"),
    (check_policy_rights, "policy.bicep", "Scopes: [managementGroup().id]", "Scopes: ['/']", "['/']"),
    (check_policy_rights, "policy.bicep", "Id: remediates.id", "Id: administrator", "it has the roles"),
    (
        check_policy_rights,
        "policy.bicep",
        "builtIn['Role Based Access Control Administrator']",
        "builtIn.Contributor",
        "b24988ac",
    ),
    (
        check_policy_rights,
        "policy.bicep",
        "    condition: mayAssignTo([values.principalId, values.vaultPrincipalId])\n",
        "",
        "stranger",
    ),
    (check_policy_rights, "policy.bicep", "[values.principalId, values", "[values", "assignment to the app"),
    (check_policy_rights, "policy.bicep", "values.vaultPrincipalId]", "'stranger']", "assignment to the stranger"),
    (check_policy_rights, "policy.bicep", "conditionVersion: '2.0'", "conditionVersion: '1.0'", "version 1.0"),
    (
        check_policy_rights,
        "policy.bicep",
        "principalId: assignment.identity.principalId",
        "principalId: values.principalId",
        "assigned to app",
    ),
    (check_policy_rights, "policy.bicep", "principalType: 'ServicePrincipal'", "principalType: 'User'", "a User"),
    (check_policy_rights, "policy.bicep", "last(split(values.appId, '/'))", "'another'", "/sites/another"),
    (check_policy_rights, "modules/handler-access.bicep", "  scope: app\n", "", "de139f84"),
    (
        check_policy_rights,
        "modules/assign-condition.bicep",
        "'Request', '', principals",
        "'Resource', '', principals",
        "assignment to the app",
    ),
    (
        check_policy_rule,
        "policy.bicep",
        "equals: 'Microsoft.Resources/subscriptions'",
        "equals: 'Microsoft.Resources/resourceGroups'",
        "the rule is for",
    ),
    (check_policy_rule, "policy.bicep", "'deployIfNotExists'", "'auditIfNotExists'", "the effect"),
    (
        check_policy_rule,
        "policy.bicep",
        "resourceGroupName: 'rg-${environmentName}-events'",
        "resourceGroupName: 'rg-events'",
        "looked at",
    ),
    (
        check_policy_rule,
        "policy.bicep",
        "type: 'Microsoft.EventGrid/systemTopics/eventSubscriptions'",
        "type: 'Microsoft.EventGrid/topics'",
        "looked for",
    ),
    (
        check_policy_rule,
        "policy.bicep",
        "existenceScope: 'resourceGroup'",
        "existenceScope: 'subscription'",
        "the scopes",
    ),
    (
        check_policy_rule,
        "policy.bicep",
        "deploymentScope: 'subscription'",
        "deploymentScope: 'resourceGroup'",
        "the scopes",
    ),
    (check_policy_rule, "policy.bicep", "[remediates.id, administrator]", "[administrator]", "the roles"),
    (check_policy_rule, "policy.bicep", "mode: 'incremental'", "mode: 'complete'", "the template"),
    (check_policy_rule, "policy.bicep", "location: location }, values", "location: location }, {}", "its parameters"),
    (check_policy_rule, "policy.bicep", "notScopes: exempt", "notScopes: []", "what is exempt"),
    (check_policy_rule, "policy.bicep", "type: 'SystemAssigned'", "type: 'None'", "the identity"),
    (check_policy_rule, "new-subscription.bicep", "  dependsOn: [rights]\n", "", "deployed last"),
    (check_policy_rule, "new-subscription.bicep", "-events')", "-event')", "looked at"),
    (
        check_assignments,
        "new-subscription.bicep",
        "principalId: principalId",
        "principalId: vaultPrincipalId",
        "a new subscription",
    ),
    (check_assignments, "new-subscription.bicep", "isSource: true", "isSource: false", "sourceTagger"),
    (
        check_assignments,
        "new-subscription.bicep",
        "isSource: true",
        "isSource: true\n    isTarget: true\n    targetResourceGroups: 'web'",
        "targetWriter",
    ),
    (
        check_assignments,
        "new-subscription.bicep",
        "sourceLocations: sourceLocations",
        "sourceLocations: 'eastus'",
        "cacheUser",
    ),
    (check_assignments, "new-subscription.bicep", "cleanup: cleanup", "cleanup: true", "cacheCleaner"),
    (check_assignments, "new-subscription.bicep", "    cleanup: cleanup\n", "", "cacheCleaner"),
    (check_assignments, "new-subscription.bicep", "    cacheGroupTemplate: cacheGroupTemplate\n", "", "cacheUser"),
    (
        check_built_in_roles,
        "new-subscription.bicep",
        "vaultPrincipalId: vaultPrincipalId",
        "vaultPrincipalId: principalId",
        "of the vault",
    ),
    (check_built_in_roles, "new-subscription.bicep", "highChurn: highChurn", "highChurn: true", "too much"),
    (check_built_in_roles, "new-subscription.bicep", "    highChurn: highChurn\n", "", "missing"),
    (
        check_settings,
        "main.bicep",
        "DR_MAX_DISABLE_PERCENT_PER_DAY:",
        "DR_MAX_DISABLES_SHARE:",
        "DR_MAX_DISABLES_SHARE",
    ),
    (check_settings, "main.bicep", "      DR_PAUSED: paused\n", "", "DR_PAUSED"),
    (check_settings, "main.bicep", "DR_MODE: mode", "DR_MODE: 'repair'", "mode"),
    (
        check_open_paths,
        "modules/app.bicep",
        "'/api/ui/${file}'",
        "'/api/${file}'",
        "/api/ui/app.js is not an open path",
    ),
    (check_open_paths, "modules/app.bicep", "'/api/ui/']", "'/api/*']", "/api/* is open"),
    (check_open_paths, "page.json", '  "app.js",\n', "", "/api/ui/app.js is not an open path"),
    (check_authentication, "main.bicep", "empty(authClientId) ? '' : 'true'", "'true'", "DR_ENTRA_AUTH"),
    (
        check_authentication,
        "modules/app.bicep",
        "openIdIssuer: '${authority}/v2.0'",
        "openIdIssuer: 'https://sts.windows.net/${tenant().tenantId}'",
        "not with",
    ),
    (check_authentication, "modules/app.bicep", "DR_AUTH_CLIENT_ID: authClientId", "DR_AUTH_CLIENT_ID: ''", "not with"),
    (
        check_authentication,
        "modules/app.bicep",
        "= if (!empty(authClientId))",
        "= if (empty(authClientId))",
        "by groups",
    ),
    (
        check_authentication,
        "modules/app.bicep",
        "enabled: true\n    }\n    globalValidation",
        "enabled: false\n    }\n    globalValidation",
        "with everything",
    ),
    (
        check_identity_settings,
        "modules/app.bicep",
        "AzureWebJobsStorage__tableServiceUri",
        "TableServiceUri",
        "AzureWebJobsStorage__tableServiceUri",
    ),
    (check_app_roles, "app-roles.json", "dr.disable", "dr.delete", "dr.delete"),
    (check_app_roles, "app-scope.json", "user_impersonation", "access", "the page differ: access"),
    (check_metrics, "modules/alerts.bicep", "dr.enables.failed", "dr.enables.fail", "dr.enables.fail"),
    (check_metrics, "modules/alerts.bicep", "max(Max)", "max(Sum)", "dr.rpo.seconds"),
    (check_metrics, "workbook.json", "tostring(d.origin)", "tostring(d.from)", "from"),
    (check_filters, "events.bicep", "operatorType: 'StringIn'", "operatorType: 'StringsIn'", "StringsIn"),
    (check_filters, "events.bicep", "virtualMachines/start/action", "virtualMachines/started/action", "Action"),
    (check_filters, "events.bicep", "key: 'subject'", "key: 'data.subject'", "stopped"),
    (check_filters, "events.bicep", "Resources.Deleted", "Resources.Removed", "Resources.Deleted"),
    (
        check_filters,
        "events.bicep",
        "'/providers/Microsoft.Compute/virtualMachines/'",
        "'/providers/'",
        "let through",
    ),
    # What Microsoft's parser of Kusto sees, and no compiler of Bicep.
    (check_queries, "modules/alerts.bicep", "let newest =", "let last =", "last"),
    (check_queries, "workbook.json", "let newest =", "let last =", "last"),
    (check_queries, "modules/alerts.bicep", "Message startswith", "Text startswith", "Text"),
    (check_queries, "modules/alerts.bicep", "sum(Sum)", "sum(Summ)", "Summ"),
    (check_queries, "workbook.json", "startswith", "startwith", "startwith"),
    (check_queries, "modules/alerts.bicep", "metricMeasureColumn: 'Value'", "metricMeasureColumn: 'Worth'", "Worth"),
    (check_queries, "workbook.json", "VMs = Sum", "Count = Sum", "VMs"),
]


# The file, what stands there, the mistake, and what check_configuration has to name. They are made all at once.
OPEN_VALUES = [
    ("modules/alerts.bicep", "'GreaterThan'", "'GreaterThen'", "operator"),
    ("modules/alerts.bicep", "'Maximum'", "'Max'", "timeAggregation"),
    ("modules/app.bicep", "'FC1'", "'FC2'", 'sku.name is "FC2"'),
    ("modules/app.bicep", "httpsOnly: true", "httpsOnly: false", "httpsOnly"),
    ("modules/app.bicep", "'azureManaged'", "'azure'", "storageProvider__type"),
    ("modules/app.bicep", "requireAuthentication: true", "requireAuthentication: false", "requireAuthentication"),
    ("modules/monitoring.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false", "DisableLocalAuth"),
    ("modules/network.bicep", "'Microsoft.App/environments'", "'Microsoft.Web/serverFarms'", "serviceName"),
    ("modules/inbound.bicep", "groupIds: ['sites']", "groupIds: ['site']", "/pep-sites-"),
    ("modules/app.bicep", "ipAddress: 'AzureEventGrid'", "ipAddress: 'AzureCloud'", "AzureCloud"),
    ("modules/network.bicep", ": existingSubnetIds[0]", ": existingSubnetIds[1]", "virtualNetworkSubnetId"),
    ("modules/outcomes.bicep", "'CloudEventSchemaV1_0'", "'CloudEventSchema'", "inputSchema"),
    ("modules/storage.bicep", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "allowSharedKeyAccess"),
    ("modules/storage.bicep", "AppendWrites: false", "AppendWrites: true", "allowProtectedAppendWrites"),
    ("modules/storage.bicep", "'StorageDelete'", "'StorageRead'", "StorageRead"),
    ("modules/vault.bicep", "'Dedicated'", "'AzureDiagnostics'", "logAnalyticsDestinationType"),
    ("modules/vault.bicep", "level: 'CanNotDelete'", "level: 'ReadOnly'", "level"),
    ("modules/storage.bicep", "isPrivate ? 'Deny' : 'Allow'", "'Allow'", "networkAcls.defaultAction"),
    ("modules/group-assignment.bicep", "'ServicePrincipal'", "'User'", "principalType"),
    ("events.bicep", "'Microsoft.Resources.Subscriptions'", "'Microsoft.Resources.Subscription'", "topicType"),
    ("events.bicep", "'DroppedEventCount'", "'DroppedEvents'", "dr-DroppedEventCount-"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_infra_passes(check: Check, infra: Infra, request: pytest.FixtureRequest) -> None:
    assert _found(check, infra, request) == []


@pytest.mark.parametrize(("check", "file", "there", "mistake", "named"), MUTATIONS)
def test_a_mistake_is_caught(
    check: Check,
    file: str,
    there: str,
    mistake: str,
    named: str,
    compiler: Compiler,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy)
    text = (copy / file).read_text()
    assert there in text
    (copy / file).write_text(text.replace(there, mistake, 1))

    found = _found(check, Infra(copy, compiler), request)

    assert any(named in problem for problem in found), found


def test_mistakes_are_caught_in_values_that_the_compiler_does_not_know(compiler: Compiler, tmp_path: Path) -> None:
    copy = tmp_path / "infra"
    shutil.copytree(INFRA, copy)
    for file, there, mistake, _ in OPEN_VALUES:
        text = (copy / file).read_text()
        assert there in text
        (copy / file).write_text(text.replace(there, mistake, 1))
    infra = Infra(copy, compiler)

    assert check_build(infra) == []
    found = check_configuration(infra)
    for *_, named in OPEN_VALUES:
        assert any(named in problem for problem in found), named


_ASKED = {"environmentName": "dr", "location": "westus2", "sourceLocations": "eastus", "principalId": "an ID"}


@pytest.mark.parametrize(
    ("template", "parameters", "why"),
    [
        ("subscription.bicep", {"isSource": True, "isTarget": True}, "or set sharedSubscription"),
        (
            "subscription.bicep",
            {"isSource": True, "isTarget": True, "sourceResourceGroups": "web, app", "targetResourceGroups": "App"},
            "app holds VMs",
        ),
        ("subscription.bicep", {"cacheAccountScopes": CACHE}, "theirs is no storage account of the subscription"),
        (
            "main.bicep",
            {"targetSubscriptionId": TARGET, "extraSourceScopes": f"/subscriptions/{TARGET}/resourceGroups/web"},
            "or set sharedSubscription",
        ),
    ],
)
def test_a_target_among_vms_is_refused(template: str, parameters: dict[str, Any], why: str, infra: Infra) -> None:
    given = {key: value for key, value in _ASKED.items() if template != "main.bicep" or key != "principalId"}
    case = Case(template, given | parameters)

    assert any(why in problem for problem in infra.with_case(f"{template} {parameters}", case).problems)


def test_each_check_has_a_mistake_that_it_catches() -> None:
    assert {check for check, *_ in MUTATIONS} == set(CHECKS)


def test_the_sets_of_parameters_deploy_all_that_is_declared(infra: Infra) -> None:
    declared = {each for entry in ENTRIES for each in _declared(infra.template(entry))}
    deployed = {each["type"] for name in infra.cases for each in infra.evaluated(name).resources}

    assert declared == deployed


def _found(check: Check, infra: Infra, request: pytest.FixtureRequest) -> list[str]:
    return check(infra, request.getfixturevalue("parser")) if check is check_queries else check(infra)


def _declared(template: dict[str, Any]) -> set[str]:
    """The types of resources in a template and the templates inside it."""
    resources = template["resources"]
    found: set[str] = set()
    for each in resources.values() if isinstance(resources, dict) else resources:
        if each["type"] == "Microsoft.Resources/deployments":
            found |= _declared(each["properties"]["template"])
        elif not each.get("existing"):
            found.add(each["type"])
    return found
