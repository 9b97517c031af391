// A network for the app, or the subnets that are given, and private endpoints for its storage account.
param token string
param location string
param tags object
param storageAccountId string

@description('That of the app and that of private endpoints; empty: a network is made, and its DNS zones.')
param existingSubnetIds array

// The zones are of the cloud that is deployed to.
var isMade = empty(existingSubnetIds)
var functionsSubnetId = isMade ? '${network.id}/subnets/functions' : existingSubnetIds[0]
var endpointsSubnetId = isMade ? '${network.id}/subnets/endpoints' : existingSubnetIds[1]
var services = ['blob', 'queue', 'table']

resource guard 'Microsoft.Network/networkSecurityGroups@2024-07-01' = if (isMade) {
  name: 'nsg-${token}'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = if (isMade) {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: ['10.240.0.0/24']
    }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: '10.240.0.0/26'
          networkSecurityGroup: {
            id: guard.id
          }
          // What Flex Consumption runs on.
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.240.0.64/27'
          privateEndpointNetworkPolicies: 'Enabled'
          networkSecurityGroup: {
            id: guard.id
          }
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for service in services: if (isMade) {
    name: 'privatelink.${service}.${environment().suffixes.storage}'
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (service, i) in services: if (isMade) {
    parent: zones[i]
    name: 'link-${service}'
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for service in services: {
    name: 'pep-${service}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: endpointsSubnetId
      }
      privateLinkServiceConnections: [
        {
          name: service
          properties: {
            privateLinkServiceId: storageAccountId
            groupIds: [service]
          }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (service, i) in services: if (isMade) {
    parent: endpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: service
          properties: {
            privateDnsZoneId: zones[i].id
          }
        }
      ]
    }
  }
]

// The app has to find its storage by these names from its first start on.
output functionsSubnetId string = functionsSubnetId
output endpointsSubnetId string = endpointsSubnetId
output networkId string = isMade ? network.id : ''
