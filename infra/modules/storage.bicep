// The app's own storage: its package, its keys, its records of what it made and, by default, the state of Durable
// Functions. No shared keys.
import { builtIn, storageRoles } from 'role-list.bicep'

param name string
param location string
param tags object
param principalId string
param isPrivate bool
param assignRoles bool
param workspaceId string
param hasArchive bool
param archiveImmutabilityDays int

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  // checkov:skip=CKV_AZURE_35:without private networking the app has no fixed address; whoever comes in needs a role
  // checkov:skip=CKV_AZURE_206:the next sweep restores the state; without its records the app removes nothing
  // checkov:skip=CKV_AZURE_43:the name is a parameter, and the rule reads its default
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  // Zones are not in every region; the next sweep restores the state, and without its records the app removes nothing.
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'deployments'
  properties: {
    publicAccess: 'None'
  }
}

// The app's records of what it made (shared/arm/origin_store.py): without them nothing is created or removed.
resource origins 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'dr-origins'
  properties: {
    publicAccess: 'None'
  }
}

// What the app found and did (shared/reporting/archive.py): each blob is written once.
resource archive 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = if (hasArchive) {
  parent: blobs
  name: 'dr-archive'
  properties: {
    publicAccess: 'None'
  }
}

// Nobody deletes or changes a blob before it is that old. Not locked: whoever may write policies can still take it back.
resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-01-01' = if (hasArchive && archiveImmutabilityDays > 0) {
  parent: archive
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: archiveImmutabilityDays
    allowProtectedAppendWrites: false
  }
}

// Its one page is overwritten by each sweep, which an immutable container does not permit.
resource latest 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = if (hasArchive) {
  parent: blobs
  name: 'dr-archive-latest'
  properties: {
    publicAccess: 'None'
  }
}

// Who wrote or removed what, with the caller's identity: the records prove what the app may remove. Reads are left out: the
// host reads all the time.
resource accesses 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'writes'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      for category in ['StorageWrite', 'StorageDelete']: {
        category: category
        enabled: true
      }
    ]
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in storageRoles: if (assignRoles) {
    name: guid(account.id, builtIn[role], principalId)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', builtIn[role])
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output id string = account.id
output name string = account.name
output archive string = hasArchive ? 'https://${name}.blob.${environment().suffixes.storage}/dr-archive' : ''
output deploymentContainer string = container.name
