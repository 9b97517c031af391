// The right to make the function app the destination of an event subscription, for who makes those elsewhere.
param appName string
param principalId string

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

// Website Contributor: no smaller role of Azure's writes to a function. That Event Grid asks for just this is not proven.
var role = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'de139f84-1756-47ae-9be6-808fbbe84772')

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(app.id, role, principalId)
  scope: app
  properties: {
    roleDefinitionId: role
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
