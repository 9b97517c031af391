// What the app needs in one subscription: the roles, and their assignments as far as it holds VMs or targets.
// main.bicep deploys it for the subscriptions of its parameters; docs/permissions.md says how to add another.
targetScope = 'subscription'

import { orWhole, parts } from 'modules/lists.bicep'
import { rolesIn } from 'modules/role-list.bicep'

@description('The name of the environment, as in main.bicep.')
param environmentName string

@description('Where the deployment and the resource group for events are kept.')
param location string

@description('The principal of the app\'s identity: output DR_APP_PRINCIPAL_ID of main.bicep.')
param principalId string

@description('The principal of the vault\'s identity (DR_VAULT_PRINCIPAL_ID): it writes to the cache accounts of the VMs here.')
param vaultPrincipalId string = ''

@description('Whether the vault has an identity. It is told apart so that a preview, which knows no principal yet, shows its roles.')
param vaultHasIdentity bool = !empty(vaultPrincipalId)

@description('Whether VMs here are protected.')
param isSource bool = false

@description('Resource groups of the VMs, of their interfaces, disks and networks, comma-separated; empty: the whole subscription.')
param sourceResourceGroups string = ''

@description('Regions of the VMs, comma-separated: in each a resource group for the cache storage account is made.')
param sourceLocations string = ''

@description('The template of the names of those groups (cacheGroup of DR_NAMES), with {sourceRegion}.')
param cacheGroupTemplate string = 'asr-cache-{sourceRegion}'

@description('Whether target resources are made here.')
param isTarget bool = false

@description('Resource groups for the target resources, comma-separated: they are made here. Empty: the whole subscription.')
param targetResourceGroups string = ''

@description('Whether targets may be made in the whole of a subscription of VMs too: the app may then write and delete each VM there.')
param sharedSubscription bool = false

@description('Storage accounts here that may be named as cache accounts, comma-separated IDs: the app may list their keys.')
param cacheAccountScopes string = ''

@description('Whether DR_MODE is cleanup: only then may anything outside the vault be removed.')
param cleanup bool = false

@description('Whether DR_DRILLS is true: only then may drills be begun.')
param drills bool = false

@description('Whether Site Recovery may use premium cache accounts.')
param highChurn bool = false

@description('Whether the custom roles are written here, or by somebody else before: roles.bicep.')
param defineRoles bool = true

@description('Whether roles are assigned here, or by somebody else: output roleAssignments lists them.')
param assignRoles bool = true

@description('Tags of the resource groups made here.')
param tags object = {}

// Each action with its reason. One place for the roles, for docs/permissions.md and for the checks.
var roles = loadJsonContent('permissions.json')
var cacheRegions = isSource ? parts(sourceLocations, 'sourceLocations') : []
var cacheGroupNames = map(
  cacheRegions,
  region => replace(replace(cacheGroupTemplate, '{environment}', environmentName), '{sourceRegion}', toLower(region))
)
var sourceGroups = isSource ? orWhole(parts(sourceResourceGroups, 'sourceResourceGroups')) : []
var targetGroups = isTarget ? orWhole(parts(targetResourceGroups, 'targetResourceGroups')) : []
var targetGroupNames = filter(targetGroups, group => !empty(group))
var cacheAccounts = parts(cacheAccountScopes, 'cacheAccountScopes')
// VMs are written and deleted only where none of those is that are protected, unless somebody says so.
var isShared = isSource && contains(targetGroups, '')
var inBoth = intersection(map(sourceGroups, group => toLower(group)), map(targetGroupNames, group => toLower(group)))
var about = {
  sourceGroups: sourceGroups
  targetGroups: targetGroups
  cacheGroups: cacheGroupNames
  cacheAccounts: map(
    cacheAccounts,
    id =>
      startsWith(toLower(id), toLower('${subscription().id}/resourceGroups/')) && contains(
          toLower(id),
          '/providers/microsoft.storage/storageaccounts/'
        )
        ? id
        : fail('cacheAccountScopes: ${id} is no storage account of the subscription ${subscription().subscriptionId}')
  )
  cleanup: cleanup
  drills: drills
  highChurn: highChurn
  vaultHasIdentity: vaultHasIdentity
}
var held = isShared && !sharedSubscription
  ? fail('targetResourceGroups: is empty, and the subscription holds VMs: name groups, or set sharedSubscription')
  : empty(inBoth)
      ? rolesIn(subscription().subscriptionId, environmentName, roles, about)
      : fail('targetResourceGroups: ${inBoth[0]} holds VMs: it is among sourceResourceGroups')

module definitions 'modules/role.bicep' = [
  for role in items(roles): if (defineRoles && assignRoles && contains(map(held, each => each.role), role.value.name)) {
    name: 'role-${role.key}'
    params: {
      environmentName: environmentName
      role: role.value
    }
  }
]

resource cacheGroups 'Microsoft.Resources/resourceGroups@2025-04-01' = [
  for (region, i) in cacheRegions: {
    name: cacheGroupNames[i]
    location: toLower(region)
    tags: tags
  }
]

resource madeTargets 'Microsoft.Resources/resourceGroups@2025-04-01' = [
  for name in targetGroupNames: {
    name: name
    location: location
    tags: tags
  }
]

module onSubscription 'modules/assignment.bicep' = [
  for (each, i) in filter(held, each => empty(each.group)): if (assignRoles) {
    name: 'assign-${i}'
    params: {
      roleId: each.roleDefinitionId
      principalId: principalId
    }
    dependsOn: [definitions]
  }
]

module onGroups 'modules/group-assignment.bicep' = [
  for (each, i) in filter(held, each => !empty(each.group) && !contains(cacheAccounts, each.scope)): if (assignRoles) {
    name: 'assign-in-group-${i}'
    scope: resourceGroup(each.group)
    params: {
      roleId: each.roleDefinitionId
      principalId: each.holder == 'vault' ? vaultPrincipalId : principalId
    }
    dependsOn: [definitions, cacheGroups, madeTargets]
  }
]

module onAccounts 'modules/account-assignment.bicep' = [
  for (each, i) in filter(held, each => contains(cacheAccounts, each.scope)): if (assignRoles) {
    name: 'assign-on-account-${i}'
    scope: resourceGroup(each.group)
    params: {
      name: last(split(each.scope, '/'))
      roleId: each.roleDefinitionId
      principalId: principalId
    }
    dependsOn: [definitions]
  }
]

// The system topic of a subscription has to lie in it.
resource eventsGroup 'Microsoft.Resources/resourceGroups@2025-04-01' = if (isSource) {
  name: 'rg-${environmentName}-events'
  location: location
  tags: tags
}

output eventsGroup string = isSource ? eventsGroup.name : ''
output roleAssignments array = assignRoles ? [] : held
