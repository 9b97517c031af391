// The whole of the app in its own subscription, and its rights in those of the VMs and the targets.
// What Event Grid sends to the function is in events.bicep: it can be deployed only when the function is there.
targetScope = 'subscription'

import { orWhole, parts, scopeId } from 'modules/lists.bicep'
import { builtIn, definitionId, held, heldBuiltIn, roleId, storageRoles } from 'modules/role-list.bicep'

@description('The name of the environment; part of every name that is made.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('The target region: where the vault is, and the app too, so that it outlives the region it protects.')
@metadata({ azd: { type: 'location' } })
param location string

@description('The subscription of the VMs; empty: the one that is deployed to. More are added by subscription.bicep.')
param sourceSubscriptionId string = ''

@description('Resource groups of the VMs, of their interfaces, disks and networks, comma-separated; empty: the whole subscription.')
param sourceResourceGroups string = ''

@description('Regions of the VMs, comma-separated: in each a resource group for the cache storage account is made.')
param sourceLocations string

@description('A subscription for the target resources that holds no VMs to be protected; empty: that of the VMs.')
param targetSubscriptionId string = ''

@description('Resource groups for the target resources, comma-separated: they are made. Empty: the whole of targetSubscriptionId, and none in the subscription of the VMs.')
param targetResourceGroups string = ''

@description('Whether targets may be made in the whole of a subscription of VMs: the app may then write and delete each VM there.')
@allowed(['', 'true', 'false'])
param sharedSubscription string = ''

@description('Storage accounts in the subscription of the VMs that may be named as cache accounts, IDs, comma-separated: the app may list their keys.')
param cacheAccountScopes string = ''

@description('More scopes of VMs, of subscriptions that subscription.bicep was deployed to: IDs, comma-separated.')
param extraSourceScopes string = ''

@description('More scopes of targets, likewise: IDs, comma-separated.')
param extraTargetScopes string = ''

@description('The resource ID of a vault in the target region, with a system-assigned identity; empty: one is made.')
param existingVaultId string = ''

@description('Whether Site Recovery may use premium cache accounts (dr-churn=high), to which its identity needs more rights.')
@allowed(['', 'true', 'false'])
param highChurn string = ''

@description('Whether a new vault has a lock against deletion. The deployment needs the right to write locks then, and azd down stops at it.')
@allowed(['', 'true', 'false'])
param vaultLock string = ''

@description('How many days logs and metrics are kept: 30 to 730.')
param logRetentionDays string = '90'

@description('Whether what the app found and did is archived (DR_ARCHIVE), in two containers that are made.')
@allowed(['', 'true', 'false'])
param archive string = ''

@description('How many days nothing in the archive can be changed or deleted, by anyone: 0 to 146000; 0: it can. Until somebody locks the policy, it can be taken back: docs/archive.md.')
param archiveImmutabilityDays string = '0'

@description('Immutability of a new vault; it is about backups. Locked can never be taken back.')
@allowed(['Disabled', 'Unlocked', 'Locked'])
param vaultImmutability string = 'Disabled'

@description('DR_MODE; the first deployment should look before it acts.')
@allowed(['report', 'protect', 'cleanup'])
param mode string = 'report'

@description('DR_PAUSED: true stops all writes.')
@allowed(['', 'true', 'false'])
param paused string = ''

@description('DR_DRILLS: true lets callers begin drills, and gives the app the roles for them.')
@allowed(['', 'true', 'false'])
param drills string = ''

@description('DR_TARGET_CREATION.')
@allowed(['', 'all', 'cache', 'none'])
param targetCreation string = ''

@description('DR_PROFILES; empty: the app\'s default. What a profile may hold, also what it may ignore: docs/configure.md.')
param profiles object = {}

@description('DR_NAMES; its environment is by default environmentName. The groups of the cache accounts are named by it.')
param names object = {}

@description('DR_REGION_MAP.')
param regionMap object = {}

@description('DR_PRICES; empty: the app\'s default.')
param prices object = {}

@description('DR_RESOURCE_TAGS, as name=value, comma-separated.')
param resourceTags string = ''

@description('DR_AGENT_AUTOMATION_ACCOUNT. Its system-assigned identity gets the next role on the vault.')
param agentAutomationAccount string = ''

@description('GUID of the role that the automation account gets on the vault: by default Contributor, as Microsoft\'s page on automatic updates says.')
param agentAutomationRole string = 'b24988ac-6180-42a0-ab88-20f7382dd24c'

@description('DR_MIN_AGE_MINUTES.')
param minAgeMinutes string = ''

@description('DR_MAX_ENABLES_PER_DAY.')
param maxEnablesPerDay string = ''

@description('DR_MAX_DISABLE_PERCENT_PER_DAY.')
param maxDisablePercentPerDay string = ''

@description('DR_UNTAG_GRACE_HOURS.')
param untagGraceHours string = ''

@description('DR_OPT_OUT_GRACE_HOURS.')
param optOutGraceHours string = ''

@description('DR_MAX_MISSING.')
param maxMissing string = ''

@description('DR_MAX_MISSING_PERCENT.')
param maxMissingPercent string = ''

@description('DR_ACKNOWLEDGED_ROWS, comma-separated.')
param acknowledgedRows string = ''

@description('DR_RECONCILE_SCHEDULE. The alert on missing sweeps goes by hours: see sweepWindow.')
param reconcileSchedule string = ''

@description('DR_POLL_SECONDS.')
param pollSeconds string = ''

@description('DR_ACCEPT_TIMEOUT_SECONDS.')
param acceptTimeoutSeconds string = ''

@description('DR_TAG_NAME.')
param tagName string = ''

@description('DR_TAG_VALUES, comma-separated.')
param tagValues string = ''

@description('Whether to make an Event Grid topic to which the status of each VM is published (DR_OUTCOME_TOPIC_ENDPOINT).')
@allowed(['', 'true', 'false'])
param outcomeTopic string = ''

@description('The client ID of the Entra application of the HTTP triggers; empty: they need a function key.')
param authClientId string = ''

@description('Where Durable Functions keeps its state: the app\'s storage account, or a Durable Task Scheduler (not tested).')
@allowed(['storage', 'scheduler'])
param durableBackend string = 'storage'

@description('The task hub: another one is a fresh start, see the runbook.')
param taskHub string = 'drprotect'

@description('Whether the storage account is reached by private endpoints, in a network that is made.')
@allowed(['', 'true', 'false'])
param privateNetworking string = ''

@description('Subnets that are there, in place of that network, whose DNS zones are somebody else\'s too: IDs of that of the app, delegated to Microsoft.App/environments, and of that of private endpoints, comma-separated.')
param existingSubnetIds string = ''

@description('Whether callers reach the function app by a private endpoint only, with privateNetworking. Event Grid still comes from outside.')
@allowed(['', 'true', 'false'])
param privateInbound string = ''

@description('Instances that are kept ready for Durable Functions: 0 costs nothing while nothing happens.')
@maxLength(2)
param alwaysReadyInstances string = '0'

@description('The version of Python that the app runs on.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.13'

@description('The e-mail addresses that alerts are sent to, comma-separated.')
param alertEmails string = ''

@description('The longest recovery point objective, in minutes, before an alert.')
param rpoAlertMinutes string = '60'

@description('How long no sweep may end before an alert: two intervals of the schedule and the time a sweep takes.')
@allowed(['PT1H', 'PT2H', 'PT3H', 'PT4H', 'PT6H', 'P1D', 'P2D'])
param sweepWindow string = 'PT3H'

@description('Whether the custom roles are written by this deployment; false: somebody else wrote them before, by roles.bicep.')
@allowed(['', 'true', 'false'])
param defineRoles string = ''

@description('Whether roles are assigned by this deployment; false: by somebody else, from what output DR_ROLE_ASSIGNMENTS lists.')
@allowed(['', 'true', 'false'])
param assignRoles string = ''

@description('Tags of everything that is made here.')
param tags object = {}

var roles = loadJsonContent('permissions.json')
var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName })
var sourceId = empty(sourceSubscriptionId) ? subscription().subscriptionId : sourceSubscriptionId
var targetId = empty(targetSubscriptionId) ? sourceId : targetSubscriptionId
var groupName = 'rg-${environmentName}'
var newVaultId = '${subscription().id}/resourceGroups/${groupName}/providers/Microsoft.RecoveryServices/vaults/rsv-${token}'
var vaultId = empty(existingVaultId) ? newVaultId : existingVaultId
var vaultSubscriptionId = split(vaultId, '/')[2]
var vaultGroup = split(vaultId, '/')[4]
var vaultName = split(vaultId, '/')[8]
var hasAgents = !empty(agentAutomationAccount)
var accountParts = split(hasAgents ? agentAutomationAccount : '////////', '/')
var vaultRoleId = roleId(vaultSubscriptionId, environmentName, roles.vaultOperator.name)
var hasDrills = drills == 'true'
var drillRoleId = roleId(vaultSubscriptionId, environmentName, roles.driller.name)

