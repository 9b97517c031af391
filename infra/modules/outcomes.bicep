// The topic to which the status of each VM is published, for anyone to subscribe to.
import { builtIn } from 'role-list.bicep'

param name string
param location string
param tags object
param principalId string
param assignRoles bool

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  // checkov:skip=CKV_AZURE_193:subscribers and the app come from outside of any network of ours, with tokens
  name: name
  location: location
  tags: tags
  // For deliveries that need one: the queue of messages.bicep takes no keys.
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (assignRoles) {
  name: guid(topic.id, builtIn['EventGrid Data Sender'], principalId)
  scope: topic
  properties: {
    roleDefinitionId: subscriptionResourceId(
      'Microsoft.Authorization/roleDefinitions',
      builtIn['EventGrid Data Sender']
    )
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output endpoint string = topic.properties.endpoint
