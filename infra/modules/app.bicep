// The function app on Flex Consumption, its settings and who may call its HTTP triggers.
param token string
param location string
param tags object
param identityId string
param clientId string
param storageName string
param deploymentContainer string
param workspaceId string
param insightsConnectionString string

@description('Where Durable Functions keeps its state.')
@allowed(['storage', 'scheduler'])
param durableBackend string

@description('The endpoint of the Durable Task Scheduler, where it keeps the state.')
param schedulerEndpoint string

param taskHub string

@description('Empty: no network.')
param subnetId string

@description('Whether callers come by a private endpoint only.')
param isPrivate bool

@description('Empty: function keys.')
param authClientId string

@minValue(0)
@maxValue(10)
param alwaysReadyInstances int

@description('The version of Python: one that requirements.txt has the packages for.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string

@description('The app\'s own settings.')
param settings object

// The files of the page, as the app reads them.
var pageFiles = loadJsonContent('../page.json')

// What MSAL.js in the page knows by itself: in China it is another host than the one that Azure names.
var loginEndpoint = replace(
  environment().authentication.loginEndpoint,
  'login.chinacloudapi.cn',
  'login.partner.microsoftonline.cn'
)
var authority = '${loginEndpoint}${tenant().tenantId}'

var blobUri = 'https://${storageName}.blob.${environment().suffixes.storage}'

// Settings override host.json, so that the backend is chosen without another package.
var durable = 'AzureFunctionsJobHost__extensions__durableTask__'
var schedulerSettings = durableBackend == 'storage'
  ? {}
  : {
      DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${clientId}'
      '${durable}storageProvider__type': 'azureManaged'
      '${durable}storageProvider__connectionStringName': 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
    }

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  // checkov:skip=CKV_AZURE_225:zones are not in every region; a missed hour is made good by the next sweep
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_17:callers have tokens or keys; Event Grid has no certificate
  // checkov:skip=CKV_AZURE_78:Flex Consumption has no FTP
  // checkov:skip=CKV_AZURE_212:Flex Consumption scales by itself
  // checkov:skip=CKV_AZURE_213:Flex Consumption has no health check setting
  // checkov:skip=CKV_AZURE_222:Event Grid comes from outside
  name: 'func-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    // Event Grid comes from outside, and without a private endpoint the callers of the HTTP triggers too.
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobUri}/${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        // The least that every region takes: each instance adds calls of its own (docs/benchmarks.md), and Azure Resource
        // Manager's limits are reached long before.
        maximumInstanceCount: 40
        alwaysReady: alwaysReadyInstances == 0
          ? []
          : [
              {
                name: 'durable'
                instanceCount: alwaysReadyInstances
              }
            ]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      ipSecurityRestrictionsDefaultAction: isPrivate ? 'Deny' : null
      ipSecurityRestrictions: isPrivate
        ? [
            {
              name: 'event-grid'
              priority: 100
              action: 'Allow'
              tag: 'ServiceTag'
              ipAddress: 'AzureEventGrid'
            }
          ]
        : null
      // Deployments come with a token, from wherever the pipeline runs.
      scmIpSecurityRestrictionsDefaultAction: isPrivate ? 'Allow' : null
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  // checkov:skip=CKV_AZURE_13:these are the settings; authentication is below, and is optional
  // checkov:skip=CKV_AZURE_63:not this kind of configuration
  // checkov:skip=CKV_AZURE_65:not this kind of configuration
  // checkov:skip=CKV_AZURE_66:not this kind of configuration
  // checkov:skip=CKV_AZURE_80:the app is not one of .NET
  // checkov:skip=CKV_AZURE_88:Flex Consumption mounts no Azure Files
  // checkov:skip=CKV_AZURE_222:not this kind of configuration
  parent: app
  name: 'appsettings'
  properties: union(
    {
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: clientId
      AzureWebJobsStorage__blobServiceUri: blobUri
      AzureWebJobsStorage__queueServiceUri: 'https://${storageName}.queue.${environment().suffixes.storage}'
      AzureWebJobsStorage__tableServiceUri: 'https://${storageName}.table.${environment().suffixes.storage}'
      APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
      AZURE_CLIENT_ID: clientId
      // The root shows no page of the host: the app's own is under /api/ui/.
      AzureWebJobsDisableHomepage: 'true'
      DR_AUTH_CLIENT_ID: authClientId
      DR_AUTH_AUTHORITY: empty(authClientId) ? '' : authority
      '${durable}hubName': taskHub
    },
    schedulerSettings,
    settings
  )
}

// No passwords for deployment: azd and the workflow come with tokens.
resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource authentication 'Microsoft.Web/sites/config@2024-11-01' = if (!empty(authClientId)) {
  // checkov:skip=CKV_AZURE_13:this is the authentication
  // checkov:skip=CKV_AZURE_63:not this kind of configuration
  // checkov:skip=CKV_AZURE_65:not this kind of configuration
  // checkov:skip=CKV_AZURE_66:not this kind of configuration
  // checkov:skip=CKV_AZURE_80:the app is not one of .NET
  // checkov:skip=CKV_AZURE_88:Flex Consumption mounts no Azure Files
  // checkov:skip=CKV_AZURE_222:not this kind of configuration
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      // Event Grid comes with a key of the extension, and with no token. The page's files hold no data; they are named one
      // by one, because no source says what a wildcard does here.
      excludedPaths: concat(
        ['/runtime/webhooks/eventgrid', '/runtime/webhooks/EventGrid', '/api/ui', '/api/ui/'],
        map(pageFiles, file => '/api/ui/${file}')
      )
    }
    httpSettings: {
      requireHttps: true
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: authClientId
          openIdIssuer: '${authority}/v2.0'
        }
        validation: {
          allowedAudiences: [authClientId, 'api://${authClientId}']
        }
      }
    }
  }
}

// What the platform and the host log, also where the app does not start and so sends no telemetry itself.
resource hostLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'host'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

output id string = app.id
output url string = 'https://${app.properties.defaultHostName}'
