// Durable Task Scheduler: the other place where Durable Functions may keep its state.
import { builtIn } from 'role-list.bicep'

param name string
param location string
param tags object
param taskHub string
param principalId string
param assignRoles bool

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // Flex Consumption has no fixed addresses; whoever comes in needs a token of the role below.
    ipAllowlist: ['0.0.0.0/0']
    sku: {
      name: 'Consumption'
    }
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = {
  parent: scheduler
  name: taskHub
}

resource contributor 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (assignRoles) {
  name: guid(hub.id, builtIn['Durable Task Data Contributor'], principalId)
  scope: hub
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      builtIn['Durable Task Data Contributor']
    )
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output endpoint string = scheduler.properties.endpoint
