// Recipes that bring the app's messages (docs/messages.md) to people. Deployed by hand to the app's resource group, with outcomeTopic=true.
// The address of a webhook is a secret, so it is in no output, and in no environment of azd.

import { builtIn } from 'modules/role-list.bicep'

@description('Which: teams, slack, webhook, serviceNow. They are told apart from their addresses so that a preview shows what is made.')
param recipes ('teams' | 'slack' | 'webhook' | 'serviceNow')[]

@description('The topic of the outcomes, in this resource group: evgt-...')
param topicName string

@description('Teams: the address of a workflow "When a Teams webhook request is received" of the channel.')
@secure()
param teamsWebhookUrl string = ''

@description('Slack: the address of an incoming webhook.')
@secure()
param slackWebhookUrl string = ''

@description('Any other receiver of CloudEvents 1.0, which answers the OPTIONS request of their abuse protection.')
@secure()
param webhookUrl string = ''

@description('ServiceNow: the address of its endpoint for Azure alerts, which takes tokens of Microsoft Entra ID.')
@secure()
param serviceNowUrl string = ''

@description('ServiceNow: the object ID of its Entra application, and the identifier URI that tokens are requested for.')
param serviceNowObjectId string = ''
param serviceNowIdentifierUri string = ''

@description('Minutes until a message is read from the queue, at most. Each look costs.')
@minValue(1)
param pollMinutes int = 5

@description('Whether roles are assigned by this deployment.')
param assignRoles bool = true

param location string = resourceGroup().location
param tags object = {}

var token = uniqueString(resourceGroup().id)
var hasTeams = contains(recipes, 'teams')
var hasSlack = contains(recipes, 'slack')
var hasWorkflow = hasTeams || hasSlack
var sends = builtIn['Azure Service Bus Data Sender']
var receives = builtIn['Azure Service Bus Data Receiver']
var filter = {
  includedEventTypes: [
    'AzureVmDr.CauseFailed'
    'AzureVmDr.CauseUnhealthy'
    'AzureVmDr.CauseNotRecoverable'
    'AzureVmDr.CauseResolved'
    'AzureVmDr.Drilled'
    'AzureVmDr.Digest'
  ]
}
var retries = {
  maxDeliveryAttempts: 30
  eventTimeToLiveInMinutes: 1440
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource webhook 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = if (contains(recipes, 'webhook')) {
  parent: topic
  name: 'webhook'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: webhookUrl
        minimumTlsVersionAllowed: '1.2'
      }
    }
    filter: filter
    retryPolicy: retries
  }
}

// Event Grid asks a webhook for CloudEvents by an OPTIONS request, which no trigger of a workflow answers: so a queue is between the two.
resource bus 'Microsoft.ServiceBus/namespaces@2026-01-01' = if (hasWorkflow) {
  name: 'sb-dr-${token}'
  location: location
  tags: tags
  sku: {
    name: 'Basic'
    tier: 'Basic'
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2026-01-01' = if (hasWorkflow) {
  parent: bus
  name: 'messages'
  properties: {
    defaultMessageTimeToLive: 'P1D'
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasWorkflow && assignRoles) {
  name: guid(queue.id, sends, topic.id)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sends)
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

resource queued 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = if (hasWorkflow) {
  parent: topic
  name: 'messages'
  properties: {
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'ServiceBusQueue'
        properties: {
          resourceId: queue.id
        }
      }
    }
    filter: filter
    retryPolicy: retries
  }
  dependsOn: [sender]
}

