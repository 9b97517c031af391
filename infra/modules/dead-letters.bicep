// Where Event Grid leaves what it could not deliver. Apart from the app's own storage, for it needs shared keys.
param name string
param location string
param tags object

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  // checkov:skip=CKV_AZURE_35:Event Grid comes from outside of any network of ours
  // checkov:skip=CKV_AZURE_206:an undelivered hint is worth no second copy, the sweep makes it good
  // checkov:skip=CKV_AZURE_43:the name is a parameter, and the rule reads its default
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    allowBlobPublicAccess: false
    // A global system topic has no identity to come with: without keys nothing is kept.
    allowSharedKeyAccess: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource letters 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = {
  parent: blobs
  name: 'deadletters'
}

output accountId string = account.id
output container string = letters.name