var isPrivate = privateNetworking == 'true'

var writesDefinitions = defineRoles != 'false' && assignRoles != 'false'
var writesAssignments = assignRoles != 'false'

// The scopes of the settings are those of the rights: what the app may touch is said twice, and Azure has the last word.
var sourceGroups = parts(sourceResourceGroups, 'sourceResourceGroups')
var targetGroups = parts(targetResourceGroups, 'targetResourceGroups')
var cacheGroupTemplate = replace(
  names.?cacheGroup ?? 'asr-cache-{sourceRegion}',
  '{environment}',
  names.?environment ?? environmentName
)
var cacheGroups = map(
  parts(sourceLocations, 'sourceLocations'),
  region => replace(cacheGroupTemplate, '{sourceRegion}', toLower(region))
)
var isShared = sharedSubscription == 'true'
var hasTargets = !empty(targetGroups) || targetId != sourceId || isShared
var extraSources = parts(extraSourceScopes, 'extraSourceScopes')
var sourceScopes = map(orWhole(sourceGroups), group => scopeId(sourceId, group))
var targetScopes = map(hasTargets ? orWhole(targetGroups) : [], group => scopeId(targetId, group))
var cacheScopes = map(cacheGroups, group => scopeId(sourceId, group))
var vmsAmongTargets = filter(
  extraSources,
  scope => empty(targetGroups) && !isShared && startsWith('${toLower(scope)}/', '/subscriptions/${toLower(targetId)}/')
)