resource connection 'Microsoft.Web/connections@2016-06-01' = if (hasWorkflow) {
  name: 'con-dr-${token}'
  location: location
  tags: tags
  properties: {
    displayName: 'messages of dr'
    api: {
      id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'servicebus')
    }
    // By the identity of the workflow. The published type does not have it.
    #disable-next-line BCP089
    parameterValueSet: {
      name: 'managedIdentityAuth'
      values: {
        namespaceEndpoint: {
          value: 'sb://sb-dr-${token}.servicebus.windows.net/'
        }
      }
    }
  }
}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = if (hasWorkflow) {
  name: 'logic-dr-${token}'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    definition: {
      '$schema': 'https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#'
      contentVersion: '1.0.0.0'
      parameters: {
        '$connections': {
          type: 'Object'
          defaultValue: {}
        }
        teams: {
          type: 'SecureString'
        }
        slack: {
          type: 'SecureString'
        }
      }
      triggers: {
        Messages: {
          type: 'ApiConnection'
          recurrence: {
            frequency: 'Minute'
            interval: pollMinutes
          }
          splitOn: '@triggerBody()'
          inputs: {
            host: {
              connection: {
                name: '@parameters(\'$connections\')[\'servicebus\'][\'connectionId\']'
              }
            }
            method: 'get'
            path: '/@{encodeURIComponent(encodeURIComponent(\'messages\'))}/messages/batch/head'
            queries: {
              maxMessageCount: 20
              queueType: 'Main'
            }
          }
        }
      }
      actions: union(
        {
          Event: {
            type: 'Compose'
            inputs: '@json(base64ToString(triggerBody()?[\'ContentData\']))'
            runAfter: {}
          }
          Names: {
            type: 'Select'
            inputs: {
              from: '@take(coalesce(outputs(\'Event\')?[\'data\']?[\'vms\'], json(\'[]\')), 10)'
              select: '@last(split(item()?[\'vmId\'], \'/\'))'
            }
            runAfter: {
              Event: ['Succeeded']
            }
          }
        },
        hasTeams ? { Teams: post('teams', loadJsonContent('message-card.json')) } : {},
        hasSlack ? { Slack: post('slack', loadJsonContent('message-blocks.json')) } : {}
      )
    }
    parameters: {
      '$connections': {
        value: {
          servicebus: {
            id: subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'servicebus')
            connectionId: connection.id
            connectionName: connection.name
            connectionProperties: {
              authentication: {
                type: 'ManagedServiceIdentity'
              }
            }
          }
        }
      }
      teams: {
        value: teamsWebhookUrl
      }
      slack: {
        value: slackWebhookUrl
      }
    }
  }
}

resource receiver 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasWorkflow && assignRoles) {
  name: guid(queue.id, receives, workflow.id)
  scope: queue
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', receives)
    principalId: workflow!.identity.principalId
    principalType: 'ServicePrincipal'
  }
}

// Alerts, not messages: they open an incident, and close it when they clear.
resource serviceNow 'Microsoft.Insights/actionGroups@2023-01-01' = if (contains(recipes, 'serviceNow')) {
  name: 'ag-dr-servicenow-${token}'
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'dr-itsm'
    enabled: true
    webhookReceivers: [
      {
        name: 'servicenow'
        serviceUri: serviceNowUrl
        useAadAuth: true
        objectId: serviceNowObjectId
        identifierUri: serviceNowIdentifierUri
        tenantId: tenant().tenantId
        useCommonAlertSchema: true
      }
    ]
  }
}

resource routing 'Microsoft.AlertsManagement/actionRules@2021-08-08' = if (contains(recipes, 'serviceNow')) {
  name: 'apr-dr-servicenow-${token}'
  location: 'Global'
  tags: tags
  properties: {
    description: 'The app\'s own alerts go to ServiceNow, too.'
    enabled: true
    scopes: [resourceGroup().id]
    actions: [
      {
        actionType: 'AddActionGroups'
        actionGroupIds: [serviceNow.id]
      }
    ]
  }
}

@description('A request whose address and body are not in the history of the workflow.')
func post(parameter string, body object) object => {
  type: 'Http'
  inputs: {
    method: 'POST'
    uri: '@parameters(\'${parameter}\')'
    headers: {
      'Content-Type': 'application/json'
    }
    body: body
    // The message is out of the queue by now: an outage of the receiver of some hours loses none.
    retryPolicy: {
      type: 'exponential'
      count: 20
      interval: 'PT1M'
      minimumInterval: 'PT1M'
      maximumInterval: 'PT30M'
    }
  }
  runAfter: {
    Names: ['Succeeded']
  }
  runtimeConfiguration: {
    secureData: {
      properties: ['inputs']
    }
  }
}
