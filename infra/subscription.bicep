// What the app needs in one subscription: the roles, and their assignments as far as it holds VMs or targets.
// main.bicep deploys it for the subscriptions of its parameters; docs/permissions.md says how to add another.
targetScope = 'subscription'

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

@description('Resource groups for the target resources, comma-separated; empty: the whole subscription.')
param targetResourceGroups string = ''

@description('Whether DR_MODE is cleanup: only then may anything outside the vault be removed.')
param cleanup bool = false

@description('Whether Site Recovery may use premium cache accounts.')
param highChurn bool = false

@description('Tags of the resource groups made here.')
param tags object = {}

// Each action with its reason. One place for the roles, for docs/permissions.md and for the checks.
var roles = loadJsonContent('permissions.json')
var sourceGroups = isSource && !empty(sourceResourceGroups) ? split(sourceResourceGroups, ',') : []
var targetGroups = isTarget && !empty(targetResourceGroups) ? split(targetResourceGroups, ',') : []
var cacheRegions = isSource && !empty(sourceLocations) ? split(sourceLocations, ',') : []

module estateReader 'modules/role.bicep' = {
  name: 'role-estate-reader'
  params: {
    environmentName: environmentName
    role: roles.estateReader
  }
}

module sourceTagger 'modules/role.bicep' = if (isSource) {
  name: 'role-source-tagger'
  params: {
    environmentName: environmentName
    role: roles.sourceTagger
  }
}

// The cache groups are targets too, wherever the targets of their VMs are.
module targetWriter 'modules/role.bicep' = if (isSource || isTarget) {
  name: 'role-target-writer'
  params: {
    environmentName: environmentName
    role: roles.targetWriter
  }
}

module targetCleaner 'modules/role.bicep' = if (cleanup && (isSource || isTarget)) {
  name: 'role-target-cleaner'
  params: {
    environmentName: environmentName
    role: roles.targetCleaner
  }
}

module reading 'modules/assignment.bicep' = {
  name: 'assign-estate-reader'
  params: {
    roleId: estateReader.outputs.id
    principalId: principalId
  }
}

module tagging 'modules/assignment.bicep' = if (isSource && empty(sourceResourceGroups)) {
  name: 'assign-source-tagger'
  params: {
    roleId: sourceTagger.?outputs.id ?? ''
    principalId: principalId
  }
}

module taggingInGroups 'modules/group-assignment.bicep' = [
  for (name, i) in sourceGroups: {
    name: 'assign-source-tagger-${i}'
    scope: resourceGroup(trim(name))
    params: {
      roleId: sourceTagger.?outputs.id ?? ''
      principalId: principalId
    }
  }
]

module writing 'modules/assignment.bicep' = if (isTarget && empty(targetResourceGroups)) {
  name: 'assign-target-writer'
  params: {
    roleId: targetWriter.?outputs.id ?? ''
    principalId: principalId
  }
}

module writingInGroups 'modules/group-assignment.bicep' = [
  for (name, i) in targetGroups: {
    name: 'assign-target-writer-${i}'
    scope: resourceGroup(trim(name))
    params: {
      roleId: targetWriter.?outputs.id ?? ''
      principalId: principalId
    }
  }
]

module cleaning 'modules/assignment.bicep' = if (cleanup && isTarget && empty(targetResourceGroups)) {
  name: 'assign-target-cleaner'
  params: {
    roleId: targetCleaner.?outputs.id ?? ''
    principalId: principalId
  }
}

module cleaningInGroups 'modules/group-assignment.bicep' = [
  for (name, i) in targetGroups: if (cleanup) {
    name: 'assign-target-cleaner-${i}'
    scope: resourceGroup(trim(name))
    params: {
      roleId: targetCleaner.?outputs.id ?? ''
      principalId: principalId
    }
  }
]

// Cache accounts come at run time, and the vault's identity is to reach them at once: so it gets its roles on groups.
resource cacheGroups 'Microsoft.Resources/resourceGroups@2025-04-01' = [
  for region in cacheRegions: {
    name: replace(
      replace(cacheGroupTemplate, '{environment}', environmentName),
      '{sourceRegion}',
      toLower(trim(region))
    )
    location: toLower(trim(region))
    tags: tags
  }
]

module caching 'modules/cache-group.bicep' = [
  for (region, i) in cacheRegions: {
    name: 'cache-${toLower(trim(region))}'
    scope: cacheGroups[i]
    params: {
      principalId: principalId
      writerRoleId: targetWriter.?outputs.id ?? ''
      cleanerRoleId: targetCleaner.?outputs.id ?? ''
      vaultPrincipalId: vaultPrincipalId
      vaultHasIdentity: vaultHasIdentity
      highChurn: highChurn
    }
  }
]

// The system topic of a subscription has to lie in it.
resource eventsGroup 'Microsoft.Resources/resourceGroups@2025-04-01' = if (isSource) {
  name: 'rg-${environmentName}-events'
  location: location
  tags: tags
}

output eventsGroup string = isSource ? eventsGroup.name : ''
