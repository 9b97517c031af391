// All that a new subscription of VMs needs, in one deployment. policy.bicep has Azure Policy deploy it to each subscription of
// a management group.
targetScope = 'subscription'

@description('The name of the environment, as in main.bicep.')
param environmentName string

@description('Where the deployment and the resource group for events are kept.')
param location string

@description('The principal of the app\'s identity: output DR_APP_PRINCIPAL_ID of main.bicep.')
param principalId string

@description('The principal of the vault\'s identity (DR_VAULT_PRINCIPAL_ID).')
param vaultPrincipalId string

@description('Regions of the VMs, comma-separated: in each a resource group for the cache storage account is made.')
param sourceLocations string

@description('The template of the names of those groups (cacheGroup of DR_NAMES), with {sourceRegion}.')
param cacheGroupTemplate string = 'asr-cache-{sourceRegion}'

@description('Whether DR_MODE is cleanup.')
param cleanup bool = false

@description('Whether Site Recovery may use premium cache accounts.')
param highChurn bool = false

@description('The function app\'s resource ID (DR_APP_ID): its code is there already, since Event Grid asks it first.')
param appId string

@description('The action group that is alerted of events that were not delivered (DR_ACTION_GROUP_ID).')
param actionGroupId string

module rights 'subscription.bicep' = {
  name: 'dr-rights'
  params: {
    environmentName: environmentName
    location: location
    principalId: principalId
    vaultPrincipalId: vaultPrincipalId
    isSource: true
    sourceLocations: sourceLocations
    cacheGroupTemplate: cacheGroupTemplate
    cleanup: cleanup
    highChurn: highChurn
  }
}

// The last one: Azure Policy takes a subscription that has an event subscription for done.
module events 'events.bicep' = {
  name: 'dr-events'
  scope: resourceGroup('rg-${environmentName}-events')
  params: {
    appId: appId
    actionGroupId: actionGroupId
    location: location
  }
  dependsOn: [rights]
}