// What is assigned on the resources that are made here, and on the vault; the rest is subscription.bicep's.
var here = subscription().subscriptionId
var ownResources = '${subscription().id}/resourceGroups/${groupName}/providers'
var taskHubId = '${ownResources}/Microsoft.DurableTask/schedulers/dts-${token}/taskHubs/${taskHub}'
var heldHere = concat(
  map(
    storageRoles,
    role => heldBuiltIn('app', role, here, '${ownResources}/Microsoft.Storage/storageAccounts/st${token}', groupName)
  ),
  [
    heldBuiltIn(
      'app',
      'Monitoring Metrics Publisher',
      here,
      '${ownResources}/Microsoft.Insights/components/appi-${token}',
      groupName
    )
    held('app', roles.vaultOperator.name, vaultRoleId, vaultId, vaultGroup)
  ],
  hasDrills ? [held('app', roles.driller.name, drillRoleId, vaultId, vaultGroup)] : [],
  hasAgents
    ? [
        held(
          'automation',
          agentAutomationRole == builtIn.Contributor ? 'Contributor' : agentAutomationRole,
          definitionId(vaultSubscriptionId, agentAutomationRole),
          vaultId,
          vaultGroup
        )
      ]
    : [],
  outcomeTopic == 'true'
    ? [
        heldBuiltIn(
          'app',
          'EventGrid Data Sender',
          here,
          '${ownResources}/Microsoft.EventGrid/topics/evgt-${token}',
          groupName
        )
      ]
    : [],
  durableBackend == 'scheduler' ? [heldBuiltIn('app', 'Durable Task Data Contributor', here, taskHubId, groupName)] : []
)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: groupName
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    retentionDays: int(logRetentionDays)
    tags: allTags
    principalId: identity.outputs.principalId
    assignRoles: writesAssignments
  }
}

module network 'modules/network.bicep' = if (isPrivate) {
  name: 'network'
  scope: group
  params: {
    token: token
    location: location
    tags: allTags
    storageAccountId: storage.outputs.id
    existingSubnetIds: parts(existingSubnetIds, 'existingSubnetIds')
  }
}

module inbound 'modules/inbound.bicep' = if (isPrivate && privateInbound == 'true') {
  name: 'inbound'
  scope: group
  params: {
    token: token
    location: location
    tags: allTags
    appId: app.outputs.id
    subnetId: network.?outputs.endpointsSubnetId ?? ''
    networkId: network.?outputs.networkId ?? ''
    hasZone: empty(existingSubnetIds)
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    assignRoles: writesAssignments
    isPrivate: isPrivate
    workspaceId: monitoring.outputs.workspaceId
    hasArchive: archive != 'false'
    archiveImmutabilityDays: int(archiveImmutabilityDays)
  }
}

