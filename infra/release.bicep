// The identity that a release from GitHub deploys as, and its rights in one subscription: deployed once, by an owner, after
// the first deployment. It may write no role definitions, and assign only the app's roles to the app's identity, and the
// vault's to the vault's on the cache groups.
targetScope = 'subscription'

import { parts } from 'modules/lists.bicep'
import { builtIn, roleName, storageRoles } from 'modules/role-list.bicep'
import { mayAssign } from 'modules/assign-condition.bicep'

@description('The name of the environment, as in main.bicep.')
param environmentName string

@description('Where the identity is.')
param location string

@description('The repository, as owner/name.')
param repository string

@description('The environment of the repository that the deploying job runs in. Protect it: reviewers, and the tags that may deploy.')
param githubEnvironment string = 'production'

@description('The principal of the app\'s identity: output DR_APP_PRINCIPAL_ID of main.bicep.')
param appPrincipalId string

@description('The principal of the vault\'s identity (DR_VAULT_PRINCIPAL_ID).')
param vaultPrincipalId string

@description('The principal of the release identity, in a further subscription; empty: the identity is made here.')
param releasePrincipalId string = ''

@description('Resource groups here that it deploys into: that of the app, that for events, that of a vault. Comma-separated.')
param groups string = releasePrincipalId == ''
  ? 'rg-${environmentName},rg-${environmentName}-events'
  : 'rg-${environmentName}-events'

@description('Regions of the VMs here, comma-separated, as in main.bicep; empty: there are no VMs here.')
param sourceLocations string = ''

@description('The template of the names of the cache groups (cacheGroup of DR_NAMES), with {sourceRegion}.')
param cacheGroupTemplate string = 'asr-cache-{sourceRegion}'

var contributor = builtIn.Contributor
var roles = loadJsonContent('permissions.json')
var here = subscription().subscriptionId
var customRoles = map(items(roles), role => roleName(here, environmentName, role.value.name))
var appRoles = map(
  concat(storageRoles, ['Monitoring Metrics Publisher', 'EventGrid Data Sender', 'Durable Task Data Contributor']),
  name => builtIn[name]
)
var vaultRoles = map(['Contributor', 'Storage Blob Data Contributor', 'Storage Blob Data Owner'], name => builtIn[name])
var isFirst = empty(releasePrincipalId)
var cacheGroups = map(
  parts(sourceLocations, 'sourceLocations'),
  region => replace(replace(cacheGroupTemplate, '{environment}', environmentName), '{sourceRegion}', toLower(region))
)
var principalId = identity.?outputs.principalId ?? releasePrincipalId

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = if (isFirst) {
  name: 'rg-${environmentName}-release'
  location: location
}

module identity 'modules/release-identity.bicep' = if (isFirst) {
  name: 'release-identity'
  scope: group
  params: {
    name: 'id-${environmentName}-release'
    location: location
    subject: 'repo:${repository}:environment:${githubEnvironment}'
  }
}

// What a deployment to a subscription does itself; all else is in groups.
resource deploys 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: roleName(here, environmentName, 'DR release')
  properties: {
    roleName: 'DR release (${environmentName}, ${here})'
    description: 'Deploys to the subscription, and writes resource groups.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Resources/deployments/*'
          'Microsoft.Resources/subscriptions/resourceGroups/read'
          'Microsoft.Resources/subscriptions/resourceGroups/write'
        ]
        notActions: []
      }
    ]
    assignableScopes: [subscription().id]
  }
}

module deploying 'modules/assignment.bicep' = {
  name: 'release-deploys'
  params: {
    roleId: deploys.id
    principalId: principalId
  }
}

module assigning 'modules/assignment.bicep' = {
  name: 'release-assigns'
  params: {
    roleId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      builtIn['Role Based Access Control Administrator']
    )
    principalId: principalId
    condition: mayAssign(customRoles, appPrincipalId)
  }
}

module contributing 'modules/group-assignment.bicep' = [
  for (name, i) in parts(groups, 'groups'): {
    name: 'release-contributes-${i}'
    scope: resourceGroup(name)
    params: {
      roleId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributor)
      principalId: principalId
    }
  }
]

module assigningToApp 'modules/group-assignment.bicep' = if (isFirst) {
  name: 'release-assigns-to-app'
  scope: resourceGroup('rg-${environmentName}')
  params: {
    roleId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      builtIn['Role Based Access Control Administrator']
    )
    principalId: principalId
    condition: mayAssign(appRoles, appPrincipalId)
  }
}

module assigningToVault 'modules/group-assignment.bicep' = [
  for (name, i) in cacheGroups: {
    name: 'release-assigns-to-vault-${i}'
    scope: resourceGroup(name)
    params: {
      roleId: subscriptionResourceId(
        'Microsoft.Authorization/roleDefinitions',
        builtIn['Role Based Access Control Administrator']
      )
      principalId: principalId
      condition: mayAssign(vaultRoles, vaultPrincipalId)
    }
  }
]

output RELEASE_CLIENT_ID string = identity.?outputs.clientId ?? ''
output RELEASE_PRINCIPAL_ID string = principalId
