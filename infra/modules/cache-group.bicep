// Who may do what in the resource group of a source region's cache accounts: the app makes them, the vault fills them.
param principalId string
param writerRoleId string

@description('Empty: nothing is removed.')
param cleanerRoleId string

param vaultPrincipalId string

@description('If the vault has no identity, Site Recovery uses the accounts\' keys.')
param vaultHasIdentity bool

param highChurn bool

var contributor = 'b24988ac-6180-42a0-ab88-20f7382dd24c'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'

// What Site Recovery asks for: on standard accounts the first two, on premium ones the data's owner too.
var vaultRoles = vaultHasIdentity ? concat([contributor, blobDataContributor], highChurn ? [blobDataOwner] : []) : []

module writing 'group-assignment.bicep' = {
  name: 'assign-target-writer'
  params: {
    roleId: writerRoleId
    principalId: principalId
  }
}

module cleaning 'group-assignment.bicep' = if (!empty(cleanerRoleId)) {
  name: 'assign-target-cleaner'
  params: {
    roleId: cleanerRoleId
    principalId: principalId
  }
}

module filling 'group-assignment.bicep' = [
  for (role, i) in vaultRoles: {
    name: 'assign-vault-${i}'
    params: {
      roleId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
      principalId: vaultPrincipalId
    }
  }
]
