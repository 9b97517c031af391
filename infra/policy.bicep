// Azure Policy for a management group of VMs: each subscription below it, also one that comes later, gets what
// new-subscription.bicep deploys. By hand, by an owner of the management group: docs/scopes.md.
targetScope = 'managementGroup'

import { mayAssignTo } from 'modules/assign-condition.bicep'
import { builtIn } from 'modules/role-list.bicep'

@description('The name of the environment, as in main.bicep.')
param environmentName string

@description('Where the deployments and the identity of the remediation are kept.')
param location string

@description('new-subscription.bicep, as `az bicep build` compiles it.')
param template object

@description('The parameters of that template: each name with its value.')
param values object

@description('Subscriptions and management groups below this one that are left out: IDs.')
param exempt array = []

var name = 'dr-${uniqueString(managementGroup().id, environmentName)}'
var administrator = tenantResourceId(
  'Microsoft.Authorization/roleDefinitions',
  builtIn['Role Based Access Control Administrator']
)

// The rights of the remediation identity: what the template makes, and no more. It writes the app's custom roles, so whoever
// controls this policy controls what those roles allow in these subscriptions.
resource remediates 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, environmentName, 'DR remediation')
  properties: {
    roleName: 'DR remediation (${environmentName}, ${managementGroup().name})'
    description: 'Makes in a new subscription what the app needs there.'
    type: 'CustomRole'
    permissions: [
      {
        actions: [
          'Microsoft.Authorization/roleDefinitions/read'
          'Microsoft.Authorization/roleDefinitions/write'
          'Microsoft.EventGrid/systemTopics/eventSubscriptions/read'
          'Microsoft.EventGrid/systemTopics/eventSubscriptions/write'
          'Microsoft.EventGrid/systemTopics/read'
          'Microsoft.EventGrid/systemTopics/write'
          'Microsoft.Insights/metricAlerts/read'
          'Microsoft.Insights/metricAlerts/write'
          'Microsoft.Resources/deployments/*'
          'Microsoft.Resources/subscriptions/resourceGroups/read'
          'Microsoft.Resources/subscriptions/resourceGroups/write'
        ]
        notActions: []
      }
    ]
    assignableScopes: [managementGroup().id]
  }
}

resource definition 'Microsoft.Authorization/policyDefinitions@2025-01-01' = {
  name: name
  properties: {
    displayName: 'DR: what the app needs in a subscription of VMs (${environmentName})'
    description: 'Deploys roles, cache groups and the event subscription of azure-vm-dr-autoprotect.'
    policyType: 'Custom'
    mode: 'All'
    metadata: {
      category: 'Site Recovery'
    }
    policyRule: {
      if: {
        field: 'type'
        equals: 'Microsoft.Resources/subscriptions'
      }
      then: {
        effect: 'deployIfNotExists'
        details: {
          type: 'Microsoft.EventGrid/systemTopics/eventSubscriptions'
          resourceGroupName: 'rg-${environmentName}-events'
          existenceScope: 'resourceGroup'
          deploymentScope: 'subscription'
          roleDefinitionIds: [remediates.id, administrator]
          deployment: {
            location: location
            properties: {
              mode: 'incremental'
              template: template
              parameters: toObject(
                items(union({ environmentName: environmentName, location: location }, values)),
                each => each.key,
                each => { value: each.value }
              )
            }
          }
        }
      }
    }
  }
}

resource assignment 'Microsoft.Authorization/policyAssignments@2025-01-01' = {
  name: name
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: definition.properties.displayName
    policyDefinitionId: definition.id
    notScopes: exempt
  }
}

resource remediating 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, name, remediates.id)
  properties: {
    roleDefinitionId: remediates.id
    principalId: assignment.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

// It assigns roles to the app's identity and the vault's, to nobody else.
resource assigning 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, name, administrator)
  properties: {
    roleDefinitionId: administrator
    principalId: assignment.identity.principalId
    principalType: 'ServicePrincipal'
    condition: mayAssignTo([values.principalId, values.vaultPrincipalId])
    conditionVersion: '2.0'
  }
}

// Event Grid asks whoever makes an event subscription for the right to write to its destination.
module handler 'modules/handler-access.bicep' = {
  name: 'handler-${name}'
  scope: resourceGroup(split(values.appId, '/')[2], split(values.appId, '/')[4])
  params: {
    appName: last(split(values.appId, '/'))
    principalId: assignment.identity.principalId
  }
}

output remediationPrincipalId string = assignment.identity.principalId