module newVault 'modules/vault.bicep' = if (empty(existingVaultId)) {
  name: 'vault'
  scope: group
  params: {
    name: vaultName
    location: location
    tags: allTags
    immutability: vaultImmutability
    isLocked: vaultLock == 'true'
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vaultRole 'modules/role.bicep' = if (writesDefinitions) {
  name: 'role-vault-operator-${token}'
  scope: subscription(vaultSubscriptionId)
  params: {
    environmentName: environmentName
    role: roles.vaultOperator
  }
}

module drillRole 'modules/role.bicep' = if (writesDefinitions && hasDrills) {
  name: 'role-driller-${token}'
  scope: subscription(vaultSubscriptionId)
  params: {
    environmentName: environmentName
    role: roles.driller
  }
}

module vault 'modules/vault-access.bicep' = {
  name: 'vault-access-${token}'
  scope: resourceGroup(vaultSubscriptionId, vaultGroup)
  params: {
    name: vaultName
    roleId: vaultRoleId
    principalId: identity.outputs.principalId
    assignRoles: writesAssignments
    actionGroupId: alerts.outputs.actionGroupId
    tags: allTags
    hasDrills: hasDrills
    drillRoleId: drillRoleId
    hasAgents: hasAgents
    agentPrincipalId: automation.?outputs.principalId ?? ''
    agentRoleId: agentAutomationRole
  }
  dependsOn: [newVault, vaultRole, drillRole]
}

module automation 'modules/automation.bicep' = if (hasAgents) {
  name: 'automation-${token}'
  scope: resourceGroup(accountParts[2], accountParts[4])
  params: {
    name: accountParts[8]
  }
}

module outcomes 'modules/outcomes.bicep' = if (outcomeTopic == 'true') {
  name: 'outcomes'
  scope: group
  params: {
    name: 'evgt-${token}'
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    assignRoles: writesAssignments
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableBackend == 'scheduler') {
  name: 'scheduler'
  scope: group
  params: {
    name: 'dts-${token}'
    location: location
    tags: allTags
    taskHub: taskHub
    principalId: identity.outputs.principalId
    assignRoles: writesAssignments
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    token: token
    location: location
    tags: allTags
    identityId: identity.outputs.id
    clientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    workspaceId: monitoring.outputs.workspaceId
    insightsConnectionString: monitoring.outputs.connectionString
    durableBackend: durableBackend
    schedulerEndpoint: scheduler.?outputs.endpoint ?? ''
    taskHub: taskHub
    subnetId: network.?outputs.functionsSubnetId ?? ''
    isPrivate: isPrivate && privateInbound == 'true'
    authClientId: authClientId
    alwaysReadyInstances: int(alwaysReadyInstances)
    pythonVersion: pythonVersion
    settings: {
      DR_VAULT_IDS: vaultId
      DR_SOURCE_SCOPE: empty(vmsAmongTargets)
        ? join(concat(sourceScopes, extraSources), ',')
        : fail('extraSourceScopes: ${vmsAmongTargets[0]} is in the subscription of the targets: name targetResourceGroups, or set sharedSubscription')
      DR_TARGET_SCOPE: join(
        concat(
          targetScopes,
          cacheScopes,
          parts(cacheAccountScopes, 'cacheAccountScopes'),
          parts(extraTargetScopes, 'extraTargetScopes')
        ),
        ','
      )
      // The name of the function app: modules/app.bicep.
      DR_DEPLOYMENT: 'func-${token}'
      DR_ORIGIN_STORE: 'https://${storage.outputs.name}.blob.${environment().suffixes.storage}'
      DR_ARCHIVE: storage.outputs.archive
      DR_MODE: mode
      DR_PAUSED: paused
      DR_DRILLS: drills
      DR_TARGET_CREATION: targetCreation
      DR_REGION_MAP: empty(regionMap) ? '' : string(regionMap)
      DR_NAMES: empty(names) ? '' : string(union({ environment: environmentName }, names))
      DR_PROFILES: empty(profiles) ? '' : string(profiles)
      DR_RESOURCE_TAGS: resourceTags
      DR_AGENT_AUTOMATION_ACCOUNT: agentAutomationAccount
      DR_MIN_AGE_MINUTES: minAgeMinutes
      DR_MAX_ENABLES_PER_DAY: maxEnablesPerDay
      DR_MAX_DISABLE_PERCENT_PER_DAY: maxDisablePercentPerDay
      DR_UNTAG_GRACE_HOURS: untagGraceHours
      DR_OPT_OUT_GRACE_HOURS: optOutGraceHours
      DR_MAX_MISSING: maxMissing
      DR_MAX_MISSING_PERCENT: maxMissingPercent
      DR_ACKNOWLEDGED_ROWS: acknowledgedRows
      DR_RECONCILE_SCHEDULE: reconcileSchedule
      DR_OUTCOME_TOPIC_ENDPOINT: outcomes.?outputs.endpoint ?? ''
      DR_PRICES: empty(prices) ? '' : string(prices)
      DR_POLL_SECONDS: pollSeconds
      DR_ACCEPT_TIMEOUT_SECONDS: acceptTimeoutSeconds
      DR_TAG_NAME: tagName
      DR_TAG_VALUES: tagValues
      // The app starts only if this and the platform agree: app.bicep switches the authentication on.
      DR_ENTRA_AUTH: empty(authClientId) ? '' : 'true'
      DR_ARM_ENDPOINT: 'https://${split(environment().resourceManager, '/')[2]}'
    }
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    emails: alertEmails
    rpoMinutes: int(rpoAlertMinutes)
    sweepWindow: sweepWindow
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module source 'subscription.bicep' = {
  name: 'source-${token}'
  scope: subscription(sourceId)
  params: {
    environmentName: environmentName
    defineRoles: writesDefinitions
    assignRoles: writesAssignments
    location: location
    principalId: identity.outputs.principalId
    vaultPrincipalId: vault.outputs.principalId
    // A vault without one is refused already: vault-access.bicep reads it.
    vaultHasIdentity: true
    isSource: true
    sourceResourceGroups: sourceResourceGroups
    sourceLocations: sourceLocations
    cacheGroupTemplate: cacheGroupTemplate
    isTarget: hasTargets && targetId == sourceId
    targetResourceGroups: targetResourceGroups
    sharedSubscription: isShared
    cacheAccountScopes: cacheAccountScopes
    cleanup: mode == 'cleanup'
    drills: hasDrills
    highChurn: highChurn == 'true'
    tags: allTags
  }
}

module target 'subscription.bicep' = if (targetId != sourceId) {
  name: 'target-${token}'
  scope: subscription(targetId)
  params: {
    environmentName: environmentName
    defineRoles: writesDefinitions
    assignRoles: writesAssignments
    location: location
    principalId: identity.outputs.principalId
    isTarget: true
    targetResourceGroups: targetResourceGroups
    cleanup: mode == 'cleanup'
    drills: hasDrills
    tags: allTags
  }
}

// The vault's own rights; that it is in a subscription of its own changes only who else reads there.
module vaultReader 'subscription.bicep' = if (vaultSubscriptionId != sourceId && vaultSubscriptionId != targetId) {
  name: 'vault-${token}'
  scope: subscription(vaultSubscriptionId)
  params: {
    environmentName: environmentName
    defineRoles: writesDefinitions
    assignRoles: writesAssignments
    location: location
    principalId: identity.outputs.principalId
  }
}

// azd keeps these in the environment, for the hooks and for subscription.bicep.
output AZURE_RESOURCE_GROUP string = groupName
output DR_APP_ID string = app.outputs.id
output DR_APP_URL string = app.outputs.url
output DR_APP_PRINCIPAL_ID string = identity.outputs.principalId
output DR_VAULT_ID string = vaultId
output DR_HAS_DRILLS bool = hasDrills
output DR_VAULT_PRINCIPAL_ID string = vault.outputs.principalId
output DR_AUTOMATION_PRINCIPAL_ID string = automation.?outputs.principalId ?? ''
output DR_SOURCE_SUBSCRIPTION string = sourceId
output DR_EVENTS_GROUP string = source.outputs.eventsGroup
// For a platform team: hooks/after_provision.py writes it to a file.
output DR_ROLE_ASSIGNMENTS array = writesAssignments
  ? []
  : concat(
      heldHere,
      source.outputs.roleAssignments,
      target.?outputs.roleAssignments ?? [],
      vaultReader.?outputs.roleAssignments ?? []
    )
output DR_ACTION_GROUP_ID string = alerts.outputs.actionGroupId
