// What Event Grid sends to the function, for one subscription of VMs. Deployed to the resource group for events in that
// subscription (hooks/deploy_events.py), once the function exists: Event Grid asks it first.

@description('The function app\'s resource ID.')
param appId string

@description('What is listened to: operations on the subscription\'s resources, or notifications of how resources look.')
@allowed(['operations', 'notifications'])
param source string = 'operations'

@description('A system topic of the subscription that is there already, in this resource group: a source has one at most. Empty: one is made.')
param existingTopicName string = ''

@description('How the function is reached: as a function, or as a webhook where that fails.')
@allowed(['function', 'webhook'])
param destination string = 'function'

@description('For a webhook: its address with the key of the Event Grid extension.')
@secure()
param webhookUrl string = ''

@description('Whether what cannot be delivered is kept in a storage account of its own. See docs/limits.md: it needs keys.')
param deadLetter bool = false

@description('The action group that is alerted of events that were not delivered.')
param actionGroupId string

@description('Region of what is not global.')
param location string = resourceGroup().location

param tags object = {}

var token = uniqueString(resourceGroup().id)
var topicTypes = {
  operations: 'Microsoft.Resources.Subscriptions'
  notifications: 'Microsoft.ResourceNotifications.Resources'
}
var topicName = empty(existingTopicName) ? 'evgst-dr-${source}' : existingTopicName

// Text is compared without regard to case. A hint too many costs a look; one too few costs a VM an hour of protection.
var filters = {
  operations: {
    includedEventTypes: [
      'Microsoft.Resources.ResourceWriteSuccess'
      'Microsoft.Resources.ResourceDeleteSuccess'
      'Microsoft.Resources.ResourceActionSuccess'
    ]
    advancedFilters: [
      {
        operatorType: 'StringIn'
        key: 'data.operationName'
        values: [
          'Microsoft.Compute/virtualMachines/write'
          'Microsoft.Compute/virtualMachines/delete'
          'Microsoft.Compute/virtualMachines/start/action'
          'Microsoft.Resources/tags/write'
          'Microsoft.Resources/tags/delete'
        ]
      }
      {
        operatorType: 'StringContains'
        key: 'subject'
        values: ['/providers/Microsoft.Compute/virtualMachines/']
      }
    ]
  }
  notifications: {
    includedEventTypes: [
      'Microsoft.ResourceNotifications.Resources.CreatedOrUpdated'
      'Microsoft.ResourceNotifications.Resources.Deleted'
    ]
    advancedFilters: [
      {
        operatorType: 'StringIn'
        key: 'data.resourceInfo.type'
        values: ['Microsoft.Compute/virtualMachines']
      }
    ]
  }
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (empty(existingTopicName)) {
  name: topicName
  location: 'global'
  tags: tags
  properties: {
    source: subscription().id
    topicType: topicTypes[source]
  }
}

resource listened 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

module letters 'modules/dead-letters.bicep' = if (deadLetter) {
  name: 'dead-letters'
  params: {
    name: 'stdl${token}'
    location: location
    tags: tags
  }
}

resource events 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: listened
  name: 'on-vm-event'
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: destination == 'function'
      ? {
          endpointType: 'AzureFunction'
          properties: {
            resourceId: '${appId}/functions/on_vm_event'
            maxEventsPerBatch: 1
            preferredBatchSizeInKilobytes: 64
          }
        }
      : {
          endpointType: 'WebHook'
          properties: {
            endpointUrl: webhookUrl
            maxEventsPerBatch: 1
            preferredBatchSizeInKilobytes: 64
            minimumTlsVersionAllowed: '1.2'
          }
        }
    filter: filters[source]
    // A day: what is later than that the sweep has seen long before.
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterDestination: deadLetter
      ? {
          endpointType: 'StorageBlob'
          properties: {
            resourceId: letters.?outputs.accountId ?? ''
            blobContainerName: letters.?outputs.container ?? ''
          }
        }
      : null
  }
  dependsOn: [topic]
}

resource undelivered 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for metric in ['DroppedEventCount', 'DeadLetteredCount']: {
    name: 'dr-${metric}-${topicName}'
    location: 'global'
    tags: tags
    properties: {
      description: 'Event Grid has given up on events for the app. The sweep makes it good; see the runbook: undelivered events.'
      enabled: true
      severity: 3
      scopes: [listened.id]
      evaluationFrequency: 'PT15M'
      windowSize: 'PT1H'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            criterionType: 'StaticThresholdCriterion'
            name: metric
            metricNamespace: 'Microsoft.EventGrid/systemTopics'
            metricName: metric
            operator: 'GreaterThan'
            threshold: 0
            timeAggregation: 'Total'
          }
        ]
      }
      actions: [
        {
          actionGroupId: actionGroupId
        }
      ]
    }
    dependsOn: [topic]
  }
]
