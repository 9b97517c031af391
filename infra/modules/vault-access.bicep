// What the app needs of the vault, whether it was made here or not: its rights, and where its built-in alerts go.
param name string
param roleId string
param principalId string
param assignRoles bool
param actionGroupId string
param tags object

@description('Whether an automation account updates the mobility agents. It is told apart so that a preview shows its role.')
param hasAgents bool = false

@description('Whether drills may be begun, and the role for them.')
param hasDrills bool = false
param drillRoleId string = ''

@description('The identity of the automation account that updates the mobility agents, and its role on the vault.')
param agentPrincipalId string = ''
param agentRoleId string = ''

resource vault 'Microsoft.RecoveryServices/vaults@2025-02-01' existing = {
  name: name
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (assignRoles) {
  name: guid(vault.id, roleId, principalId)
  scope: vault
  properties: {
    roleDefinitionId: roleId
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource drills 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (assignRoles && hasDrills) {
  name: guid(vault.id, drillRoleId, principalId)
  scope: vault
  properties: {
    roleDefinitionId: drillRoleId
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource agents 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (assignRoles && hasAgents) {
  name: guid(vault.id, agentRoleId, agentPrincipalId)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', agentRoleId)
    principalId: agentPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource routing 'Microsoft.AlertsManagement/actionRules@2021-08-08' = {
  name: 'apr-${name}'
  location: 'Global'
  tags: tags
  properties: {
    description: 'Alerts that the vault raises by itself: failed jobs, replication and failover issues.'
    enabled: true
    scopes: [vault.id]
    actions: [
      {
        actionType: 'AddActionGroups'
        actionGroupIds: [actionGroupId]
      }
    ]
  }
}

output principalId string = vault.identity.principalId
